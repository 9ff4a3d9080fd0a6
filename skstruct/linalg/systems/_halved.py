"""Factors in half the precision of the matrix, for refinement in the whole of it."""

from __future__ import annotations

import numpy as np

from skstruct.linalg.systems._factor import Factor
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
    if problem.precision == "auto" and s.n < min_order:
        return f"refinement costs more than it saves below an order of {min_order}"
    return None


def halved(problem: LinearSystem, view: np.ndarray) -> tuple[np.ndarray, float]:
    """Return a matrix in half its precision and Fortran's order, and what it was divided by."""
    scale = 1.0
    if not SAFE_NORMS[0] < problem.norm < SAFE_NORMS[1]:
        scale = 2.0 ** np.round(np.log2(problem.norm)) if problem.norm > 0 else 1.0
        view = view / scale
    with np.errstate(over="ignore"):
        return view.astype(HALVED[problem.structure.dtype], order="F"), scale


class HalvedFactor(Factor):
    """A factor in half the precision, whose right-hand sides are scaled to unit size."""

    max_refinements = MAX_STEPS
    # To the rounding unit itself, as a factorisation in full precision has it.
    goal = 0.05

    scale: float
    dtype: np.dtype

    def scaled_solve(self, rhs: np.ndarray, adjoint: bool) -> np.ndarray:
        """Return the solution, or that of the adjoint, in the precision of the right-hand sides."""
        sizes = np.abs(rhs).max(axis=0, initial=0.0)
        sizes = np.where(sizes > 0, sizes, 1.0)
        inside = (rhs / sizes).astype(self.dtype)
        return self.substitute(inside, adjoint) * (sizes / self.scale)

    def substitute(self, rhs: np.ndarray, adjoint: bool) -> np.ndarray:
        """Return the solution for right-hand sides in half the precision."""
        raise NotImplementedError

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return self.scaled_solve(rhs, adjoint=False)

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        return self.scaled_solve(rhs, adjoint=True)
