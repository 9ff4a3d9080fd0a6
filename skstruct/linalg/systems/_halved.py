"""Factors in half the precision of the matrix, for refinement in the whole of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skstruct.linalg._solution import Breakdown
from skstruct.linalg.matrices._dense_factors import DenseCholesky, DenseLU
from skstruct.linalg.matrices._factor import Factor, MinorNotPositive, SingularMatrixError
from skstruct.linalg.systems._problem import LinearSystem

HALVED = {"float64": np.dtype(np.float32), "complex128": np.dtype(np.complex64)}

# Norms for which single precision neither overflows nor loses all small entries.
SAFE_NORMS = (1e-15, 1e30)

# A refinement step as MIN_PROGRESS allows it gains a factor of two: so many lead from single to
# double precision. With a condition number of 1e5 three or four do.
MAX_STEPS = 15


def obstacle(problem: LinearSystem, min_order: int) -> str | None:
    """Return why the matrix is not factorised in half its precision, or None."""
    s = problem.structure
    if not s.is_dense:
        return "it needs all entries of the matrix"
    if problem.precision == "full":
        return "full precision was asked for"
    if s.dtype not in HALVED:
        return "the matrix is in single precision already"
    if problem.precision == "auto" and problem.wants_factor:
        return "a factorisation was asked for, not only a solution"
    if problem.precision == "auto" and s.n < min_order:
        return f"refinement costs more than it saves below an order of {min_order}"
    return None


class HalvedFactor(Factor):
    """A factorisation in half the precision, whose right-hand sides are scaled to unit size.

    Parameters
    ----------
    factor : Factor
        Of A / `scale`.
    dtype : dtype
        Its precision.
    scale : float
        What A was divided by.
    matrix : ndarray of shape (n, n)
        A.
    """

    max_refinements = MAX_STEPS
    # To the rounding unit itself, as a factorisation in full precision has it.
    goal = 0.05

    def __init__(self, factor: Factor, dtype: np.dtype, scale: float, matrix: np.ndarray) -> None:
        self._factor, self._dtype, self._scale, self._matrix = factor, dtype, scale, matrix

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return self._scaled(self._factor.solve, rhs)

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        return self._scaled(self._factor.solve_adjoint, rhs)

    def _scaled(self, solve: Callable[[np.ndarray], np.ndarray], rhs: np.ndarray) -> np.ndarray:
        """Return a solution in the precision of the right-hand sides."""
        sizes = np.abs(rhs).max(axis=0, initial=0.0)
        sizes = np.where(sizes > 0, sizes, 1.0)
        return solve((rhs / sizes).astype(self._dtype)) * (sizes / self._scale)

    def slogdet(self) -> tuple[float | complex, float]:
        return DenseLU(self._matrix).slogdet()  # refinement mends solutions, not determinants


def halved_factor(
    problem: LinearSystem, factorisation: type[DenseCholesky] | type[DenseLU]
) -> HalvedFactor:
    """Factorise the matrix in half its precision.

    Raises
    ------
    Breakdown
        It is singular, or not positive definite, in half its precision.
    """
    single, scale = _halved(problem)
    try:
        factor = factorisation(single, overwrite=True)
    except SingularMatrixError as failure:
        raise Breakdown(f"singular in half the precision: {failure}") from failure
    except MinorNotPositive as failure:
        raise Breakdown("not positive definite in half the precision") from failure
    return HalvedFactor(factor, single.dtype, scale, problem.matrix)


def _halved(problem: LinearSystem) -> tuple[np.ndarray, float]:
    """Return the matrix in half its precision, stored as it was, and what it was divided by."""
    matrix, scale = problem.matrix, 1.0
    if not SAFE_NORMS[0] < problem.norm < SAFE_NORMS[1]:
        scale = 2.0 ** np.round(np.log2(problem.norm)) if problem.norm > 0 else 1.0
        matrix = matrix / scale
    with np.errstate(over="ignore"):
        return matrix.astype(HALVED[problem.structure.dtype]), scale
