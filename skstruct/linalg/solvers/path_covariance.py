"""Eigendecomposition of A'A: d^2 and V; U'y = V'A'y / d."""

from __future__ import annotations

from skstruct.linalg._costs import gram_cost
from skstruct.linalg._machine import EIGH_FLOPS, Cost
from skstruct.linalg._path_spectra import from_covariance
from skstruct.linalg._ridge_path import RidgePath
from skstruct.linalg._spectrum import Spectrum

NAME = "covariance_eigh"
ROBUSTNESS = 1
ON_REQUEST = False


def applies(problem: RidgePath) -> str | None:
    return None


def cost(problem: RidgePath) -> Cost:
    p = problem.structure.n_columns
    return gram_cost(problem.structure, p) + Cost(lapack=EIGH_FLOPS * p**3, memory=24.0 * p**2)


def memory_use(problem: RidgePath) -> str:
    p = problem.structure.n_columns
    return f"the {p} x {p} Gram matrix and its eigenvectors"


def reason(problem: RidgePath) -> str:
    p = problem.structure.n_columns
    return f"one eigendecomposition of a {p} x {p} Gram matrix serves every penalty"


def solve(problem: RidgePath) -> Spectrum:
    return from_covariance(problem)
