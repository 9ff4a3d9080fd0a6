"""Sparse data as an operand: CSR or CSC, centred without being densified."""

from __future__ import annotations

from functools import cached_property, partial
from itertools import pairwise

import numpy as np
from scipy import sparse

from skstruct.linalg._operand import (
    DENSE_BLOCK_BYTES,
    Operand,
    even_slices,
    sum_in_lanes,
)
from skstruct.linalg._threads import run_all

# Stored entries in a block, and the most blocks: enough for eight cores, and for one product of
# 50 000 entries with 8 columns (0.15 ms) to outweigh the 20 microseconds a task costs.
BLOCK_NNZ = 50_000
MAX_BLOCKS = 32

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
        # CSR rows can be cut without copying; float64 is needed by every product.
        self.X = sparse.csr_array(X).astype(np.float64, copy=False)
        if not self.X.has_canonical_format:
            self.X = self.X.copy()
            self.X.sum_duplicates()
        self.mean = np.zeros(X.shape[1])
        if mean is not None:
            self.mean = np.asarray(mean, dtype=np.float64)
        elif center and self.total_weight > 0:
            self.mean = self._weighted_sums / self.total_weight
            self._settle_constant_columns()

    def buffers(self) -> tuple[np.ndarray, ...]:
        return self.X.data, self.X.indices, self.X.indptr

    def _settle_constant_columns(self) -> None:
        """Make the mean of a constant column its value, so that it is centred to zeros.

        Rows without weight do not count.
        """
        full = np.flatnonzero(self._is_full)
        if len(full):
            X = self.X if self.root_weights is None else self.X[self.root_weights > 0]
            columns = X[:, full].toarray()
            constant = columns.min(axis=0) == columns.max(axis=0)
            self.mean[full[constant]] = columns[0, constant]

    @cached_property
    def _is_full(self) -> np.ndarray:
        """Whether a column stores an entry in every row that has weight."""
        X = self.X if self.root_weights is None else self.X[self.root_weights > 0]
        return np.bincount(X.indices, minlength=X.shape[1]) == X.shape[0]

    @cached_property
    def _weighted_sums(self) -> np.ndarray:
        """X'w: the weighted sums of the columns."""
        n = self.shape[0]
        weights = np.ones(n) if self.root_weights is None else np.square(self.root_weights)
        return self.X.T @ weights

    # Products read X by rows and X' by rows: each piece of the result has one writer and no
    # partial sums of p rows are needed, for the price of a second copy of the entries.

    @cached_property
    def _transposed(self) -> sparse.csr_array:
        return sparse.csr_array(self.X.T)

    def matmat(self, V: np.ndarray) -> np.ndarray:
        product = _multiply(self.X, V)
        if self.structure.centered:
            product -= np.einsum("i,ij->j", self.mean, V)  # BLAS would sum by its threads
        if self.root_weights is not None:
            product *= self.root_weights[:, None]
        return product

    def rmatmat(self, U: np.ndarray) -> np.ndarray:
        if self.root_weights is not None:
            U = self.root_weights[:, None] * U
        product = _multiply(self._transposed, U)
        if self.structure.centered:
            product -= np.outer(self.mean, U.sum(axis=0))
        return product

    def dense_block(self, rows: slice, buffer: np.ndarray | None = None) -> np.ndarray:
        block = _rows(self.X, rows).toarray()
        if self.structure.centered:
            block -= self.mean
        if self.root_weights is not None:
            block *= self.root_weights[rows, None]
        return block

    def gram(self) -> np.ndarray:
        if not self._sparse_product_is_right:
            return super().gram()
        scaled = self._scaled
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
        scaled = self._scaled
        outer_gram = (scaled @ scaled.T).toarray()
        if self.structure.centered:
            # A = S - r m' with S = diag(r) X, so AA' = SS' - (S m) r' - r (S m)' + (m'm) r r'.
            root = np.ones(self.shape[0]) if self.root_weights is None else self.root_weights
            cross = scaled @ self.mean - 0.5 * (self.mean @ self.mean) * root
            outer_gram -= np.outer(cross, root)
            outer_gram -= np.outer(root, cross)
        return outer_gram

    @property
    def _scaled(self) -> sparse.csr_array:
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
        X, mean = self.X, self.mean
        weights = None if self.root_weights is None else np.square(self.root_weights)
        entry_weights = np.ones(X.nnz) if weights is None else np.repeat(weights, np.diff(X.indptr))
        deviations = entry_weights * np.square(X.data - mean[X.indices])
        p = self.shape[1]
        stored = np.bincount(X.indices, deviations, minlength=p)
        missing_weight = self.total_weight - np.bincount(X.indices, entry_weights, minlength=p)
        # Exactly nothing is missing from a full column, whose mean may be huge.
        missing_weight[self._is_full] = 0.0
        return stored + missing_weight * np.square(mean)


def _multiply(X: sparse.csr_array, V: np.ndarray) -> np.ndarray:
    """Return X V, the rows of X in parallel."""
    V = np.ascontiguousarray(V)  # scipy would copy it for every block
    out = np.empty((X.shape[0], V.shape[1]))

    def fill(rows: slice) -> None:
        out[rows] = _rows(X, rows) @ V

    run_all([partial(fill, rows) for rows in _cut_evenly(X)])
    return out


def _cut_evenly(X: sparse.csr_array) -> list[slice]:
    """Cut the rows into slices with equally many entries: a few long rows delay no thread."""
    n_blocks = min(MAX_BLOCKS, max(1, X.nnz // BLOCK_NNZ), X.shape[0])
    targets = np.linspace(0, X.nnz, n_blocks + 1)[1:-1]
    bounds = np.unique(np.r_[0, np.searchsorted(X.indptr, targets), X.shape[0]]).tolist()
    return [slice(start, stop) for start, stop in pairwise(bounds)]


def _rows(X: sparse.csr_array, rows: slice) -> sparse.csr_array:
    """Return rows of X as a view."""
    start, stop = X.indptr[rows.start], X.indptr[rows.stop]
    return sparse.csr_array(
        (X.data[start:stop], X.indices[start:stop], X.indptr[rows.start : rows.stop + 1] - start),
        shape=(rows.stop - rows.start, X.shape[1]),
    )
