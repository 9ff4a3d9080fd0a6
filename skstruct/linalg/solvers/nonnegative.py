"""Ridge with non-negative coefficients: the active set method of Lawson & Hanson (1974).

||A w - y||^2 + alpha ||w||^2 = ||R w - R^-T A'y||^2 + const with R'R = A'A + alpha I, so the
active set method runs on a p x p matrix, however many rows the data has.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from skstruct.linalg._machine import EIGH_FLOPS, Cost
from skstruct.linalg._problems import Ridge, RidgeCoefficients
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.solvers._costs import gradient_cost, gram_cost

NAME = "nonnegative"
ROBUSTNESS = 1
ON_REQUEST = False


def applies(problem: Ridge) -> str | None:
    if not problem.positive:
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
    for i, alpha in enumerate(problem.alphas):
        scale = problem.scales[:, i]
        root, target = _square_root(gram, alpha, scale, correlations[:, i] / scale)
        if not len(root):  # nothing penalises w and nothing depends on it
            coef[:, i] = 0.0
            continue
        try:
            coef[:, i] = nnls(root, target)[0] / scale
        except RuntimeError as failure:
            raise Breakdown(f"the active set method did not end: {failure}") from failure
    return RidgeCoefficients(coef)


def _square_root(
    gram: np.ndarray, alpha: float, scale: np.ndarray, rhs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return F with F'F = D^-1 (G + alpha I) D^-1, and t with F't = rhs; singular G too."""
    values, vectors = np.linalg.eigh((gram + alpha * np.eye(len(gram))) / np.outer(scale, scale))
    kept = values > len(gram) * np.finfo(np.float64).eps * values[-1]
    roots = np.sqrt(values[kept])
    return roots[:, None] * vectors[:, kept].T, (vectors[:, kept].T @ rhs) / roots
