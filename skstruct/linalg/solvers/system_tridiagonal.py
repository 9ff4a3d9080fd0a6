"""LU factorisation with partial pivoting of a tridiagonal matrix."""

from __future__ import annotations

import numpy as np

from skstruct.linalg._machine import Cost
from skstruct.linalg.matrices._band_factors import TridiagonalLU
from skstruct.linalg.systems import LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._band import band_of
from skstruct.linalg.systems._costs import certificate_cost, substitution_cost

NAME = "tridiagonal"
ROBUSTNESS = 1
ON_REQUEST = False

# n = 10^6, one thread: gttrf 13 ms, gttrs 14 ms; in operations of REFERENCE for each unknown.
STEP_FLOPS = 1200.0


def applies(problem: LinearSystem) -> str | None:
    s = problem.structure
    if s.reordered or s.bandwidths is None or max(s.bandwidths) > 1:
        return "the matrix is not tridiagonal"
    if s.n < 3:
        return "it needs three rows"
    return None


def cost(problem: LinearSystem) -> Cost:
    s = problem.structure
    factorise = Cost(lapack=STEP_FLOPS * s.n, memory=8.0 * s.item_bytes * s.n)
    return factorise + substitution_cost(problem, 8.0 * s.n) + certificate_cost(problem)


def memory_use(problem: LinearSystem) -> str:
    return "the factors of the three diagonals"


def reason(problem: LinearSystem) -> str:
    return "three diagonals hold all nonzeros"


def solve(problem: LinearSystem) -> SystemAnswer:
    return answered(problem, _factorised)


def _factorised(problem: LinearSystem) -> TridiagonalLU:
    below, above = problem.structure.bandwidths
    band = band_of(problem)
    zeros = np.zeros(problem.structure.n - 1, dtype=band.dtype)
    return TridiagonalLU(
        band[above + 1, :-1] if below else zeros, band[above], band[0, 1:] if above else zeros
    )
