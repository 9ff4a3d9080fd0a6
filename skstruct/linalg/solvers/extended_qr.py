"""Least squares with residuals in extended precision, for small data: every digit the data has.

The augmented system r + A w = y, A'r = 0 is solved by a QR factorisation in float64 and refined
with residuals of the original, uncentred numbers in extended precision (Golub & Wilkinson 1966;
Bjorck 1967). A step gains the factor eps cond(A), not eps cond(A)^2, so that coefficients and
intercept are right to nearly the last digit. Where numpy's ``longdouble`` is no more than float64
the answer is that of a refined QR factorisation.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from skstruct.linalg._machine import QR_FLOPS, Cost
from skstruct.linalg._regression import LeastSquares, RidgeCoefficients
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._triangular import TriangularFactor

NAME = "extended_qr"
ROBUSTNESS = 2
ON_REQUEST = False

# Condition number of the scaled factor above which the rank is in doubt.
MAX_CONDITION = 1e13
MAX_STEPS = 12
# A step must shrink this much to be followed by another.
MIN_GAIN = 0.25
# An operation in extended precision in units of one of BLAS-3 at 90 GFLOP/s: 1000 x 60 times a
# vector takes 0.36 ms.
EXTENDED_FLOPS = 270.0
EPS = np.finfo(np.float64).eps


def applies(problem: LeastSquares) -> str | None:
    if problem.is_bounded:
        return "it knows no bounds on the coefficients"
    if not problem.is_small:
        return "extended precision is for small dense data"
    if problem.structure.n_rows <= problem.structure.n_columns:
        return "needs more rows than columns"
    return None


def cost(problem: LeastSquares) -> Cost:
    s, t = problem.structure, problem.n_targets
    n, p = s.n_rows, s.n_columns
    products = Cost(blas3=EXTENDED_FLOPS * 3 * 4.0 * n * p * t, memory=5 * 8.0 * n * (p + t))
    return products + Cost(lapack=4 * QR_FLOPS * 2.0 * n * p**2, passes=3)


def memory_use(problem: LeastSquares) -> str:
    return "copies in extended precision"


def reason(problem: LeastSquares) -> str:
    return "small, so extended precision costs little and gives every digit"


def solve(problem: LeastSquares) -> RidgeCoefficients:
    A, y, mean, offset = _centered(problem)
    # Powers of two, so that scaling changes no digit.
    norms = np.sqrt(np.square(A).sum(axis=0)).astype(np.float64)
    if not np.all(norms > 0):
        raise Breakdown("a column is constant")
    scale = np.exp2(np.round(np.log2(norms)))
    A /= scale
    Q, R = np.linalg.qr(A.astype(np.float64))
    factor = TriangularFactor(R, scale)
    if not factor.condition <= MAX_CONDITION:
        raise Breakdown(f"the triangular factor has a condition number of {factor.condition:.0e}")
    scaled, count = _refined(A, y, Q, R)
    coef = (scaled / scale[:, None]).astype(np.float64)
    # Of the coefficients that are returned.
    residual = y - A @ (coef * scale[:, None]).astype(np.longdouble)
    intercept = None
    if problem.structure.centered:
        intercept = (offset - mean @ (scaled / scale[:, None])).astype(np.float64)
    p = A.shape[1]
    return RidgeCoefficients(
        coef,
        -(scale[:, None] * (A.T @ residual)).astype(np.float64),
        n_iter=count,
        rank=p,
        condition=factor.condition,
        root=R * scale,
        singular_values=np.linalg.svd(R * scale, compute_uv=False),
        inverse_diagonal=factor.inverse_diagonal(),
        edf=np.full(problem.n_targets, float(p)),
        intercept=intercept,
    )


def _centered(
    problem: LeastSquares,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return A, y and their means, in extended precision."""
    operand = problem.operand
    X = operand.X.astype(np.longdouble)
    Y = problem.raw_targets.astype(np.longdouble)
    weights = operand.weights
    weights = np.ones(len(X)) if weights is None else weights
    weights = weights.astype(np.longdouble)
    mean, offset = np.zeros(X.shape[1], np.longdouble), np.zeros(Y.shape[1], np.longdouble)
    if problem.structure.centered:
        mean, offset = weights @ X / weights.sum(), weights @ Y / weights.sum()
    root = np.sqrt(weights)[:, None]
    return root * (X - mean), root * (Y - offset), mean, offset


def _refined(A: np.ndarray, y: np.ndarray, Q: np.ndarray, R: np.ndarray) -> tuple[np.ndarray, int]:
    """Return coefficients and the number of solves."""
    coef = np.zeros((A.shape[1], y.shape[1]), np.longdouble)
    residual = np.zeros_like(y)
    previous, count = np.inf, 0
    while count < MAX_STEPS:
        count += 1
        f = (y - residual - A @ coef).astype(np.float64)
        g = -(A.T @ residual).astype(np.float64)
        inside = linalg.solve_triangular(R, g, trans="T")
        along = Q.T @ f
        step = linalg.solve_triangular(R, along - inside)
        size = _relative(step, coef)
        if not np.isfinite(size):
            raise Breakdown("the coefficients are not finite")
        if size > MIN_GAIN * previous:
            break
        coef += step
        residual += f - Q @ (along - inside)
        previous = size
        if size <= 0.25 * EPS:
            break
    return coef, count


def _relative(step: np.ndarray, coef: np.ndarray) -> float:
    """Return the size of a step relative to the coefficients; 1 for the first."""
    if not coef.any():
        return float(np.abs(step).max(initial=0.0) > 0)
    sizes = np.linalg.norm(coef.astype(np.float64), axis=0)
    sizes[sizes == 0] = np.inf
    return float((np.linalg.norm(step, axis=0) / sizes).max(initial=0.0))
