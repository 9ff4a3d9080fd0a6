"""Orders of rows and columns that show the structure of a pattern of nonzeros.

All of it reads each entry of the pattern once or twice.
"""

from __future__ import annotations

import numpy as np

# Rows that are looked at together.
STRIP_ROWS = 256


def triangular_order(nonzero: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return orders of rows and columns in which a pattern is lower triangular, or None.

    A triangular matrix has a row with one nonzero. With that row and column taken away it is
    triangular again. Rows with the same number of steps before them are taken together.

    Parameters
    ----------
    nonzero : ndarray of bool of shape (n, n)
        Where the entries are not zero.

    Returns
    -------
    tuple of two ndarray of shape (n,), or None
        None also where an entry of the diagonal would be zero.
    """
    n = len(nonzero)
    counts = np.count_nonzero(nonzero, axis=1)
    if counts.sum() > n * (n + 1) // 2 or counts.min() != 1:
        return None
    return _order_by_counts(nonzero, counts) or _order_by_steps(nonzero, counts)


def _order_by_counts(
    nonzero: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Sort rows and columns by their nonzeros: enough where the triangle is full."""
    rows = np.argsort(counts, kind="stable")
    columns = np.argsort(-np.count_nonzero(nonzero, axis=0), kind="stable")
    if not nonzero[rows, columns].all():
        return None
    for start in range(0, len(rows), STRIP_ROWS):
        strip = nonzero.take(rows[start : start + STRIP_ROWS], axis=0)
        if np.triu(strip.take(columns[start + 1 :], axis=1)).any():
            return None
    return rows, columns


def _order_by_steps(
    nonzero: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Take away rows with one nonzero, and their columns, until none is left."""
    by_column = np.ascontiguousarray(nonzero.T)
    waiting = np.ones(len(nonzero), dtype=bool)
    ready = np.flatnonzero(counts == 1)
    rows, columns = [], []
    while len(ready):
        taken = np.argmax(nonzero[ready] & waiting, axis=1)
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


def diagonal_blocks(nonzero: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]] | None:
    """Return the rows and columns of each block of a pattern; None if there is only one block.

    Rows and columns belong together if a chain of nonzeros joins them. Rows or columns of zeros
    only, and blocks with more rows than columns, cannot be: None is returned for them, too, as LU
    finds out soon enough that the matrix is singular.

    Parameters
    ----------
    nonzero : ndarray of bool of shape (n, n)
        Where the entries are not zero.
    """
    n = len(nonzero)
    by_column = np.ascontiguousarray(nonzero.T)
    row_left, column_left = np.ones(n, dtype=bool), np.ones(n, dtype=bool)
    blocks = []
    while row_left.any():
        rows, columns = _block(nonzero, by_column, int(np.argmax(row_left)))
        if len(rows) != len(columns):
            return None
        if len(rows) == n:
            return None
        row_left[rows] = False
        column_left[columns] = False
        blocks.append((rows, columns))
    return None if column_left.any() else blocks


def _block(nonzero: np.ndarray, by_column: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and columns that are joined to a row."""
    rows, columns = np.zeros((2, len(nonzero)), dtype=bool)
    rows[first] = True
    new_rows = np.array([first])
    while len(new_rows):
        new_columns = np.flatnonzero(nonzero[new_rows].any(axis=0) & ~columns)
        columns[new_columns] = True
        joined = by_column[new_columns].any(axis=0) & ~rows
        new_rows = np.flatnonzero(joined)
        rows[new_rows] = True
    return np.flatnonzero(rows), np.flatnonzero(columns)
