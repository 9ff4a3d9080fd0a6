"""LAPACK's factorisations of matrices whose entries are all stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.linalg import get_lapack_funcs

from skstruct.linalg._solution import Breakdown
from skstruct.linalg.matrices._arrays import is_symmetric
from skstruct.linalg.matrices._determinants import interchanges_sign, sign_and_log
from skstruct.linalg.matrices._factor import Factor, MinorNotPositive, SingularMatrixError

if TYPE_CHECKING:
    from skstruct.linalg.matrices._dense import Dense
    from skstruct.linalg.matrices._structured import StructuredMatrix
    from skstruct.linalg.matrices._triangular import Triangular


def fortran_view(A: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return A or A', whichever LAPACK reads without a copy, and whether it is A'."""
    if A.flags.f_contiguous:
        return A, False
    return np.ascontiguousarray(A).T, True


def self_adjoint_view(A: np.ndarray) -> np.ndarray:
    """Return a symmetric or Hermitian matrix as LAPACK reads it, without a copy if it is real."""
    if np.iscomplexobj(A):
        return np.asfortranarray(A)
    return fortran_view(A)[0]


class LowerFactor(Factor):
    """A = L L^H.

    Parameters
    ----------
    lower : ndarray of shape (n, n)
        L; its upper triangle is not read.
    """

    proves = frozenset(["positive_definite"])

    def __init__(self, lower: np.ndarray) -> None:
        self.lower = lower
        (self._trtrs,) = get_lapack_funcs(("trtrs",), (lower,))

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        # For one column trtrs takes an eighth of the time of potrs.
        inside = self._trtrs(self.lower, rhs, lower=True)[0]
        return self._trtrs(self.lower, inside, lower=True, trans=2, overwrite_b=True)[0]

    solve_adjoint = solve

    def slogdet(self) -> tuple[float | complex, float]:
        _, half = sign_and_log(np.diagonal(self.lower).real)
        return 1.0, 2.0 * half


class DenseCholesky(LowerFactor):
    """Cholesky's factorisation.

    Parameters
    ----------
    a : ndarray of shape (n, n)
        A, of which one triangle is read.
    overwrite : bool
        Whether the factor may take its place.
    """

    name = "cholesky"

    def __init__(self, a: np.ndarray, *, overwrite: bool = False) -> None:
        view = self_adjoint_view(a)
        (potrf,) = get_lapack_funcs(("potrf",), (view,))
        lower, info = potrf(view, lower=True, clean=False, overwrite_a=overwrite)
        if info > 0:
            raise MinorNotPositive(info)
        super().__init__(lower)

    @classmethod
    def of(cls, matrix: Dense) -> Self:
        a = matrix.array
        if not (np.all(a.diagonal().real > 0) and is_symmetric(a, conjugate=True)):
            raise Breakdown("the matrix is not Hermitian with a positive diagonal")
        return cls(a)


class DenseLU(Factor):
    """P A = L U with partial pivoting, or that of A', whichever needs no transposed copy.

    Parameters
    ----------
    a : ndarray of shape (n, n)
        A.
    overwrite : bool
        Whether the factors may take its place.
    """

    name = "lu"

    def __init__(self, a: np.ndarray, *, overwrite: bool = False) -> None:
        view, self._transposed = fortran_view(a)
        getrf, self._getrs = get_lapack_funcs(("getrf", "getrs"), (view,))
        self._lu, self._pivots, info = getrf(view, overwrite_a=overwrite)
        if info > 0:
            raise SingularMatrixError(f"pivot {info - 1} of its LU factorisation is zero")

    @classmethod
    def of(cls, matrix: StructuredMatrix) -> Self:
        return cls(matrix.to_dense(), overwrite=True)

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return self._getrs(self._lu, self._pivots, rhs, trans=int(self._transposed))[0]

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        if self._transposed:  # A^H is the conjugate of the matrix that was factorised
            return self._getrs(self._lu, self._pivots, rhs.conj())[0].conj()
        return self._getrs(self._lu, self._pivots, rhs, trans=2)[0]

    def slogdet(self) -> tuple[float | complex, float]:
        return sign_and_log(np.diagonal(self._lu), interchanges_sign(self._pivots))


class Substitution(Factor):
    """Forward or back substitution, with a triangular matrix that is read in place.

    Parameters
    ----------
    a : ndarray of shape (n, n)
        The matrix, of which one triangle is read.
    lower : bool
        Whether that is the lower one.
    """

    name = "substitution"
    has_exact_determinant = True

    def __init__(self, a: np.ndarray, lower: bool) -> None:
        zeros = np.flatnonzero(np.diagonal(a) == 0)
        if len(zeros):
            raise SingularMatrixError(f"diagonal entry {zeros[0]} is zero")
        self._view, self._transposed = fortran_view(a)
        self._lower = lower != self._transposed
        (self._trtrs,) = get_lapack_funcs(("trtrs",), (a,))

    @classmethod
    def of(cls, matrix: Triangular) -> Self:
        return cls(matrix.array, matrix.lower)

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return self._trtrs(self._view, rhs, lower=self._lower, trans=int(self._transposed))[0]

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        if self._transposed:  # the stored matrix is A'
            return self._trtrs(self._view, rhs.conj(), lower=self._lower)[0].conj()
        return self._trtrs(self._view, rhs, lower=self._lower, trans=2)[0]

    def slogdet(self) -> tuple[float | complex, float]:
        return sign_and_log(np.diagonal(self._view))
