"""QR factorisation of [A; sqrt(alpha) L], block by block: errors grow with cond(A), not its square.

Only the triangular factor is formed. Q'y is its last columns, as y is factorised along; the
same factor then preconditions a refinement on the data.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from skstruct.linalg._costs import gradient_cost
from skstruct.linalg._machine import QR_FLOPS, Cost
from skstruct.linalg._refine import by_penalty, describe, refine
from skstruct.linalg._regression import Ridge, RidgeCoefficients
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._spectral import tall_r_factor
from skstruct.linalg._triangular import TriangularFactor

NAME = "qr"
ROBUSTNESS = 2
ON_REQUEST = False

# Condition number of the scaled factor above which the rank is in doubt.
MAX_CONDITION = 1e13


def applies(problem: Ridge) -> str | None:
    s = problem.structure
    if problem.is_bounded:
        return "it knows no bounds on the coefficients"
    if s.n_rows < s.n_columns and not np.all(problem.alphas > 0):
        return "fewer rows than columns and no penalty: R is singular"
    return None


def cost(problem: Ridge) -> Cost:
    s, t = problem.structure, problem.n_targets
    n, p = s.n_rows, s.n_columns + t
    reduce = Cost(lapack=1.25 * QR_FLOPS * 2.0 * n * p**2, memory=8.0 * 10 * p**2, passes=1)
    add_penalty = Cost(lapack=problem.n_penalties * QR_FLOPS * 4.0 * p**3)
    return reduce + add_penalty + gradient_cost(problem, n_gradients=2)


def memory_use(problem: Ridge) -> str:
    return "the triangular factor and its work space"


def reason(problem: Ridge) -> str:
    return "a QR factorisation keeps the digits that a Gram matrix loses"


def solve(problem: Ridge) -> RidgeCoefficients:
    p, t = problem.operand.shape[1], problem.n_targets
    reduced = tall_r_factor(problem.operand, rhs=problem.targets)[: p + t]
    R, Qty = reduced[:, :p], reduced[:, p:]
    factors, starts = {}, {}
    for alpha in set(problem.alphas.tolist()):
        factors[alpha], starts[alpha] = _factorize(problem, R, Qty, alpha)
    start = np.column_stack([starts[a][:, i] for i, a in enumerate(problem.alphas.tolist())])
    answer = refine(problem, by_penalty(problem.alphas, lambda a: factors[a].solve), start)
    return describe(problem, answer, factors)


def _factorize(
    problem: Ridge, R: np.ndarray, Qty: np.ndarray, alpha: float
) -> tuple[TriangularFactor, np.ndarray]:
    """Return the triangular factor of [R; sqrt(alpha) L], and the coefficients it gives."""
    p = R.shape[1]
    penalty = np.sqrt(alpha) * problem.penalty.dense_root() if alpha > 0 else np.empty((0, p))
    stacked = np.vstack([R, penalty])
    scale = np.linalg.norm(stacked, axis=0)
    if not np.all(scale > 0):
        raise Breakdown("a column is constant and nothing penalises it")
    zeros = np.zeros((len(penalty), Qty.shape[1]))
    triangle = np.linalg.qr(np.hstack([stacked / scale, np.vstack([Qty, zeros])]), mode="r")
    factor = TriangularFactor(triangle[:p, :p], scale)
    if len(triangle) < p or not factor.condition <= MAX_CONDITION:
        raise Breakdown(f"the triangular factor has a condition number of {factor.condition:.0e}")
    start = linalg.solve_triangular(triangle[:p, :p], triangle[:p, p:]) / scale[:, None]
    return factor, start
