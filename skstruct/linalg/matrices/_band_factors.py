"""LAPACK's factorisations of banded matrices.

A band stands in rows, the uppermost diagonal first, as in :class:`Banded`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.linalg import get_lapack_funcs

from skstruct.linalg._solution import Breakdown
from skstruct.linalg.matrices._determinants import interchanges_sign, sign_and_log
from skstruct.linalg.matrices._factor import Factor, MinorNotPositive, SingularMatrixError

if TYPE_CHECKING:
    from skstruct.linalg.matrices._banded import Banded


class TridiagonalLU(Factor):
    """LU with partial pivoting of a tridiagonal matrix.

    A tenth of the arithmetic is that of xGBTRF's bookkeeping there: of order 10^6 it takes 32 ms
    instead of 128, and a solve 32 instead of 80.

    Parameters
    ----------
    below, diagonal, above : ndarray of shape (n - 1,), (n,) and (n - 1,)
        The three diagonals, n >= 3.
    """

    name = "tridiagonal_lu"

    def __init__(self, below: np.ndarray, diagonal: np.ndarray, above: np.ndarray) -> None:
        factor, self._gttrs = get_lapack_funcs(("gttrf", "gttrs"), (diagonal,))
        *self._lu, info = factor(below, diagonal, above)
        _raise_if_singular(info)

    @classmethod
    def of(cls, matrix: Banded) -> Self:
        if matrix.bandwidths != (1, 1) or matrix.shape[0] < 3:
            raise Breakdown("the matrix is not tridiagonal of order 3 or more")
        return cls(matrix.diagonal(-1), matrix.diagonal(), matrix.diagonal(1))

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return self._gttrs(*self._lu, rhs)[0]

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        return self._gttrs(*self._lu, rhs, trans="C")[0]

    def slogdet(self) -> tuple[float | complex, float]:
        _, diagonal, _, _, pivots = self._lu
        return sign_and_log(diagonal, interchanges_sign(pivots, first=1))


class BandCholesky(Factor):
    """Cholesky's factorisation L L^H of a banded matrix.

    From the lower triangle: of order 10^5, with 2 and 5 diagonals below the main one, that takes
    4.7 and 4.5 ms, from the upper triangle 8.6 and 6.7.

    Parameters
    ----------
    lower : ndarray of shape (width + 1, n)
        The main diagonal and those below it.
    """

    name = "band_cholesky"
    proves = frozenset(["positive_definite"])

    def __init__(self, lower: np.ndarray) -> None:
        factor, self._pbtrs = get_lapack_funcs(("pbtrf", "pbtrs"), (lower,))
        self._lower, info = factor(lower, lower=True)
        if info > 0:
            raise MinorNotPositive(info)

    @classmethod
    def of(cls, matrix: Banded) -> Self:
        if not (matrix.is_hermitian and np.all(matrix.diagonal().real > 0)):
            raise Breakdown("the matrix is not Hermitian with a positive diagonal")
        return cls(matrix.bands[matrix.bandwidths[1] :])

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return self._pbtrs(self._lower, rhs, lower=True)[0]

    solve_adjoint = solve

    def slogdet(self) -> tuple[float | complex, float]:
        _, half = sign_and_log(self._lower[0].real)
        return 1.0, 2.0 * half


class BandLU(Factor):
    """LU with partial pivoting of a banded matrix, whose U has `lower` more diagonals.

    Parameters
    ----------
    bands : ndarray of shape (2 lower + upper + 1, n)
        The band below `lower` rows of zeros, in Fortran's order. Overwritten.
    bandwidths : (int, int)
        How many diagonals there are below and above the main one, (lower, upper).
    """

    name = "band_lu"

    def __init__(self, bands: np.ndarray, bandwidths: tuple[int, int]) -> None:
        self._widths = bandwidths
        factor, self._gbtrs = get_lapack_funcs(("gbtrf", "gbtrs"), (bands,))
        self._lu, self._pivots, info = factor(bands, *bandwidths, overwrite_ab=True)
        _raise_if_singular(info)

    @classmethod
    def of(cls, matrix: Banded) -> Self:
        lower, upper = matrix.bandwidths
        bands = np.zeros((2 * lower + upper + 1, matrix.shape[1]), matrix.dtype, order="F")
        bands[lower:] = matrix.bands
        return cls(bands, matrix.bandwidths)

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return self._gbtrs(self._lu, *self._widths, rhs, self._pivots)[0]

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        return self._gbtrs(self._lu, *self._widths, rhs, self._pivots, trans=2)[0]

    def slogdet(self) -> tuple[float | complex, float]:
        return sign_and_log(self._lu[sum(self._widths)], interchanges_sign(self._pivots))


def _raise_if_singular(info: int) -> None:
    if info > 0:
        raise SingularMatrixError(f"the pivot of column {info - 1} is zero in its LU factorisation")
