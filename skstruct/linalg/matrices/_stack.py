"""Many small diagonal blocks of one size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np
from scipy import sparse

from skstruct.linalg.matrices._arrays import entries
from skstruct.linalg.matrices._factor import Factor, SingularMatrixError
from skstruct.linalg.matrices._structured import StructuredMatrix


class StackedLU(Factor):
    """LU of all blocks in one call, anew for each solve: numpy keeps none."""

    name = "stacked_lu"

    def __init__(self, matrix: Stack) -> None:
        self._blocks = matrix.blocks
        self._signs, self._logs = np.linalg.slogdet(matrix.blocks)
        zeros = np.flatnonzero(self._signs == 0)
        if len(zeros):
            raise SingularMatrixError(f"block {matrix.first + zeros[0]} is singular")

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return _solved(self._blocks, rhs)

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        return _solved(self._blocks.conj().transpose(0, 2, 1), rhs)

    def slogdet(self) -> tuple[float | complex, float]:
        return self._signs.prod(), self._logs.sum(dtype=np.float64)

    def inverse_norm(self, n: int, dtype: np.dtype) -> float:
        return float(np.abs(np.linalg.inv(self._blocks)).sum(axis=1).max())


class Stack(StructuredMatrix):
    """Diagonal blocks of one shape, multiplied and solved by one call for all of them.

    Parameters
    ----------
    blocks : array-like of shape (m, r, c)
        The blocks.
    first : int, default=0
        What number the first of them has, for messages.
    """

    routes = (StackedLU,)

    def __init__(self, blocks: object, *, first: int = 0) -> None:
        self.blocks, self.first = entries(blocks, "blocks", 3), first
        m, r, c = self.blocks.shape
        super().__init__(self.blocks.dtype, (m * r, m * c))

    def _matmat(self, X: np.ndarray) -> np.ndarray:
        m, r, c = self.blocks.shape
        product = self.blocks @ X.reshape(m, c, X.shape[1])
        return product.reshape(m * r, X.shape[1])

    def _like(self, blocks: np.ndarray) -> Self:
        return type(self)(blocks, first=self.first)

    def _transposed(self) -> Stack:
        return self._like(self.blocks.transpose(0, 2, 1))

    def _map(self, function: Callable[[np.ndarray], np.ndarray]) -> Self:
        return self._like(function(self.blocks))

    def _main_diagonal(self) -> np.ndarray:
        if self.blocks.shape[1] != self.blocks.shape[2]:
            return super()._main_diagonal()
        return np.einsum("ijj->ij", self.blocks).ravel()

    @property
    def _blas_order(self) -> int:
        return max(self.blocks.shape[1:])

    def _magnitude_sums(self, axis: int) -> np.ndarray:
        return np.abs(self.blocks).sum(axis=1 + axis).ravel()

    def explicit(self) -> sparse.sparray:
        m, r, c = self.blocks.shape
        rows, columns = np.arange(m * r).reshape(m, r, 1), np.arange(m * c).reshape(m, 1, c)
        where = tuple(np.broadcast_to(i, (m, r, c)).ravel() for i in (rows, columns))
        return sparse.csr_array((self.blocks.ravel(), where), shape=self.shape)

    def _scaled(self, c: complex) -> Stack:
        return self._like(c * self.blocks)

    def _plus(self, other: StructuredMatrix) -> Stack:
        if not isinstance(other, Stack) or other.blocks.shape != self.blocks.shape:
            return NotImplemented
        return self._like(self.blocks + other.blocks)

    def _plus_diagonal(self, d: np.ndarray) -> Stack:
        m, r, c = self.blocks.shape
        if r != c:
            return NotImplemented
        blocks = self.blocks.astype(np.result_type(self.blocks, d))
        np.einsum("ijj->ij", blocks)[:] += d.reshape(m, r)
        return self._like(blocks)

    def _times(self, other: StructuredMatrix) -> Stack:
        if not isinstance(other, Stack) or len(other.blocks) != len(self.blocks):
            return NotImplemented
        return self._like(self.blocks @ other.blocks)

    def _scaled_rows(self, d: np.ndarray) -> Stack:
        return self._like(d.reshape(*self.blocks.shape[:2], 1) * self.blocks)

    def _scaled_columns(self, d: np.ndarray) -> Stack:
        m, _, c = self.blocks.shape
        return self._like(self.blocks * d.reshape(m, 1, c))


def _solved(blocks: np.ndarray, rhs: np.ndarray) -> np.ndarray:
    m, r, _ = blocks.shape
    return np.linalg.solve(blocks, rhs.reshape(m, r, rhs.shape[1])).reshape(rhs.shape)
