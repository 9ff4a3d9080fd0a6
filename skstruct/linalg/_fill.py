"""How wide and how full the factors of a sparse matrix are, estimated from its band."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee

# Entries of a Cholesky factor in an order of minimum degree, from the bandwidth b after reverse
# Cuthill-McKee: the profile, or 8 b^2 + 1.5 p log2 p if that is less. Grids of 100^2, 300^2 and
# 700^2: 0.19, 2.5 and 17 million; estimated 0.28, 2.9 and 18 million.
SEPARATOR_FILL = 8.0
RECURSIVE_FILL = 1.5


def band_order(pattern: sparse.csr_array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the reverse Cuthill-McKee order, and how far each row then reaches.

    Parameters
    ----------
    pattern : csr_array of shape (p, p)
        With a symmetric pattern of nonzeros.

    Returns
    -------
    order : ndarray of shape (p,)
        ``pattern[order][:, order]`` has a small bandwidth.
    below, above : ndarray of shape (p,)
        Reach of each row of it to the left and to the right of the diagonal.
    """
    order = reverse_cuthill_mckee(pattern, symmetric_mode=True)
    return order, *reach(pattern, order)


def reach(pattern: sparse.csr_array, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how far each row reaches left and right of the diagonal in an order of both."""
    p = pattern.shape[0]
    place = np.empty(p, dtype=np.int64)
    place[order] = np.arange(p)
    (filled,) = np.nonzero(np.diff(pattern.indptr))
    first, last = place.copy(), place.copy()
    if len(filled):
        others, starts = place[pattern.indices], pattern.indptr[filled]
        first[filled] = np.minimum(place[filled], np.minimum.reduceat(others, starts))
        last[filled] = np.maximum(place[filled], np.maximum.reduceat(others, starts))
    below, above = np.empty((2, p), dtype=np.int64)
    below[place], above[place] = place - first, last - place
    return below, above


def factor_entries(below: np.ndarray) -> float:
    """Estimate the entries of a triangular factor, given the reach of the rows."""
    p, band = len(below), float(below.max(initial=0))
    recursive = SEPARATOR_FILL * band**2 + RECURSIVE_FILL * p * np.log2(max(p, 2))
    return float(p + min(below.sum(dtype=np.float64), recursive))
