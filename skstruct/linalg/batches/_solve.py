"""Systems of equations, thousands of small ones in one call."""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgWarning

from skstruct.linalg._warn import warn_caller
from skstruct.linalg.batches._elimination import elimination
from skstruct.linalg.batches._failures import Failures, require_policy
from skstruct.linalg.batches._interleaved import pays, run_kernel
from skstruct.linalg.batches._stacked import run_stacked
from skstruct.linalg.batches._stacks import (
    all_finite,
    flattened,
    require_finite,
    right_hand_sides,
    slices_text,
    square,
)

# Interleaved up to this order, by the type: then numpy's loop on one thread is as fast.
# numpy's time over ours on one thread, orders 2, 3, 4, 5, 6, 8: float64 7, 4.3, 2.5, 2.1, 1.7, 1.1;
# float32 10, 4.9, 4.6, 3.4, 3, 2.5; complex128 3, 2.7, 2.3, 1.8, 1.2, 0.9.
INTERLEAVED_ORDER = {"f": 8, "d": 6, "F": 6, "D": 5}
# More right-hand sides than this many times the order are for BLAS.
RHS_PER_ORDER = 4


def batched_solve(a: object, b: object, *, singular: str = "warn") -> np.ndarray:
    """Solve A X = B for every matrix of a stack.

    Orders up to 6 (in float64) are eliminated with partial pivoting for thousands of matrices at
    once, larger ones by LAPACK on blocks of slices in threads. Either way the backward error of a
    slice, ||B - A X|| / (||A|| ||X|| + ||B||), is that of LAPACK's ``gesv``: about one rounding.

    Parameters
    ----------
    a : array-like of shape (..., n, n)
        The matrices.
    b : array-like of shape (n,) or (..., n, k)
        The right-hand sides. Leading dimensions are broadcast against those of `a`, as in
        :func:`numpy.linalg.solve`; one vector per matrix is ``b[..., None]``.
    singular : {'warn', 'raise'}, default='warn'
        What becomes of exactly singular slices: NaN with a warning that names them, or an error.
        The other slices are solved in either case.

    Returns
    -------
    ndarray of shape (..., n) or (..., n, k)
        The solutions, in the precision of the data.

    Raises
    ------
    numpy.linalg.LinAlgError
        A slice is singular, with ``singular='raise'``.
    ValueError
        Shapes that do not match, NaN or infinity.

    Warns
    -----
    scipy.linalg.LinAlgWarning
        Slices are singular, or their reciprocal condition number (of the 1-norm) is below the
        precision of their numbers; the latter are solved, and may have no correct digit.

    References
    ----------
    N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., SIAM 2002, chapter 9.
    J. Dongarra et al., "The design and performance of batched BLAS on modern high-performance
    computing systems", Procedia Computer Science 108 (2017), for the interleaved layout.

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import batched_solve
    >>> a = np.array([[[2.0, 1.0], [1.0, 3.0]], [[0.0, 1.0], [1.0, 0.0]]])
    >>> batched_solve(a, np.array([3.0, 4.0]))
    array([[1., 1.],
           [4., 3.]])
    """
    require_policy(singular)
    a = square("a", a)
    vectors = np.ndim(b) == 1
    b = right_hand_sides(b, a)
    a = square("a", a, b)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    left, right = flattened(a, batch), flattened(b, batch)
    if not (left.size and right.size):
        x = np.zeros(right.shape, a.dtype)
    else:
        x = _solved(left, right, batch, singular)
    x = x.reshape(batch + b.shape[-2:])
    return x[..., 0] if vectors else x


def _solved(left: np.ndarray, right: np.ndarray, batch: tuple, singular: str) -> np.ndarray:
    order, n_rhs = right.shape[1:]
    if (
        order <= INTERLEAVED_ORDER[left.dtype.char]
        and pays(left)
        and n_rhs <= RHS_PER_ORDER * order
    ):
        x = np.empty(right.shape, right.dtype)
        regular = np.empty((len(left), 1, 1), bool)
        run_kernel(elimination(order, n_rhs, left.dtype), (left, right), (x, regular))
        suspects = ~regular[:, 0, 0]
    else:
        flops = 2 / 3 * order**3 + 2 * order**2 * n_rhs
        x, suspects = run_stacked(_by_lapack, (left, right), flops)
    if not all_finite(x):
        suspects |= ~np.isfinite(x).all(axis=(1, 2))
    if suspects.any():
        _examine(left, right, x, np.flatnonzero(suspects), batch, singular)
    return x


def _by_lapack(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solve a block, and say which slices may be singular."""
    try:
        x = np.linalg.solve(left, right)
    except np.linalg.LinAlgError:  # it does not say where
        is_singular = np.linalg.slogdet(left)[0] == 0
        x = np.full(right.shape, np.nan, right.dtype)
        x[~is_singular] = np.linalg.solve(left[~is_singular], right[~is_singular])
    return x, _is_amplified(left, right, x)


def _is_amplified(left: np.ndarray, right: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return whether X is so large that ||A^-1|| ||A|| may reach 1 / eps."""
    # A right-hand side hides part of the condition, so a thousandth counts.
    factor = (2.0**10 * np.finfo(left.dtype).eps) ** 2
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        grown = _square_norms(left) * _square_norms(x) * factor
        return ~(grown < _square_norms(right))  # True of NaN, too


def _square_norms(stack: np.ndarray) -> np.ndarray:
    """Return ||S||_F^2 of every slice, without a temporary of its size."""
    if stack.dtype.kind == "c":
        stack = np.ascontiguousarray(stack).view(stack.real.dtype)
    return np.einsum("sij,sij->s", stack, stack)


def _examine(
    left: np.ndarray,
    right: np.ndarray,
    x: np.ndarray,
    slices: np.ndarray,
    batch: tuple,
    policy: str,
) -> None:
    """Look closely at the few suspects: which are singular, and which are nearly so."""
    require_finite("a", left[slices], slices, batch)
    require_finite("b", right[slices], slices, batch)
    with np.errstate(all="ignore"):
        is_singular = np.linalg.slogdet(left[slices])[0] == 0
    x[slices[is_singular]] = np.nan
    Failures(
        slices[is_singular], batch, "singular", "a matrix of full rank, or batched_lstsq"
    ).report(policy)
    others = slices[~is_singular]
    if not len(others):
        return
    # Roundings differ between the two eliminations: a pivot may vanish in one only.
    again = others[~np.isfinite(x[others]).all(axis=(1, 2))]
    x[again] = np.linalg.solve(left[again], right[again])
    rcond = _reciprocal_condition(left[others])
    eps = np.finfo(left.dtype).eps
    if (rcond < eps).any():
        near = others[rcond < eps]
        warn_caller(
            f"{slices_text(near, batch)} of a: nearly singular, reciprocal condition number "
            f"{rcond.min():.1e} (precision {eps:.1e}): the solution may have no correct digit. "
            "batched_lstsq solves for the part that the data determine",
            LinAlgWarning,
        )


def _reciprocal_condition(stack: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        inverses = np.linalg.inv(stack)
        product = np.linalg.norm(stack, 1, (1, 2)) * np.linalg.norm(inverses, 1, (1, 2))
        return np.where(np.isfinite(product), 1 / product, 0.0)
