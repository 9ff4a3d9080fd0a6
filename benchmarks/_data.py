"""Matrices with known kinds of spectra, and the text of Python's standard library."""

import sysconfig
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

from skstruct._demo._data import library_counts, tfidf

__all__ = ["SPECTRA", "library_counts", "library_rows", "matrix", "slow_spectrum", "tfidf"]

SPECTRA = ("noise", "decay", "low rank")


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


def library_rows(least: int) -> sparse.csr_array:
    """Return the TF-IDF weights of Python's standard library in pieces of a few lines.

    The longest pieces of which there are at least so many; those without a word are left out, and
    every word counts.
    """
    files = [
        path.read_text("utf-8", errors="ignore").splitlines()
        for path in sorted(Path(sysconfig.get_paths()["stdlib"]).rglob("*.py"))
        if {"site-packages", "dist-packages"}.isdisjoint(path.parts)
    ]
    for n_lines in (40, 20, 10, 8, 6, 5, 4, 3, 2, 1):
        pieces = [
            "\n".join(lines[start : start + n_lines])
            for lines in files
            for start in range(0, len(lines), n_lines)
        ]
        if len(pieces) < least:
            continue
        counts = sparse.csr_array(CountVectorizer(dtype=np.float64).fit_transform(pieces))
        counts = counts[np.diff(counts.indptr) > 0]
        if counts.shape[0] >= least:
            return tfidf(counts)
    raise ValueError(f"the standard library has no {least} lines")


def slow_spectrum(n: int, p: int, power: float = 0.5, seed: int = 0) -> np.ndarray:
    """Return a matrix with singular values i^-power and random singular vectors."""
    rng = np.random.default_rng(seed)
    k = min(n, p)
    left = np.linalg.qr(rng.standard_normal((n, k)))[0]
    right = np.linalg.qr(rng.standard_normal((p, k)))[0]
    return (left * np.arange(1, k + 1.0) ** -power) @ right.T
