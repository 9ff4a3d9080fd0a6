"""Eigendecomposition of A'A: the route for tall data.

One pass of blockwise centred products, which never lose digits to an offset, then the leading
eigenpairs of a p x p matrix. Squaring the singular values costs half of the digits of the
small ones: those are found anew from the data projected on them.
"""

from __future__ import annotations

from skstruct.linalg._cache import gram
from skstruct.linalg._costs import gram_cost
from skstruct.linalg._gram_eigenpairs import eigh_flops, gram_eigenpairs
from skstruct.linalg._machine import Cost
from skstruct.linalg._problems import PartialSVD, SingularTriplets
from skstruct.linalg._spectral import triplets_from_right

NAME = "covariance_eigh"
ROBUSTNESS = 2
ON_REQUEST = False


def applies(problem: PartialSVD) -> str | None:
    return None


def cost(problem: PartialSVD) -> Cost:
    p = problem.structure.n_columns
    eigh = Cost(lapack=eigh_flops(p, problem.n_wanted), memory=2 * 8.0 * p**2)
    return gram_cost(problem.structure, p) + eigh


def memory_use(problem: PartialSVD) -> str:
    p = problem.structure.n_columns
    return f"the {p} x {p} Gram matrix"


def reason(problem: PartialSVD) -> str:
    p = problem.structure.n_columns
    return f"{p} columns, so one pass gives a {p} x {p} eigenproblem that is exact"


def solve(problem: PartialSVD) -> SingularTriplets:
    found = gram_eigenpairs(problem, gram)
    return problem.truncate(triplets_from_right(*found))
