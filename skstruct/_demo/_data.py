"""Real data that every installation has."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.datasets import load_sample_image
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

LINES_PER_DOCUMENT = 40
PATCH = 8


def photographs() -> list[np.ndarray] | None:
    """Return the two photographs that scikit-learn carries; None without Pillow.

    They are JPEG files, which none of the required packages can read.
    """
    try:
        return [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    except ImportError:
        return None


def patches_of(image: np.ndarray, step: int = 2) -> np.ndarray:
    """Return the 8 x 8 colour patches of an image, one a row."""
    patches = np.lib.stride_tricks.sliding_window_view(image, (PATCH, PATCH), axis=(0, 1))
    patches = patches[::step, ::step]
    return patches.reshape(patches.shape[0] * patches.shape[1], -1).astype(np.float64)


def lines_of(images: list[np.ndarray]) -> np.ndarray:
    """Return images of one width, one line of pixels a row."""
    return np.vstack([image.reshape(len(image), -1) for image in images]).astype(np.float64)


def library_counts(max_documents: int) -> tuple[sparse.csr_array, np.ndarray]:
    """Return the word counts of pieces of Python's standard library, and their lengths.

    Each document is 40 lines of a source file; the target is the logarithm of its number of
    characters, standardised.
    """
    documents = []
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).rglob("*.py")):
        if "site-packages" in path.parts or "dist-packages" in path.parts:
            continue
        lines = path.read_text("utf-8", errors="ignore").splitlines()
        starts = range(0, len(lines), LINES_PER_DOCUMENT)
        documents += ["\n".join(lines[i : i + LINES_PER_DOCUMENT]) for i in starts]
    if len(documents) > max_documents:  # evenly, so that every package is represented
        documents = documents[:: -(-len(documents) // max_documents)]
    counts = CountVectorizer(min_df=2, dtype=np.float64).fit_transform(documents)
    lengths = np.log1p([len(document) for document in documents])
    return sparse.csr_array(counts), (lengths - lengths.mean()) / lengths.std()


def tfidf(counts: sparse.csr_array) -> sparse.csr_array:
    """Return the TF-IDF weights of word counts."""
    return sparse.csr_array(TfidfTransformer().fit_transform(counts))


def most_frequent(counts: sparse.csr_array, n_words: int) -> sparse.csr_array:
    """Return the columns of the words that occur most often."""
    order = np.argsort(-np.asarray(counts.sum(axis=0)).ravel(), kind="stable")
    return sparse.csr_array(counts.tocsc()[:, np.sort(order[:n_words])])
