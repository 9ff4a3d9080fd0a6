"""Spectrum: all that one factorisation knows of a ridge regression, for every penalty at once.

With A = U diag(d) V' and z = U'y the coefficients are w = V (d z / (d^2 + alpha)), and the filter
factors f = d^2 / (d^2 + alpha) give residuals, degrees of freedom and leverages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from skstruct.linalg._operand import Operand


@dataclass(frozen=True)
class Spectrum:
    """Singular values of A and the targets in their basis.

    Attributes
    ----------
    sq_values : ndarray of shape (k,)
        d^2, descending; those that vanish are left out.
    projections : ndarray of shape (k, t)
        z = U'y.
    outside_sq : ndarray of shape (t,)
        Squared norm of the part of y outside the range of A.
    n_observations : int
        Rows that have weight.
    n_fixed : int
        Coefficients that were fitted without a penalty beside A: the intercept, and those that the
        penalty leaves free.
    right : ndarray of shape (p, k) or None
        V.
    left : ndarray of shape (n, k) or None
        U; one of the two is known.
    resolution : float
        Error of d^2, as a share of the largest.
    """

    sq_values: np.ndarray
    projections: np.ndarray
    outside_sq: np.ndarray
    n_observations: int
    n_fixed: int
    right: np.ndarray | None = None
    left: np.ndarray | None = None
    resolution: float = 0.0

    def without_vectors(self) -> Spectrum:
        """Return what does not grow with the data."""
        return replace(self, left=None, right=None)

    def error(self, alphas: np.ndarray) -> float:
        """Return the largest error of a filter factor: that of d^2 relative to the penalty."""
        if self.resolution == 0.0:
            return 0.0
        return self.resolution * self.sq_values.max(initial=0.0) / float(np.min(alphas))

    def filters(self, alphas: np.ndarray) -> np.ndarray:
        """Return f, of shape (k, m), for m penalties."""
        values = self.sq_values[:, None]
        return values / (values + alphas)

    def complements(self, alphas: np.ndarray) -> np.ndarray:
        """Return 1 - f = alpha / (d^2 + alpha), of shape (k, m)."""
        return alphas / (self.sq_values[:, None] + alphas)

    def degrees_of_freedom(self, alphas: np.ndarray) -> np.ndarray:
        """Return the trace of the matrix that turns y into fitted values, of shape (m,)."""
        return self.n_fixed + self.filters(alphas).sum(axis=0)

    def residual_sq(self, alphas: np.ndarray) -> np.ndarray:
        """Return ||y - A w||^2, of shape (m, t)."""
        left = np.square(self.complements(alphas))
        return left.T @ np.square(self.projections) + self.outside_sq

    def coef_sq(self, alphas: np.ndarray) -> np.ndarray:
        """Return ||w||^2, of shape (m, t)."""
        weights = np.square(self.filters(alphas)) / self.sq_values[:, None]
        return weights.T @ np.square(self.projections)

    def scores(self, alphas: np.ndarray) -> np.ndarray:
        """Return z f / d, of shape (k, t), for one penalty or one for each target."""
        return self.projections * self.filters(alphas) / np.sqrt(self.sq_values)[:, None]

    def coefficients(self, operand: Operand, alphas: np.ndarray) -> np.ndarray:
        """Return w, of shape (p, t), for one penalty or one for each target."""
        return self._right_times(operand, self.scores(alphas))

    def coefficient_path(self, operand: Operand, alphas: np.ndarray) -> np.ndarray:
        """Return w for every penalty and target, of shape (p, m, t)."""
        k, t = self.projections.shape
        weights = self.filters(alphas) / np.sqrt(self.sq_values)[:, None]
        scores = weights[:, :, None] * self.projections[:, None]
        path = self._right_times(operand, scores.reshape(k, len(alphas) * t))
        return path.reshape(operand.shape[1], len(alphas), t)

    def inverse(self, operand: Operand, rhs: np.ndarray, alphas: np.ndarray) -> np.ndarray:
        """Return (A'A + alpha I)^-1 rhs for right-hand sides in the range of A'."""
        inside = self._right_transposed_times(operand, rhs)
        return self._right_times(operand, inside / (self.sq_values[:, None] + alphas))

    def _right_times(self, operand: Operand, scores: np.ndarray) -> np.ndarray:
        if self.right is not None:
            return self.right @ scores
        return operand.rmatmat(self.left @ (scores / np.sqrt(self.sq_values)[:, None]))

    def _right_transposed_times(self, operand: Operand, rhs: np.ndarray) -> np.ndarray:
        if self.right is not None:
            return self.right.T @ rhs
        return (self.left.T @ operand.matmat(rhs)) / np.sqrt(self.sq_values)[:, None]

    def left_rows(self, operand: Operand, rows: slice) -> np.ndarray:
        """Return rows of U, of which only these rows of the data are read."""
        if self.left is not None:
            return self.left[rows]
        return operand.dense_block(rows) @ (self.right / np.sqrt(self.sq_values))
