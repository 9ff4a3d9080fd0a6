"""Eigendecomposition of AA': the route for wide data.

Blocks of columns are centred exactly, so the n x n matrix needs no correction. Its eigenvectors
U give V = A'U / s; where s is small the Gram matrix of what is left of A'U restores every digit.
"""

from __future__ import annotations

from skstruct.linalg._cache import outer_gram
from skstruct.linalg._costs import gram_cost
from skstruct.linalg._gram_eigenpairs import eigh_flops, gram_eigenpairs
from skstruct.linalg._machine import Cost
from skstruct.linalg._problems import NEEDS_ROWS, PartialSVD, SingularTriplets
from skstruct.linalg._spectral import triplets_from_left

NAME = "gram_eigh"
ROBUSTNESS = 2
ON_REQUEST = False


def applies(problem: PartialSVD) -> str | None:
    if not problem.structure.has_rows:
        return NEEDS_ROWS
    return None


def cost(problem: PartialSVD) -> Cost:
    n, p, k = problem.structure.n_rows, problem.structure.n_columns, problem.n_wanted
    eigh = Cost(lapack=eigh_flops(n, k), memory=2 * 8.0 * n**2)
    project = Cost(
        blas3=2.0 * n * p * k, traffic=problem.structure.pass_traffic, memory=16.0 * p * k, passes=1
    )
    return gram_cost(problem.structure, n) + eigh + project


def memory_use(problem: PartialSVD) -> str:
    n = problem.structure.n_rows
    return f"the {n} x {n} Gram matrix"


def reason(problem: PartialSVD) -> str:
    n = problem.structure.n_rows
    return f"{n} rows, so a {n} x {n} eigenproblem is exact"


def solve(problem: PartialSVD) -> SingularTriplets:
    found = gram_eigenpairs(problem, outer_gram)
    return problem.truncate(triplets_from_left(*found))
