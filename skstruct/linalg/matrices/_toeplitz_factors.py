"""Direct routes to the solution of a Toeplitz system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from scipy import fft, linalg
from scipy.linalg import blas

from skstruct.linalg._config import get_config
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._threads import parallel_region, threaded_blas
from skstruct.linalg.matrices._circulant import convolved
from skstruct.linalg.matrices._dense_factors import DenseLU
from skstruct.linalg.matrices._determinants import sign_and_log
from skstruct.linalg.matrices._factor import Factor

if TYPE_CHECKING:
    from skstruct.linalg.matrices._toeplitz import Toeplitz


# scipy's compiled recursion gives one of the two columns that determine the inverse, enough if the
# matrix is Hermitian; ours gives both. For both, two calls of scipy's took 1.4 ms, ours 2.2 of
# order 500, 5.1 and 3.9 of order 1000, 17 and 7.9 of order 2000, 73 and 32 of order 4000.
MAX_COMPILED_ORDER = 800


class Levinson(Factor):
    """The first and last column of the inverse, of which all others are made.

    They are found in O(n^2), in double precision; a solve takes O(n log n) (Gohberg and Semencul,
    1972). The recursion divides by leading minors and is not backward stable: refinement and the
    certificate tell.

    Parameters
    ----------
    column, row : ndarray of shape (n,)
        The first column and the first row.
    """

    name = "levinson"
    max_refinements = 4

    def __init__(self, column: np.ndarray, row: np.ndarray) -> None:
        self._dtype, self._is_real = column.dtype, column.dtype.kind != "c"
        double = np.result_type(column, np.float64)
        self._column, self._row = column.astype(double), row.astype(double)
        self._pivots = None  # only the determinant needs them
        if len(column) <= MAX_COMPILED_ORDER or np.array_equal(row, column.conj()):
            first, last = _compiled_recursion(self._column, self._row)
        else:
            first, last, self._pivots = _recursion(self._column, self._row)
        n = len(first)
        self._order = fft.next_fast_len(2 * n - 1, real=self._is_real)
        # with L(v) the lower triangular Toeplitz matrix of first column v, and 0v for v moved down:
        # A^-1 = (L(first) L(last reversed)' - L(0 last) L(0 (first reversed))') / first_0
        zero = np.zeros(1, first.dtype)
        self._pairs = [
            (self._lower(first / first[0]), self._upper(last[::-1])),
            (
                self._lower(np.concatenate([zero, last[:-1]]) / -first[0]),
                self._upper(np.concatenate([zero, first[:0:-1]])),
            ),
        ]

    @classmethod
    def of(cls, matrix: Toeplitz) -> Self:
        return cls(matrix.column, matrix.row)

    def _lower(self, column: np.ndarray) -> np.ndarray:
        """Return the spectrum of a circulant matrix that has L(column) as its leading block."""
        return fft.fft(column, self._order)

    def _upper(self, row: np.ndarray) -> np.ndarray:
        """Return the same for L(row)'."""
        around = np.zeros(self._order, row.dtype)
        around[0] = row[0]
        around[len(around) - len(row) + 1 :] = row[:0:-1]
        return fft.fft(around)

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        n, total = len(rhs), 0
        for lower, upper in self._pairs:
            half = convolved(upper, rhs, is_real=self._is_real)[:n]
            total = total + convolved(lower, half, is_real=self._is_real)[:n]
        return total.astype(self._dtype, copy=False)

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        # a Toeplitz matrix is its transpose with rows and columns in reverse order
        return self.solve(rhs[::-1].conj())[::-1].conj()

    def slogdet(self) -> tuple[float | complex, float]:
        if self._pivots is None:
            try:
                self._pivots = _recursion(self._column, self._row)[2]
            except Breakdown:  # at the zero that rounding kept from the compiled recursion
                return DenseLU(linalg.toeplitz(self._column, self._row), overwrite=True).slogdet()
        return sign_and_log(self._pivots)


class ToeplitzLU(DenseLU):
    """LU of all entries: for matrices with a leading minor that is nearly singular."""

    @classmethod
    def of(cls, matrix: Toeplitz) -> Self:
        required = 2 * matrix.dtype.itemsize * matrix.shape[0] ** 2
        if get_config().memory_excess(required) is not None:
            raise Breakdown(f"all entries, {required / 1e9:.1f} GB, exceed the memory limit")
        with parallel_region(), threaded_blas(matrix.shape[0]):
            return super().of(matrix)


def _compiled_recursion(column: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last column of the inverse."""
    unit = np.zeros(len(column))
    unit[0] = 1
    try:
        with np.errstate(all="ignore"):
            first = linalg.solve_toeplitz((column, row), unit, check_finite=False)
            if np.array_equal(row, column.conj()):
                last = first[::-1].conj()
            else:
                last = linalg.solve_toeplitz((row, column), unit, check_finite=False)[::-1]
    except np.linalg.LinAlgError as failure:
        raise Breakdown("a leading minor is zero") from failure
    if first[0] == 0 or not (np.isfinite(first).all() and np.isfinite(last).all()):
        raise Breakdown("a leading minor is zero to rounding")
    return first, last


def _recursion(column: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the first and the last column of the inverse, and the pivots.

    Those of the leading blocks of order k follow from those of order k - 1. The pivots are the
    ratios of successive leading minors.
    """
    n = len(column)
    first, last = np.zeros_like(column), np.zeros_like(column)
    upwards = column[::-1].copy()  # products with it then run forwards
    pivots = np.empty_like(column)
    first[0] = last[-1] = 1
    pivots[0] = pivot = column[0]
    (dot,) = blas.get_blas_funcs(("dotu",), (column,))
    mix = _mix if column.dtype.kind == "c" else _Rotation()
    with np.errstate(all="ignore"):  # after a pivot of zero nothing is finite
        for k in range(1, n):
            # the last column stands at the end of its array: it grows without being moved
            size, start = k + 1, n - k - 1
            a = -dot(upwards, first, size, start) / pivot
            b = -dot(row, last, size, 0, 1, start) / pivot
            mix(first, last, a, b, size, start)
            pivot = pivot * (1 - a * b)
            pivots[k] = pivot
    bad = np.flatnonzero((pivots == 0) | ~np.isfinite(pivots))
    if len(bad):
        raise Breakdown(f"the leading minor of order {bad[0] + 1} is zero")
    return first / pivot, last / pivot, pivots


class _Rotation:
    """Turns the first part f of one array and the last, g, of another into f + a g, g + b f.

    By a modified Givens rotation of BLAS on real numbers: without slices and temporaries a step of
    the recursion takes 2 us instead of 8.
    """

    def __init__(self) -> None:
        self._parameters = np.zeros(5)  # the first one tells that the diagonal is of ones

    def __call__(
        self, first: np.ndarray, last: np.ndarray, a: float, b: float, size: int, start: int
    ) -> None:
        self._parameters[2] = b
        self._parameters[3] = a
        blas.drotm(first, last, self._parameters, size, 0, 1, start, 1, 1, 1)


def _mix(
    first: np.ndarray, last: np.ndarray, a: complex, b: complex, size: int, start: int
) -> None:
    """Do the same to complex numbers, for which BLAS has no such rotation."""
    f, g = first[:size], last[start:]
    change = b * f
    f += a * g
    g += change
