"""Bunch-Kaufman factorisation of a symmetric or Hermitian matrix that is not definite."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from skstruct.linalg._machine import LDL_FLOPS, Cost
from skstruct.linalg.matrices._dense_factors import fortran_view, self_adjoint_view
from skstruct.linalg.matrices._determinants import sign_and_log
from skstruct.linalg.matrices._factor import SingularMatrixError
from skstruct.linalg.systems import Factor, LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._costs import certificate_cost, substitution_cost

NAME = "ldl"
ROBUSTNESS = 2
ON_REQUEST = False


def applies(problem: LinearSystem) -> str | None:
    if not problem.structure.is_dense:
        return "it needs all entries of the matrix"
    if not (problem.structure.is_self_adjoint or problem.structure.has("symmetric")):
        return "the matrix is not symmetric"
    return None


def cost(problem: LinearSystem) -> Cost:
    s = problem.structure
    factorise = Cost(lapack=LDL_FLOPS * s.n**3 * s.arithmetic, memory=s.item_bytes * s.n**2)
    return factorise + substitution_cost(problem, 2.0 * s.n**2) + certificate_cost(problem)


def memory_use(problem: LinearSystem) -> str:
    return "the triangular factor"


def reason(problem: LinearSystem) -> str:
    return "symmetric, but not positive definite"


def solve(problem: LinearSystem) -> SystemAnswer:
    return answered(problem, LDLFactor)


class LDLFactor(Factor):
    """P' A P = U D U' (U D U^H) with diagonal blocks of order 1 and 2 in D."""

    def __init__(self, problem: LinearSystem) -> None:
        self._hermitian = problem.structure.is_self_adjoint
        adjoint = self._hermitian and problem.structure.is_complex
        name = "hetrf" if adjoint else "sytrf"
        matrix = problem.matrix
        view = self_adjoint_view(matrix) if adjoint else fortran_view(matrix)[0]
        factorise, work, convert, self._trtrs = lapack.get_lapack_funcs(
            (name, f"{name}_lwork", "syconv", "trtrs"), (view,)
        )
        lwork = int(work(len(view))[0].real)
        packed, pivots, info = factorise(view, lwork=lwork)
        if info > 0:
            raise SingularMatrixError(f"pivot {info - 1} of its LDL factorisation is zero")
        self._upper, above, _ = convert(packed, pivots, overwrite_a=True)
        self._order, self._second = _order_and_pairs(pivots)
        self._trans = 2 if adjoint else 1
        # D: its diagonal, and what is above and below it in the blocks of order 2.
        self._diagonal = np.diagonal(self._upper).copy()
        self._above = above[self._second, None]
        self._beneath = self._above.conj() if adjoint else self._above

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        inside = self._trtrs(self._upper, rhs[self._order], unitdiag=1)[0]
        inside = self._divide(inside)
        inside = self._trtrs(self._upper, inside, unitdiag=1, trans=self._trans)[0]
        x = np.empty_like(inside)
        x[self._order] = inside
        return x

    def _divide(self, rhs: np.ndarray) -> np.ndarray:
        """Return D^-1 rhs; in a block of order 2 the entry off the diagonal is the largest."""
        second, first = self._second, self._second - 1
        quotient = rhs / np.where(self._diagonal == 0, 1, self._diagonal)[:, None]
        left = self._diagonal[first, None] / self._beneath
        right = self._diagonal[second, None] / self._above
        determinant = left * right - 1.0  # over the product of the entries off the diagonal
        upper, lower = rhs[first], rhs[second]
        quotient[first] = (right * upper - lower) / determinant / self._beneath
        quotient[second] = (left * lower - upper) / determinant / self._above
        return quotient

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        if self._hermitian:
            return self.solve(rhs)
        return self.solve(rhs.conj()).conj()

    def slogdet(self) -> tuple[complex, float]:
        second, first = self._second, self._second - 1
        single = np.ones(len(self._diagonal), dtype=bool)
        single[second] = single[first] = False
        above, beneath = self._above[:, 0], self._beneath[:, 0]
        pairs = self._diagonal[first] / beneath * (self._diagonal[second] / above) - 1.0
        sign, log = sign_and_log(np.concatenate([self._diagonal[single], pairs, above, beneath]))
        return (sign.real if self._hermitian else sign), log


def _order_and_pairs(pivots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the order of rows that LAPACK's pivots mean, and where blocks of order 2 end."""
    order, second = np.arange(len(pivots)), []
    k = len(pivots) - 1
    while k >= 0:
        if pivots[k] > 0:
            row, swapped = k, pivots[k] - 1
            k -= 1
        else:
            second.append(k)
            row, swapped = k - 1, -pivots[k] - 1
            k -= 2
        order[[row, swapped]] = order[[swapped, row]]
    return order, np.array(second, dtype=np.intp)
