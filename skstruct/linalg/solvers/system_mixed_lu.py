"""LU factorisation in half the precision of the matrix, refined in the whole of it."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from skstruct.linalg._machine import LU_FLOPS, Cost
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.systems import LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._costs import mixed_cost
from skstruct.linalg.systems._factor import slogdet_of
from skstruct.linalg.systems._halved import HalvedFactor, halved, obstacle
from skstruct.linalg.systems._matrix import fortran_view

NAME = "mixed_lu"
ROBUSTNESS = 0
ON_REQUEST = False

# Over LU in full precision, bench_solve.py on one thread: 1.1 at n = 500, 1.5 at 1000 and 2000.
MIN_ORDER = 800


def applies(problem: LinearSystem) -> str | None:
    return obstacle(problem, MIN_ORDER)


def cost(problem: LinearSystem) -> Cost:
    return mixed_cost(problem, LU_FLOPS)


def memory_use(problem: LinearSystem) -> str:
    return "the triangular factors"


def reason(problem: LinearSystem) -> str:
    return "factorised in half the precision and refined, for condition numbers up to about 1e6"


def solve(problem: LinearSystem) -> SystemAnswer:
    return answered(problem, MixedLU)


class MixedLU(HalvedFactor):
    """P A = L U in half the precision, or that of A'."""

    def __init__(self, problem: LinearSystem) -> None:
        view, self._transposed = fortran_view(problem.matrix)
        single, self.scale = halved(problem, view)
        self.dtype = single.dtype
        getrf, self._getrs = lapack.get_lapack_funcs(("getrf", "getrs"), (single,))
        self._lu, self._pivots, info = getrf(single, overwrite_a=True)
        if info > 0:
            raise Breakdown("singular in half the precision")

    def substitute(self, rhs: np.ndarray, adjoint: bool) -> np.ndarray:
        if self._transposed and adjoint:
            return self._getrs(self._lu, self._pivots, rhs.conj())[0].conj()
        trans = 2 if adjoint else int(self._transposed)
        return self._getrs(self._lu, self._pivots, rhs, trans=trans)[0]

    def slogdet(self) -> tuple[complex, float]:
        swaps = np.count_nonzero(self._pivots != np.arange(len(self._pivots)))
        sign, log = slogdet_of(np.diagonal(self._lu), (-1.0) ** swaps)
        return sign, log + len(self._lu) * float(np.log(self.scale))
