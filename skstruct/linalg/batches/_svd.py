"""Singular value decompositions, thousands of small ones in one call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skstruct.linalg.batches._interleaved import pays, run_kernel
from skstruct.linalg.batches._jacobi_svd import jacobi_svd
from skstruct.linalg.batches._stacked import run_stacked
from skstruct.linalg.batches._stacks import flattened, matrices, require_finite

# Interleaved up to this shorter side; complex matrices are for LAPACK. numpy's time over ours on
# one thread, shorter sides 2, 3, 4, 5, 6, 8: float64 12, 5, 2.4, 2.1, 1.3, 0.8; float32 26, 11, 6,
# 4.3, 2.9, 1.5.
INTERLEAVED_SIDE = {"f": 8, "d": 5, "F": 0, "D": 0}
# And up to this many times it for the longer side, which every rotation passes over: 5 x 15 1.4,
# 6 x 18 0.9.
INTERLEAVED_ASPECT = 3


class SVDs(NamedTuple):
    """Factors of every slice: U of shape (..., m, r), S (..., r), Vh (..., r, n), r = min(m, n)."""

    U: np.ndarray
    S: np.ndarray
    Vh: np.ndarray


def batched_svd(a: object) -> SVDs:
    """Return the thin singular value decomposition A = U diag(S) Vh of every matrix of a stack.

    Real matrices with a side up to 5 (in float64) are computed by one-sided Jacobi rotations for
    thousands at once: the reconstruction and the orthogonality of U and V are exact to some units
    of rounding, as from LAPACK, which computes the others on blocks of slices in threads.

    Parameters
    ----------
    a : array-like of shape (..., m, n)
        The matrices.

    Returns
    -------
    U : ndarray of shape (..., m, min(m, n))
        Left singular vectors, in the columns.
    S : ndarray of shape (..., min(m, n))
        Singular values, in descending order.
    Vh : ndarray of shape (..., min(m, n), n)
        Right singular vectors, in the rows.

    Raises
    ------
    ValueError
        NaN or infinity.

    References
    ----------
    J. Demmel and K. Veselic, "Jacobi's method is more accurate than QR", SIAM J. Matrix Anal. Appl.
    13 (1992).

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import batched_svd
    >>> batched_svd(np.array([[[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]]])).S
    array([[4., 3.]])
    """
    a = matrices("a", a)
    batch, (n_rows, n_columns) = a.shape[:-2], a.shape[-2:]
    side = min(n_rows, n_columns)
    stack = flattened(a)
    if not stack.size:
        return SVDs(
            np.zeros((*batch, n_rows, side), a.dtype),
            np.zeros((*batch, side), a.real.dtype),
            np.zeros((*batch, side, n_columns), a.dtype),
        )
    if (
        side <= INTERLEAVED_SIDE[a.dtype.char]
        and max(n_rows, n_columns) <= INTERLEAVED_ASPECT * side
        and pays(stack)
    ):
        U, S, Vh = _by_rotations(stack, batch)
    else:
        require_finite("a", stack, np.arange(len(stack)), batch)
        U, S, Vh = run_stacked(_by_lapack, (stack,), 20 * side**2 * max(n_rows, n_columns))
    return SVDs(
        U.reshape(*batch, n_rows, side),
        S.reshape(*batch, side),
        Vh.reshape(*batch, side, n_columns),
    )


def _by_rotations(stack: np.ndarray, batch: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if stack.shape[1] < stack.shape[2]:
        U, S, Vh = _by_rotations(stack.transpose(0, 2, 1), batch)
        return Vh.transpose(0, 2, 1), S, U.transpose(0, 2, 1)
    length, n_rows, n_columns = stack.shape
    U, Vh = np.empty_like(stack, order="C"), np.empty((length, n_columns, n_columns), stack.dtype)
    S, reliable = np.empty((length, n_columns, 1), stack.dtype), np.empty((length, 1, 1), bool)
    run_kernel(jacobi_svd(n_rows, n_columns, stack.dtype), (stack,), (U, S, Vh, reliable))
    S, left_over = S[..., 0], np.flatnonzero(~reliable[:, 0, 0])
    if len(left_over):
        require_finite("a", stack[left_over], left_over, batch)
        U[left_over], S[left_over], Vh[left_over] = _by_lapack(stack[left_over])
    return U, S, Vh


def _by_lapack(stack: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.linalg.svd(stack, full_matrices=False)
