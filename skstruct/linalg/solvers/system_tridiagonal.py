"""LU factorisation with partial pivoting of a tridiagonal matrix."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from skstruct.linalg._machine import Cost
from skstruct.linalg.systems import Factor, LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._band import band_of
from skstruct.linalg.systems._costs import certificate_cost, substitution_cost
from skstruct.linalg.systems._factor import slogdet_of
from skstruct.linalg.systems._singular import singular

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
    return answered(problem, TridiagonalFactor)


class TridiagonalFactor(Factor):
    """P A = L U with two diagonals above that of U."""

    def __init__(self, problem: LinearSystem) -> None:
        n, (below, above) = problem.structure.n, problem.structure.bandwidths
        band = band_of(problem)
        zeros = np.zeros(n, dtype=band.dtype)
        lower = band[above + 1, :-1] if below else zeros[1:]
        upper = band[0, 1:] if above else zeros[1:]
        gttrf, self._gttrs = lapack.get_lapack_funcs(("gttrf", "gttrs"), (band,))
        *self._factors, info = gttrf(lower, band[above], upper)
        if info > 0:
            raise singular(problem, f"pivot {info - 1} of its LU factorisation is zero")

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return self._gttrs(*self._factors, rhs)[0]

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        trans = "C" if np.iscomplexobj(self._factors[1]) else "T"
        return self._gttrs(*self._factors, rhs, trans=trans)[0]

    def slogdet(self) -> tuple[complex, float]:
        _, diagonal, _, _, pivots = self._factors
        swaps = np.count_nonzero(pivots != np.arange(1, len(pivots) + 1))
        return slogdet_of(diagonal, (-1.0) ** swaps)
