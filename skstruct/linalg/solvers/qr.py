"""QR factorisation of [A; sqrt(alpha) I], block by block: errors grow with cond(A), not its square.

Only the triangular factor is formed. Q'y is its last columns, as y is factorised along; the
same factor then preconditions a refinement on the data.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from skstruct.linalg._machine import QR_FLOPS, Cost
from skstruct.linalg._problems import Ridge, RidgeCoefficients
from skstruct.linalg._refine import by_penalty, refine
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._spectral import tall_r_factor
from skstruct.linalg.solvers._costs import gradient_cost

NAME = "qr"
ROBUSTNESS = 2
ON_REQUEST = False

# Reciprocal condition number of the scaled factor below which the rank is in doubt.
MIN_RCOND = 1e-13


def applies(problem: Ridge) -> str | None:
    s = problem.structure
    if problem.positive:
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
    factors = {alpha: _Factor(R, Qty, alpha) for alpha in set(problem.alphas.tolist())}
    start = np.column_stack([factors[a].start[:, i] for i, a in enumerate(problem.alphas)])
    return refine(problem, by_penalty(problem.alphas, lambda a: factors[a].solve), start)


class _Factor:
    """Triangular factor of [R; sqrt(alpha) I] with columns scaled to unit norm."""

    def __init__(self, R: np.ndarray, Qty: np.ndarray, alpha: float) -> None:
        p = R.shape[1]
        self.scale = np.sqrt(np.einsum("ij,ij->j", R, R) + alpha)
        if not np.all(self.scale > 0):
            raise Breakdown("a column is constant and nothing penalises it")
        penalty = np.sqrt(alpha) * np.eye(p) if alpha > 0 else np.empty((0, p))
        zeros = np.zeros((len(penalty), Qty.shape[1]))
        stacked = np.hstack([np.vstack([R, penalty]) / self.scale, np.vstack([Qty, zeros])])
        triangle = np.linalg.qr(stacked, mode="r")
        self.triangle = triangle[:p, :p]
        inverse, info = linalg.lapack.dtrtri(self.triangle)
        rcond = 0.0
        if info == 0:
            rcond = 1 / (np.linalg.norm(self.triangle, 1) * np.linalg.norm(inverse, 1))
        if not rcond >= MIN_RCOND:
            raise Breakdown(f"the triangular factor has a reciprocal condition of {rcond:.0e}")
        self.start = linalg.solve_triangular(self.triangle, triangle[:p, p:]) / self.scale[:, None]

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        scale = self.scale[:, None]
        half = linalg.solve_triangular(self.triangle, rhs / scale, trans="T")
        return linalg.solve_triangular(self.triangle, half) / scale
