"""LU factorisation with partial pivoting of a band matrix, as given or after reordering."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from skstruct.linalg._machine import Cost
from skstruct.linalg.systems import Factor, LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._band import Reordered, band_of
from skstruct.linalg.systems._costs import band_flops, certificate_cost, substitution_cost
from skstruct.linalg.systems._factor import slogdet_of
from skstruct.linalg.systems._singular import singular

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
    return answered(problem, BandFactor)


class BandFactor(Factor):
    """P A = L U in band storage."""

    def __init__(self, problem: LinearSystem) -> None:
        self._below, self._above = problem.structure.bandwidths
        self._places = Reordered(problem)
        self._order = problem.reordering
        band = band_of(problem, extra_rows=self._below)
        gbtrf, self._gbtrs = lapack.get_lapack_funcs(("gbtrf", "gbtrs"), (band,))
        self._lu, self._pivots, info = gbtrf(band, self._below, self._above, overwrite_ab=True)
        if info > 0:
            raise singular(problem, f"pivot {info - 1} of its band LU factorisation is zero")

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return self._solve(rhs, 0)

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        return self._solve(rhs, 2)  # rows and columns are reordered alike

    def _solve(self, rhs: np.ndarray, trans: int) -> np.ndarray:
        inside = self._places.rows_first(rhs)
        x = self._gbtrs(self._lu, self._below, self._above, inside, self._pivots, trans=trans)[0]
        return self._places.back(x)

    def slogdet(self) -> tuple[complex, float]:
        swaps = np.count_nonzero(self._pivots != np.arange(len(self._pivots)))
        return slogdet_of(self._lu[self._below + self._above], (-1.0) ** swaps)
