"""A matrix that was declared as one of the classes for structured matrices: it solves itself."""

from __future__ import annotations

import numpy as np

from skstruct.linalg._machine import Cost
from skstruct.linalg.systems import Factor, LinearSystem, SystemAnswer
from skstruct.linalg.systems._matrix import StructuredMatrix

NAME = "structured"
ROBUSTNESS = 3
ON_REQUEST = False


def applies(problem: LinearSystem) -> str | None:
    if problem.structure.storage != "structured":
        return "the matrix is not declared by a class"
    return None


def cost(problem: LinearSystem) -> Cost:
    return Cost(passes=1)  # the only candidate: nothing is compared with it


def memory_use(problem: LinearSystem) -> str:
    return "the factors"


def reason(problem: LinearSystem) -> str:
    return "its class knows the routine for its structure"


def solve(problem: LinearSystem) -> SystemAnswer:
    found = problem.matrix.certified_solve(problem.rhs)
    factor = DeclaredFactor(problem.matrix)
    return SystemAnswer(found.x, factor, float(found.certificate.value), problem.matrix.rcond())


class DeclaredFactor(Factor):
    """The factorisation that the matrix keeps."""

    def __init__(self, matrix: StructuredMatrix) -> None:
        self._matrix = matrix

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return self._matrix.solve(rhs)

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        return self._matrix.H.solve(rhs)

    def slogdet(self) -> tuple[complex, float]:
        return self._matrix.logdet()
