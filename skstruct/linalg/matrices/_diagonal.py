"""Diagonal matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np
from scipy import sparse

from skstruct.linalg.matrices._arrays import entries
from skstruct.linalg.matrices._determinants import sign_and_log
from skstruct.linalg.matrices._factor import Factor, SingularMatrixError
from skstruct.linalg.matrices._schur import Schur
from skstruct.linalg.matrices._structured import StructuredMatrix


class Division(Factor):
    """x_i = b_i / d_i."""

    name = "division"
    has_exact_determinant = True

    def __init__(self, diagonal: np.ndarray) -> None:
        zeros = np.flatnonzero(diagonal == 0)
        if len(zeros):
            raise SingularMatrixError(f"diagonal entry {zeros[0]} is zero")
        self._diagonal = diagonal

    @classmethod
    def of(cls, matrix: Diagonal) -> Self:
        return cls(matrix.diagonal)

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return rhs / self._diagonal[:, None]

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        return rhs / self._diagonal.conj()[:, None]

    def slogdet(self) -> tuple[float | complex, float]:
        return sign_and_log(self._diagonal)

    def inverse_norm(self, n: int, dtype: np.dtype) -> float:
        return float(1 / np.abs(self._diagonal).min())


class Diagonal(StructuredMatrix):
    """The matrix diag(d).

    Parameters
    ----------
    diagonal : array-like of shape (n,)
        d, real or complex.

    Attributes
    ----------
    diagonal : ndarray of shape (n,)
        d.

    Raises
    ------
    ValueError
        d is not a vector of finite numbers.

    See Also
    --------
    StructuredMatrix : What all of these matrices can do.

    Examples
    --------
    >>> from skstruct.linalg import Diagonal
    >>> D = Diagonal([1.0, 2.0, 4.0])
    >>> D.solve([1.0, 1.0, 1.0])
    array([1.  , 0.5 , 0.25])
    >>> (D + 2 * Diagonal.identity(3)).diagonal
    array([3., 4., 6.])
    """

    routes = (Division,)

    def __init__(self, diagonal: object) -> None:
        self.diagonal = entries(diagonal, "diagonal", 1)
        n = len(self.diagonal)
        super().__init__(self.diagonal.dtype, (n, n))

    @classmethod
    def identity(cls, n: int, dtype: np.dtype | str = "float64") -> Self:
        """Return the identity of order n.

        Parameters
        ----------
        n : int
            The order.
        dtype : dtype, default='float64'
            The type of its entries.

        Returns
        -------
        Diagonal
        """
        return cls(np.ones(n, dtype))

    def _matmat(self, X: np.ndarray) -> np.ndarray:
        return self.diagonal[:, None] * X

    def _transposed(self) -> Diagonal:
        return self

    def _map(self, function: Callable[[np.ndarray], np.ndarray]) -> Self:
        return type(self)(function(self.diagonal))

    def _main_diagonal(self) -> np.ndarray:
        return self.diagonal

    def _magnitude_sums(self, axis: int) -> np.ndarray:
        return np.abs(self.diagonal)

    def _schur(self) -> Schur:
        return Schur(self.diagonal, np.asarray, np.asarray)

    def to_dense(self) -> np.ndarray:
        return np.diag(self.diagonal)

    def explicit(self) -> sparse.sparray:
        return sparse.dia_array((self.diagonal[None], [0]), shape=self.shape)

    # -- algebra: what a diagonal does to another matrix, that matrix knows -----------------

    def _scaled(self, c: complex) -> Diagonal:
        return Diagonal(c * self.diagonal)

    def _plus(self, other: StructuredMatrix) -> StructuredMatrix:
        return other._plus_diagonal(self.diagonal)

    def _plus_diagonal(self, d: np.ndarray) -> Diagonal:
        return Diagonal(self.diagonal + d)

    def _times(self, other: StructuredMatrix) -> StructuredMatrix:
        return other._scaled_rows(self.diagonal)

    def _preceded_by(self, other: StructuredMatrix) -> StructuredMatrix:
        return other._scaled_columns(self.diagonal)

    def _scaled_rows(self, d: np.ndarray) -> Diagonal:
        return Diagonal(d * self.diagonal)

    _scaled_columns = _scaled_rows
