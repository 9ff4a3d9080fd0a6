"""LSMR on [A; sqrt(alpha) L], preconditioned.

Two passes over the data an iteration, where conjugate gradients take one; the
gradient falls with every iteration, so that it can be stopped at any of them.
"""

from __future__ import annotations

from dataclasses import replace

from skstruct.linalg._costs import EXPECTED_ITERATIONS, gradient_cost
from skstruct.linalg._golub_kahan import LSMR
from skstruct.linalg._iterate import iterate
from skstruct.linalg._machine import Cost
from skstruct.linalg._regression import Ridge, RidgeCoefficients

NAME = "lsmr"
ROBUSTNESS = 0
ON_REQUEST = True
BY_PRODUCTS = True


def applies(problem: Ridge) -> str | None:
    if problem.is_bounded:
        return "it knows no bounds on the coefficients"
    return None


def cost(problem: Ridge) -> Cost:
    one = gradient_cost(problem, n_gradients=EXPECTED_ITERATIONS)
    return replace(one, traffic=2 * one.traffic, passes=2 * one.passes)


def memory_use(problem: Ridge) -> str:
    return "a few vectors"


def reason(problem: Ridge) -> str:
    return "its gradient falls with every iteration"


def solve(problem: Ridge) -> RidgeCoefficients:
    return iterate(problem, LSMR)
