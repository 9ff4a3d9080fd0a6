"""Triangular matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np

from skstruct.linalg.matrices._arrays import common_type, entries, magnitude_sums
from skstruct.linalg.matrices._dense_factors import Substitution
from skstruct.linalg.matrices._structured import StructuredMatrix

STRIP = 64


class Triangular(StructuredMatrix):
    """A matrix with zeros above or below its diagonal.

    Parameters
    ----------
    array : array-like of shape (n, n)
        The entries; those of the other triangle are ignored.
    lower : bool, default=False
        Whether the lower triangle is meant.

    Attributes
    ----------
    array : ndarray of shape (n, n)
        With zeros in the other triangle; a copy, if they were not there.
    lower : bool
        As given.

    Raises
    ------
    ValueError
        `array` is not square, or has numbers that are not finite in the triangle.

    See Also
    --------
    StructuredMatrix : What all of these matrices can do.

    Examples
    --------
    >>> from skstruct.linalg import Triangular
    >>> L = Triangular([[1.0, 0.0], [3.0, 2.0]], lower=True)
    >>> L.solve([1.0, 7.0])
    array([1., 2.])
    >>> L.T.lower
    False
    >>> (L @ L).to_dense()
    array([[1., 0.],
           [9., 4.]])
    """

    routes = (Substitution,)

    def __init__(self, array: object, *, lower: bool = False) -> None:
        array = np.asarray(array)
        if array.ndim != 2 or array.shape[0] != array.shape[1]:
            raise ValueError(f"array must be square, got the shape {array.shape}")
        if not _is_lower(array if lower else array.T):
            array = (np.tril if lower else np.triu)(array)
        self.array = entries(array, "array", 2)
        self.lower = bool(lower)
        super().__init__(self.array.dtype, self.array.shape)

    def _matmat(self, X: np.ndarray) -> np.ndarray:
        return self.array @ X

    def _transposed(self) -> Triangular:
        return Triangular(self.array.T, lower=not self.lower)

    def _map(self, function: Callable[[np.ndarray], np.ndarray]) -> Self:
        return type(self)(function(self.array), lower=self.lower)

    def _main_diagonal(self) -> np.ndarray:
        return self.array.diagonal()

    @property
    def _blas_order(self) -> int:
        return self.shape[0]

    def _magnitude_sums(self, axis: int) -> np.ndarray:
        return magnitude_sums(self.array, axis)

    def to_dense(self) -> np.ndarray:
        return self.array.copy()

    # -- algebra ---------------------------------------------------------------------------

    def _like(self, array: np.ndarray) -> Triangular:
        return Triangular(array, lower=self.lower)

    def _is_alike(self, other: StructuredMatrix) -> bool:
        return isinstance(other, Triangular) and other.lower == self.lower

    def _scaled(self, c: complex) -> Triangular:
        return self._like(c * self.array)

    def _plus(self, other: StructuredMatrix) -> Triangular:
        return self._like(self.array + other.array) if self._is_alike(other) else NotImplemented

    def _plus_diagonal(self, d: np.ndarray) -> Triangular:
        array, d = common_type(self.array, d)
        array = array.copy()
        np.einsum("ii->i", array)[:] += d
        return self._like(array)

    def _times(self, other: StructuredMatrix) -> Triangular:
        return self._like(self.array @ other.array) if self._is_alike(other) else NotImplemented

    def _scaled_rows(self, d: np.ndarray) -> Triangular:
        return self._like(d[:, None] * self.array)

    def _scaled_columns(self, d: np.ndarray) -> Triangular:
        return self._like(self.array * d)


def _is_lower(a: np.ndarray) -> bool:
    """Whether there is nothing above the diagonal; reads it in strips, without a copy."""
    for start in range(0, len(a), STRIP):
        strip = a[start : start + STRIP, start:]
        if strip[:, STRIP:].any() or np.triu(strip[:, :STRIP], 1).any():
            return False
    return True
