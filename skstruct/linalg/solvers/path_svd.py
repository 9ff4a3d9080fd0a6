"""Singular value decomposition: penalties too small for a Gram matrix, and none at all."""

from __future__ import annotations

import numpy as np

from skstruct.linalg._machine import QR_FLOPS, SVD_FLOPS, Cost
from skstruct.linalg._ridge_path import RidgePath
from skstruct.linalg._spectral import svd, tall_r_factor
from skstruct.linalg._spectrum import Spectrum

NAME = "svd"
ROBUSTNESS = 2
ON_REQUEST = False


def applies(problem: RidgePath) -> str | None:
    return None


def cost(problem: RidgePath) -> Cost:
    s = problem.structure
    short, long = s.shorter_side, max(s.n_rows, s.n_columns)
    return Cost(
        lapack=SVD_FLOPS * short**3 + 2 * QR_FLOPS * 2.0 * long * short**2,
        memory=8.0 * 10 * short**2 if s.n_rows > s.n_columns else 3 * s.dense_bytes,
        passes=1,
    )


def memory_use(problem: RidgePath) -> str:
    return "the dense matrix and its singular vectors"


def reason(problem: RidgePath) -> str:
    return "singular values keep the digits that a Gram matrix loses"


def solve(problem: RidgePath) -> Spectrum:
    operand, p = problem.operand, problem.operand.shape[1]
    is_tall = operand.shape[0] > p
    if is_tall:
        reduced = tall_r_factor(operand, rhs=problem.targets)
        A, y = reduced[:, :p], reduced[:, p:]
    else:
        A, y = operand.to_dense(), problem.targets
    U, s, right = svd(A)
    kept = s > max(operand.shape) * np.finfo(np.float64).eps * s.max(initial=0.0)
    s, U, right = s[kept], U[:, kept], right[kept]
    vectors = {"right": right.T} if is_tall else {"right": right.T, "left": U}
    return problem.spectrum(s**2, U.T @ y, **vectors)
