"""A triangular matrix, or one that is triangular in another order of its rows and columns."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from skstruct.linalg._machine import Cost
from skstruct.linalg.systems import (
    Factor,
    LinearSystem,
    Reordering,
    SystemAnswer,
    answered,
)
from skstruct.linalg.systems._costs import certificate_cost, substitution_cost
from skstruct.linalg.systems._factor import permutation_sign, slogdet_of
from skstruct.linalg.systems._matrix import fortran_view
from skstruct.linalg.systems._singular import singular

NAME = "triangular"
ROBUSTNESS = 1
ON_REQUEST = False

# Rows gathered at a time, so that they stay in the cache between the two steps.
GATHERED_ROWS = 128


def applies(problem: LinearSystem) -> str | None:
    if not problem.structure.is_dense:
        return "it needs all entries of the matrix"
    if not problem.structure.has("lower_triangular", "upper_triangular", "permuted_triangular"):
        return "the matrix is not triangular in any order"
    return None


def cost(problem: LinearSystem) -> Cost:
    s = problem.structure
    work = substitution_cost(problem, 1.0 * s.n**2) + certificate_cost(problem)
    if s.has("permuted_triangular"):
        work += Cost(traffic=2.0 * s.stored_bytes, memory=s.stored_bytes)
    return work


def memory_use(problem: LinearSystem) -> str:
    return "the matrix in another order"


def reason(problem: LinearSystem) -> str:
    if problem.structure.has("permuted_triangular"):
        return "substitution, after rows and columns are reordered"
    return "substitution alone"


def solve(problem: LinearSystem) -> SystemAnswer:
    return answered(problem, TriangularSubstitution)


class TriangularSubstitution(Factor):
    """A = P T Q with permutations P and Q, read in place where they are none."""

    def __init__(self, problem: LinearSystem) -> None:
        matrix, self._order = problem.matrix, problem.reordering
        lower = not problem.structure.has("upper_triangular")
        if self._order is not None:
            matrix = _lower_of(matrix, self._order)
        zeros = np.flatnonzero(np.diagonal(matrix) == 0)
        if len(zeros):
            where = f"entry {zeros[0]} of the diagonal of the triangular matrix is zero"
            raise singular(problem, where)
        self._view, self._transposed = fortran_view(matrix)
        self._lower = lower != self._transposed
        (self._trtrs,) = lapack.get_lapack_funcs(("trtrs",), (matrix,))

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        if self._order is None:
            return self._substitute(rhs)
        x = np.empty_like(rhs)
        x[self._order.columns] = self._substitute(rhs[self._order.rows])
        return x

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        if self._order is None:
            return self._substitute(rhs, adjoint=True)
        x = np.empty_like(rhs)
        x[self._order.rows] = self._substitute(rhs[self._order.columns], adjoint=True)
        return x

    def _substitute(self, rhs: np.ndarray, adjoint: bool = False) -> np.ndarray:
        if self._transposed and adjoint:  # the stored matrix is A'
            return self._trtrs(self._view, rhs.conj(), lower=self._lower)[0].conj()
        trans = 2 if adjoint else int(self._transposed)
        return self._trtrs(self._view, rhs, lower=self._lower, trans=trans)[0]

    def slogdet(self) -> tuple[complex, float]:
        sign = 1.0
        if self._order is not None:
            sign = permutation_sign(self._order.rows) * permutation_sign(self._order.columns)
        return slogdet_of(np.diagonal(self._view), sign)


def _lower_of(A: np.ndarray, order: Reordering) -> np.ndarray:
    """Return A in another order, in which it is lower triangular; only that triangle is read."""
    by_columns = not A.flags.c_contiguous
    lower = np.zeros_like(A)
    n = len(A)
    for start in range(0, n, GATHERED_ROWS):
        stop = min(start + GATHERED_ROWS, n)
        if by_columns:
            columns = A.T.take(order.columns[start:stop], axis=0)
            lower.T[start:stop, start:] = columns.take(order.rows[start:], axis=1)
        else:
            rows = A.take(order.rows[start:stop], axis=0)
            lower[start:stop, :stop] = rows.take(order.columns[:stop], axis=1)
    return lower
