"""An orthonormal basis that grows by blocks, multiplied in parallel."""

from __future__ import annotations

from functools import partial

import numpy as np

from skstruct.linalg._operand import even_slices
from skstruct.linalg._threads import run_all

# Rows of a piece at least, and the most pieces: with 107 pieces of 1024 rows the projection of 8
# vectors on 16 took 22 ms, nearly all of it for starting tasks; with 16 pieces 6 ms.
PIECE_ROWS = 1024
MAX_PIECES = 16


class KrylovBasis:
    """Columns of length `order`, not copied when others are appended up to `capacity`."""

    def __init__(self, order: int, capacity: int = 0) -> None:
        self.size = 0
        self._columns = np.empty((order, capacity), order="F")
        self._pieces = even_slices(order, max(PIECE_ROWS, order // MAX_PIECES))

    @property
    def vectors(self) -> np.ndarray:
        """The basis, of shape (order, size)."""
        return self._columns[:, : self.size]

    def append(self, block: np.ndarray) -> None:
        """Add columns, which must be orthonormal to those present."""
        size = self.size + block.shape[1]
        if size > self._columns.shape[1]:
            grown = np.empty((len(block), max(size, 2 * self.size)), order="F")
            grown[:, : self.size] = self.vectors
            self._columns = grown
        self._columns[:, self.size : size] = block
        self.size = size

    def inner(self, block: np.ndarray, part: slice = slice(None)) -> np.ndarray:
        """Return the inner products of some vectors of the basis with those of `block`."""
        vectors = self.vectors[:, part]
        parts = self._map(lambda rows: vectors[rows].T @ block[rows])
        return np.sum(parts, axis=0)

    def project_out(
        self, block: np.ndarray, coefficients: np.ndarray, part: slice = slice(None)
    ) -> None:
        """Subtract a combination of some vectors of the basis from `block`, in place."""
        vectors = self.vectors[:, part]

        def subtract(rows: slice) -> None:
            block[rows] -= vectors[rows] @ coefficients

        self._map(subtract)

    def combine(self, coefficients: np.ndarray) -> np.ndarray:
        """Return basis coefficients, of shape (order, width)."""
        vectors = self.vectors
        out = np.empty((vectors.shape[0], coefficients.shape[1]), order="F")

        def fill(rows: slice) -> None:
            out[rows] = vectors[rows] @ coefficients

        self._map(fill)
        return out

    def rotate(self, coefficients: np.ndarray) -> None:
        """Replace the basis by combinations of it."""
        rotated = self.combine(coefficients)
        self.size = rotated.shape[1]
        self._columns[:, : self.size] = rotated

    def _map(self, action: object) -> list:
        return run_all([partial(action, rows) for rows in self._pieces])
