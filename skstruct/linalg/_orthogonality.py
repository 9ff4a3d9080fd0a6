"""How much orthogonality a Krylov basis has lost, without looking at it.

A new block is made orthogonal to the last two blocks; by symmetry it is orthogonal to the others,
but for rounding errors, which grow as pairs converge. With G K = K H + Q_{j+1} C_j and
G Q_j = Q_{j+1} C_j + K h_j its inner products with the basis obey the recurrence

    K'Q_{j+1} = (H K'Q_j - K'K h_j) C_j^{-1} + rounding errors.

Only where this exceeds what the answer allows, the whole basis has to be read: partial
reorthogonalization, Simon (1984), with blocks Grimes, Lewis & Simon (1994).
"""

from __future__ import annotations

import numpy as np
from scipy import linalg


class OrthogonalityLoss:
    """Estimated inner products of a block with the basis that ends with it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the simulated rounding errors.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        # Standard deviation of a rounding error, in units of the operator's norm.
        self._rounding = np.finfo(np.float64).eps
        self._is_second_pass_due = False
        self._older = self._newer = np.empty((0, 0))

    def begin(self, size: int, width: int) -> None:
        """Describe a basis of `size` vectors that ends with an orthogonal block of `width`."""
        self._older = np.empty((size, 0))
        self._newer = np.eye(size, width, width - size)
        self._is_second_pass_due = False

    def exceeds(
        self, limit: float, H: np.ndarray, columns: np.ndarray, coupling: np.ndarray
    ) -> bool:
        """Whether the next block may be further from orthogonal than `limit`, or unknown.

        Parameters
        ----------
        limit : float
            The largest inner product allowed.
        H : ndarray of shape (size, size)
            Projection of the operator on the basis.
        columns : ndarray of shape (size, width)
            Coefficients h_j of the last product.
        coupling : ndarray of shape (width, width)
            Triangular factor C_j of what was left of it.
        """
        inner = self._predict(H, columns, coupling)
        self._older, self._newer = self._newer, np.vstack([inner, np.eye(inner.shape[1])])
        return self._is_second_pass_due or not np.abs(inner).max(initial=0.0) <= limit

    def settle(self, measured: np.ndarray) -> None:
        """Take note that the block was made orthogonal; it had these inner products before.

        The recurrence has two terms, so the block after it has to follow.
        """
        size = len(measured)
        predicted = np.abs(self._newer[:size]).max(initial=0.0)
        actual = np.abs(measured).max(initial=0.0)
        if 0.0 < predicted < actual:
            self._rounding *= actual / predicted
        self._newer[:size] = 0.0
        self._is_second_pass_due = not self._is_second_pass_due

    def _predict(self, H: np.ndarray, columns: np.ndarray, coupling: np.ndarray) -> np.ndarray:
        size, older, newer = len(H), self._older, self._newer
        if len(coupling) != coupling.shape[1] or not np.diag(coupling).all():
            return np.full((size, len(coupling)), np.inf)
        first = size - newer.shape[1]
        recent = np.zeros((size, older.shape[1] + newer.shape[1]))
        recent[: len(older), : older.shape[1]] = older
        recent[first:, : older.shape[1]] = newer[first - older.shape[1] : first].T
        recent[:, older.shape[1] :] = newer
        change = H @ newer - recent @ columns[size - recent.shape[1] :]
        scale = self._rounding * np.abs(H).max()
        change += scale * self._rng.standard_normal(change.shape)
        inner = linalg.solve_triangular(coupling, change.T, trans="T", check_finite=False).T
        inner[size - recent.shape[1] :] = 0.0
        return inner
