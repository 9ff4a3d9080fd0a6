"""Sparse factorisation without pivoting (SuperLU, symmetric mode): matrices that may be definite.

An order of minimum degree for A itself: L U is a Cholesky factorisation but for a diagonal.
"""

from __future__ import annotations

from skstruct.linalg._machine import Cost
from skstruct.linalg.systems import LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._superlu import SparseFactor, sparse_cost, sparse_obstacle

NAME = "sparse_cholesky"
ROBUSTNESS = 1
ON_REQUEST = False


def applies(problem: LinearSystem) -> str | None:
    if not problem.structure.may_be_definite:
        return sparse_obstacle(problem) or "the matrix is not symmetric with a positive diagonal"
    return sparse_obstacle(problem)


def cost(problem: LinearSystem) -> Cost:
    return sparse_cost(problem, problem.structure.factor_nnz)


def memory_use(problem: LinearSystem) -> str:
    return f"factors with about {problem.structure.factor_nnz:.1e} entries"


def reason(problem: LinearSystem) -> str:
    return (
        "sparse and symmetric with a positive diagonal: a factor of about "
        f"{problem.structure.factor_nnz:.1e} entries, without pivoting"
    )


def solve(problem: LinearSystem) -> SystemAnswer:
    return answered(problem, lambda p: SparseFactor(p, "MMD_AT_PLUS_A", symmetric=True))
