"""A matrix of which only the products are known, as an operand."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.sparse.linalg import LinearOperator

from skstruct.linalg._operand import Operand

# Random signs u from which column norms are estimated: the mean of (A'u)_j^2 has the expectation
# |a_j|^2 and, for columns with many entries, a relative standard deviation of sqrt(2 / 16) = 0.35.
N_PROBES = 16


class MatrixFreeOperand(Operand):
    """A = diag(sqrt(w)) (X - 1 m') for a linear operator X.

    The norms of the columns are estimates from random signs, always the same.

    Parameters
    ----------
    X : LinearOperator of shape (n, p)
        Real, with ``matmat`` and ``rmatmat``.
    weights : ndarray of shape (n,), optional
        Non-negative row weights w.
    center : bool
        Whether to subtract the weighted column mean.
    mean : ndarray of shape (p,), optional
        A known vector to subtract instead.
    """

    def __init__(
        self,
        X: LinearOperator,
        weights: np.ndarray | None = None,
        *,
        center: bool = False,
        mean: np.ndarray | None = None,
    ) -> None:
        self._describe(X, weights, centered=center or mean is not None, matrix_free=True)
        self.X = X
        self.mean = np.zeros(X.shape[1])
        if mean is not None:
            self.mean = np.asarray(mean, dtype=np.float64)
        elif center and self.total_weight > 0:
            ones = np.ones(X.shape[0]) if weights is None else np.square(self.root_weights)
            self.mean = self._rmatmat(ones[:, None])[:, 0] / self.total_weight

    def matmat(self, V: np.ndarray) -> np.ndarray:
        product = np.array(self.X.matmat(V), dtype=np.float64)  # a copy: it is changed below
        if self.structure.centered:
            product -= np.einsum("i,ij->j", self.mean, V)
        if self.root_weights is not None:
            product *= self.root_weights[:, None]
        return product

    def rmatmat(self, U: np.ndarray) -> np.ndarray:
        if self.root_weights is not None:
            U = self.root_weights[:, None] * U
        product = self._rmatmat(U)
        if self.structure.centered:
            product -= np.outer(self.mean, U.sum(axis=0))
        return product

    def _rmatmat(self, U: np.ndarray) -> np.ndarray:
        return np.array(self.X.rmatmat(U), dtype=np.float64)

    def outer_gram(self) -> np.ndarray:
        dense = self.to_dense()
        return dense @ dense.T

    def dense_block(self, rows: slice, buffer: np.ndarray | None = None) -> np.ndarray:
        unit = np.zeros((self.shape[0], rows.stop - rows.start))
        unit[np.arange(rows.start, rows.stop), np.arange(rows.stop - rows.start)] = 1.0
        return self.rmatmat(unit).T

    @cached_property
    def column_sq_norms(self) -> np.ndarray:
        signs = np.random.default_rng(0).integers(0, 2, (self.shape[0], N_PROBES)) * 2.0 - 1.0
        return np.square(self.rmatmat(signs)).mean(axis=1)
