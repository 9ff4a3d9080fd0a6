"""Cholesky factorisation of a band matrix that may be positive definite."""

from __future__ import annotations

from skstruct.linalg._machine import Cost
from skstruct.linalg.matrices._band_factors import BandCholesky
from skstruct.linalg.systems import Factor, LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._band import band_of
from skstruct.linalg.systems._costs import band_flops, certificate_cost, substitution_cost
from skstruct.linalg.systems._reordered import in_given_order

NAME = "banded_cholesky"
ROBUSTNESS = 1
ON_REQUEST = False


def applies(problem: LinearSystem) -> str | None:
    s = problem.structure
    if not s.has("banded", "tridiagonal"):
        return "no narrow band holds all nonzeros"
    if not s.may_be_definite:
        return "the matrix is not positive definite"
    return None


def cost(problem: LinearSystem) -> Cost:
    s = problem.structure
    below, _ = s.bandwidths
    rows = below + 1
    factorise = Cost(
        lapack=band_flops(s.n, below, below) / 2.0 * s.arithmetic,
        memory=2.0 * s.item_bytes * rows * s.n,
    )
    return factorise + substitution_cost(problem, 4.0 * rows * s.n) + certificate_cost(problem)


def memory_use(problem: LinearSystem) -> str:
    return "the band"


def reason(problem: LinearSystem) -> str:
    after = " after reordering" if problem.structure.reordered else ""
    return (
        f"symmetric with a positive diagonal, and {problem.structure.bandwidths[0]} diagonals on "
        f"either side hold all nonzeros{after}"
    )


def solve(problem: LinearSystem) -> SystemAnswer:
    return answered(problem, _factorised)


def _factorised(problem: LinearSystem) -> Factor:
    lower = band_of(problem)[problem.structure.bandwidths[1] :]
    return in_given_order(BandCholesky(lower), problem.reordering)
