"""Dense data as an operand: C- or Fortran-ordered, float32 or float64.

A tall matrix is read in blocks of rows, a wide one in blocks of columns, so that a block
always has a short and a long side and fits the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np

from skstruct.linalg._operand import (
    DENSE_BLOCK_BYTES,
    Operand,
    even_slices,
    longest,
    root_and_total,
    run_in_lanes,
    sum_in_lanes,
)
from skstruct.linalg._structure import Structure

# Blocks have at least this many rows (or columns), else their products degenerate to BLAS-2.
MIN_BLOCK = 64


def times(block: np.ndarray, V: np.ndarray) -> np.ndarray:
    """Return ``block @ V``.

    OpenBLAS multiplies a few long rows by a matrix faster than the matrix by a few columns: for
    3000 x 3000 and 20 columns V'X takes 11 ms on one thread, X'V 22 ms, X V 16 ms.
    """
    return (V.T @ block.T).T


def transpose_times(block: np.ndarray, U: np.ndarray) -> np.ndarray:
    """Return ``block.T @ U``, as :func:`times`."""
    return (U.T @ block).T


class DenseOperand(Operand):
    """A = diag(sqrt(w)) (X - 1 m') for a dense X.

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
        self.X = X
        self.shape = X.shape
        self.root_weights, self.total_weight = root_and_total(weights, X.shape[0])
        self.structure = Structure(
            n_rows=X.shape[0],
            n_columns=X.shape[1],
            dtype=X.dtype.name,
            centered=center or mean is not None,
            weighted=weights is not None,
        )
        self._whole: np.ndarray | None = None
        self.mean = np.zeros(X.shape[1])
        if mean is not None:
            self.mean = np.asarray(mean, dtype=np.float64)
        elif center:
            self._settle_mean()
        if 8 * X.size <= DENSE_BLOCK_BYTES and not self._is_plain:
            # One block: centring it anew in every pass would take a third of a small fit.
            self._whole = self.dense_block(slice(0, X.shape[0]))

    def _settle_mean(self) -> None:
        # Relative to the first row, so that a sum of a few large offsets loses nothing and
        # a constant column is centred to exact zeros.
        self.mean = self.X[0].astype(np.float64)
        weight = self.root_weights

        def contribution(block: np.ndarray, rows: slice) -> np.ndarray:
            if weight is None:
                return block.sum(axis=0)[:, None]
            return (weight[rows] @ block)[:, None]

        excess = self._sum_over_rows(contribution, 1)[:, 0]
        if self.total_weight > 0:
            self.mean += excess / self.total_weight

    @cached_property
    def _is_plain(self) -> bool:
        """Whether rows of X are rows of A as they stand."""
        return (
            self.X.dtype == np.float64 and self.root_weights is None and not self.structure.centered
        )

    def new_buffer(self, n_rows: int) -> np.ndarray | None:
        if self._is_plain or self._whole is not None:
            return None
        return np.empty((n_rows, self.shape[1]), order=self._order)

    @property
    def _order(self) -> str:
        return "F" if self.X.flags.f_contiguous and not self.X.flags.c_contiguous else "C"

    def dense_block(self, rows: slice, buffer: np.ndarray | None = None) -> np.ndarray:
        if self._is_plain:
            return self.X[rows]
        if self._whole is not None:
            return self._whole[rows]
        out = None if buffer is None else buffer[: rows.stop - rows.start]
        block = np.subtract(self.X[rows], self.mean, out=out, dtype=np.float64)
        if self.root_weights is not None:
            block *= self.root_weights[rows, None]
        return block

    def matmat(self, V: np.ndarray) -> np.ndarray:
        out = np.empty((self.shape[0], V.shape[1]))

        def lane(blocks: list[slice]) -> None:
            for block, rows in self._read(blocks):
                out[rows] = times(block, V)

        run_in_lanes(lane, self._row_blocks())
        return out

    def rmatmat(self, U: np.ndarray) -> np.ndarray:
        return self._sum_over_rows(lambda block, rows: transpose_times(block, U[rows]), U.shape[1])

    def normal_product(self, V: np.ndarray, rhs: np.ndarray | None = None) -> np.ndarray:
        def contribution(block: np.ndarray, rows: slice) -> np.ndarray:
            product = times(block, V)
            if rhs is not None:
                product -= rhs[rows]
            return transpose_times(block, product)

        return self._sum_over_rows(contribution, V.shape[1])

    def outer_gram(self) -> np.ndarray:
        dense = self.to_dense()
        return dense @ dense.T

    @cached_property
    def column_sq_norms(self) -> np.ndarray:
        def contribution(block: np.ndarray, rows: slice) -> np.ndarray:
            return np.einsum("ij,ij->j", block, block)[:, None]

        return self._sum_over_rows(contribution, 1)[:, 0]

    def _row_blocks(self) -> list[slice]:
        return self.dense_row_blocks(min_rows=MIN_BLOCK)

    def _sum_over_rows(
        self, contribution: Callable[[np.ndarray, slice], np.ndarray], n_columns: int
    ) -> np.ndarray:
        def lane(blocks: list[slice]) -> np.ndarray:
            return _total(contribution(block, rows) for block, rows in self._read(blocks))

        return sum_in_lanes(lane, self._row_blocks(), (self.shape[1], n_columns))

    def _read(self, blocks: list[slice]) -> Iterator[tuple[np.ndarray, slice]]:
        """Yield the rows of A in each slice, in one buffer: use a block before the next."""
        buffer = self.new_buffer(longest(blocks))
        for rows in blocks:
            yield self.dense_block(rows, buffer), rows


class WideDenseOperand(DenseOperand):
    """The same for p > n, read in blocks of columns.

    Every column is centred within its block, so that AA' needs no correction.
    """

    def _settle_mean(self) -> None:
        self.mean = self.X[0].astype(np.float64)  # see the tall operand
        weights = None if self.root_weights is None else np.square(self.root_weights)

        def lane(blocks: list[slice]) -> None:
            buffer = self._column_buffer(blocks)
            for columns in blocks:
                block = np.subtract(
                    self.X[:, columns],
                    self.mean[columns],
                    out=self._column_view(buffer, columns),
                    dtype=np.float64,
                )
                if weights is None:
                    self.mean[columns] += block.mean(axis=0)
                elif self.total_weight > 0:
                    self.mean[columns] += (weights @ block) / self.total_weight

        run_in_lanes(lane, self.column_blocks())

    def column_blocks(self, min_columns: int = 1) -> list[slice]:
        """Return the slices of consecutive columns in which the data is best read."""
        n, p = self.shape
        return even_slices(p, max(DENSE_BLOCK_BYTES // (8 * n), MIN_BLOCK, min_columns))

    def column_block(self, columns: slice, buffer: np.ndarray | None) -> np.ndarray:
        """Return columns of A as a dense array, which the caller must not change."""
        if self._is_plain:
            return self.X[:, columns]
        if self._whole is not None:
            return self._whole[:, columns]
        block = np.subtract(
            self.X[:, columns],
            self.mean[columns],
            out=self._column_view(buffer, columns),
            dtype=np.float64,
        )
        if self.root_weights is not None:
            block *= self.root_weights[:, None]
        return block

    def matmat(self, V: np.ndarray) -> np.ndarray:
        return self._sum_over_columns(
            lambda block, columns: times(block, V[columns]), V.shape[1], self.column_blocks()
        )

    def rmatmat(self, U: np.ndarray) -> np.ndarray:
        out = np.empty((self.shape[1], U.shape[1]), order="F")  # as the blocks' products are

        def lane(blocks: list[slice]) -> None:
            for block, columns in self._read_columns(blocks):
                out[columns] = transpose_times(block, U)

        run_in_lanes(lane, self.column_blocks())
        return out

    def normal_product(self, V: np.ndarray, rhs: np.ndarray | None = None) -> np.ndarray:
        product = self.matmat(V)
        if rhs is not None:
            product -= rhs
        return self.rmatmat(product)

    def outer_product(self, U: np.ndarray) -> np.ndarray:
        return self._sum_over_columns(
            lambda block, columns: times(block, transpose_times(block, U)),
            U.shape[1],
            self.column_blocks(),
        )

    def outer_gram(self) -> np.ndarray:
        n = self.shape[0]
        blocks = self.column_blocks(min_columns=2 * n)
        outer_gram = self._sum_over_columns(lambda block, _: block @ block.T, n, blocks)
        self.sq_norm = float(outer_gram.trace())
        return outer_gram

    @cached_property
    def column_sq_norms(self) -> np.ndarray:
        norms = np.empty(self.shape[1])

        def lane(blocks: list[slice]) -> None:
            for block, columns in self._read_columns(blocks):
                norms[columns] = np.einsum("ij,ij->j", block, block)

        run_in_lanes(lane, self.column_blocks())
        return norms

    def _sum_over_columns(
        self,
        contribution: Callable[[np.ndarray, slice], np.ndarray],
        n_columns: int,
        blocks: list[slice],
    ) -> np.ndarray:
        def lane(dealt: list[slice]) -> np.ndarray:
            return _total(contribution(block, cols) for block, cols in self._read_columns(dealt))

        return sum_in_lanes(lane, blocks, (self.shape[0], n_columns))

    def _read_columns(self, blocks: list[slice]) -> Iterator[tuple[np.ndarray, slice]]:
        """Yield the columns of A in each slice, in one buffer: use a block before the next."""
        buffer = self._column_buffer(blocks)
        for columns in blocks:
            yield self.column_block(columns, buffer), columns

    def _column_buffer(self, blocks: list[slice]) -> np.ndarray:
        return np.empty(self.shape[0] * longest(blocks))

    def _column_view(self, buffer: np.ndarray, columns: slice) -> np.ndarray:
        """Return part of the flat buffer as a contiguous block in the memory order of X."""
        n, width = self.shape[0], columns.stop - columns.start
        return buffer[: n * width].reshape((n, width), order=self._order)


def _total(parts: Iterator[np.ndarray]) -> np.ndarray:
    """Return the sum of at least one array, in the memory order of the first."""
    total = next(parts)
    for part in parts:
        total += part
    return total
