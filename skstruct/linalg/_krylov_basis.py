"""An orthonormal basis that grows by blocks, multiplied in parallel."""

from __future__ import annotations

from functools import partial

import numpy as np

from skstruct.linalg._operand import even_slices
from skstruct.linalg._threads import run_all

# Rows of a piece: enough for BLAS-3 speed with 8-64 columns, few enough to occupy the cores.
PIECE_ROWS = 1024


class KrylovBasis:
    """Columns of length `order`, stored without copying them when more are appended."""

    def __init__(self, order: int) -> None:
        self.size = 0
        self._columns = np.empty((order, 0), order="F")
        self._pieces = even_slices(order, PIECE_ROWS)

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

    def inner(self, block: np.ndarray, first: int = 0) -> np.ndarray:
        """Return basis' block, of shape (size - first, width), without the `first` vectors."""
        vectors = self.vectors[:, first:]
        parts = self._map(lambda rows: vectors[rows].T @ block[rows])
        return np.sum(parts, axis=0)

    def project_out(self, block: np.ndarray, coefficients: np.ndarray, first: int = 0) -> None:
        """Subtract basis coefficients from `block`, in place, without the `first` vectors."""
        vectors = self.vectors[:, first:]

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
        self._columns = self.combine(coefficients)
        self.size = coefficients.shape[1]

    def _map(self, action: object) -> list:
        return run_all([partial(action, rows) for rows in self._pieces])
