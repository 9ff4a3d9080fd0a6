"""The band of a matrix in LAPACK's storage."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from skstruct.linalg.systems._problem import LinearSystem


def band_of(problem: LinearSystem, extra_rows: int = 0) -> np.ndarray:
    """Return the band of A, in the order in which it is narrow, as LAPACK stores it.

    Parameters
    ----------
    problem : LinearSystem
        With known bandwidths l and u.
    extra_rows : int
        Rows of zeros above the band, for the fill of a factorisation with pivoting.

    Returns
    -------
    ndarray of shape (extra_rows + u + 1 + l, n)
        Row ``extra_rows + u + i - j`` holds the entries (i, j). In Fortran's order.
    """
    below, above = problem.structure.bandwidths
    n, top = problem.structure.n, extra_rows + above
    band = np.zeros((top + 1 + below, n), dtype=problem.structure.dtype, order="F")
    if sparse.issparse(problem.matrix):
        entries = problem.matrix.tocoo()
        i, j = entries.coords
        if problem.reordering is not None:
            i, j = np.argsort(problem.reordering.rows)[i], np.argsort(problem.reordering.columns)[j]
        band[top + i - j, j] = entries.data
        return band
    for offset in range(-below, above + 1):
        diagonal = np.diagonal(problem.matrix, offset)
        start = max(offset, 0)
        band[top - offset, start : start + len(diagonal)] = diagonal
    return band
