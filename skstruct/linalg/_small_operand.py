"""Dense data that fits one block: centred and weighted once, in memory."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from skstruct.linalg._operand import Operand


class SmallDenseOperand(Operand):
    """A = diag(sqrt(w)) (X - 1 m') as an array.

    Centring it anew in every pass would cost a third of a small fit.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        float32 or float64, in any memory order.
    weights : ndarray of shape (n,), optional
        Non-negative row weights w.
    center : bool
        Whether to subtract the weighted column mean.
    mean : ndarray of shape (p,), optional
        A known vector to subtract instead.
    """

    def __init__(
        self,
        X: np.ndarray,
        weights: np.ndarray | None = None,
        *,
        center: bool = False,
        mean: np.ndarray | None = None,
    ) -> None:
        self._describe(X, weights, centered=center or mean is not None)
        self.X = X
        A = X.astype(np.float64, copy=False)
        self.mean = np.zeros(X.shape[1])
        if mean is not None:
            self.mean = np.asarray(mean, dtype=np.float64)
            A = A - self.mean
        elif center:
            # Relative to the first row, so that a sum of a few large offsets loses nothing and
            # a constant column is centred to exact zeros.
            A = A - A[0]
            excess = A.mean(axis=0) if weights is None else weights @ A / (self.total_weight or 1.0)
            A -= excess
            self.mean = X[0].astype(np.float64) + excess
        if self.root_weights is not None:
            A = A * self.root_weights[:, None]
        self._A = A

    def matmat(self, V: np.ndarray) -> np.ndarray:
        return self._A @ V

    def rmatmat(self, U: np.ndarray) -> np.ndarray:
        return self._A.T @ U

    def normal_equations(self, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gram = self._A.T @ self._A
        self.column_sq_norms = gram.diagonal().copy()
        return gram, self._A.T @ Y

    def outer_gram(self) -> np.ndarray:
        return self._A @ self._A.T

    def dense_block(self, rows: slice, buffer: np.ndarray | None = None) -> np.ndarray:
        return self._A[rows]

    @cached_property
    def column_sq_norms(self) -> np.ndarray:
        return np.einsum("ij,ij->j", self._A, self._A)
