"""Scores of predictions that are already there, by scikit-learn's scorers."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils.validation import _num_samples

from skstruct._compat import accepts_sample_weight
from skstruct._estimator import user_stacklevel


class _Fixed(RegressorMixin, BaseEstimator):
    """An estimator that has only these predictions to make."""

    def __init__(self, predictions: np.ndarray) -> None:
        self.predictions = predictions

    def fit(self, X: object, y: object = None) -> _Fixed:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: object) -> np.ndarray:
        if _num_samples(X) != len(self.predictions):
            raise ValueError("the scorer changed the rows that were to be predicted")
        return self.predictions


class PathScorer:
    """Scores predictions for every penalty.

    Parameters
    ----------
    scorer : callable or None
        ``scorer(estimator, X, y)``, larger is better; None for R^2.
    y : ndarray of shape (n,) or (n, t)
        Targets, in the shape that scorers are to see.
    per_target : bool
        Whether every target gets a score of its own.
    params : dict
        Further arguments of the scorer.
    """

    def __init__(
        self, scorer: Callable | None, y: np.ndarray, *, per_target: bool, params: dict
    ) -> None:
        self._scorer, self._y, self._per_target = scorer, y, per_target
        self._params = dict(params)
        if scorer is not None and not accepts_sample_weight(scorer):
            self._params.pop("sample_weight", None)

    def __call__(self, X: object, rows: np.ndarray | slice, predictions: np.ndarray) -> np.ndarray:
        """Return scores of shape (m,) or (m, t) for predictions of shape (n, m, t)."""
        y = self._y[rows]
        params = {name: _rows_of(value, rows, len(self._y)) for name, value in self._params.items()}
        if self._scorer is None:
            scores = _r2(y.reshape(len(y), 1, -1), predictions, params.get("sample_weight"))
            return scores if self._per_target else scores.mean(axis=1)
        return np.array(
            [self._scores_of(X, y, predictions[:, j], params) for j in range(predictions.shape[1])]
        )

    def _scores_of(
        self, X: object, y: np.ndarray, predictions: np.ndarray, params: dict
    ) -> float | list[float]:
        if self._per_target and y.ndim == 2:
            return [
                self._scorer(_Fixed(predictions[:, i]), X, y[:, i], **params)
                for i in range(y.shape[1])
            ]
        predictions = predictions[:, 0] if y.ndim == 1 else predictions
        return self._scorer(_Fixed(predictions), X, y, **params)


def _r2(y: np.ndarray, predictions: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Return R^2 as scikit-learn defines it, of shape (m, t)."""
    if len(y) < 2 or (weights is not None and np.count_nonzero(weights) < 2):
        warnings.warn(
            "R^2 score is not well-defined with less than two samples.",
            UndefinedMetricWarning,
            stacklevel=user_stacklevel(),
        )
        return np.full(predictions.shape[1:], np.nan)
    weights = np.ones(len(y)) if weights is None else weights
    squares = np.einsum("i,ijk->jk", weights, np.square(predictions - y))
    spread = np.einsum("i,ijk->jk", weights, np.square(y - np.average(y, 0, weights)))
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = 1.0 - squares / spread
    # A constant target is predicted perfectly or not at all.
    return np.where(spread > 0, scores, np.where(squares == 0, 1.0, 0.0))


def _rows_of(value: object, rows: np.ndarray | slice, n_rows: int) -> object:
    """Return the rows of what has a value for each."""
    has_rows = hasattr(value, "__len__") and len(value) == n_rows
    return np.asarray(value)[rows] if has_rows else value
