"""Products with a compressed sparse matrix on all allowed cores, without a second copy of it.

C is stored by rows. C V *gathers*: each row of the result has one writer, so rows are cut into
blocks of equally many entries. C'U *scatters* into sums as long as C is wide: a few lanes of rows
each have their own, added in a fixed order. A product C' f(C V) does both lane by lane, in one
round of tasks. Blocks and lanes are cut by the matrix alone: the number of threads changes no bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from itertools import pairwise

import numpy as np
from scipy import sparse

from skstruct.linalg._threads import run_all

# Stored entries times columns in a block, and the most blocks: enough for eight cores, and long
# enough to outweigh the 20 microseconds a task costs (an entry takes 1 ns for a single column).
BLOCK_WORK = 100_000
MAX_BLOCKS = 16

# A lane's sum is cleared and added for 0.3 ns a column of C, and filled for 1.2 ns an entry: with 8
# entries a column in each of them the sums cost 3 % of the product. Two lanes in any case.
LANE_ENTRIES = 8
MIN_LANES, MAX_LANES = 2, 8

# From so many columns of U a transposed copy of C is kept, whose rows are gathered: with TF-IDF of
# 108 024 x 109 635 and 2 million entries (two threads) 1.8 instead of 1.3 ms for one column, 4.5
# and 2.7 for 4, 5.6 and 10.2 for 8, 16 and 18 for 16. The copy itself takes 13 ms.
TRANSPOSED_COLUMNS = 6

Then = Callable[[np.ndarray, slice], np.ndarray]
"""Takes some rows of a product, which it may change, and which rows they are; returns others."""


class CompressedRows:
    """A sparse matrix C stored by rows.

    Parameters
    ----------
    matrix : csr_array of shape (m, q)
        C; float32 entries are widened block by block.
    """

    def __init__(self, matrix: sparse.csr_array) -> None:
        self.matrix = matrix
        self.shape = matrix.shape
        self._views: dict[tuple[int, int], tuple[sparse.csr_array, sparse.csc_array]] = {}
        self._cuts: dict[int, list[slice]] = {}

    def times(self, V: np.ndarray, then: Then | None = None) -> np.ndarray:
        """Return C V, of shape (m, k), or what `then` makes of its rows."""
        V = np.ascontiguousarray(V)  # scipy would copy it for every block
        out = np.empty((self.shape[0], V.shape[1]))

        def fill(rows: slice) -> None:
            product = self._rows(rows)[0] @ V
            out[rows] = product if then is None else then(product, rows)

        work = (self.matrix.nnz + self.shape[0]) * V.shape[1]
        run_all([partial(fill, rows) for rows in self._cut(min(MAX_BLOCKS, work // BLOCK_WORK))])
        return out

    def transposed_times(self, U: np.ndarray) -> np.ndarray:
        """Return C'U, of shape (q, k)."""
        if U.shape[1] >= TRANSPOSED_COLUMNS:
            return self._transposed.times(U)
        return self._sum(lambda rows: self._rows(rows)[1] @ np.ascontiguousarray(U[rows]))

    def there_and_back(self, V: np.ndarray, between: Then) -> np.ndarray:
        """Return C' f(C V), of shape (q, k), for f = `between`."""
        V = np.ascontiguousarray(V)
        if V.shape[1] >= TRANSPOSED_COLUMNS:
            return self._transposed.times(self.times(V, between))

        def lane(rows: slice) -> np.ndarray:
            block, transposed = self._rows(rows)
            return transposed @ between(block @ V, rows)

        return self._sum(lane)

    def _sum(self, lane: Callable[[slice], np.ndarray]) -> np.ndarray:
        first, *others = run_all([partial(lane, rows) for rows in self._lanes])
        for other in others:
            first += other
        return first

    @cached_property
    def _lanes(self) -> list[slice]:
        wanted = self.matrix.nnz // (LANE_ENTRIES * max(self.shape[1], 1))
        lanes = MIN_LANES
        while 2 * lanes <= min(wanted, MAX_LANES):
            lanes *= 2
        return self._cut(lanes if self.matrix.nnz >= BLOCK_WORK else 1)

    @cached_property
    def _transposed(self) -> CompressedRows:
        return CompressedRows(sparse.csr_array(self.matrix.T))

    def _cut(self, n_blocks: int) -> list[slice]:
        """Cut the rows into slices with equally many entries: a few long rows delay no thread."""
        n_blocks = max(1, min(n_blocks, self.shape[0]))
        if n_blocks not in self._cuts:
            indptr = self.matrix.indptr
            targets = np.linspace(0, indptr[-1], n_blocks + 1)[1:-1]
            bounds = np.unique(np.r_[0, np.searchsorted(indptr, targets), self.shape[0]]).tolist()
            self._cuts[n_blocks] = [slice(start, stop) for start, stop in pairwise(bounds)]
        return self._cuts[n_blocks]

    def _rows(self, rows: slice) -> tuple[sparse.csr_array, sparse.csc_array]:
        """Return rows of C and their transpose as views, or float32 entries widened."""
        key, C = (rows.start, rows.stop), self.matrix
        if key in self._views:
            return self._views[key]
        start, stop = C.indptr[rows.start], C.indptr[rows.stop]
        data = C.data[start:stop].astype(np.float64, copy=False)
        indptr = C.indptr[rows.start : rows.stop + 1] - start
        shape = (rows.stop - rows.start, C.shape[1])
        views = sparse.csr_array(shape), sparse.csc_array(shape[::-1])
        for view in views:
            # Given to the constructor, parts of less than half an array would be copied.
            view.data, view.indices, view.indptr = data, C.indices[start:stop], indptr
        if C.dtype == np.float64:  # making views takes as long as 20 000 entries
            self._views[key] = views
        return views
