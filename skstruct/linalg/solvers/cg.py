"""Conjugate gradients on the normal equations, preconditioned.

For data too large for any Gram matrix. One pass over the data an iteration, for all targets.
"""

from __future__ import annotations

from skstruct.linalg._conjugate_gradients import BlockConjugateGradients, ConjugateGradients
from skstruct.linalg._costs import EXPECTED_ITERATIONS, gradient_cost
from skstruct.linalg._iterate import Method, iterate
from skstruct.linalg._machine import Cost
from skstruct.linalg._regression import Ridge, RidgeCoefficients

NAME = "cg"
ROBUSTNESS = 0
ON_REQUEST = False
BY_PRODUCTS = True


def applies(problem: Ridge) -> str | None:
    if problem.is_bounded:
        return "it knows no bounds on the coefficients"
    return None


def cost(problem: Ridge) -> Cost:
    return gradient_cost(problem, n_gradients=EXPECTED_ITERATIONS)


def memory_use(problem: Ridge) -> str:
    return "a few vectors"


def reason(problem: Ridge) -> str:
    return "products with the data are cheaper than any factorisation"


def solve(problem: Ridge) -> RidgeCoefficients:
    return iterate(problem, _method)


def _method(problem: Ridge, *state: object) -> Method:
    shared = problem.n_targets > 1 and problem.n_penalties == 1
    return (BlockConjugateGradients if shared else ConjugateGradients)(problem, *state)
