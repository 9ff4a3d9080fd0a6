"""Dense data with more columns than rows as an operand, read in blocks of columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from skstruct.linalg._dense_operand import (
    MIN_BLOCK,
    DenseOperand,
    ones_or,
    row_times,
    times,
    total,
    transpose_times,
)
from skstruct.linalg._operand import (
    DENSE_BLOCK_BYTES,
    even_slices,
    longest,
    run_in_lanes,
    sum_in_lanes,
)


class WideDenseOperand(DenseOperand):
    """A = diag(sqrt(w)) (X - 1 m') for a dense X with p > n.

    Every column lies within one block, where its mean is found and subtracted as soon as the block
    is in the cache; AA' needs no correction.
    """

    def _settle_moments(self) -> None:
        norms, mean = np.empty(self.shape[1]), self._mean_to_find()

        def lane(blocks: list[slice]) -> None:
            for block, columns in self._read_centered(blocks, mean):
                norms[columns] = np.einsum("ij,ij->j", block, block)

        run_in_lanes(lane, self.column_blocks())
        self.mean, self.column_sq_norms = mean, norms

    def matmat(self, V: np.ndarray) -> np.ndarray:
        shift, rest = self._split_mean
        narrow = V.astype(self._dtype, copy=False)

        def lane(blocks: list[slice]) -> np.ndarray:
            return total(
                times(block, narrow[columns])
                for block, columns in self._read_columns(blocks, shift)
            )

        product = sum_in_lanes(lane, self.column_blocks(), (self.shape[0], V.shape[1]))
        if rest is not None:
            product -= row_times(rest, V)
        if self.root_weights is not None:
            product *= self.root_weights[:, None]
        return product

    def rmatmat(self, U: np.ndarray) -> np.ndarray:
        shift, rest = self._split_mean
        if self.root_weights is not None:
            U = self.root_weights[:, None] * U
        narrow, sums = U.astype(self._dtype, copy=False), U.sum(axis=0)
        out = np.empty((self.shape[1], U.shape[1]), order="F")  # as the blocks' products are

        def lane(blocks: list[slice]) -> None:
            for block, columns in self._read_columns(blocks, shift):
                product = out[columns]
                product[...] = transpose_times(block, narrow)
                if rest is not None:
                    product -= np.outer(rest[columns], sums)

        run_in_lanes(lane, self.column_blocks())
        return out

    def normal_product(self, V: np.ndarray, rhs: np.ndarray | None = None) -> np.ndarray:
        product = self.matmat(V)
        if rhs is not None:
            product -= rhs
        return self.rmatmat(product)

    def outer_product(self, U: np.ndarray) -> np.ndarray:
        shift, rest = self._split_mean
        if self.root_weights is not None:
            U = self.root_weights[:, None] * U
        narrow, sums = U.astype(self._dtype, copy=False), U.sum(axis=0)

        def lane(blocks: list[slice]) -> np.ndarray:
            along_rest = np.zeros(U.shape[1])

            def parts() -> Iterator[np.ndarray]:
                for block, columns in self._read_columns(blocks, shift):
                    image = transpose_times(block, narrow)
                    if rest is not None:
                        image -= np.outer(rest[columns], sums)
                        along_rest[...] += row_times(rest[columns], image)
                    yield times(block, image)

            return total(parts()) - along_rest

        product = sum_in_lanes(lane, self.column_blocks(), (self.shape[0], U.shape[1]))
        if self.root_weights is not None:
            product *= self.root_weights[:, None]
        return product

    def outer_gram(self) -> np.ndarray:
        n, mean = self.shape[0], self._mean_to_find()

        def lane(blocks: list[slice]) -> np.ndarray:
            return total(block @ block.T for block, _ in self._read_centered(blocks, mean))

        blocks = self.column_blocks(min_columns=2 * n)
        outer_gram = sum_in_lanes(lane, blocks, (n, n))
        self.mean, self.sq_norm = mean, float(outer_gram.trace())
        return outer_gram

    def projected_gram(self, V: np.ndarray) -> np.ndarray:
        image = self.in_double().matmat(V)
        return image.T @ image

    def column_blocks(self, min_columns: int = 1) -> list[slice]:
        """Return the slices of consecutive columns in which the data is best read."""
        n, p = self.shape
        return even_slices(p, max(DENSE_BLOCK_BYTES // (8 * n), MIN_BLOCK, min_columns))

    def _mean_to_find(self) -> np.ndarray:
        """Return the mean if it is known, else space for it: `_read_centered` fills it."""
        return self.mean if self._mean_is_known else np.empty(self.shape[1])

    def _read_centered(
        self, blocks: list[slice], mean: np.ndarray
    ) -> Iterator[tuple[np.ndarray, slice]]:
        """Yield the columns of A in each slice; write their means to `mean` if it is not known."""
        if not self.structure.centered:
            yield from self._read_columns(blocks, None, weighted=True)
            return
        # Relative to the first row, so that neither a sum of large offsets nor a mean in float32
        # loses digits, and a constant column is centred to exact zeros.
        first = self.X[0]
        weights = ones_or(self.weights, slice(0, self.shape[0]), self._dtype)
        for block, columns in self._read_columns(blocks, first):
            if self._mean_is_known:
                excess = mean[columns] - first[columns]
            else:
                excess = (weights @ block) / (self.total_weight or 1.0)
                mean[columns] = first[columns] + excess.astype(np.float64, copy=False)
            block -= excess.astype(self._dtype, copy=False)
            if self.root_weights is not None:
                block *= self.root_weights[:, None]
            yield block, columns

    def _read_columns(
        self, blocks: list[slice], shift: np.ndarray | None, *, weighted: bool = False
    ) -> Iterator[tuple[np.ndarray, slice]]:
        """Yield the columns of X - 1 s' in each slice, in one buffer, as `_read` does rows."""
        weighted = weighted and self.root_weights is not None
        if shift is None and not weighted and self.X.dtype == self._dtype:
            for columns in blocks:
                yield self.X[:, columns], columns
            return
        n = self.shape[0]
        buffer = np.empty(n * longest(blocks), self._dtype)
        for columns in blocks:
            # Contiguous, in the memory order of X, so that subtracting runs along it.
            width = columns.stop - columns.start
            block = buffer[: n * width].reshape((n, width), order=self._order)
            if shift is None:
                block[...] = self.X[:, columns]
            else:
                np.subtract(self.X[:, columns], shift[columns], out=block, dtype=self._dtype)
            if weighted:
                block *= self.root_weights[:, None]
            yield block, columns
