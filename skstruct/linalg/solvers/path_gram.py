"""Eigendecomposition of AA', for fewer rows than columns: d^2 and U."""

from __future__ import annotations

from skstruct.linalg._costs import gram_cost
from skstruct.linalg._machine import EIGH_FLOPS, Cost
from skstruct.linalg._path_spectra import from_gram
from skstruct.linalg._ridge_path import RidgePath
from skstruct.linalg._spectrum import Spectrum

NAME = "gram_eigh"
ROBUSTNESS = 1
ON_REQUEST = False


def applies(problem: RidgePath) -> str | None:
    return None


def cost(problem: RidgePath) -> Cost:
    n = problem.structure.n_rows
    return gram_cost(problem.structure, n) + Cost(lapack=EIGH_FLOPS * n**3, memory=24.0 * n**2)


def memory_use(problem: RidgePath) -> str:
    n = problem.structure.n_rows
    return f"the {n} x {n} Gram matrix and its eigenvectors"


def reason(problem: RidgePath) -> str:
    n = problem.structure.n_rows
    return f"one eigendecomposition of a {n} x {n} Gram matrix serves every penalty"


def solve(problem: RidgePath) -> Spectrum:
    return from_gram(problem)
