"""Cholesky factorisation of A'A + alpha P with unit diagonal, and refinement on the data.

Columns are scaled to unit norm first, so that their units do not matter. The factorisation
fails loudly where the scaled condition number of A nears 1e8: that failure is the signal to
leave the Gram matrix.
"""

from __future__ import annotations

from skstruct.linalg._costs import gradient_cost, gram_cost
from skstruct.linalg._machine import CHOLESKY_FLOPS, Cost
from skstruct.linalg._refine import by_penalty, describe, refine
from skstruct.linalg._regression import Ridge, RidgeCoefficients
from skstruct.linalg._spectral import cholesky

NAME = "gram_cholesky"
ROBUSTNESS = 1
ON_REQUEST = False


def applies(problem: Ridge) -> str | None:
    if problem.is_bounded:
        return "it knows no bounds on the coefficients"
    return None


def cost(problem: Ridge) -> Cost:
    s, t = problem.structure, problem.n_targets
    p = s.n_columns
    factor = Cost(
        lapack=problem.n_penalties * CHOLESKY_FLOPS * p**3 + 4.0 * p**2 * t, memory=16.0 * p**2
    )
    return gram_cost(s, p) + factor + gradient_cost(problem, n_gradients=2)


def memory_use(problem: Ridge) -> str:
    p = problem.structure.n_columns
    return f"the {p} x {p} Gram matrix"


def reason(problem: Ridge) -> str:
    p = problem.structure.n_columns
    return f"one factorisation of a {p} x {p} Gram matrix, refined on the data"


def solve(problem: Ridge) -> RidgeCoefficients:
    gram = problem.gram()
    factors = {
        alpha: cholesky(problem.penalty.shifted(gram, alpha))
        for alpha in set(problem.alphas.tolist())
    }
    answer = refine(problem, by_penalty(problem.alphas, lambda alpha: factors[alpha].solve))
    return describe(problem, answer, factors)
