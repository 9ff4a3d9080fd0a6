"""Sparse data as an operand: CSR or CSC, centred without being densified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, partial

import numpy as np
from scipy import sparse

from skstruct.linalg._columns import column_dots, column_sums, subtract_row
from skstruct.linalg._operand import (
    DENSE_BLOCK_BYTES,
    Operand,
    even_slices,
    sum_in_lanes,
)
from skstruct.linalg._sparse_products import CompressedRows, Then
from skstruct.linalg._threads import run_all

# Stored entries that are looked at together where each is looked at (at least one a column): the
# arrays for them take 10 MB at most for matrices of up to 200 000 columns.
ENTRIES_AT_ONCE = 200_000

# Rows that are looked at before all entries are counted.
N_PROBED_ROWS = 8

# Above this density the rows are densified block by block and multiplied by BLAS: per entry
# of the Gram a sparse product runs at 7e7 multiply-adds/s and takes density^2 of them, a
# dense one at 9e10/2, so they meet at sqrt(7e7 / 4.5e10) = 0.04.
SPARSE_PRODUCT_DENSITY = 0.04
# X'X - W m m' loses as many digits as the mean's energy exceeds the centred energy, and what is
# lost turns the smallest vectors towards the largest. Beyond half a digit rows are densified and
# centred exactly.
MAX_CANCELLATION = 4.0


class SparseOperand(Operand):
    """A = diag(sqrt(w)) (X - 1 m') for a sparse X; the rank-one term is never formed.

    Parameters
    ----------
    X : sparse matrix or array of shape (n, p)
        CSR or CSC, float32 or float64.
    weights : ndarray of shape (n,), optional
        Non-negative row weights w.
    center : bool
        Whether to subtract the weighted column mean.
    mean : ndarray of shape (p,), optional
        A known vector to subtract instead.
    """

    def __init__(
        self,
        X: sparse.sparray | sparse.spmatrix,
        weights: np.ndarray | None = None,
        *,
        center: bool = False,
        mean: np.ndarray | None = None,
    ) -> None:
        self._describe(X, weights, centered=center or mean is not None, nnz=X.nnz)
        self._stored = sparse.csr_array(X) if X.format == "csr" else sparse.csc_array(X)
        # Indices need not be sorted, and those of scikit-learn's vectorizers are not.
        if _has_duplicates(self._stored):
            self._stored = self._stored.copy()
            self._stored.sum_duplicates()
        self._by_rows = X.format == "csr"
        self._products = CompressedRows(self._stored if self._by_rows else self._stored.T)
        self.mean = np.zeros(X.shape[1])
        if mean is not None:
            self.mean = np.asarray(mean, dtype=np.float64)
        elif center and self.total_weight > 0:
            self.mean = self._weighted_sums / self.total_weight
            self._settle_constant_columns()

    @cached_property
    def X(self) -> sparse.csr_array:
        """X by rows in float64: a copy, if that is not how it was given."""
        return sparse.csr_array(self._stored).astype(np.float64, copy=False)

    def buffers(self) -> tuple[np.ndarray, ...]:
        return self._stored.data, self._stored.indices, self._stored.indptr

    def _settle_constant_columns(self) -> None:
        """Make the mean of a constant column its value, so that it is centred to zeros.

        Rows without weight do not count.
        """
        constant = self._is_full.copy()
        if not constant.any():
            return
        value = np.full(self.shape[1], np.nan)
        for rows, columns, entries in self.entries():
            counted = self._counts(rows) & constant[columns]
            columns, entries = columns[counted], entries[counted]
            first = np.isnan(value[columns])
            value[columns[first]] = entries[first]
            constant[columns[entries != value[columns]]] = False
        self.mean[constant] = value[constant]

    @cached_property
    def _is_full(self) -> np.ndarray:
        """Whether a column stores an entry in every row that has weight."""
        if not self._may_be_full.any():
            return self._may_be_full
        return self._sum_by_column(lambda rows, *_: self._counts(rows)) == self.n_observations

    @property
    def _may_be_full(self) -> np.ndarray:
        """Whether a column has enough entries, or one in each of a few rows that have weight."""
        X = self._stored
        if not self._by_rows:
            return np.diff(X.indptr) >= self.n_observations
        root = self.root_weights
        rows = np.arange(X.shape[0]) if root is None else np.flatnonzero(root)
        few = rows[:: max(1, len(rows) // N_PROBED_ROWS)]
        counts = np.zeros(X.shape[1], dtype=int)
        for row in few.tolist():
            counts[X.indices[X.indptr[row] : X.indptr[row + 1]]] += 1
        return counts == len(few)

    def _counts(self, rows: np.ndarray) -> np.ndarray:
        """Return which of these rows have weight."""
        if self.root_weights is None:
            return np.ones(len(rows), dtype=bool)
        return self.root_weights[rows] > 0

    @cached_property
    def _weighted_sums(self) -> np.ndarray:
        """X'w: the weighted sums of the columns."""
        root = self.root_weights
        weights = np.ones(self.shape[0]) if root is None else np.square(root)
        return self._transposed_times(weights[:, None])[:, 0]

    def entries(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield rows, columns and values of the stored entries, some at a time."""
        X = self._stored
        for start, stop in _pieces(X, max(ENTRIES_AT_ONCE, self.shape[1])):
            part = slice(X.indptr[start], X.indptr[stop])
            major = np.repeat(np.arange(start, stop), np.diff(X.indptr[start : stop + 1]))
            minor = X.indices[part]
            rows, columns = (major, minor) if self._by_rows else (minor, major)
            yield rows, columns, X.data[part].astype(np.float64, copy=False)

    def weighted_entries(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield rows, columns and values of the stored entries of diag(sqrt(w)) X."""
        root = self.root_weights
        for rows, columns, values in self.entries():
            yield rows, columns, values if root is None else root[rows] * values

    @cached_property
    def row_counts(self) -> np.ndarray:
        """Number of stored entries of each row."""
        if self._by_rows:
            return np.diff(self._stored.indptr)
        return np.bincount(self._stored.indices, minlength=self.shape[0])

    def _sum_by_column(self, quantity: Callable[..., np.ndarray]) -> np.ndarray:
        """Sum ``quantity(rows, columns, values)`` of the stored entries of each column."""
        total = np.zeros(self.shape[1])
        for rows, columns, values in self.entries():
            weights = quantity(rows, columns, values)
            total += np.bincount(columns, weights, minlength=self.shape[1])
        return total

    def matmat(self, V: np.ndarray) -> np.ndarray:
        finish = self._finish(V)
        if self._by_rows:
            return self._products.times(V, finish)
        return finish(self._products.transposed_times(V), slice(0, self.shape[0]))

    def rmatmat(self, U: np.ndarray) -> np.ndarray:
        if self.root_weights is not None:
            U = self.root_weights[:, None] * U
        product = self._transposed_times(U)
        if self.structure.centered:
            product -= self.mean[:, None] @ column_sums(U)[None]
        return product

    def _transposed_times(self, U: np.ndarray) -> np.ndarray:
        return self._products.transposed_times(U) if self._by_rows else self._products.times(U)

    def normal_product(self, V: np.ndarray, rhs: np.ndarray | None = None) -> np.ndarray:
        if not self._by_rows:
            return super().normal_product(V, rhs)
        finish = self._finish(V)
        sums: dict[int, np.ndarray] = {}  # of the rows of each block, by its first row

        def residual(product: np.ndarray, rows: slice) -> np.ndarray:
            finish(product, rows)
            if rhs is not None:
                product -= rhs[rows]
            if self.root_weights is not None:
                product *= self.root_weights[rows, None]
            sums[rows.start] = column_sums(product)
            return product

        gradient = self._products.there_and_back(V, residual)
        if self.structure.centered:
            total = np.sum([sums[start] for start in sorted(sums)], axis=0)
            gradient -= self.mean[:, None] @ total[None]
        return gradient

    def _finish(self, V: np.ndarray) -> Then:
        """Return what turns rows of X V into those of A V, in place."""
        shift = column_dots(np.broadcast_to(self.mean[:, None], V.shape), V)

        def finish(product: np.ndarray, rows: slice) -> np.ndarray:
            if self.structure.centered:
                subtract_row(product, shift)
            if self.root_weights is not None:
                product *= self.root_weights[rows, None]
            return product

        return finish

    def dense_block(self, rows: slice, buffer: np.ndarray | None = None) -> np.ndarray:
        block = self.X[rows].toarray()
        if self.structure.centered:
            block -= self.mean
        if self.root_weights is not None:
            block *= self.root_weights[rows, None]
        return block

    def gram(self) -> np.ndarray:
        if not self._sparse_product_is_right:
            return super().gram()
        scaled = self.scaled
        gram = (scaled.T @ scaled).toarray()
        if self.structure.centered:
            # X'WX - s m' - m s' + W m m' with s the weighted sums, which need not be W m.
            cross = self._weighted_sums - 0.5 * self.total_weight * self.mean
            gram -= np.outer(cross, self.mean)
            gram -= np.outer(self.mean, cross)
        return gram

    def normal_equations(self, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not self._sparse_product_is_right:
            return super().normal_equations(Y)
        return self.gram(), self.rmatmat(Y)

    def outer_gram(self) -> np.ndarray:
        if not self._sparse_product_is_right:
            return self._outer_gram_of_dense_columns()
        scaled = self.scaled
        outer_gram = (scaled @ scaled.T).toarray()
        if self.structure.centered:
            # A = S - r m' with S = diag(r) X, so AA' = SS' - (S m) r' - r (S m)' + (m'm) r r'.
            root = np.ones(self.shape[0]) if self.root_weights is None else self.root_weights
            cross = scaled @ self.mean - 0.5 * (self.mean @ self.mean) * root
            outer_gram -= np.outer(cross, root)
            outer_gram -= np.outer(root, cross)
        return outer_gram

    @property
    def scaled(self) -> sparse.csr_array:
        """diag(sqrt(w)) X by rows."""
        if self.root_weights is None:
            return self.X
        return sparse.csr_array(self.X.multiply(self.root_weights[:, None]))

    @property
    def _sparse_product_is_right(self) -> bool:
        if self.structure.density > SPARSE_PRODUCT_DENSITY:
            return False
        energy_of_mean = self.total_weight * float(self.mean @ self.mean)
        return energy_of_mean <= MAX_CANCELLATION * self.sq_norm

    def _outer_gram_of_dense_columns(self) -> np.ndarray:
        n, p = self.shape
        by_columns = self.X.tocsc()

        def lane(blocks: list[slice]) -> np.ndarray:
            total = np.zeros((n, n))
            for columns in blocks:
                block = by_columns[:, columns].toarray()
                if self.structure.centered:
                    block -= self.mean[columns]
                if self.root_weights is not None:
                    block *= self.root_weights[:, None]
                total += block @ block.T
            return total

        blocks = even_slices(p, max(DENSE_BLOCK_BYTES // (8 * n), 2 * n))
        return sum_in_lanes(lane, blocks, (n, n))

    @cached_property
    def column_sq_norms(self) -> np.ndarray:
        # Entry by entry about the mean: stored entries contribute w (x - m)^2, the others,
        # whose weights sum to W - sum of stored w, contribute m^2 each.
        mean, root = self.mean, self.root_weights

        def weight(rows: np.ndarray) -> np.ndarray:
            return np.ones(len(rows)) if root is None else np.square(root[rows])

        stored = self._sum_by_column(lambda i, j, x: weight(i) * np.square(x - mean[j]))
        missing_weight = self.total_weight - self._sum_by_column(lambda i, *_: weight(i))
        # Exactly nothing is missing from a full column, whose mean may be huge.
        missing_weight[self._is_full] = 0.0
        return stored + missing_weight * np.square(mean)


def _pieces(X: sparse.csr_array | sparse.csc_array, size: int) -> Iterator[tuple[int, int]]:
    """Yield first and last + 1 of the rows (columns) that together have about `size` entries."""
    ends = np.searchsorted(X.indptr, np.arange(size, X.nnz + size, size), side="right") - 1
    start = 0
    for end in ends.tolist():
        stop = max(end, start + 1)  # one row may have more entries than that
        if start >= len(X.indptr) - 1:
            return
        yield start, stop
        start = stop


def _has_duplicates(X: sparse.csr_array | sparse.csc_array) -> bool:
    """Whether some entry is stored in parts; X itself is not sorted, nor copied as a whole."""
    if X.has_canonical_format:
        return False

    def repeats(start: int, stop: int) -> bool:
        first, last = X.indptr[start], X.indptr[stop]
        piece = X.indices[first:last].copy(), X.indptr[start : stop + 1] - first
        pattern = sparse.csr_array((np.ones(last - first, dtype=bool), *piece))
        pattern.sort_indices()
        return not pattern.has_canonical_format

    return any(run_all([partial(repeats, *ends) for ends in _pieces(X, ENTRIES_AT_ONCE)]))
