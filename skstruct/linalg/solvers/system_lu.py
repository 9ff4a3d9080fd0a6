"""LU factorisation with partial pivoting: any square matrix."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from skstruct.linalg._machine import LU_FLOPS, Cost
from skstruct.linalg.systems import Factor, LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._costs import certificate_cost, substitution_cost
from skstruct.linalg.systems._factor import slogdet_of
from skstruct.linalg.systems._matrix import fortran_view
from skstruct.linalg.systems._singular import singular

NAME = "lu"
ROBUSTNESS = 3
ON_REQUEST = False


def applies(problem: LinearSystem) -> str | None:
    if not problem.structure.is_dense:
        return "it needs all entries of the matrix"
    return None


def cost(problem: LinearSystem) -> Cost:
    s = problem.structure
    factorise = Cost(lapack=LU_FLOPS * s.n**3 * s.arithmetic, memory=s.item_bytes * s.n**2)
    return factorise + substitution_cost(problem, 2.0 * s.n**2) + certificate_cost(problem)


def memory_use(problem: LinearSystem) -> str:
    return "the triangular factors"


def reason(problem: LinearSystem) -> str:
    return "no structure that would make it cheaper"


def solve(problem: LinearSystem) -> SystemAnswer:
    return answered(problem, LUFactor)


class LUFactor(Factor):
    """P A = L U, or that of A', whichever needs no transposed copy."""

    def __init__(self, problem: LinearSystem) -> None:
        view, self._transposed = fortran_view(problem.matrix)
        getrf, self._getrs = lapack.get_lapack_funcs(("getrf", "getrs"), (view,))
        self._lu, self._pivots, info = getrf(view)
        if info > 0:
            raise singular(problem, f"pivot {info - 1} of its LU factorisation is zero")

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return self._getrs(self._lu, self._pivots, rhs, trans=int(self._transposed))[0]

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        if self._transposed:  # A^H is the conjugate of the matrix that was factorised
            return self._getrs(self._lu, self._pivots, rhs.conj())[0].conj()
        return self._getrs(self._lu, self._pivots, rhs, trans=2)[0]

    def slogdet(self) -> tuple[complex, float]:
        swaps = np.count_nonzero(self._pivots != np.arange(len(self._pivots)))
        return slogdet_of(np.diagonal(self._lu), (-1.0) ** swaps)
