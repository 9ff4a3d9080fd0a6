"""A Toeplitz matrix by Levinson's recursion, in O(n^2).

Two solutions give the first and the last column of the inverse, and those give all of it: by the
formula of Gohberg and Semencul (1972) any other product with the inverse takes six Fourier
transforms. The recursion divides by leading minors and is not backward stable: refinement and the
certificate tell.
"""

from __future__ import annotations

import numpy as np
from scipy import fft, linalg

from skstruct.linalg._machine import Cost
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.systems import Factor, LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._costs import certificate_cost, fft_cost

NAME = "toeplitz"
ROBUSTNESS = 0
ON_REQUEST = False

# scipy's solve_toeplitz: 2.5 ns for each entry of the matrix at n = 1000 and 2000, in operations
# of REFERENCE.
LEVINSON_FLOPS = 225.0


def applies(problem: LinearSystem) -> str | None:
    if not problem.structure.is_dense:
        return "it needs all entries of the matrix"
    if not problem.structure.has("toeplitz"):
        return "its diagonals are not constant"
    return None


def cost(problem: LinearSystem) -> Cost:
    s, k = problem.structure, problem.n_rhs
    recursions = 1 if s.has("symmetric") else 2
    levinson = Cost(lapack=recursions * LEVINSON_FLOPS * s.n**2)
    return levinson + fft_cost(2 * s.n, 4 + 6 * (2 * k + 5)) + certificate_cost(problem)


def memory_use(problem: LinearSystem) -> str:
    return "the transforms"


def reason(problem: LinearSystem) -> str:
    return "constant diagonals: Levinson's recursion takes n^2 operations"


def solve(problem: LinearSystem) -> SystemAnswer:
    return answered(problem, ToeplitzInverse)


class ToeplitzInverse(Factor):
    """A^-1 from its first column x and last column y.

    x_0 A^-1 = L(x) L(Jy)' - L(Zy) L(ZJx)', where L(v) is the lower triangular Toeplitz matrix with
    first column v, J turns a vector around, and Z shifts it down by one.
    """

    max_refinements = 4

    def __init__(self, problem: LinearSystem) -> None:
        self._matrix = matrix = problem.matrix
        n = len(matrix)
        double = np.complex128 if problem.structure.is_complex else np.float64
        column, row = matrix[:, 0].astype(double), matrix[0].astype(double)
        unit = np.zeros(n)
        unit[0] = 1.0
        try:
            first = linalg.solve_toeplitz((column, row), unit)
            if problem.structure.has("symmetric"):
                last = first[::-1]
            else:
                last = linalg.solve_toeplitz((row, column), unit)[::-1]
        except np.linalg.LinAlgError as failure:
            raise Breakdown("a leading minor of it is zero") from failure
        if first[0] == 0 or not np.all(np.isfinite(first)):
            raise Breakdown("the first entry of its inverse is zero")
        self._forward = fft.fft if problem.structure.is_complex else fft.rfft
        self._back = fft.ifft if problem.structure.is_complex else fft.irfft
        self._length = fft.next_fast_len(2 * n)
        generators = first, last[::-1], _shifted(last), _shifted(first[::-1])
        self._transforms = [self._transform(v[:, None]) for v in generators]
        self._first_entry = first[0]

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        x, jy, zy, zjx = self._transforms
        turned = rhs[::-1]
        plus = self._convolved(x, self._convolved(jy, turned)[::-1])
        minus = self._convolved(zy, self._convolved(zjx, turned)[::-1])
        return ((plus - minus) / self._first_entry).astype(rhs.dtype, copy=False)

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        return self.solve(rhs.conj()[::-1])[::-1].conj()  # A' = J A J

    def _transform(self, v: np.ndarray) -> np.ndarray:
        return self._forward(v, self._length, axis=0)

    def _convolved(self, transform: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return L(v) times a block, given the transform of v."""
        return self._back(transform * self._transform(v), self._length, axis=0)[: len(v)]

    def slogdet(self) -> tuple[complex, float]:
        sign, log = np.linalg.slogdet(self._matrix)
        return sign.item(), float(log)


def _shifted(v: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], v[:-1]])
