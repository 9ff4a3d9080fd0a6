"""LU factorisation with partial pivoting: any square matrix."""

from __future__ import annotations

from skstruct.linalg._machine import LU_FLOPS, Cost
from skstruct.linalg.matrices._dense_factors import DenseLU
from skstruct.linalg.systems import LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._costs import certificate_cost, substitution_cost

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
    return answered(problem, lambda p: DenseLU(p.matrix))
