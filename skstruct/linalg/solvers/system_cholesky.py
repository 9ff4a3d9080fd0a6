"""Cholesky factorisation: symmetric or Hermitian matrices that may be positive definite."""

from __future__ import annotations

from skstruct.linalg._machine import POTRF_FLOPS, Cost
from skstruct.linalg.matrices._dense_factors import DenseCholesky
from skstruct.linalg.systems import LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._costs import certificate_cost, substitution_cost

NAME = "cholesky"
ROBUSTNESS = 1
ON_REQUEST = False


def applies(problem: LinearSystem) -> str | None:
    if not problem.structure.is_dense:
        return "it needs all entries of the matrix"
    if not problem.structure.may_be_definite:
        return "the matrix is not symmetric with a positive diagonal"
    return None


def cost(problem: LinearSystem) -> Cost:
    s = problem.structure
    factorise = Cost(lapack=POTRF_FLOPS * s.n**3 * s.arithmetic, memory=s.item_bytes * s.n**2)
    return factorise + substitution_cost(problem, 2.0 * s.n**2) + certificate_cost(problem)


def memory_use(problem: LinearSystem) -> str:
    return "the triangular factor"


def reason(problem: LinearSystem) -> str:
    if problem.structure.has("positive_definite"):
        return "positive definite"
    return "symmetric with a positive diagonal: if it is not positive definite, this finds out"


def solve(problem: LinearSystem) -> SystemAnswer:
    return answered(problem, lambda p: DenseCholesky(p.matrix))
