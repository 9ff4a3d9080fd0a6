"""Singular value decomposition: any penalty, any rank.

w = V (s / (s^2 + alpha)) U'y. Without a penalty, singular values below max(n, p) eps of the
largest are zero, and the answer is the one of minimum norm.
"""

from __future__ import annotations

import numpy as np

from skstruct.linalg._machine import QR_FLOPS, SVD_FLOPS, Cost
from skstruct.linalg._problems import Ridge, RidgeCoefficients
from skstruct.linalg._refine import refine
from skstruct.linalg._spectral import svd, tall_r_factor
from skstruct.linalg.solvers._costs import gradient_cost

NAME = "svd"
ROBUSTNESS = 3
ON_REQUEST = False


def applies(problem: Ridge) -> str | None:
    if problem.positive:
        return "it knows no bounds on the coefficients"
    return None


def cost(problem: Ridge) -> Cost:
    s = problem.structure
    short, long = s.shorter_side, max(s.n_rows, s.n_columns)
    work = Cost(
        lapack=SVD_FLOPS * short**3 + 2 * QR_FLOPS * 2.0 * long * short**2,
        memory=8.0 * 10 * short**2 if s.n_rows > s.n_columns else 3 * s.dense_bytes,
        passes=1,
    )
    return work + gradient_cost(problem, n_gradients=2)


def memory_use(problem: Ridge) -> str:
    return "the dense matrix and its singular vectors"


def reason(problem: Ridge) -> str:
    return "the singular values decide the rank"


def solve(problem: Ridge) -> RidgeCoefficients:
    operand, p = problem.operand, problem.operand.shape[1]
    if operand.shape[0] > p:
        reduced = tall_r_factor(operand, rhs=problem.targets)
        A, y = reduced[:, :p], reduced[:, p:]
    else:
        A, y = operand.to_dense(), problem.targets
    U, s, right = svd(A)
    cutoff = max(operand.shape) * np.finfo(np.float64).eps * s[0]
    rank = int(np.count_nonzero(s > cutoff))
    s, U, right = s[:rank, None], U[:, :rank], right[:rank]
    shifted = s**2 + problem.alphas
    coef = right.T @ (s / shifted * (U.T @ y))

    def apply_inverse(rhs: np.ndarray) -> np.ndarray:
        return right.T @ ((right @ rhs) / shifted)

    return refine(problem, apply_inverse, coef, rank=rank)
