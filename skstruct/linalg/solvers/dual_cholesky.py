"""Cholesky factorisation of AA' + alpha I, for fewer rows than columns.

w = A'c with (AA' + alpha I) c = y, refined on the data.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import linalg

from skstruct.linalg._machine import CHOLESKY_FLOPS, Cost
from skstruct.linalg._problems import Ridge, RidgeCoefficients
from skstruct.linalg._refine import by_penalty, refine
from skstruct.linalg._spectral import cholesky
from skstruct.linalg.solvers._costs import gradient_cost, gram_cost

NAME = "dual_cholesky"
ROBUSTNESS = 1
ON_REQUEST = False


def applies(problem: Ridge) -> str | None:
    if problem.positive:
        return "it knows no bounds on the coefficients"
    if not np.all(problem.alphas > 0):
        return "without a penalty the dual matrix is singular"
    return None


def cost(problem: Ridge) -> Cost:
    s, t = problem.structure, problem.n_targets
    n = s.n_rows
    factor = Cost(
        lapack=problem.n_penalties * CHOLESKY_FLOPS * n**3 + 4.0 * n**2 * t, memory=16.0 * n**2
    )
    return gram_cost(s, n) + factor + gradient_cost(problem, n_gradients=3)


def memory_use(problem: Ridge) -> str:
    n = problem.structure.n_rows
    return f"the {n} x {n} Gram matrix"


def reason(problem: Ridge) -> str:
    n = problem.structure.n_rows
    return f"{n} rows, so the dual problem has a {n} x {n} matrix"


def solve(problem: Ridge) -> RidgeCoefficients:
    operand, alphas = problem.operand, problem.alphas
    gram = operand.outer_gram()

    def factorize(alpha: float) -> Callable[[np.ndarray], np.ndarray]:
        factor = cholesky(gram + alpha * np.eye(len(gram)))
        return lambda rhs: linalg.cho_solve(factor, rhs, check_finite=False)

    solve_dual = by_penalty(alphas, factorize)

    def apply_inverse(rhs: np.ndarray) -> np.ndarray:
        # (A'A + alpha I)^-1 = (I - A'(AA' + alpha I)^-1 A) / alpha
        return (rhs - operand.rmatmat(solve_dual(operand.matmat(rhs)))) / alphas

    return refine(problem, apply_inverse, operand.rmatmat(solve_dual(problem.targets)))
