"""What can be asked of data: how well ridge regressions predict rows left out of their fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from scipy import sparse

from skstruct.linalg._certificate import Certificate
from skstruct.linalg._operand import Operand
from skstruct.linalg._operands import make_operand
from skstruct.linalg._penalty import IdentityPenalty, Penalty
from skstruct.linalg._standard_form import StandardForm
from skstruct.linalg._structure import Structure


@dataclass(frozen=True)
class FoldScores:
    """An answer to a :class:`RidgeFolds` problem.

    Attributes
    ----------
    scores : ndarray of shape (n_folds, m) or (n_folds, m, t)
        What ``score`` returned for each fold.
    error : float
        The largest error of a filter factor that the factorisations leave.
    """

    scores: np.ndarray
    error: float


@dataclass(frozen=True)
class RidgeFolds:
    """Scores of the ridge regressions of every penalty, fitted to each training set.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n, p)
        Data.
    targets : ndarray of shape (n, t)
        y, neither centred nor weighted.
    weights : ndarray of shape (n,) or None
        Row weights of the fits.
    centered : bool
        Whether an intercept is fitted.
    alphas : ndarray of shape (m,)
        Penalties.
    folds : sequence of (train, test)
        Indices of rows.
    score : callable
        Takes the number of a fold and predictions of shape (n_test, m, t); returns an array.
    penalty : Penalty or None
        L; None for the identity.
    tol : float
        Error of filter factors asked for.
    """

    X: np.ndarray | sparse.sparray
    targets: np.ndarray
    weights: np.ndarray | None
    centered: bool
    alphas: np.ndarray
    folds: Sequence[tuple[np.ndarray, np.ndarray]]
    score: Callable[[int, np.ndarray], np.ndarray]
    penalty: Penalty | None = None
    tol: float = 1e-8

    kind: ClassVar[str] = "ridge_folds"
    preferred: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if self.penalty is None:
            object.__setattr__(self, "penalty", IdentityPenalty(self.X.shape[1]))

    @cached_property
    def operand(self) -> Operand:
        """All rows, centred and weighted."""
        return make_operand(self.X, self.weights, center=self.centered)

    @property
    def structure(self) -> Structure:
        """The facts known of the data."""
        return self.operand.structure

    @property
    def n_targets(self) -> int:
        """Number of targets t."""
        return self.targets.shape[1]

    @cached_property
    def is_partition(self) -> bool:
        """Whether every training set is what its test set leaves, so that parts of it add up."""
        n = self.X.shape[0]
        for train, test in self.folds:
            if len(train) + len(test) != n:
                return False
            count = np.bincount(train, minlength=n) + np.bincount(test, minlength=n)
            if not np.all(count == 1):
                return False
        return True

    @cached_property
    def tests_cover_once(self) -> bool:
        """Whether every row is in exactly one test set."""
        tests = np.concatenate([test for _, test in self.folds])
        return bool(np.all(np.bincount(tests, minlength=self.X.shape[0]) == 1))

    @property
    def n_test(self) -> int:
        """Length of the longest test set."""
        return max(len(test) for _, test in self.folds)

    def form(
        self, rows: np.ndarray | slice = slice(None)
    ) -> tuple[StandardForm, Operand, np.ndarray]:
        """Return the standard form of some rows' regression, their operand and targets' mean."""
        weights = None if self.weights is None else self.weights[rows]
        operand = make_operand(self.X[rows], weights, center=self.centered)
        targets, offset = operand.prepare_targets(self.targets[rows])
        return StandardForm(operand, targets, self.penalty), operand, offset

    def predictions(
        self, test: np.ndarray, coef: np.ndarray, mean: np.ndarray, offset: np.ndarray
    ) -> np.ndarray:
        """Return (X - mean) w + offset, of shape (n_test, m, t), for w of shape (p, m, t)."""
        operand = make_operand(self.X[test], mean=mean if self.centered else None)
        image = operand.matmat(coef.reshape(len(coef), -1))
        return image.reshape(len(test), *coef.shape[1:]) + offset

    def certify(self, answer: FoldScores) -> Certificate:
        """Report the error that the factorisations leave in the filter factors."""
        return Certificate(
            "error of filter factors, eps d_1^2 / alpha",
            answer.error,
            self.tol,
            remedy="use larger penalties",
        )

    def __str__(self) -> str:
        targets = "1 target" if self.n_targets == 1 else f"{self.n_targets} targets"
        return (
            f"ridge path of {len(self.alphas)} penalties and {targets} in {len(self.folds)} folds "
            f"of a {self.structure}"
        )
