"""Matrices with known kinds of spectra, text of two corpora, and other sparse designs.

The text is that of Python's standard library, and of four English translations of the Bible: texts
in the public domain, in packages named pythonbible-*.
"""

import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

from skstruct._demo._data import library_counts, tfidf

__all__ = [
    "SPECTRA",
    "TARGETS",
    "Text",
    "badly_scaled",
    "differences",
    "library_counts",
    "library_files",
    "library_rows",
    "library_text",
    "matrix",
    "one_hot",
    "slow_spectrum",
    "tfidf",
    "verses",
]

SPECTRA = ("noise", "decay", "low rank")
TRANSLATIONS = ("asv", "dar", "kjv", "web")

# What is known of every piece of text; shares are among its characters.
TARGETS = (
    "position",
    "characters",
    "words",
    "capitals",
    "vowels",
    "punctuation",
    "blanks",
    "letters",
)


def matrix(n: int, p: int, spectrum: str, seed: int = 0) -> np.ndarray:
    """Return an n x p matrix with an offset in every column.

    "noise": independent normal entries. "decay": singular values falling like 1/sqrt(i). "low
    rank": 30 strong directions and noise a hundredth of them.
    """
    rng = np.random.default_rng(seed)
    if spectrum == "noise":
        X = rng.standard_normal((n, p))
    else:
        rank, power, noise = (min(n, p, 400), 0.5, 0.02) if spectrum == "decay" else (30, 0.2, 0.01)
        scales = np.arange(1, rank + 1.0) ** -power
        X = (rng.standard_normal((n, rank)) * scales) @ rng.standard_normal((rank, p))
        X += noise * rng.standard_normal((n, p))
    X += rng.standard_normal(p)
    return X


@dataclass(frozen=True)
class Text:
    """TF-IDF weights of pieces of text and, in columns of unit variance, their `TARGETS`."""

    X: sparse.csr_array
    targets: np.ndarray


def library_rows(least: int) -> sparse.csr_array:
    """Return the TF-IDF weights of Python's standard library in pieces of a few lines.

    The longest pieces of which there are at least so many; those without a word are left out, and
    every word counts.
    """
    return library_text(least).X


def library_text(least: int) -> Text:
    """Return the same with the targets; their position is that in the file."""
    files = [text.splitlines() for text in _library()]
    for n_lines in (40, 20, 10, 8, 6, 5, 4, 3, 2, 1):
        if sum(-(-len(lines) // n_lines) for lines in files) < least:
            continue
        pieces, positions = [], []
        for lines in files:
            starts = range(0, len(lines), n_lines)
            pieces += ["\n".join(lines[start : start + n_lines]) for start in starts]
            positions += [start / len(lines) for start in starts]
        text = _text(pieces, positions)
        if text.X.shape[0] >= least:
            return text
    raise ValueError(f"the standard library has no {least} lines")


def library_files() -> Text:
    """Return the weights of whole files of the standard library; the position is in its order."""
    files = list(_library())
    return _text(files, np.arange(len(files)))


def verses(translations: Iterable[str] = TRANSLATIONS, *, pairs: bool = False) -> Text:
    """Return the weights of the verses of the Bible; the position is that in the book.

    With `pairs` those of pairs of adjacent words, too, of all that occur twice.
    """
    pieces, positions = [], []
    for name in translations:
        module = import_module(f"pythonbible_{name}.plain_text_readers_bible")
        text, starts = module.bible.scripture_content, module.bible.verse_start_indices.values()
        bounds = [*sorted(starts), len(text)]
        pieces += [text[start:end] for start, end in pairwise(bounds)]
        positions += [start / len(text) for start in bounds[:-1]]
    return _text(pieces, positions, **({"ngram_range": (1, 2), "min_df": 2} if pairs else {}))


def _library() -> Iterable[str]:
    """Yield the text of the files of Python's standard library."""
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).rglob("*.py")):
        if {"site-packages", "dist-packages"}.isdisjoint(path.parts):
            yield path.read_text("utf-8", errors="ignore")


def _text(pieces: list[str], positions: Iterable[float], **options: object) -> Text:
    """Count the words of pieces, leave out those without any, and look at their characters."""
    counts = CountVectorizer(dtype=np.float64, **options).fit_transform(pieces)
    counts = sparse.csr_array(counts)
    (some,) = np.nonzero(np.diff(counts.indptr))
    counts = counts[some]
    pieces = [pieces[i] for i in some]
    lengths = np.array([len(piece) for piece in pieces])
    codes = np.frombuffer("".join(pieces).encode("latin-1", "replace"), dtype=np.uint8)
    starts = np.cumsum(lengths) - lengths
    characters = [chr(code) for code in range(256)]
    kinds = (
        str.isupper,
        lambda c: c in "aeiou",
        lambda c: c.isprintable() and not c.isalnum() and c != " ",
        str.isspace,
        str.isalpha,
    )
    tables = [np.array([float(is_one(c)) for c in characters]) for is_one in kinds]
    shares = [np.add.reduceat(table[codes], starts) / lengths for table in tables]
    words = counts.sum(axis=1)
    targets = np.column_stack(
        [np.asarray(positions)[some], np.log(lengths), np.log(words), *shares]
    )
    return Text(tfidf(counts), (targets - targets.mean(axis=0)) / targets.std(axis=0))


def one_hot(n: int, n_levels: tuple[int, ...], seed: int = 0) -> sparse.csr_array:
    """Return indicators of categories whose levels are as frequent as words: by 1 / rank."""
    rng = np.random.default_rng(seed)
    first = np.cumsum(n_levels) - n_levels
    columns = np.empty((n, len(n_levels)), dtype=np.int32)
    for i, count in enumerate(n_levels):
        share = np.cumsum(1.0 / np.arange(1, count + 1))
        levels = np.searchsorted(share, rng.random(n) * share[-1])
        columns[:, i] = first[i] + rng.permutation(count)[levels]
    ends = np.arange(0, columns.size + 1, len(n_levels), dtype=np.int32)
    return sparse.csr_array(
        (np.ones(columns.size), columns.ravel(), ends), shape=(n, sum(n_levels))
    )


def differences(m: int) -> sparse.csr_array:
    """Return what takes the values on an m x m grid to the differences between neighbours."""
    one = sparse.diags_array([-np.ones(m), np.ones(m - 1)], offsets=[0, 1], shape=(m - 1, m))
    same = sparse.eye_array(m)
    return sparse.csr_array(sparse.vstack([sparse.kron(one, same), sparse.kron(same, one)]))


def badly_scaled(X: sparse.csr_array, decades: float, seed: int = 0) -> sparse.csr_array:
    """Return X with columns in units that differ by up to so many powers of ten."""
    powers = np.random.default_rng(seed).uniform(-decades / 2, decades / 2, X.shape[1])
    return sparse.csr_array(X @ sparse.diags_array(10.0**powers))


def slow_spectrum(n: int, p: int, power: float = 0.5, seed: int = 0) -> np.ndarray:
    """Return a matrix with singular values i^-power and random singular vectors."""
    rng = np.random.default_rng(seed)
    k = min(n, p)
    left = np.linalg.qr(rng.standard_normal((n, k)))[0]
    right = np.linalg.qr(rng.standard_normal((p, k)))[0]
    return (left * np.arange(1, k + 1.0) ** -power) @ right.T
