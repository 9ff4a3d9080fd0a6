"""Toeplitz matrices."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Self

import numpy as np
from scipy import fft, linalg

from skstruct.linalg.matrices._arrays import common_type, constant_of, entries
from skstruct.linalg.matrices._circulant import convolved
from skstruct.linalg.matrices._circulant_iteration import CirculantCG, CirculantCGLS
from skstruct.linalg.matrices._structured import StructuredMatrix
from skstruct.linalg.matrices._toeplitz_factors import Levinson, ToeplitzLU


class Toeplitz(StructuredMatrix):
    """A matrix that is constant along its diagonals, a_ij = t_(i - j): a convolution.

    Products take O((m + n) log(m + n)) operations, by a circulant matrix of which it is a part. A
    square one is solved in O(n^2) by Levinson's recursion, from which further right-hand sides take
    O(n log n) (Gohberg and Semencul). From order 1000 on (4000, if it is not Hermitian) conjugate
    gradients with a circulant preconditioner come first, and give way if a few iterations do not
    do. Where the recursion loses too many digits, or a leading minor is singular, LU takes its
    place.

    Parameters
    ----------
    column : array-like of shape (m,)
        The first column.
    row : array-like of shape (n,), optional
        The first row, of which the first entry is ignored; by default the conjugate of `column`,
        for a Hermitian matrix.

    Attributes
    ----------
    column, row : ndarray of shape (m,) and (n,)
        As given, with the first entry of both that of the column.

    Raises
    ------
    ValueError
        Not vectors of finite numbers.

    See Also
    --------
    StructuredMatrix : What all of these matrices can do.
    scipy.linalg.solve_toeplitz : Levinson's recursion, without a check of the result.

    References
    ----------
    N. Levinson (1946); I. Gohberg and A. Semencul, "On the inversion of finite Toeplitz matrices"
    (1972); T. F. Chan, "An optimal circulant preconditioner for Toeplitz systems" (1988).

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import Toeplitz
    >>> T = Toeplitz([4.0, 1.0, 0.0], [4.0, 2.0, 1.0])
    >>> T.to_dense()
    array([[4., 2., 1.],
           [1., 4., 2.],
           [0., 1., 4.]])
    >>> np.allclose(T @ T.solve([1.0, 2.0, 3.0]), [1.0, 2.0, 3.0])
    True
    >>> T.T.column
    array([4., 2., 1.])
    """

    routes = (CirculantCG, CirculantCGLS, Levinson, ToeplitzLU)

    def __init__(self, column: object, row: object = None) -> None:
        column = entries(column, "column", 1)
        row = column.conj() if row is None else entries(row, "row", 1)
        column, row = common_type(column, row)
        if column.size and row.size:
            row = row.copy()
            row[0] = column[0]
        self.column, self.row = entries(column, "column", 1), entries(row, "row", 1)
        super().__init__(column.dtype, (len(column), len(row)))

    @cached_property
    def _spectrum(self) -> np.ndarray:
        """The eigenvalues of a circulant matrix whose leading block this one is."""
        order = fft.next_fast_len(self.shape[0] + self.shape[1] - 1, real=not self._is_complex)
        gap = np.zeros(order - self.shape[0] - self.shape[1] + 1, self.dtype)
        return fft.fft(np.concatenate([self.column, gap, self.row[:0:-1]]))

    def _matmat(self, X: np.ndarray) -> np.ndarray:
        if not (X.size and self.shape[0]):
            return np.zeros((self.shape[0], X.shape[1]), np.result_type(X, self.dtype))
        return convolved(self._spectrum, X, is_real=not self._is_complex)[: self.shape[0]]

    @cached_property
    def is_hermitian(self) -> bool:
        """Whether A = A^H, entry by entry."""
        return np.array_equal(self.row, self.column.conj())

    def _transposed(self) -> Toeplitz:
        return Toeplitz(self.row, self.column)

    def _map(self, function: Callable[[np.ndarray], np.ndarray]) -> Self:
        return type(self)(function(self.column), function(self.row))

    def _main_diagonal(self) -> np.ndarray:
        return np.repeat(self.column[:1], min(self.shape))

    def _magnitude_sums(self, axis: int) -> np.ndarray:
        (m, n), (down, right) = self.shape, (self.column, self.row)
        if axis == 1:
            (m, n), (down, right) = (n, m), (right, down)
        if not m:
            return np.zeros(n)
        # every column holds m successive numbers of t_(1-n), ..., t_(m-1)
        t = np.abs(np.concatenate([right[:0:-1], down])).astype(np.float64)
        sums = np.concatenate([[0.0], t.cumsum()])
        return (sums[m:] - sums[:-m])[::-1]

    def to_dense(self) -> np.ndarray:
        return linalg.toeplitz(self.column, self.row)

    # -- algebra ---------------------------------------------------------------------------

    def _scaled(self, c: complex) -> Toeplitz:
        return Toeplitz(c * self.column, c * self.row)

    def _plus(self, other: StructuredMatrix) -> Toeplitz:
        if not isinstance(other, Toeplitz):
            return NotImplemented
        return Toeplitz(self.column + other.column, self.row + other.row)

    def _plus_diagonal(self, d: np.ndarray) -> Toeplitz:
        c = constant_of(d)
        if c is None:
            return NotImplemented
        column, row, _ = common_type(self.column, self.row, d)
        column = column.copy()
        column[:1] += c
        return Toeplitz(column, row)
