"""A diagonal matrix: one division for each entry."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from skstruct.linalg._machine import Cost
from skstruct.linalg.matrices._diagonal import Division
from skstruct.linalg.systems import LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._costs import certificate_cost, substitution_cost

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
    return answered(problem, _factorised)


def _factorised(problem: LinearSystem) -> Division:
    matrix = problem.matrix
    diagonal = matrix.diagonal() if sparse.issparse(matrix) else np.diagonal(matrix)
    return Division(np.ascontiguousarray(diagonal))
