"""A diagonal matrix: one division for each entry."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from skstruct.linalg._machine import Cost
from skstruct.linalg.systems import Factor, LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._costs import certificate_cost, substitution_cost
from skstruct.linalg.systems._factor import slogdet_of
from skstruct.linalg.systems._singular import singular

NAME = "diagonal"
ROBUSTNESS = 3
ON_REQUEST = False


def applies(problem: LinearSystem) -> str | None:
    if not problem.structure.has("diagonal"):
        return "the matrix is not diagonal"
    return None


def cost(problem: LinearSystem) -> Cost:
    return substitution_cost(problem, problem.structure.n) + certificate_cost(problem)


def memory_use(problem: LinearSystem) -> str:
    return "the solution"


def reason(problem: LinearSystem) -> str:
    return "each unknown has an equation of its own"


def solve(problem: LinearSystem) -> SystemAnswer:
    return answered(problem, DiagonalFactor)


class DiagonalFactor(Factor):
    """The diagonal of A."""

    def __init__(self, problem: LinearSystem) -> None:
        matrix = problem.matrix
        diagonal = matrix.diagonal() if sparse.issparse(matrix) else np.diagonal(matrix)
        zeros = np.flatnonzero(diagonal == 0)
        if len(zeros):
            raise singular(problem, f"entry {zeros[0]} of its diagonal is zero")
        self._diagonal = diagonal.copy()[:, None]

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return rhs / self._diagonal

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        return rhs / self._diagonal.conj()

    def inverse_norm(self, n: int, dtype: np.dtype) -> float:
        return float(1.0 / np.abs(self._diagonal).min())

    def slogdet(self) -> tuple[complex, float]:
        return slogdet_of(self._diagonal)
