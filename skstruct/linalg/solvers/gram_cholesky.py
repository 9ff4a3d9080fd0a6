"""Cholesky factorisation of A'A + alpha I with unit diagonal, and refinement on the data.

Columns are scaled to unit norm first, so that their units do not matter. The factorisation
fails loudly where the scaled condition number of A nears 1e8: that failure is the signal to
leave the Gram matrix.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from skstruct.linalg._machine import CHOLESKY_FLOPS, Cost
from skstruct.linalg._problems import Ridge, RidgeCoefficients
from skstruct.linalg._refine import by_penalty, refine
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._spectral import cholesky
from skstruct.linalg.solvers._costs import gradient_cost, gram_cost

NAME = "gram_cholesky"
ROBUSTNESS = 1
ON_REQUEST = False


def applies(problem: Ridge) -> str | None:
    if problem.positive:
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
    return refine(problem, by_penalty(problem.alphas, lambda alpha: _Factor(gram, alpha).solve))


class _Factor:
    """Cholesky factor of D^-1 (G + alpha I) D^-1 with D^2 the diagonal of G + alpha I."""

    def __init__(self, gram: np.ndarray, alpha: float) -> None:
        diagonal = gram.diagonal() + alpha
        if not np.all(diagonal > 0):
            raise Breakdown("a column is constant and nothing penalises it")
        self.scale = np.sqrt(diagonal)
        scaled = gram / self.scale
        scaled /= self.scale[:, None]
        np.fill_diagonal(scaled, 1.0)
        self.factor = cholesky(scaled)

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        scale = self.scale[:, None]
        return linalg.cho_solve(self.factor, rhs / scale, check_finite=False) / scale
