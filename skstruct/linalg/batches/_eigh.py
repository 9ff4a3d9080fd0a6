"""Eigenpairs of Hermitian matrices, thousands of small ones in one call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skstruct.linalg.batches._interleaved import pays, run_kernel
from skstruct.linalg.batches._jacobi_eigh import jacobi_eigh
from skstruct.linalg.batches._stacked import run_stacked
from skstruct.linalg.batches._stacks import flattened, require_finite, square

# Interleaved up to this order; complex matrices are for LAPACK. numpy's time over ours on one
# thread, orders 2, 3, 4, 5, 6, 8: float64 8.5, 4.4, 2.3, 1.5, 1.3, 0.8; float32 23, 10, 5, 4, 2.2,
# 1.2.
INTERLEAVED_ORDER = {"f": 8, "d": 6, "F": 0, "D": 0}


class Eigenpairs(NamedTuple):
    """Eigenvalues in ascending order, and eigenvectors in the columns."""

    eigenvalues: np.ndarray
    eigenvectors: np.ndarray


def batched_eigh(a: object) -> Eigenpairs:
    """Return the eigenpairs A = V diag(w) V^H of every matrix of a stack.

    Real orders up to 6 (in float64) are computed by Jacobi rotations for thousands of matrices at
    once: ||A V - V diag(w)|| and ||V^H V - I|| are some units of rounding, as from LAPACK, which
    computes the others on blocks of slices in threads.

    Parameters
    ----------
    a : array-like of shape (..., n, n)
        Symmetric or Hermitian matrices; the lower triangles are read.

    Returns
    -------
    eigenvalues : ndarray of shape (..., n)
        In ascending order, real.
    eigenvectors : ndarray of shape (..., n, n)
        Orthonormal, in the columns.

    Raises
    ------
    ValueError
        Matrices that are not square, NaN or infinity.

    References
    ----------
    G. H. Golub and C. F. Van Loan, *Matrix Computations*, 4th ed., 2013, section 8.5;
    H. Rutishauser, "The Jacobi method for real symmetric matrices", Numer. Math. 9 (1966).

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import batched_eigh
    >>> batched_eigh(np.array([[[2.0, 1.0], [1.0, 2.0]], [[5.0, 0.0], [0.0, 4.0]]])).eigenvalues
    array([[1., 3.],
           [4., 5.]])
    """
    a = square("a", a)
    batch, order = a.shape[:-2], a.shape[-1]
    stack = flattened(a)
    if not stack.size:
        return Eigenpairs(np.zeros(a.shape[:-1], a.real.dtype), np.zeros(a.shape, a.dtype))
    if order <= INTERLEAVED_ORDER[a.dtype.char] and pays(stack):
        values, vectors = np.empty((len(stack), order, 1), a.dtype), np.empty_like(stack)
        done = np.empty((len(stack), 1, 1), bool)
        run_kernel(jacobi_eigh(order, a.dtype), (stack,), (values, vectors, done))
        values = values[..., 0]
        left_over = np.flatnonzero(~done[:, 0, 0] | ~np.isfinite(values[:, 0]))
        if len(left_over):
            require_finite("a", np.tril(stack[left_over]), left_over, batch)
            values[left_over], vectors[left_over] = np.linalg.eigh(stack[left_over])
    else:
        require_finite("a", stack, np.arange(len(stack)), batch)
        values, vectors = run_stacked(np.linalg.eigh, (stack,), 9 * order**3)
    return Eigenpairs(values.reshape(a.shape[:-1]), vectors.reshape(a.shape))
