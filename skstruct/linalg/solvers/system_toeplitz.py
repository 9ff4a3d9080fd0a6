"""A Toeplitz matrix by Levinson's recursion, in O(n^2)."""

from __future__ import annotations

import numpy as np

from skstruct.linalg._machine import Cost
from skstruct.linalg.matrices._dense_factors import DenseLU
from skstruct.linalg.matrices._toeplitz_factors import Levinson
from skstruct.linalg.systems import LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._costs import certificate_cost, fft_cost

NAME = "toeplitz"
ROBUSTNESS = 0
ON_REQUEST = False

# 2 ns for each entry of the matrix at n = 2000, symmetric or not, in operations of REFERENCE.
LEVINSON_FLOPS = 180.0


def applies(problem: LinearSystem) -> str | None:
    if not problem.structure.is_dense:
        return "it needs all entries of the matrix"
    if not problem.structure.has("toeplitz"):
        return "its diagonals are not constant"
    return None


def cost(problem: LinearSystem) -> Cost:
    s, k = problem.structure, problem.n_rhs
    levinson = Cost(lapack=LEVINSON_FLOPS * s.n**2)
    return levinson + fft_cost(2 * s.n, 4 + 6 * (2 * k + 5)) + certificate_cost(problem)


def memory_use(problem: LinearSystem) -> str:
    return "the transforms"


def reason(problem: LinearSystem) -> str:
    return "constant diagonals: Levinson's recursion takes n^2 operations"


def solve(problem: LinearSystem) -> SystemAnswer:
    return answered(problem, lambda p: DenseToeplitz(p.matrix))


class DenseToeplitz(Levinson):
    """Levinson's recursion for a matrix whose entries are all stored."""

    def __init__(self, matrix: np.ndarray) -> None:
        super().__init__(matrix[:, 0], matrix[0])
        self._matrix = matrix

    def slogdet(self) -> tuple[float | complex, float]:
        # leading minors near zero cost the recursion digits, and refinement does not mend those
        return DenseLU(self._matrix).slogdet()
