"""Matrices with known kinds of spectra, and the text of Python's standard library."""

import numpy as np

from skstruct._demo._data import library_counts, tfidf

__all__ = ["SPECTRA", "library_counts", "matrix", "tfidf"]

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
