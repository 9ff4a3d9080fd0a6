"""Cholesky factorisation in half the precision of the matrix, refined in the whole of it."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from skstruct.linalg._machine import POTRF_FLOPS, Cost
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.systems import LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._costs import mixed_cost
from skstruct.linalg.systems._factor import slogdet_of
from skstruct.linalg.systems._halved import HalvedFactor, halved, obstacle
from skstruct.linalg.systems._matrix import self_adjoint_view

NAME = "mixed_cholesky"
ROBUSTNESS = 0
ON_REQUEST = False

# Over Cholesky in full precision, bench_solve.py on one thread: 1.0 at n = 500, 1.2 at 1000, 1.4 at
# 2000.
MIN_ORDER = 1500


def applies(problem: LinearSystem) -> str | None:
    rejected = obstacle(problem, MIN_ORDER)
    if rejected is None and not problem.structure.may_be_definite:
        return "the matrix is not symmetric with a positive diagonal"
    return rejected


def cost(problem: LinearSystem) -> Cost:
    return mixed_cost(problem, POTRF_FLOPS)


def memory_use(problem: LinearSystem) -> str:
    return "the triangular factor"


def reason(problem: LinearSystem) -> str:
    return (
        "symmetric with a positive diagonal: factorised in half the precision and refined, for "
        "condition numbers up to about 1e6"
    )


def solve(problem: LinearSystem) -> SystemAnswer:
    return answered(problem, MixedCholesky)


class MixedCholesky(HalvedFactor):
    """A = U^H U in half the precision."""

    def __init__(self, problem: LinearSystem) -> None:
        single, self.scale = halved(problem, self_adjoint_view(problem.matrix))
        self.dtype = single.dtype
        potrf, self._trtrs = lapack.get_lapack_funcs(("potrf", "trtrs"), (single,))
        self._upper, info = potrf(single, clean=False, overwrite_a=True)
        if info > 0:
            raise Breakdown("not positive definite in half the precision")

    def substitute(self, rhs: np.ndarray, adjoint: bool) -> np.ndarray:
        inside = self._trtrs(self._upper, rhs, trans=2)[0]
        return self._trtrs(self._upper, inside, overwrite_b=True)[0]

    def slogdet(self) -> tuple[complex, float]:
        _, half = slogdet_of(np.diagonal(self._upper).real)
        return 1.0, 2.0 * half + len(self._upper) * float(np.log(self.scale))
