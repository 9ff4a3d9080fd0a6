"""What PCA and RandomizedSVD share: scores of rows on orthonormal components, and back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Self

import numpy as np
from scipy import sparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import check_is_fitted

from skstruct._compat import with_callbacks
from skstruct._estimator import StructuredEstimator, check_rows, result_dtype
from skstruct._parameters import check_number, check_option, random_seed
from skstruct.linalg import (
    Operand,
    PartialSVD,
    RangeFinder,
    RowSource,
    make_operand,
    row_blocks,
)

NORMALIZERS = {"auto": "lu", "LU": "lu", "QR": "qr", "OR": "qr", "none": "none"}

# Residual |A'u - s v| asked of a solver, relative to s. Eigenvalues are then right to its square
# over the relative gap, components to its ratio to the gap.
DEFAULT_TOL = 1e-8
# The same where float32 data is multiplied in float32: 10 components of a photograph's patches,
# whose s fall to 1/30 of s_1, reach 1.4e-5.
SINGLE_TOL = 1e-4
# A given number of power iterations is a wish for a rough answer.
ROUGH_TOL = 1e-2


class LinearProjection(ClassNamePrefixFeaturesOutMixin, TransformerMixin, StructuredEstimator):
    """Base of estimators with ``components_``, and ``mean_`` if they centre."""

    # Where to write is no metadata for a pipeline to route.
    __metadata_request__transform = {"out": UNUSED}  # noqa: RUF012 - scikit-learn's own form

    @with_callbacks
    def fit(self, X: object, y: object = None, sample_weight: object = None) -> Self:
        """Find the components of X.

        Parameters
        ----------
        X : array-like, sparse matrix or source of rows, of shape (n_samples, n_features)
            Data.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), optional
            How many observations each row stands for: integer weights equal repetition, zero
            weights removal.

        Returns
        -------
        object
            The estimator itself.
        """
        with self._fitting(X, y):
            self._fit(X, sample_weight)
        return self

    @with_callbacks
    def fit_transform(
        self, X: object, y: object = None, sample_weight: object = None
    ) -> np.ndarray:
        """Find the components of X and return its scores.

        The same as ``fit(X).transform(X)``, for every solver.

        Parameters
        ----------
        X : array-like, sparse matrix or source of rows, of shape (n_samples, n_features)
            Data.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), optional
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Scores.
        """
        with self._fitting(X, y):
            X = self._fit(X, sample_weight)
        return self._scores(X)

    @abstractmethod
    def _fit(self, X: object, sample_weight: object) -> np.ndarray | sparse.sparray | RowSource:
        """Find the components of X; return X as it was validated."""

    def transform(self, X: object, *, out: np.ndarray | None = None) -> np.ndarray:
        """Return the scores of X: its rows, centred as in `fit`, projected on the components.

        Parameters
        ----------
        X : array-like, sparse matrix or source of rows, of shape (n_samples, n_features)
            Data; whatever `fit` takes.
        out : ndarray of shape (n_samples, n_components), optional
            Where to write the scores, such as a memory-mapped file.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Scores: `out` if it was given. In the container that `set_output` asks for.
        """
        check_is_fitted(self)
        X = check_rows(self, X, reset=False)
        if out is None:
            return self._scores(X)
        shape = (X.shape[0], len(self.components_))
        if getattr(out, "shape", None) != shape:
            found = getattr(out, "shape", type(out).__name__)
            raise ValueError(f"out must be an array of shape {shape}, got {found}")
        for rows, block in row_blocks(X):
            out[rows] = self._scores(block)
        return out

    def iter_transform(self, X: object) -> Iterator[np.ndarray]:
        """Yield the scores of consecutive blocks of rows, for data that does not fit in memory.

        Parameters
        ----------
        X : array-like, sparse matrix or source of rows, of shape (n_samples, n_features)
            Data; whatever `fit` takes.

        Yields
        ------
        ndarray of shape (n_rows, n_components)
            Scores of the next rows.
        """
        check_is_fitted(self)
        for _, block in row_blocks(check_rows(self, X, reset=False)):
            yield self._scores(block)

    def inverse_transform(self, X: object) -> np.ndarray:
        """Return the data whose scores are X, in the space of the features.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Scores.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Data.
        """
        check_is_fitted(self)
        scores = np.asarray(X)
        k = len(self.components_)
        if scores.ndim != 2 or scores.shape[1] != k:
            raise ValueError(f"X must have shape (n_samples, n_components={k}), got {scores.shape}")
        scale = self._score_scale()
        data = (scores if scale is None else scores * scale) @ self.components_
        if self._center() is not None:
            data = data + self._center()
        return data.astype(result_dtype(np.asarray(X), self.components_), copy=False)

    def _partial_svd(
        self,
        operand: Operand,
        *,
        rank: int | None,
        energy: float | None,
        tol: float,
        n_iter: int | None,
    ) -> PartialSVD:
        """Return the question to the engine.

        `tol` is 0 for the default, `n_iter` None for as many iterations as it takes.
        """
        default = SINGLE_TOL if operand.single else DEFAULT_TOL
        return PartialSVD(
            operand.structure,
            operand,
            rank=rank,
            energy=energy,
            tol=tol or (default if n_iter is None else ROUGH_TOL),
            seed=random_seed(self.random_state),
            range_finder=RangeFinder(
                n_oversamples=int(self.n_oversamples),
                n_iter=n_iter,
                normalizer=NORMALIZERS[self.power_iteration_normalizer],
            ),
        )

    def _allows_single(self) -> bool:
        """Whether float32 data may be multiplied in float32, as far as `tol` tells."""
        return not 0 < self.tol < SINGLE_TOL

    def _check_iteration_parameters(self, n_iter: str) -> None:
        """Check the parameters of the iterations; `n_iter` is the name of that number."""
        check_option(self, "power_iteration_normalizer", tuple(NORMALIZERS))
        check_number(self, "tol")
        check_number(self, "n_oversamples", integer=True, minimum=1)
        if getattr(self, n_iter) != "auto":
            check_number(self, n_iter, integer=True)

    def _scores(self, X: np.ndarray | sparse.sparray) -> np.ndarray:
        components = self.components_.astype(np.float64, copy=False)
        scores = make_operand(X, mean=self._center()).matmat(components.T)
        scale = self._score_scale()
        if scale is not None:
            scores *= np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
        return scores.astype(result_dtype(X, self.components_), copy=False)

    def _center(self) -> np.ndarray | None:
        """Return what is subtracted from every row."""
        return getattr(self, "mean_", None)

    def _score_scale(self) -> np.ndarray | None:
        """Return what scores are divided by, where it is not zero."""
        return None

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "components_")

    @property
    def _n_features_out(self) -> int:
        return self.components_.shape[0]

    def __sklearn_tags__(self) -> object:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
