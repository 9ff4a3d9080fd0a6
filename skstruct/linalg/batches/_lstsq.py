"""Least squares, thousands of small problems in one call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skstruct.linalg.batches._stacks import matrices, right_hand_sides
from skstruct.linalg.batches._svd import batched_svd


@dataclass(frozen=True)
class BatchedLeastSquares:
    """What :func:`batched_lstsq` returns.

    Attributes
    ----------
    x : ndarray of shape (..., n) or (..., n, k)
        The solutions.
    rank : ndarray of int of shape (...)
        How many directions the data of each slice determine.
    singular_values : ndarray of shape (..., min(m, n))
        Singular values of every matrix, in descending order.
    """

    x: np.ndarray
    rank: np.ndarray
    singular_values: np.ndarray


def batched_lstsq(a: object, b: object, *, rcond: float | None = None) -> BatchedLeastSquares:
    """Minimise ||B - A X||_F for every matrix of a stack; of several minima, find the shortest X.

    X = V diag(1 / s_i) U^H B over the singular values s_i > rcond s_1, from :func:`batched_svd`.

    Parameters
    ----------
    a : array-like of shape (..., m, n)
        The matrices, with more, as many or fewer rows than columns.
    b : array-like of shape (m,) or (..., m, k)
        The right-hand sides. Leading dimensions are broadcast against those of `a`; one vector per
        matrix is ``b[..., None]``.
    rcond : float, default=None
        Singular values up to this fraction of the largest one count as zero. None means the
        precision of the data times max(m, n), as in :func:`numpy.linalg.lstsq`.

    Returns
    -------
    BatchedLeastSquares
        The solutions ``x``, the ``rank`` of every slice and its ``singular_values``. Where the rank
        is less than n the solution is one of many.

    Raises
    ------
    ValueError
        Shapes that do not match, NaN or infinity, a negative `rcond`.

    References
    ----------
    G. H. Golub and C. F. Van Loan, *Matrix Computations*, 4th ed., 2013, section 5.5.

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import batched_lstsq
    >>> a = np.array([[[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]])
    >>> fit = batched_lstsq(a, np.array([1.0, 3.0, 5.0]))
    >>> fit.x.round(12)
    array([[1. , 2. ],
           [1.5, 1.5]])
    >>> fit.rank
    array([2, 1])
    """
    a = matrices("a", a)
    vectors = np.ndim(b) == 1
    b = right_hand_sides(b, a)
    a = matrices("a", a, b)
    if rcond is None:
        rcond = np.finfo(a.dtype).eps * max(a.shape[-2:])
    if np.isnan(rcond) or rcond < 0:
        raise ValueError(f"rcond must be at least zero, got {rcond!r}")
    if not np.isfinite(b).all():
        raise ValueError("b contains NaN or infinity")
    U, values, Vh = batched_svd(a)
    kept = values > rcond * values[..., :1]
    inverse = np.divide(1, values, out=np.zeros_like(values), where=kept)
    coordinates = inverse[..., None] * (np.conj(np.swapaxes(U, -1, -2)) @ b)
    x = np.conj(np.swapaxes(Vh, -1, -2)) @ coordinates
    return BatchedLeastSquares(x[..., 0] if vectors else x, kept.sum(axis=-1), values)
