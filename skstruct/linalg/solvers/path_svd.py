"""Singular value decomposition: penalties too small for a Gram matrix, and none at all."""

from __future__ import annotations

from skstruct.linalg._machine import QR_FLOPS, SVD_FLOPS, Cost
from skstruct.linalg._path_spectra import from_svd
from skstruct.linalg._ridge_path import RidgePath
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
    return from_svd(problem)
