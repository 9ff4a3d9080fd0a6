"""What linear models share: data to operand, coefficients to attributes, prediction."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from skstruct._compat import with_callbacks
from skstruct._estimator import StructuredEstimator, check_sample_weight, check_source, result_dtype
from skstruct.linalg import Operand, make_operand, row_blocks, row_source


@dataclass(frozen=True)
class Design:
    """Data of a regression, ready for the engine.

    Attributes
    ----------
    X : ndarray or sparse matrix of shape (n, p)
        The validated data.
    operand : Operand
        A: X centred, if there is an intercept, and weighted.
    targets : ndarray of shape (n, t)
        y, centred and weighted likewise.
    offset : ndarray of shape (t,)
        The mean that was subtracted from y.
    y : ndarray of shape (n,) or (n, t)
        The validated targets.
    weights : ndarray of shape (n,) or None
        Sample weights.
    prior : ndarray of shape (p, t) or None
        What coefficients are counted from; None for zero.
    """

    X: np.ndarray | sparse.sparray
    operand: Operand
    targets: np.ndarray
    offset: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    prior: np.ndarray | None = None

    @property
    def n_targets(self) -> int:
        """Number of targets t."""
        return self.targets.shape[1]

    @property
    def raw_targets(self) -> np.ndarray:
        """Y as it was given, in columns."""
        return self.y.reshape(len(self.y), -1)

    def unweighted(
        self, residuals: np.ndarray, coefficients: Callable[[], np.ndarray]
    ) -> np.ndarray:
        """Divide residuals, of shape (n, m, t), by the roots of the weights.

        Of rows without weight they are y - X w - b for the coefficients w, of shape (p, m, t).
        """
        if self.weights is None:
            return residuals
        root, idle = self.operand.root_weights, np.flatnonzero(self.weights == 0)
        residuals = residuals / np.where(root == 0, 1.0, root)[:, None, None]
        if len(idle):
            coef = coefficients()
            if self.prior is not None:
                coef = coef + self.prior[:, None]
            columns = coef.reshape(len(coef), -1)
            fitted = self.X[idle] @ columns - self.operand.mean @ columns
            targets = (self.raw_targets[idle] - self.offset)[:, None]
            residuals[idle] = targets - fitted.reshape(len(idle), *coef.shape[1:])
        return residuals

    def residual_variance(self, coef: np.ndarray, edf: np.ndarray) -> np.ndarray:
        """Return R / (n - edf) for w of shape (p, t); NaN without a degree of freedom left."""
        residual = self.targets - self.operand.matmat(coef)
        freedom = self.n_observations - edf
        squares = np.einsum("ij,ij->j", residual, residual)
        return squares / np.where(freedom > 0, freedom, np.nan)

    def about(self, prior: np.ndarray) -> Design:
        """Return the design whose coefficients are those less `prior`, of shape (p, t)."""
        if not prior.any():
            return self
        return replace(self, targets=self.targets - self.operand.matmat(prior), prior=prior)

    @property
    def n_observations(self) -> int:
        """Number of rows that have weight."""
        return self.operand.n_observations


class LinearModel(MultiOutputMixin, RegressorMixin, StructuredEstimator):
    """Base of the linear models: y = X w + b."""

    @with_callbacks
    def fit(self, X: object, y: object, sample_weight: object = None) -> Self:
        """Fit coefficients and intercept.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), optional
            Weight of each row's squared residual.

        Returns
        -------
        object
            The estimator itself.
        """
        with self._fitting(X, y):
            self._forget()
            self._check_parameters()
            self._fit(self._design(X, y, sample_weight))
        return self

    def _forget(self) -> None:
        """Remove what an earlier fit set and this one may not."""
        for name in self._optional:
            vars(self).pop(name, None)

    _optional: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def _check_parameters(self) -> None:
        """Raise if a parameter is not valid."""

    @abstractmethod
    def _fit(self, design: Design) -> None:
        """Set the fitted attributes."""

    # Whether X may also be an operator or be read in chunks.
    _takes_sources = False

    def _design(self, X: object, y: object, sample_weight: object) -> Design:
        if self._takes_sources and _is_source(X):
            X = check_source(self, X, reset=True)
            y = check_array(y, ensure_2d=False, dtype="numeric", input_name="y")
            check_consistent_length(X, y)
        else:
            X, y = validate_data(
                self,
                X,
                y,
                dtype=[np.float64, np.float32],
                accept_sparse=("csr", "csc"),
                multi_output=True,
                y_numeric=True,
            )
        weights = check_sample_weight(sample_weight, X)
        operand = make_operand(X, weights, center=bool(self.fit_intercept))
        targets, offset = operand.prepare_targets(y.reshape(len(y), -1))
        return Design(X, operand, targets, offset, y, weights)

    def _record(
        self, design: Design, coef: np.ndarray, intercept: np.ndarray | None = None
    ) -> None:
        """Set ``coef_`` and ``intercept_`` from coefficients in columns."""
        vars(self).update(self._fitted(design, coef, intercept))

    def _fitted(
        self, design: Design, coef: np.ndarray, intercept: np.ndarray | None = None
    ) -> dict[str, object]:
        """Return ``coef_`` and ``intercept_`` for coefficients in columns."""
        dtype = result_dtype(design.X)
        if intercept is None:
            intercept = design.offset - design.operand.mean @ coef
        if not self.fit_intercept:
            b = 0.0
        elif design.y.ndim == 1:
            b = dtype.type(intercept[0])
        else:
            b = intercept.astype(dtype)
        return {"coef_": self._coef_of(coef.T, design).astype(dtype), "intercept_": b}

    def _coef_of(self, rows: np.ndarray, design: Design) -> np.ndarray:
        """Give rows, one for each target, the shape that they have in scikit-learn."""
        return rows[0] if len(rows) == 1 else rows

    def predict(self, X: object) -> np.ndarray:
        """Return X w + b.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predictions.
        """
        check_is_fitted(self)
        if not (self._takes_sources and _is_source(X)):
            X = validate_data(self, X, accept_sparse=("csr", "csc", "coo"), reset=False)
            return X @ self.coef_.T + self.intercept_
        X = check_source(self, X, reset=False)
        if isinstance(X, LinearOperator):
            return X @ self.coef_.T + self.intercept_
        return np.concatenate([rows @ self.coef_.T for _, rows in row_blocks(X)]) + self.intercept_

    def __sklearn_tags__(self) -> object:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def alphas_per_target(estimator: BaseEstimator, n_targets: int) -> np.ndarray:
    """Return the parameter ``alpha`` as an array of shape (n_targets,)."""
    alphas = np.asarray(estimator.alpha)
    if alphas.dtype.kind not in "fiu" or alphas.ndim > 1:
        raise TypeError(
            f"The 'alpha' parameter of {type(estimator).__name__} must be a float or an array of "
            f"shape (n_targets,). Got {estimator.alpha!r} instead."
        )
    alphas = alphas.astype(np.float64).ravel()
    if not (np.all(np.isfinite(alphas)) and np.all(alphas >= 0)):
        raise ValueError(
            f"The 'alpha' parameter of {type(estimator).__name__} must be finite and not "
            f"negative. Got {estimator.alpha!r} instead."
        )
    if len(alphas) not in (1, n_targets):
        raise ValueError(
            "Number of targets and number of penalties do not correspond: "
            f"{len(alphas)} != {n_targets}"
        )
    return np.broadcast_to(alphas, n_targets).copy()


def _is_source(X: object) -> bool:
    return isinstance(X, LinearOperator) or row_source(X) is not None


def rounding_error(design: Design) -> float:
    """Return the smallest tolerance: some eps, growing with the lengths of sums."""
    return 10 * np.finfo(np.float64).eps * np.sqrt(max(design.X.shape))
