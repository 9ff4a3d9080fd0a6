"""Cholesky factorisation in half the precision of the matrix, refined in the whole of it."""

from __future__ import annotations

from skstruct.linalg._machine import POTRF_FLOPS, Cost
from skstruct.linalg.matrices._dense_factors import DenseCholesky
from skstruct.linalg.systems import LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._costs import mixed_cost
from skstruct.linalg.systems._halved import halved_factor, obstacle

NAME = "mixed_cholesky"
ROBUSTNESS = 0
ON_REQUEST = False

# Cholesky in full precision takes 1.2 times as long at n = 700, 1.4 at 1000 and 1400, 1.6 at 2000
# on one thread; 1.2, 1.2, 1.2 and 1.5 on two.
MIN_ORDER = 900


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
    return answered(problem, lambda p: halved_factor(p, DenseCholesky))
