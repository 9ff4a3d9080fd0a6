"""LU factorisation in half the precision of the matrix, refined in the whole of it."""

from __future__ import annotations

from skstruct.linalg._machine import LU_FLOPS, Cost
from skstruct.linalg.matrices._dense_factors import DenseLU
from skstruct.linalg.systems import LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._costs import mixed_cost
from skstruct.linalg.systems._halved import halved_factor, obstacle

NAME = "mixed_lu"
ROBUSTNESS = 0
ON_REQUEST = False

# LU in full precision takes 1.4 times as long at n = 700, 1.5 from 1000 to 2000 on one thread; 0.9,
# 1.4 and 1.5 on two.
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
    return answered(problem, lambda p: halved_factor(p, DenseLU))
