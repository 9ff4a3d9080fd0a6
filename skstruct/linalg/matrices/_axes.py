"""Columns that are arrays of several axes, as those that a Kronecker product multiplies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np


def along_axis(
    apply: Callable[[np.ndarray], np.ndarray], X: np.ndarray, sizes: Sequence[int], axis: int
) -> np.ndarray:
    """Apply a matrix along one axis of every column.

    Parameters
    ----------
    apply : callable
        The matrix times columns.
    X : ndarray of shape (prod(sizes), k)
        Columns, the last axis of each running fastest.
    sizes : sequence of int
        Lengths of the axes.
    axis : int
        Which one.

    Returns
    -------
    ndarray of shape (prod(sizes) / sizes[axis] * m, k)
        For a matrix of m rows.
    """
    before, k = prod(sizes[:axis]), X.shape[1]
    after = prod(sizes[axis + 1 :]) * k
    if before == 1:
        return apply(X.reshape(sizes[axis], after)).reshape(-1, k)
    front = X.reshape(before, sizes[axis], after).transpose(1, 0, 2)
    image = apply(front.reshape(sizes[axis], before * after))
    return image.reshape(-1, before, after).transpose(1, 0, 2).reshape(-1, k)


def along_all(
    applies: Sequence[Callable[[np.ndarray], np.ndarray]], X: np.ndarray, sizes: Sequence[int]
) -> np.ndarray:
    """Apply a square matrix along each axis of every column; see :func:`along_axis`."""
    for axis, apply in enumerate(applies):
        X = along_axis(apply, X, sizes, axis)
    return X


def outer(values: Sequence[np.ndarray]) -> np.ndarray:
    """Return all products of one number of each array, the last array running fastest."""
    product = values[0]
    for more in values[1:]:
        product = np.multiply.outer(product, more).ravel()
    return product


def position(index: int, sizes: Sequence[int]) -> tuple[int, ...]:
    """Return the position along each axis of an entry of a column."""
    return tuple(int(i) for i in np.unravel_index(index, sizes))
