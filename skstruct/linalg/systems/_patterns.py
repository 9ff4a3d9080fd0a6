"""Orders of rows and columns that show the structure of a pattern of nonzeros.

All of it reads each entry of the matrix once.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from skstruct.linalg.systems._problem import Reordering

# Rows that are counted together: their pattern stays in the cache, and a sum over a column fits in
# a byte. Sums are the faster the smaller their integers: 64 rows of 2000 take 20 us in 16 bits, 37
# in 32, and 58 in 64.
STRIP_ROWS = 64
# Rows whose nonzeros tell of most patterns without blocks that they have none.
N_PROBES = 64
# Nonzeros of a row, on average, up to which they are the edges of a graph; more of them are
# searched where they are. Of order 2000, blocks of 50 take 4 and 13 ms, two of 1000 take 97 and 17.
MAX_DEGREE = 100


class Pattern:
    """Where the entries of a dense matrix are not zero, and how many are not.

    Parameters
    ----------
    A : ndarray of shape (n, n)
        The matrix. One that is stored by columns is looked at as its transpose.
    """

    def __init__(self, A: np.ndarray) -> None:
        self._is_transposed = not A.flags.c_contiguous
        rows = A.T if self._is_transposed else A
        n = len(A)
        self._nonzero = np.empty((n, n), dtype=bool)
        self._in_row = np.empty(n, dtype=np.intp)
        self._in_column = np.zeros(n, dtype=np.intp)
        for start in range(0, n, STRIP_ROWS):
            part = slice(start, start + STRIP_ROWS)
            strip = self._nonzero[part]
            np.not_equal(rows[part], 0, out=strip)
            self._in_row[part] = strip.sum(axis=1, dtype=np.min_scalar_type(n))
            self._in_column += strip.sum(axis=0, dtype=np.uint8)

    @property
    def count(self) -> int:
        """Entries that are not zero."""
        return int(self._in_row.sum())

    def triangular_order(self) -> Reordering | None:
        """Return orders of rows and columns in which the matrix is lower triangular, or None.

        None also where an entry of the diagonal would be zero.
        """
        n = len(self._nonzero)
        if self.count > n * (n + 1) // 2 or self._in_row.min() != 1:
            return None
        order = self._order_of_full() or self._order_by_steps()
        if order is None:
            return None
        rows, columns = order
        # what is lower triangular backwards has a lower triangular transpose
        return Reordering(columns[::-1], rows[::-1]) if self._is_transposed else Reordering(*order)

    def _order_of_full(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Sort rows and columns by their nonzeros, if these are 1 to n.

        There is only one pattern with such counts (Gale 1957, Ryser 1957): the full triangle.
        """
        rows = np.argsort(self._in_row)
        columns = np.argsort(-self._in_column)
        expected = np.arange(1, len(rows) + 1)
        is_full = np.array_equal(self._in_row[rows], expected) and np.array_equal(
            self._in_column[columns], expected[::-1]
        )
        return (rows, columns) if is_full else None

    def _order_by_steps(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Take away rows with one nonzero, and their columns, until none is left.

        A triangular matrix has such a row, and without it and its column is triangular again. Rows
        with the same number of steps before them are taken together.
        """
        by_column = np.ascontiguousarray(self._nonzero.T)
        waiting = np.ones(len(by_column), dtype=bool)
        counts = self._in_row
        ready = np.flatnonzero(counts == 1)
        rows, columns = [], []
        while len(ready):
            taken = np.argmax(self._nonzero[ready] & waiting, axis=1)
            if len(np.unique(taken)) < len(taken):
                return None  # two rows with the same single nonzero
            rows.append(ready)
            columns.append(taken)
            waiting[taken] = False
            counts = counts - np.count_nonzero(by_column[taken], axis=0)
            ready = np.flatnonzero(counts == 1)
        if waiting.any():
            return None
        return np.concatenate(rows), np.concatenate(columns)

    def diagonal_blocks(self) -> Reordering | None:
        """Return orders of rows and columns in which the matrix is block diagonal, and the blocks.

        Rows and columns belong together if a chain of nonzeros joins them. None if all are joined;
        also for rows or columns of zeros only, and blocks with more rows than columns: LU finds out
        soon enough that the matrix is singular.
        """
        if not self._in_row.all() or not self._in_column.all() or self._is_surely_joined():
            return None
        n = len(self._nonzero)
        is_sparse = self.count <= MAX_DEGREE * n
        row_of, column_of = self._graph_labels() if is_sparse else self._searched_labels()
        sizes = np.bincount(row_of)
        if len(sizes) == 1 or not np.array_equal(sizes, np.bincount(column_of)):
            return None
        rows, columns = (np.argsort(label, kind="stable") for label in (row_of, column_of))
        if self._is_transposed:
            rows, columns = columns, rows
        return Reordering(rows, columns, np.cumsum(sizes))

    def _is_surely_joined(self) -> bool:
        """Whether a column's first rows have nonzeros in all columns together."""
        joined = np.flatnonzero(self._nonzero[:, 0])[:N_PROBES]
        return bool(self._nonzero[joined].any(axis=0).all())

    def _graph_labels(self) -> list[np.ndarray]:
        """Return the number of its block for each row, and for each column."""
        n = len(self._nonzero)
        places = np.flatnonzero(self._nonzero)
        indices = places - np.repeat(np.arange(n) * n - n, self._in_row)
        indptr = np.concatenate([[0], np.cumsum(self._in_row), np.full(n, len(places))])
        entries = (np.ones(len(places), dtype=np.int8), indices, indptr)
        graph = sparse.csr_array(entries, shape=(2 * n, 2 * n))
        return np.split(connected_components(graph, directed=False)[1], [n])

    def _searched_labels(self) -> list[np.ndarray]:
        """Return the same, found in as much memory as the pattern takes."""
        n = len(self._nonzero)
        by_column = np.ascontiguousarray(self._nonzero.T)
        row_of, column_of = np.full((2, n), -1)
        label = 0
        while (row_of < 0).any():
            rows = np.flatnonzero(row_of < 0)[:1]
            while len(rows):
                row_of[rows] = label
                columns = np.flatnonzero(self._nonzero[rows].any(axis=0) & (column_of < 0))
                column_of[columns] = label
                rows = np.flatnonzero(by_column[columns].any(axis=0) & (row_of < 0))
            label += 1
        return [row_of, column_of]
