"""Routes to the solution of a Toeplitz system."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from skstruct.linalg._config import get_config
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.matrices._arrays import sign_and_log
from skstruct.linalg.matrices._circulant import convolved
from skstruct.linalg.matrices._dense import DenseLU
from skstruct.linalg.matrices._factor import Factor
from skstruct.linalg.matrices._refined import aim_of

if TYPE_CHECKING:
    from skstruct.linalg.matrices._toeplitz import Toeplitz

# With a kernel exp(-|i - j| / 50) and two right-hand sides the iteration takes 3 ms of order 500
# and 5 of order 2000, the recursion 4 and 31; with a Gaussian kernel 7 and 13 against 8 and 26.
MIN_CG_ORDER = 1000
# Preconditioned matrices of well-behaved symbols have a few eigenvalues away from 1, whatever the
# order: what takes more iterations is not one of them, and the recursion is the better choice.
MAX_ITERATIONS = 100


class CirculantCG(Factor):
    """Conjugate gradients with the circulant matrix nearest to A as preconditioner (Chan 1988)."""

    name = "circulant_cg"
    has_determinant = False

    def __init__(self, matrix: Toeplitz) -> None:
        n = matrix.shape[0]
        if n < MIN_CG_ORDER or not matrix.is_hermitian:
            raise Breakdown(f"the matrix is not Hermitian of order {MIN_CG_ORDER} or more")
        weights = np.arange(n) / n
        column = matrix.column.copy()
        column[1:] *= 1 - weights[1:]
        column[1:] += weights[1:] * matrix.row[:0:-1]
        eigenvalues = fft.fft(column).real
        if not eigenvalues.min() > 0:
            raise Breakdown("the nearest circulant matrix is not positive definite")
        self._inverse = 1 / eigenvalues
        self._matrix, self._is_real = matrix, not matrix._is_complex

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        matrix, norm = self._matrix, self._matrix._row_norm
        aim, bound = aim_of(len(rhs), rhs.dtype), np.abs(rhs).max(axis=0)
        x, residual = np.zeros_like(rhs), rhs.copy()
        direction, energy = np.zeros_like(rhs), np.ones(rhs.shape[1])
        for _ in range(MAX_ITERATIONS):
            size = np.abs(residual).max(axis=0)
            active = size > aim * (norm * np.abs(x).max(axis=0) + bound)
            if not active.any():
                return x
            z = convolved(self._inverse, residual, is_real=self._is_real)
            last, energy = energy, _products(residual, z)
            direction = z + direction * _ratio(energy, last)
            image = matrix.matmat(direction)
            curvature = _products(direction, image)
            if np.any(curvature[active] <= 0):
                raise Breakdown("the matrix is not positive definite")
            step = _ratio(energy, curvature)
            x += step * direction
            residual -= step * image
        raise Breakdown(f"not converged after {MAX_ITERATIONS} iterations")

    solve_adjoint = solve

    def slogdet(self) -> tuple[float | complex, float]:
        raise NotImplementedError


class Levinson(Factor):
    """The first and last column of the inverse, of which all others are made.

    The recursion runs in double precision, in O(n^2); a solve takes O(n log n).
    """

    name = "levinson"

    def __init__(self, matrix: Toeplitz) -> None:
        self._dtype = matrix.dtype
        double = np.result_type(matrix.dtype, np.float64)
        first, last, self._pivots = _recursion(
            matrix.column.astype(double), matrix.row.astype(double)
        )
        self._is_real = not matrix._is_complex
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
        return sign_and_log(self._pivots)


class ToeplitzLU(DenseLU):
    """LU of all entries: for matrices with a leading minor that is nearly singular."""

    def __init__(self, matrix: Toeplitz) -> None:
        required = 2 * matrix.dtype.itemsize * matrix.shape[0] ** 2
        if get_config().memory_excess(required) is not None:
            raise Breakdown(f"all entries, {required / 1e9:.1f} GB, exceed the memory limit")
        super().__init__(matrix)


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
    for k in range(1, n):
        if pivot == 0 or not np.isfinite(pivot):
            raise Breakdown(f"the leading minor of order {k} is zero")
        # the last column stands at the end of its array: it grows without being moved
        f, g = first[: k + 1], last[n - k - 1 :]
        a = -(upwards[n - 1 - k : n - 1] @ f[:k]) / pivot
        b = -(row[1 : k + 1] @ g[1:]) / pivot
        change = b * f
        f += a * g
        g += change
        pivot = pivot * (1 - a * b)
        pivots[k] = pivot
    if pivot == 0 or not np.isfinite(pivot):
        raise Breakdown("the determinant is zero")
    return first / pivot, last / pivot, pivots


def _products(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->j", X.conj(), Y).real


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a / b, and zero for columns that are done: there 0 / 0."""
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)
