"""Residuals of left-out folds from blocks of the hat matrix of the fit to all rows.

e_K = (I - H_KK)^-1 r_K for every fold K: no training set is ever factorised, however many folds
there are, and the data may have more columns than rows.
"""

from __future__ import annotations

import numpy as np

from skstruct.linalg._costs import gram_cost
from skstruct.linalg._left_out import FULL_LEVERAGE
from skstruct.linalg._machine import CHOLESKY_FLOPS, EIGH_FLOPS, Cost
from skstruct.linalg._path_spectra import from_shorter_side
from skstruct.linalg._ridge_folds import FoldScores, RidgeFolds
from skstruct.linalg._ridge_path import RidgePath
from skstruct.linalg._solution import Breakdown

NAME = "fold_blocks"
ROBUSTNESS = 1
ON_REQUEST = False


def applies(problem: RidgeFolds) -> str | None:
    if not problem.is_partition:
        return "training sets are not what the test sets leave"
    if not np.all(problem.alphas > 0):
        return "without a penalty left-out residuals may be undefined"
    if problem.weights is not None and not np.all(problem.weights > 0):
        return "a row without weight has no residual of its own"
    return None


def cost(problem: RidgeFolds) -> Cost:
    s, m, t = problem.structure, len(problem.alphas), problem.n_targets
    k, b = s.shorter_side, problem.n_test
    factor = Cost(lapack=EIGH_FLOPS * k**3, memory=8.0 * k * (s.n_rows + 3 * k))
    rows = Cost(blas3=0.0 if s.n_rows <= s.n_columns else 2.0 * s.n_rows * s.n_columns * k)
    blocks = Cost(
        blas3=2.0 * m * b * s.n_rows * k + 2.0 * s.n_rows * k * m * t,
        lapack=CHOLESKY_FLOPS * m * s.n_rows * b**2,
        memory=8.0 * b * (2 * b + m * t),
    )
    return gram_cost(s, k) + factor + rows + blocks


def memory_use(problem: RidgeFolds) -> str:
    return "singular vectors of all rows"


def reason(problem: RidgeFolds) -> str:
    return "one factorisation of all rows gives every fold's residuals"


def solve(problem: RidgeFolds) -> FoldScores:
    form, operand, _ = problem.form()
    path = RidgePath(form.operand.structure, form, problem.alphas, problem.n_targets)
    spectrum = from_shorter_side(path)
    U = spectrum.left_rows(form.operand, slice(0, operand.shape[0]))
    z, left = spectrum.projections, spectrum.complements(problem.alphas)
    fixed = form.fixed_directions()
    spans_all = len(z) + fixed.shape[1] >= len(U)
    outside = np.zeros_like(form.targets) if spans_all else form.targets - U @ z
    root = np.ones(len(U)) if operand.root_weights is None else operand.root_weights
    scores = []
    for k, (_, test) in enumerate(problem.folds):
        U_fold = U[test]
        if _captures_all(fixed[test]):
            raise Breakdown("a fold alone determines a coefficient without a penalty")
        # I - H = (I - Q Q' - U U') + U diag(1 - f) U', in which nothing cancels as alpha vanishes.
        slack = 0.0
        if not spans_all:
            slack = np.eye(len(test)) - fixed[test] @ fixed[test].T - U_fold @ U_fold.T
        errors = np.empty((len(test), len(problem.alphas), z.shape[1]))
        for j in range(len(problem.alphas)):
            block = slack + (U_fold * left[:, j]) @ U_fold.T
            residual = outside[test] + U_fold @ (left[:, [j]] * z)
            errors[:, j] = np.linalg.solve(block, residual)
        predictions = problem.targets[test][:, None] - errors / root[test, None, None]
        scores.append(problem.score(k, predictions))
    return FoldScores(np.array(scores), spectrum.error(problem.alphas))


def _captures_all(fixed: np.ndarray) -> bool:
    """Whether rows hold all of a direction that is fitted without a penalty."""
    if not fixed.shape[1]:
        return False
    return bool(np.linalg.eigvalsh(fixed.T @ fixed)[-1] > FULL_LEVERAGE)
