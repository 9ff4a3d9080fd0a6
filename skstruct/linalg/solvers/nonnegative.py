"""Coefficients with lower bounds: the active set method of Lawson & Hanson (1974).

||A w - y||^2 + alpha ||L w||^2 = ||R w - R^-T A'y||^2 + const with R'R = A'A + alpha P, so the
active set method runs on a p x p matrix, however many rows the data has.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from skstruct.linalg._costs import gradient_cost, gram_cost
from skstruct.linalg._machine import EIGH_FLOPS, Cost
from skstruct.linalg._regression import Ridge, RidgeCoefficients
from skstruct.linalg._solution import Breakdown

NAME = "nonnegative"
ROBUSTNESS = 1
ON_REQUEST = False


def applies(problem: Ridge) -> str | None:
    if not problem.is_bounded:
        return "the coefficients are not bounded"
    return None


def cost(problem: Ridge) -> Cost:
    s, t = problem.structure, problem.n_targets
    p = s.n_columns
    # Each of up to p changes of the active set solves a system of its size.
    search = Cost(lapack=EIGH_FLOPS * p**3 * (1 + t), memory=24.0 * p**2)
    return gram_cost(s, p) + search + gradient_cost(problem, n_gradients=1)


def memory_use(problem: Ridge) -> str:
    p = problem.structure.n_columns
    return f"the {p} x {p} Gram matrix"


def reason(problem: Ridge) -> str:
    return "an active set method finds the bounded minimum in finitely many steps"


def solve(problem: Ridge) -> RidgeCoefficients:
    gram, correlations = problem.gram(), problem.correlations
    coef = np.empty_like(correlations)
    lowers = np.broadcast_to(problem.lower, coef.shape)
    for i, alpha in enumerate(problem.alphas):
        scale, lower = problem.scales[:, i], lowers[:, i]
        hessian = problem.penalty.shifted(gram, alpha) / np.outer(scale, scale)
        root, target = _square_root(hessian, correlations[:, i] / scale)
        if not len(root):  # nothing penalises w and nothing depends on it
            coef[:, i] = np.maximum(lower, 0.0)
            continue
        try:
            # w - lower is what must not be negative.
            excess = nnls(root, target - root @ (lower * scale))[0]
        except RuntimeError as failure:
            raise Breakdown(f"the active set method did not end: {failure}") from failure
        coef[:, i] = lower + excess / scale
    return RidgeCoefficients(coef)


def _square_root(hessian: np.ndarray, rhs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return F with F'F = H, and t with F't = rhs; for a singular H too."""
    values, vectors = np.linalg.eigh(hessian)
    kept = values > len(hessian) * np.finfo(np.float64).eps * values[-1]
    roots = np.sqrt(values[kept])
    return roots[:, None] * vectors[:, kept].T, (vectors[:, kept].T @ rhs) / roots
