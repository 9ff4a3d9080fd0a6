"""LU factorisation with partial pivoting of a band matrix, as given or after reordering."""

from __future__ import annotations

from skstruct.linalg._machine import Cost
from skstruct.linalg.matrices._band_factors import BandLU
from skstruct.linalg.systems import Factor, LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._band import band_of
from skstruct.linalg.systems._costs import band_flops, certificate_cost, substitution_cost
from skstruct.linalg.systems._reordered import in_given_order

NAME = "banded"
ROBUSTNESS = 2
ON_REQUEST = False


def applies(problem: LinearSystem) -> str | None:
    if not problem.structure.has("banded", "tridiagonal"):
        return "no narrow band holds all nonzeros"
    return None


def cost(problem: LinearSystem) -> Cost:
    s = problem.structure
    below, above = s.bandwidths
    rows = 2 * below + above + 1
    factorise = Cost(
        lapack=band_flops(s.n, below, below + above) * s.arithmetic,
        memory=2.0 * s.item_bytes * rows * s.n,
    )
    return factorise + substitution_cost(problem, 2.0 * rows * s.n) + certificate_cost(problem)


def memory_use(problem: LinearSystem) -> str:
    return "the band and its fill"


def reason(problem: LinearSystem) -> str:
    below, above = problem.structure.bandwidths
    after = " after reordering" if problem.structure.reordered else ""
    return f"{below} diagonals below and {above} above the main one hold all nonzeros{after}"


def solve(problem: LinearSystem) -> SystemAnswer:
    return answered(problem, _factorised)


def _factorised(problem: LinearSystem) -> Factor:
    bandwidths = problem.structure.bandwidths
    factor = BandLU(band_of(problem, extra_rows=bandwidths[0]), bandwidths)
    return in_given_order(factor, problem.reordering)
