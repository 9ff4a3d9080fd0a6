"""Matrices without structure, as factors of Kronecker products and as diagonal blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np

from skstruct.linalg.matrices._arrays import common_type, entries, magnitude_sums
from skstruct.linalg.matrices._dense_factors import DenseCholesky, DenseLU
from skstruct.linalg.matrices._structured import StructuredMatrix


class Dense(StructuredMatrix):
    """A matrix without structure: what an array becomes as a factor or as a block.

    A square one is solved by Cholesky's factorisation if it is Hermitian and positive definite,
    else by LU with partial pivoting.

    Parameters
    ----------
    array : array-like of shape (m, n)
        The entries.

    Attributes
    ----------
    array : ndarray of shape (m, n)
        The entries.

    Raises
    ------
    ValueError
        `array` has other than two dimensions, or numbers that are not finite.

    See Also
    --------
    StructuredMatrix : What all of these matrices can do.

    Examples
    --------
    >>> from skstruct.linalg.matrices import Dense
    >>> Dense([[2.0, 1.0], [1.0, 2.0]]).solve([3.0, 3.0])
    array([1., 1.])
    """

    routes = (DenseCholesky, DenseLU)

    def __init__(self, array: object) -> None:
        self.array = entries(array, "array", 2)
        super().__init__(self.array.dtype, self.array.shape)

    def _matmat(self, X: np.ndarray) -> np.ndarray:
        return self.array @ X

    def _transposed(self) -> Dense:
        return Dense(self.array.T)

    def _map(self, function: Callable[[np.ndarray], np.ndarray]) -> Self:
        return type(self)(function(self.array))

    def _main_diagonal(self) -> np.ndarray:
        return self.array.diagonal()

    @property
    def _blas_order(self) -> int:
        return max(self.shape)

    def _magnitude_sums(self, axis: int) -> np.ndarray:
        return magnitude_sums(self.array, axis)

    def to_dense(self) -> np.ndarray:
        return self.array.copy()

    def _scaled(self, c: complex) -> Dense:
        return Dense(c * self.array)

    def _plus(self, other: StructuredMatrix) -> Dense:
        return Dense(self.array + other.to_dense())

    def _plus_diagonal(self, d: np.ndarray) -> Dense:
        array, d = common_type(self.array, d)
        array = array.copy()
        array.flat[:: len(array) + 1] += d
        return Dense(array)

    def _times(self, other: StructuredMatrix) -> Dense:
        return Dense(self.array @ other.to_dense())

    def _preceded_by(self, other: StructuredMatrix) -> Dense:
        return Dense(other.matmat(self.array))


def structured(part: object, name: str) -> StructuredMatrix:
    """Return `part` if it has a structure, an array as a :class:`Dense` matrix."""
    if isinstance(part, StructuredMatrix):
        return part
    try:
        return Dense(part)
    except (TypeError, ValueError) as failure:
        raise type(failure)(f"{name}: {failure}") from failure
