"""Kronecker products plus a multiple of the identity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy import sparse
from scipy.linalg import get_lapack_funcs

from skstruct.linalg._solution import Breakdown
from skstruct.linalg.matrices._arrays import constant_of
from skstruct.linalg.matrices._axes import along_all, outer, position
from skstruct.linalg.matrices._determinants import sign_and_log
from skstruct.linalg.matrices._factor import Factor, SingularMatrixError
from skstruct.linalg.matrices._schur import Schur
from skstruct.linalg.matrices._structured import StructuredMatrix

if TYPE_CHECKING:
    from skstruct.linalg.matrices._kronecker import Kronecker


class _Rotated(Factor):
    """A (x) B + c I = Q (T (x) U + c I) Q^H with the Schur bases Q = Q_A (x) Q_B."""

    def __init__(self, matrix: ShiftedKronecker) -> None:
        self._matrix, self._forms = matrix, matrix.schur_forms
        self._sizes = [len(form.triangle) for form in self._forms]
        self._eigenvalues = outer([form.eigenvalues for form in self._forms]) + matrix.c
        zeros = np.flatnonzero(self._eigenvalues == 0)
        if len(zeros):
            raise SingularMatrixError(
                f"it is -c = {-matrix.c} that the eigenvalues "
                f"{position(zeros[0], self._sizes)} of the factors multiply to"
            )

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return self._between_rotations(self._divided, rhs)

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        return self._between_rotations(self._divided_by_adjoint, rhs)

    def _between_rotations(
        self, divide: Callable[[np.ndarray], np.ndarray], rhs: np.ndarray
    ) -> np.ndarray:
        rotated = along_all([form.rotate for form in self._forms], rhs, self._sizes)
        x = along_all([form.rotate_back for form in self._forms], divide(rotated), self._sizes)
        return x if self._matrix.dtype.kind == "c" else np.ascontiguousarray(x.real)

    def slogdet(self) -> tuple[float | complex, float]:
        sign, log = sign_and_log(self._eigenvalues)
        if self._matrix.dtype.kind != "c":
            sign = np.sign(np.real(sign))  # complex eigenvalues of a real matrix pair up
        return sign, log


class EigenShift(_Rotated):
    """Division by the eigenvalues, where the factors are normal matrices."""

    name = "eigen"

    def __init__(self, matrix: ShiftedKronecker) -> None:
        if not all(form.is_diagonal for form in matrix.schur_forms):
            raise Breakdown("a factor is not a normal matrix")
        super().__init__(matrix)

    def _divided(self, X: np.ndarray) -> np.ndarray:
        return X / self._eigenvalues[:, None]

    def _divided_by_adjoint(self, X: np.ndarray) -> np.ndarray:
        return X / self._eigenvalues.conj()[:, None]


class SchurShift(_Rotated):
    """Back substitution in the Schur bases of the factors (Bartels and Stewart 1972)."""

    name = "schur"

    def _divided(self, X: np.ndarray) -> np.ndarray:
        triangles = [form.triangle for form in self._forms]
        return substituted(triangles, self._matrix.c, X)

    def _divided_by_adjoint(self, X: np.ndarray) -> np.ndarray:
        # the adjoint is lower triangular; in reverse order along all axes it is upper triangular
        triangles = [form.triangle.conj().T for form in self._forms]
        reverse = tuple(slice(None, None, -1) for _ in triangles)
        turned = [T[(slice(None, None, -1),) * T.ndim] for T in triangles]
        sizes = (*self._sizes, X.shape[1])
        rhs = X.reshape(sizes)[reverse].reshape(X.shape)
        found = substituted(turned, np.conj(self._matrix.c), rhs)
        return found.reshape(sizes)[reverse].reshape(X.shape)


def substituted(
    triangles: Sequence[np.ndarray], c: complex, rhs: np.ndarray, scale: complex = 1.0
) -> np.ndarray:
    """Return the solution of (scale T_1 (x) T_2 (x) ... + c I) Y = rhs.

    Parameters
    ----------
    triangles : sequence of ndarray
        Upper triangular matrices, or the diagonals of diagonal ones.
    c, scale : number
        Numbers for which the matrix is regular.
    rhs : ndarray of shape (n, k)
        Columns.
    """
    T, rest = triangles[0], triangles[1:]
    diagonal = scale * (T if T.ndim == 1 else T.diagonal())
    if not rest:
        if T.ndim == 1:
            return rhs / (diagonal + c)[:, None]
        shifted = scale * T
        np.einsum("ii->i", shifted)[:] += c
        (solve,) = get_lapack_funcs(("trtrs",), (shifted, rhs))
        return solve(shifted, rhs)[0]
    blocks = rhs.reshape(len(T), -1, rhs.shape[1])
    found = np.empty(blocks.shape, np.result_type(rhs, *triangles, scale, c))
    sizes = [len(U) for U in rest]
    for j in reversed(range(len(T))):
        block = blocks[j]
        if T.ndim == 2 and j + 1 < len(T):
            later = np.tensordot(scale * T[j, j + 1 :], found[j + 1 :], 1)
            block = block - along_all([_product_with(U) for U in rest], later, sizes)
        found[j] = substituted(rest, c, block, diagonal[j])
    return found.reshape(rhs.shape)


def _product_with(triangle: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    if triangle.ndim == 1:
        return lambda X: triangle[:, None] * X
    return lambda X: triangle @ X


class ShiftedKronecker(StructuredMatrix):
    """A Kronecker product of square matrices plus c I.

    Solved in the Schur bases of the factors, by division where all of them are normal (symmetric,
    circulant, ...), else by back substitution: for two factors of order m in O(m^3) operations.

    Parameters
    ----------
    product : Kronecker
        Of square factors.
    c : number
        What is added to the diagonal.

    Attributes
    ----------
    product : Kronecker
        As given.
    c : number
        As given.

    Raises
    ------
    ValueError
        A factor is not square, or c is not finite.

    See Also
    --------
    StructuredMatrix : What all of these matrices can do.

    References
    ----------
    R. H. Bartels and G. W. Stewart, "Solution of the matrix equation AX + XB = C" (1972).

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import Kronecker
    >>> A, B = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[1.0, 4.0], [0.0, 1.0]])
    >>> M = Kronecker(A, B).shift(0.5)
    >>> np.allclose(M.to_dense(), np.kron(A, B) + 0.5 * np.eye(4))
    True
    >>> np.allclose(M @ M.solve(np.ones(4)), 1)
    True
    """

    routes = (EigenShift, SchurShift)

    def __init__(self, product: Kronecker, c: complex) -> None:
        if any(factor.shape[0] != factor.shape[1] for factor in product.factors):
            raise ValueError("a shift needs square factors")
        if not np.isfinite(c):
            raise ValueError(f"c must be finite, got {c}")
        dtype = np.result_type(product.dtype, c)
        self.product, self.c = product.astype(dtype), dtype.type(c)
        super().__init__(dtype, product.shape)

    @cached_property
    def schur_forms(self) -> list[Schur]:
        """The Schur forms of the factors."""
        return [factor._schur() for factor in self.product.factors]

    def _matmat(self, X: np.ndarray) -> np.ndarray:
        return self.product.matmat(X) + self.c * X

    def _transposed(self) -> ShiftedKronecker:
        return ShiftedKronecker(self.product.T, self.c)

    def _map(self, function: Callable[[np.ndarray], np.ndarray]) -> Self:
        return type(self)(self.product._map(function), function(self.c))

    def _main_diagonal(self) -> np.ndarray:
        return self.product._main_diagonal() + self.c

    @property
    def _blas_order(self) -> int:
        return max(factor.shape[0] for factor in self.product.factors)

    def _magnitude_sums(self, axis: int) -> np.ndarray:
        diagonal = self.product._main_diagonal()
        change = np.abs(diagonal + self.c) - np.abs(diagonal)
        return self.product._magnitude_sums(axis) + change

    def explicit(self) -> np.ndarray | sparse.sparray:
        product = self.product.explicit()
        if not sparse.issparse(product):
            return self.to_dense()
        return product + self.c * sparse.eye_array(self.shape[0], format="csr", dtype=self.dtype)

    # -- algebra ---------------------------------------------------------------------------

    def _scaled(self, c: complex) -> ShiftedKronecker:
        return ShiftedKronecker(c * self.product, c * self.c)

    def _plus_diagonal(self, d: np.ndarray) -> ShiftedKronecker:
        c = constant_of(d)
        return NotImplemented if c is None else ShiftedKronecker(self.product, self.c + c)
