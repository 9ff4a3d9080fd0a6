"""Banded matrices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Self

import numpy as np
from scipy import sparse

from skstruct.linalg.matrices._arrays import common_type, entries, floating
from skstruct.linalg.matrices._band_factors import BandCholesky, BandLU, TridiagonalLU
from skstruct.linalg.matrices._structured import StructuredMatrix


class Banded(StructuredMatrix):
    """A matrix with a_ij = 0 unless -upper <= i - j <= lower.

    A square one is solved by LAPACK's factorisations of banded matrices, which take
    O(n lower (lower + upper)) operations: Cholesky's if it is Hermitian and positive definite, else
    LU with partial pivoting.

    Parameters
    ----------
    bandwidths : (int, int)
        How many diagonals there are below and above the main one, (lower, upper).
    bands : array-like of shape (lower + upper + 1, n)
        The diagonals in rows, the uppermost first, a_ij in ``bands[upper + i - j, j]``, as in
        :func:`scipy.linalg.solve_banded`. What lies outside the matrix is ignored.
    n_rows : int, optional
        Number of rows m, n by default.

    Attributes
    ----------
    bandwidths : (int, int)
        As given.
    bands : ndarray of shape (lower + upper + 1, n)
        A copy, with zeros outside the matrix.

    Raises
    ------
    ValueError
        `bands` has another number of rows, or numbers that are not finite.

    See Also
    --------
    StructuredMatrix : What all of these matrices can do.

    References
    ----------
    E. Anderson et al., "LAPACK users' guide" (1999): xGBTRF, xPBTRF and xGTTRF.

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import Banded
    >>> A = Banded.from_diagonals([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(5, 5))
    >>> A.solve(np.ones(5))
    array([2.5, 4. , 4.5, 4. , 2.5])
    >>> sign, log = A.logdet()
    >>> round(np.exp(log), 12)  # the determinant of this matrix is n + 1
    np.float64(6.0)
    >>> A.factor().name
    'tridiagonal_lu'
    """

    routes = (TridiagonalLU, BandCholesky, BandLU)

    def __init__(
        self, bandwidths: tuple[int, int], bands: object, *, n_rows: int | None = None
    ) -> None:
        lower, upper = (int(width) for width in bandwidths)
        bands = floating(bands, "bands", check_finite=False)
        if lower < 0 or upper < 0 or bands.ndim != 2 or len(bands) != lower + upper + 1:
            raise ValueError(
                f"bands has the shape {bands.shape}; with bandwidths {(lower, upper)} it must have "
                f"{lower + upper + 1} rows"
            )
        m, n = bands.shape[1] if n_rows is None else int(n_rows), bands.shape[1]
        bands = bands.copy()
        for row, diagonal in zip(bands, range(upper, -lower - 1, -1), strict=True):
            columns = _columns(diagonal, (m, n))
            row[: columns.start] = 0
            row[columns.stop :] = 0
        self.bandwidths = (lower, upper)
        self.bands = entries(bands, "bands", 2)
        super().__init__(bands.dtype, (m, n))

    @classmethod
    def from_diagonals(
        cls, diagonals: Sequence, offsets: Sequence[int], shape: tuple[int, int] | None = None
    ) -> Self:
        """Return the matrix with the given diagonals, as :func:`scipy.sparse.diags_array` does.

        Parameters
        ----------
        diagonals : sequence of array-like or of numbers
            Each as long as it is in the matrix, or a number for all of its entries.
        offsets : sequence of int
            j - i of each.
        shape : (int, int), optional
            By default square, and as large as the first diagonal that is given in full tells.

        Returns
        -------
        Banded
        """
        diagonals = [floating(d, f"diagonal {o}") for d, o in zip(diagonals, offsets, strict=True)]
        if shape is None:
            lengths = [
                len(d) + abs(o) for d, o in zip(diagonals, offsets, strict=True) if d.ndim == 1
            ]
            if not lengths:
                raise ValueError("shape must be given where no diagonal is given in full")
            shape = (lengths[0], lengths[0])
        lower, upper = max(0, -min(offsets, default=0)), max(0, max(offsets, default=0))
        dtype = np.result_type(*diagonals) if diagonals else np.float64
        bands = np.zeros((lower + upper + 1, shape[1]), dtype)
        for d, offset in zip(diagonals, offsets, strict=True):
            columns = _columns(offset, shape)
            length = columns.stop - columns.start
            if d.shape not in ((), (length,)):
                raise ValueError(
                    f"diagonal {offset} has the shape {d.shape}; expected a number or ({length},)"
                )
            bands[upper - offset, columns] = d
        return cls((lower, upper), bands, n_rows=shape[0])

    @classmethod
    def from_matrix(cls, matrix: np.ndarray | sparse.sparray) -> Self:
        """Return a dense or sparse matrix in banded form, as narrow as its nonzeros allow.

        Parameters
        ----------
        matrix : ndarray or sparse array of shape (m, n)
            Any matrix.

        Returns
        -------
        Banded
        """
        stored = sparse.coo_array(matrix)
        if stored.ndim != 2:
            raise ValueError(f"matrix must have 2 dimensions, got the shape {stored.shape}")
        stored.sum_duplicates()
        rows, columns = stored.coords
        data = floating(stored.data, "matrix")
        offsets = columns.astype(np.int64) - rows
        lower, upper = max(0, -offsets.min(initial=0)), max(0, offsets.max(initial=0))
        bands = np.zeros((lower + upper + 1, stored.shape[1]), data.dtype)
        bands[upper - offsets, columns] = data
        return cls((lower, upper), bands, n_rows=stored.shape[0])

    @cached_property
    def _by_diagonals(self) -> sparse.dia_array:
        lower, upper = self.bandwidths
        offsets = np.arange(upper, -lower - 1, -1)
        return sparse.dia_array((self.bands, offsets), shape=self.shape)

    def _matvec(self, x: np.ndarray) -> np.ndarray:
        return self._by_diagonals @ x

    def _matmat(self, X: np.ndarray) -> np.ndarray:
        return self._by_diagonals @ X

    def diagonal(self, offset: int = 0) -> np.ndarray:
        """Return the entries a_ij with j - i = `offset`."""
        lower, upper = self.bandwidths
        columns = _columns(offset, self.shape)
        if not -lower <= offset <= upper:
            return np.zeros(columns.stop - columns.start, self.dtype)
        return self.bands[upper - offset, columns]

    @cached_property
    def is_hermitian(self) -> bool:
        """Whether A = A^H, entry by entry."""
        width = max(self.bandwidths)
        return self.shape[0] == self.shape[1] and all(
            np.array_equal(self.diagonal(k), self.diagonal(-k).conj()) for k in range(width + 1)
        )

    def _transposed(self) -> Banded:
        lower, upper = self.bandwidths
        n_rows, n_columns = self.shape[::-1]
        bands = np.zeros((lower + upper + 1, n_columns), self.dtype)
        for offset in range(-lower, upper + 1):
            bands[lower + offset, _columns(-offset, self.shape[::-1])] = self.diagonal(offset)
        return Banded((upper, lower), bands, n_rows=n_rows)

    def _map(self, function: Callable[[np.ndarray], np.ndarray]) -> Self:
        return type(self)(self.bandwidths, function(self.bands), n_rows=self.shape[0])

    def _main_diagonal(self) -> np.ndarray:
        return self.diagonal()

    def _magnitude_sums(self, axis: int) -> np.ndarray:
        if axis == 0:
            return np.abs(self.bands).sum(axis=0)
        return abs(self._by_diagonals) @ np.ones(self.shape[1], self.bands.real.dtype)

    def to_dense(self) -> np.ndarray:
        return self._by_diagonals.toarray()

    def explicit(self) -> sparse.sparray:
        return self._by_diagonals

    # -- algebra ---------------------------------------------------------------------------

    def _scaled(self, c: complex) -> Banded:
        return Banded(self.bandwidths, c * self.bands, n_rows=self.shape[0])

    def _widened(self, bandwidths: tuple[int, int]) -> np.ndarray:
        """Return the bands, with zeros for diagonals that are not there."""
        (lower, upper), (more_lower, more_upper) = self.bandwidths, bandwidths
        return np.pad(self.bands, ((more_upper - upper, more_lower - lower), (0, 0)))

    def _plus(self, other: StructuredMatrix) -> StructuredMatrix:
        if not isinstance(other, Banded):
            return NotImplemented
        widths = tuple(np.maximum(self.bandwidths, other.bandwidths).tolist())
        total = self._widened(widths) + other._widened(widths)
        return Banded(widths, total, n_rows=self.shape[0])

    def _plus_diagonal(self, d: np.ndarray) -> Banded:
        bands, d = common_type(self.bands, d)
        bands = bands.copy()
        bands[self.bandwidths[1]] += d
        return Banded(self.bandwidths, bands, n_rows=self.shape[0])

    def _scaled_columns(self, d: np.ndarray) -> Banded:
        return Banded(self.bandwidths, self.bands * d, n_rows=self.shape[0])

    def _scaled_rows(self, d: np.ndarray) -> Banded:
        return self._transposed()._scaled_columns(d)._transposed()


def _columns(offset: int, shape: tuple[int, int]) -> slice:
    """Return the columns that the diagonal j - i = `offset` of a matrix passes through."""
    start = min(max(0, offset), shape[1])
    return slice(start, max(start, min(shape[1], shape[0] + offset)))
