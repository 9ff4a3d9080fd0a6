"""Sparse LU factorisation (SuperLU) with partial pivoting."""

from __future__ import annotations

from skstruct.linalg._machine import Cost
from skstruct.linalg.systems import LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._superlu import SparseFactor, sparse_cost, sparse_obstacle

NAME = "sparse_lu"
ROBUSTNESS = 3
ON_REQUEST = False

# An order chosen for A'A (COLAMD) and pivoting leave so many times the entries of a symmetric
# factorisation: 2-D grids of 300^2 and 700^2 1.8.
PIVOTING_FILL = 2.0


def applies(problem: LinearSystem) -> str | None:
    return sparse_obstacle(problem)


def cost(problem: LinearSystem) -> Cost:
    entries = problem.structure.factor_nnz
    if not _is_triangular(problem):
        entries *= PIVOTING_FILL
    return sparse_cost(problem, entries)


def memory_use(problem: LinearSystem) -> str:
    return f"factors with about {PIVOTING_FILL * problem.structure.factor_nnz:.1e} entries"


def reason(problem: LinearSystem) -> str:
    if _is_triangular(problem):
        return "triangular: nothing fills in"
    return "sparse, without symmetry that could be used"


def solve(problem: LinearSystem) -> SystemAnswer:
    order = "NATURAL" if _is_triangular(problem) else "COLAMD"
    return answered(problem, lambda p: SparseFactor(p, order))


def _is_triangular(problem: LinearSystem) -> bool:
    return problem.structure.has("lower_triangular", "upper_triangular", "diagonal")
