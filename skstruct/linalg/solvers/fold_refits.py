"""Every training set factorised on its own: any folds, any penalties."""

from __future__ import annotations

import numpy as np

from skstruct.linalg._costs import gram_cost
from skstruct.linalg._machine import EIGH_FLOPS, Cost
from skstruct.linalg._path_spectra import from_shorter_side
from skstruct.linalg._ridge_folds import FoldScores, RidgeFolds
from skstruct.linalg._ridge_path import RidgePath

NAME = "fold_refits"
ROBUSTNESS = 2
ON_REQUEST = False


def applies(problem: RidgeFolds) -> str | None:
    return None


def cost(problem: RidgeFolds) -> Cost:
    s, n_folds = problem.structure, len(problem.folds)
    k, columns = s.shorter_side, len(problem.alphas) * problem.n_targets
    one = gram_cost(s, k) + Cost(
        lapack=EIGH_FLOPS * k**3,
        blas3=2.0 * columns * s.n_columns * (k + problem.n_test),
        memory=s.stored_bytes + 24.0 * k**2 + 8.0 * columns * (problem.n_test + s.n_columns),
    )
    return Cost(
        blas3=n_folds * one.blas3,
        lapack=n_folds * one.lapack,
        sparse_product=n_folds * one.sparse_product,
        traffic=n_folds * one.traffic,
        memory=one.memory,
        passes=n_folds * one.passes,
    )


def memory_use(problem: RidgeFolds) -> str:
    return "a copy of a training set and its Gram matrix"


def reason(problem: RidgeFolds) -> str:
    return "one factorisation for each training set"


def solve(problem: RidgeFolds) -> FoldScores:
    scores, errors = [], []
    for k, (train, test) in enumerate(problem.folds):
        form, operand, offset = problem.form(train)
        path = RidgePath(form.operand.structure, form, problem.alphas, problem.n_targets)
        spectrum = from_shorter_side(path)
        coef = form.restore(spectrum.coefficient_path(form.operand, problem.alphas))
        scores.append(problem.score(k, problem.predictions(test, coef, operand.mean, offset)))
        errors.append(spectrum.error(problem.alphas))
    return FoldScores(np.array(scores), max(errors))
