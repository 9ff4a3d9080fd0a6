"""Circulant matrices."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Self

import numpy as np
from scipy import fft, linalg

from skstruct.linalg.matrices._arrays import common_type, constant_of, entries
from skstruct.linalg.matrices._determinants import sign_and_log
from skstruct.linalg.matrices._factor import Factor, SingularMatrixError
from skstruct.linalg.matrices._schur import Schur
from skstruct.linalg.matrices._structured import StructuredMatrix


def convolved(spectrum: np.ndarray, X: np.ndarray, *, is_real: bool) -> np.ndarray:
    """Return the circulant matrix with these eigenvalues times the columns of X.

    Parameters
    ----------
    spectrum : ndarray of shape (n,)
        The eigenvalues, the Fourier transform of the first column.
    X : ndarray of shape (p, k)
        Columns; zeros follow those of less than n entries.
    is_real : bool
        Whether the matrix is real.
    """
    n = len(spectrum)
    if is_real and X.dtype.kind != "c":
        half = spectrum[: n // 2 + 1, None]
        return fft.irfft(half * fft.rfft(X, n, axis=0), n, axis=0)
    return fft.ifft(spectrum[:, None] * fft.fft(X, n, axis=0), axis=0)


class SpectralDivision(Factor):
    """The inverse has the inverse eigenvalues.

    Parameters
    ----------
    eigenvalues : ndarray of shape (n,)
        The Fourier transform of the first column.
    is_real : bool
        Whether the matrix is real.
    """

    name = "fft"

    def __init__(self, eigenvalues: np.ndarray, *, is_real: bool) -> None:
        zeros = np.flatnonzero(eigenvalues == 0)
        if len(zeros):
            raise SingularMatrixError(
                f"its eigenvalue {zeros[0]} (of the Fourier vector of that frequency) is zero"
            )
        self._eigenvalues, self._is_real = eigenvalues, is_real
        with np.errstate(all="ignore"):  # what overflows is found by the certificate
            self._inverse = 1 / eigenvalues

    @classmethod
    def of(cls, matrix: Circulant) -> Self:
        return cls(matrix.eigenvalues, is_real=not matrix._is_complex)

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return convolved(self._inverse, rhs, is_real=self._is_real)

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        return convolved(self._inverse.conj(), rhs, is_real=self._is_real)

    def slogdet(self) -> tuple[float | complex, float]:
        sign, log = sign_and_log(self._eigenvalues)
        if not self._is_real:
            return sign, log
        # those of a real matrix are conjugate in pairs, but that of frequency 0 and of n / 2
        n = len(self._eigenvalues)
        alone = self._eigenvalues[[0, n // 2] if n % 2 == 0 else [0]].real
        return sign_and_log(alone)[0], log

    def inverse_norm(self, n: int, dtype: np.dtype) -> float:
        first = np.zeros((n, 1), dtype)
        first[0] = 1  # all columns of a circulant matrix have the same norm
        return float(np.abs(self.solve(first)).sum())


class Circulant(StructuredMatrix):
    """The matrix with a_ij = c_k for k = i - j modulo n: a convolution around a circle.

    Its eigenvectors are those of the Fourier transform and its eigenvalues that of c, so products
    and solutions take O(n log n) operations.

    Parameters
    ----------
    column : array-like of shape (n,)
        c, the first column.

    Attributes
    ----------
    column : ndarray of shape (n,)
        c.
    eigenvalues : ndarray of shape (n,)
        The Fourier transform of c.

    Raises
    ------
    ValueError
        c is not a vector of finite numbers.

    See Also
    --------
    StructuredMatrix : What all of these matrices can do.
    Toeplitz : Without the circle.

    References
    ----------
    P. J. Davis, "Circulant matrices" (1979).

    Examples
    --------
    >>> from skstruct.linalg import Circulant
    >>> C = Circulant([2.0, 1.0, 0.0, 0.0])
    >>> C.to_dense()
    array([[2., 0., 0., 1.],
           [1., 2., 0., 0.],
           [0., 1., 2., 0.],
           [0., 0., 1., 2.]])
    >>> C.solve([3.0, 3.0, 3.0, 3.0])
    array([1., 1., 1., 1.])
    """

    routes = (SpectralDivision,)

    def __init__(self, column: object) -> None:
        self.column = entries(column, "column", 1)
        n = len(self.column)
        super().__init__(self.column.dtype, (n, n))

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """The Fourier transform of c, of shape (n,)."""
        return fft.fft(self.column) if self.column.size else self.column

    def _matmat(self, X: np.ndarray) -> np.ndarray:
        if not X.size:
            return X.copy()
        return convolved(self.eigenvalues, X, is_real=not self._is_complex)

    def _transposed(self) -> Circulant:
        return Circulant(np.roll(self.column[::-1], 1))

    def _map(self, function: Callable[[np.ndarray], np.ndarray]) -> Self:
        return type(self)(function(self.column))

    def _main_diagonal(self) -> np.ndarray:
        return np.repeat(self.column[:1], self.shape[0])

    def _magnitude_sums(self, axis: int) -> np.ndarray:
        total = np.abs(self.column).sum(dtype=np.float64)
        return np.full(self.shape[0], total)

    def _schur(self) -> Schur:
        return Schur(
            self.eigenvalues,
            lambda X: fft.fft(X, axis=0, norm="ortho"),
            lambda X: fft.ifft(X, axis=0, norm="ortho"),
        )

    def to_dense(self) -> np.ndarray:
        return linalg.circulant(self.column) if self.column.size else np.zeros((0, 0), self.dtype)

    # -- algebra ---------------------------------------------------------------------------

    def _scaled(self, c: complex) -> Circulant:
        return Circulant(c * self.column)

    def _plus(self, other: StructuredMatrix) -> Circulant:
        if not isinstance(other, Circulant):
            return NotImplemented
        return Circulant(self.column + other.column)

    def _plus_diagonal(self, d: np.ndarray) -> Circulant:
        c = constant_of(d)
        if c is None:
            return NotImplemented
        column, _ = common_type(self.column, d)
        column = column.copy()
        column[:1] += c
        return Circulant(column)

    def _times(self, other: StructuredMatrix) -> Circulant:
        if not isinstance(other, Circulant):
            return NotImplemented
        return Circulant(self.matvec(other.column))
