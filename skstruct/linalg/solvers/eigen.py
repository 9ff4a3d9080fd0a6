"""Eigendecomposition of A'A: one factorisation for every penalty, refined on the data."""

from __future__ import annotations

import numpy as np

from skstruct.linalg._costs import gradient_cost, gram_cost
from skstruct.linalg._machine import EIGH_FLOPS, Cost
from skstruct.linalg._refine import refine
from skstruct.linalg._regression import Ridge, RidgeCoefficients
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._spectral import MIN_RCOND

NAME = "eigen"
ROBUSTNESS = 1
ON_REQUEST = False


def applies(problem: Ridge) -> str | None:
    if problem.is_bounded:
        return "it knows no bounds on the coefficients"
    if not problem.penalty.is_identity:
        return "eigenvectors of A'A are those of the penalty ||w||^2 alone"
    return None


def cost(problem: Ridge) -> Cost:
    s, t = problem.structure, problem.n_targets
    p = s.n_columns
    factor = Cost(lapack=EIGH_FLOPS * p**3 + 8.0 * p**2 * t, memory=24.0 * p**2)
    return gram_cost(s, p) + factor + gradient_cost(problem, n_gradients=2)


def memory_use(problem: Ridge) -> str:
    p = problem.structure.n_columns
    return f"the {p} x {p} Gram matrix and its eigenvectors"


def reason(problem: Ridge) -> str:
    return f"one eigendecomposition serves all {problem.n_penalties} penalties"


def solve(problem: Ridge) -> RidgeCoefficients:
    gram = problem.gram()
    # Unit columns would need a penalty of their own each: only a common scale is free here.
    values, vectors = np.linalg.eigh(gram)
    values = np.maximum(values, 0.0)[:, None]
    shifted = values + problem.alphas
    smallest, largest = shifted.min(axis=0), shifted.max(axis=0)
    if not np.all((smallest >= MIN_RCOND * largest) & (largest > 0)):
        raise Breakdown("the Gram matrix does not resolve the smallest eigenvalues")

    def apply_inverse(rhs: np.ndarray) -> np.ndarray:
        return vectors @ ((vectors.T @ rhs) / shifted)

    return refine(problem, apply_inverse, edf=np.sum(values / shifted, axis=0))
