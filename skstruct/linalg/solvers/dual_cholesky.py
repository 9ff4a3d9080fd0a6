"""Cholesky factorisation of AA' + alpha I, for fewer rows than columns.

w = A'c with (AA' + alpha I) c = y, refined on the data.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skstruct.linalg._cache import outer_gram
from skstruct.linalg._costs import gradient_cost, gram_cost
from skstruct.linalg._machine import CHOLESKY_FLOPS, Cost
from skstruct.linalg._penalty import IdentityPenalty
from skstruct.linalg._refine import by_penalty, iterate, relative_errors
from skstruct.linalg._regression import Ridge, RidgeCoefficients
from skstruct.linalg._spectral import cholesky

NAME = "dual_cholesky"
ROBUSTNESS = 1
ON_REQUEST = False


def applies(problem: Ridge) -> str | None:
    if problem.is_bounded:
        return "it knows no bounds on the coefficients"
    if not np.all(problem.alphas > 0):
        return "without a penalty the dual matrix is singular"
    if not problem.penalty.is_identity:
        return "its matrix AA' is that of the penalty ||w||^2"
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
    gram = outer_gram(operand)
    identity = IdentityPenalty(len(gram))
    factors = {a: cholesky(identity.shifted(gram, a)) for a in set(alphas.tolist())}
    solve_dual = by_penalty(alphas, lambda alpha: factors[alpha].solve)

    def measure(
        dual: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        coef = operand.rmatmat(dual)
        residual = problem.targets - operand.matmat(coef) - alphas * dual
        step = solve_dual(residual)
        # The gradient is -A'r, and (A'r)' (A'A + alpha I)^-1 (A'r) = (AA'r)' (AA' + alpha I)^-1 r.
        return relative_errors(problem, gram @ residual, step), step, (coef, dual, residual)

    _, (coef, dual, residual), count = iterate(solve_dual(problem.targets), measure)
    answer = RidgeCoefficients(coef, -operand.rmatmat(residual), n_iter=count, dual=dual)
    if not problem.with_edf:
        return answer
    # AA' has the eigenvalues of A'A that are not zero.
    edf = {a: len(gram) - a * identity.trace_with(f.inverse_root) for a, f in factors.items()}
    return replace(answer, edf=np.array([edf[alpha] for alpha in alphas.tolist()]))
