"""A penalty ||L w||^2 reduced to ||v||^2: every algorithm for ridge regression then serves it.

With T = L^+ and a basis N of the null space of L the coefficients are w = T v + N c. The part N c
is not penalised and is treated as an intercept is: its directions A N in the data are projected
out (Elden 1977).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
from scipy import sparse

from skstruct.linalg._operand import Operand
from skstruct.linalg._penalty import Penalty


class StandardForm:
    """The problem min ||B v - y'||^2 + alpha ||v||^2 that is equivalent to one with a penalty.

    Parameters
    ----------
    operand : Operand
        A, of shape (n, p).
    targets : ndarray of shape (n, t)
        y, centred and weighted as A is.
    penalty : Penalty
        L.

    Attributes
    ----------
    operand : Operand
        B = (I - Q Q') A T with Q an orthonormal basis of the range of A N; A itself for L = I.
    targets : ndarray of shape (n, t)
        y' = (I - Q Q') y.
    fixed : ndarray of shape (n, q)
        Q, the directions that are fitted without a penalty, apart from an intercept.
    """

    def __init__(self, operand: Operand, targets: np.ndarray, penalty: Penalty) -> None:
        self._base, self._base_targets = operand, targets
        self.operand, self.targets = operand, targets
        self.fixed = np.empty((operand.shape[0], 0))
        self._is_identity = penalty.is_identity
        if self._is_identity:
            return
        self._T, self._N = penalty.standard_form
        U, s, right = np.linalg.svd(operand.matmat(self._N), full_matrices=False)
        cutoff = max(operand.shape) * np.finfo(np.float64).eps
        rank = int(np.count_nonzero(s > cutoff * np.sqrt(operand.sq_norm)))
        self.fixed = U[:, :rank]
        self._to_null = self._N @ (right[:rank].T / s[:rank])
        self.operand = _TransformedOperand(operand, self._T, self.fixed)
        self.targets = targets - self.fixed @ (self.fixed.T @ targets)

    def restore(self, V: np.ndarray) -> np.ndarray:
        """Return w of shape (p, t) for v of shape (p', t), or (p, m, t) for (p', m, t)."""
        if self._is_identity:
            return V
        linear, base = self.restore_parts(V.reshape(len(V), int(np.prod(V.shape[1:]))))
        linear = linear.reshape(self.n_features, *V.shape[1:])
        return linear + (base if V.ndim == 2 else base[:, None])

    def restore_parts(self, V: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the part of w that is linear in the columns v, and the rest, of shape (p, t)."""
        if self._is_identity:
            return V, np.zeros((len(V), self.targets.shape[1]))
        W = self._T @ V
        W = W - self._to_null @ (self.fixed.T @ self._base.matmat(W))
        return W, self._to_null @ (self.fixed.T @ self._base_targets)

    @property
    def n_features(self) -> int:
        """Number of coefficients w."""
        return self._base.shape[1]

    @property
    def n_fixed(self) -> int:
        """How many coefficients are fitted without a penalty, the intercept among them."""
        return self.fixed.shape[1] + self._base.structure.centered

    def fixed_directions(self) -> np.ndarray:
        """Return an orthonormal basis of what is fitted without a penalty, of shape (n, q)."""
        if not self._base.structure.centered:
            return self.fixed
        n, root = self._base.shape[0], self._base.root_weights
        constant = (np.ones(n) if root is None else root) / np.sqrt(self._base.total_weight)
        return np.column_stack([constant, self.fixed])


class _TransformedOperand(Operand):
    """(I - Q Q') A T."""

    def __init__(
        self, base: Operand, transform: np.ndarray | sparse.sparray, fixed: np.ndarray
    ) -> None:
        self._base, self._T, self._fixed = base, transform, fixed
        self.shape = (base.shape[0], transform.shape[1])
        self.weights, self.root_weights = base.weights, base.root_weights
        self.total_weight = base.total_weight
        self.mean = np.zeros(self.shape[1])
        self.structure = replace(base.structure, n_columns=self.shape[1], nnz=None)
        self._overlap = (transform.T @ base.rmatmat(fixed)).T

    def matmat(self, V: np.ndarray) -> np.ndarray:
        image = self._base.matmat(self._T @ V)
        return image - self._fixed @ (self._fixed.T @ image)

    def rmatmat(self, U: np.ndarray) -> np.ndarray:
        return self._T.T @ self._base.rmatmat(U - self._fixed @ (self._fixed.T @ U))

    def outer_gram(self) -> np.ndarray:
        dense = self.to_dense()
        return dense @ dense.T

    def dense_block(self, rows: slice, buffer: np.ndarray | None = None) -> np.ndarray:
        return self._base.dense_block(rows) @ self._T - self._fixed[rows] @ self._overlap

    @cached_property
    def column_sq_norms(self) -> np.ndarray:
        squares = np.zeros(self.shape[1])
        for rows in self.dense_row_blocks(min_rows=1):
            squares += np.square(self.dense_block(rows)).sum(axis=0)
        return squares
