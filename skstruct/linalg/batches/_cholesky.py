"""Cholesky factors, thousands of small ones in one call."""

from __future__ import annotations

import numpy as np

from skstruct.linalg.batches._cholesky_kernel import cholesky_kernel
from skstruct.linalg.batches._failures import Failures, require_policy
from skstruct.linalg.batches._interleaved import pays, run_kernel
from skstruct.linalg.batches._stacked import run_stacked
from skstruct.linalg.batches._stacks import all_finite, flattened, require_finite, square

# Interleaved up to this order. numpy's time over ours on one thread, orders 2, 3, 4, 5, 6, 8:
# float64 4.4, 3, 1.9, 2, 1.1, 0.7; float32 6.3, 6.6, 6.1, 2.8, 2.4, 1.7.
INTERLEAVED_ORDER = {"f": 8, "d": 5, "F": 5, "D": 3}


def batched_cholesky(a: object, *, singular: str = "warn") -> np.ndarray:
    """Factor A = L L^H for every matrix of a stack, L lower triangular with a positive diagonal.

    Orders up to 5 (in float64) are factored for thousands of matrices at once, larger ones by
    LAPACK on blocks of slices in threads. ||A - L L^H|| is a few units of rounding of ||A||.

    Parameters
    ----------
    a : array-like of shape (..., n, n)
        Hermitian positive definite matrices; the lower triangles are read.
    singular : {'warn', 'raise'}, default='warn'
        What becomes of slices that are not positive definite: NaN with a warning that names them,
        or an error. The other slices are factored in either case.

    Returns
    -------
    ndarray of shape (..., n, n)
        The factors, in the precision of the data.

    Raises
    ------
    numpy.linalg.LinAlgError
        A slice is not positive definite, with ``singular='raise'``.
    ValueError
        Matrices that are not square, NaN or infinity.

    Warns
    -----
    scipy.linalg.LinAlgWarning
        Slices are not positive definite.

    References
    ----------
    N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., SIAM 2002, chapter 10.

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import batched_cholesky
    >>> batched_cholesky(np.array([[[4.0, 2.0], [2.0, 5.0]], [[9.0, 0.0], [0.0, 1.0]]]))
    array([[[2., 0.],
            [1., 2.]],
    <BLANKLINE>
           [[3., 0.],
            [0., 1.]]])
    """
    require_policy(singular)
    a = square("a", a)
    batch, order = a.shape[:-2], a.shape[-1]
    stack = flattened(a)
    if not stack.size:
        return np.zeros(a.shape, a.dtype)
    if order <= INTERLEAVED_ORDER[a.dtype.char] and pays(stack):
        factors, definite = np.empty(stack.shape, a.dtype), np.empty((len(stack), 1, 1), bool)
        run_kernel(cholesky_kernel(order, a.dtype), (stack,), (factors, definite))
        definite = definite[:, 0, 0]
    else:
        factors, definite = run_stacked(_by_lapack, (stack,), order**3 / 3)
    if not all_finite(factors):
        definite &= np.isfinite(factors).all(axis=(1, 2))
    failed = np.flatnonzero(~definite)
    if len(failed):
        require_finite("a", np.tril(stack[failed]), failed, batch)
        factors[failed] = np.nan
        remedy = "a Hermitian matrix with positive eigenvalues; batched_eigh shows which they are"
        Failures(failed, batch, "not positive definite", remedy).report(singular)
    return factors.reshape(a.shape)


def _by_lapack(stack: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Factor a block, and say which slices have a factor."""
    try:
        return np.linalg.cholesky(stack), np.ones(len(stack), bool)
    except np.linalg.LinAlgError:  # it does not say where
        pass
    factors, definite = np.full(stack.shape, np.nan, stack.dtype), np.zeros(len(stack), bool)
    for position, matrix in enumerate(stack):
        try:
            factors[position] = np.linalg.cholesky(matrix)
            definite[position] = True
        except np.linalg.LinAlgError:
            continue
    return factors, definite
