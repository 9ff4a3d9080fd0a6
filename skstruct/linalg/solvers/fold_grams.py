"""Training sets' Gram matrices as the total less the fold's, one eigendecomposition a fold.

Grams are formed about the mean of all data and shifted to that of the training set, which is near.
"""

from __future__ import annotations

import numpy as np

from skstruct.linalg._costs import gram_cost
from skstruct.linalg._machine import EIGH_FLOPS, Cost
from skstruct.linalg._operand import Operand
from skstruct.linalg._operands import make_operand
from skstruct.linalg._ridge_folds import FoldScores, RidgeFolds
from skstruct.linalg._ridge_path import GRAM_RESOLUTION
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._spectral import leading_eigenpairs

NAME = "fold_grams"
ROBUSTNESS = 1
ON_REQUEST = False

# A fold with more than this share of the energy would leave a difference of large numbers:
# predictions were off by 2e-15 at a share of 0.2, 3e-15 at 0.96 and 2e-14 at 0.995.
MAX_SHARE = 0.9
EPS = np.finfo(np.float64).eps


def applies(problem: RidgeFolds) -> str | None:
    if not problem.is_partition:
        return "training sets are not what the test sets leave"
    if not np.all(problem.alphas > 0):
        return "without a penalty the Gram matrix is not accurate enough"
    if not problem.penalty.is_definite:
        return "the penalty leaves coefficients free"
    return None


def cost(problem: RidgeFolds) -> Cost:
    s, n_folds = problem.structure, len(problem.folds)
    p, columns = s.n_columns, len(problem.alphas) * problem.n_targets
    eigen = Cost(lapack=n_folds * EIGH_FLOPS * p**3, memory=8.0 * (n_folds + 5) * p**2)
    paths = Cost(
        blas3=2.0 * columns * p * (n_folds * p + s.n_rows),
        memory=8.0 * columns * (problem.n_test + p),
    )
    return gram_cost(s, p) + eigen + paths


def memory_use(problem: RidgeFolds) -> str:
    return "the Gram matrices of the folds"


def reason(problem: RidgeFolds) -> str:
    return "the Gram matrices of all training sets come from one pass over the data"


def solve(problem: RidgeFolds) -> FoldScores:
    moments = [_Moments.of(problem, test) for _, test in problem.folds]
    if problem.tests_cover_once:
        total = sum(moments[1:], moments[0])
    else:
        total = _Moments.of(problem, np.arange(problem.X.shape[0]))
    T = None if problem.penalty.is_identity else problem.penalty.standard_form[0]
    scores, errors = [], []
    for k, (_, test) in enumerate(problem.folds):
        if np.trace(moments[k].gram) > MAX_SHARE * np.trace(total.gram):
            raise Breakdown("a fold holds most of the energy of the data")
        gram, correlations, mean, offset = (total - moments[k]).about_their_mean(problem.centered)
        if T is not None:
            gram, correlations = T.T @ (T.T @ gram).T, T.T @ correlations
        values, V = leading_eigenpairs(np.ascontiguousarray(gram), len(gram))
        error = EPS * values[0] / problem.alphas.min()
        if error > EPS / GRAM_RESOLUTION:
            raise Breakdown("a Gram matrix does not resolve the smallest penalty")
        inside = (V.T @ correlations)[:, None] / (values[:, None] + problem.alphas)[:, :, None]
        coef = V @ inside.reshape(len(V), int(np.prod(inside.shape[1:])))
        coef = coef if T is None else T @ coef
        coef = coef.reshape(len(coef), *inside.shape[1:])
        center = problem.operand.mean + mean
        base = _offset(problem) + offset
        scores.append(problem.score(k, problem.predictions(test, coef, center, base)))
        errors.append(error)
    return FoldScores(np.array(scores), max(errors))


def _offset(problem: RidgeFolds) -> np.ndarray:
    """Return the mean of all targets."""
    return problem.operand.prepare_targets(problem.targets)[1]


class _Moments:
    """Sums over rows, about the mean of all data: X'WX, X'WY, X'w, Y'w and the total of w."""

    def __init__(self, *sums: np.ndarray) -> None:
        self.sums = sums

    @property
    def gram(self) -> np.ndarray:
        return self.sums[0]

    @classmethod
    def of(cls, problem: RidgeFolds, rows: np.ndarray) -> _Moments:
        weights = None if problem.weights is None else problem.weights[rows]
        mean = problem.operand.mean if problem.centered else None
        operand: Operand = make_operand(problem.X[rows], weights, mean=mean)
        root = np.ones(len(rows)) if weights is None else np.sqrt(weights)
        targets = (problem.targets[rows] - _offset(problem)) * root[:, None]
        gram, products = operand.normal_equations(np.column_stack([targets, root]))
        return cls(gram, products[:, :-1], products[:, -1], root @ targets, root @ root)

    def __add__(self, other: _Moments) -> _Moments:
        return _Moments(*(a + b for a, b in zip(self.sums, other.sums, strict=True)))

    def __sub__(self, other: _Moments) -> _Moments:
        return _Moments(*(a - b for a, b in zip(self.sums, other.sums, strict=True)))

    def about_their_mean(
        self, centered: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return the centred Gram matrix and correlations, and the means of X and Y."""
        gram, correlations, x_sums, y_sums, total = self.sums
        if not centered or not total > 0:
            return gram, correlations, np.zeros(len(gram)), np.zeros(len(y_sums))
        mean, offset = x_sums / total, y_sums / total
        return (
            gram - np.outer(x_sums, mean),
            correlations - np.outer(x_sums, offset),
            mean,
            offset,
        )
