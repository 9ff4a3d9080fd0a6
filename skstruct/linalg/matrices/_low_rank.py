"""Diagonal matrices plus a matrix of low rank."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Self

import numpy as np

from skstruct.linalg._condition import estimated_one_norm
from skstruct.linalg.matrices._arrays import common_type, entries
from skstruct.linalg.matrices._low_rank_factors import AugmentedQR, OrthogonalSplit
from skstruct.linalg.matrices._structured import StructuredMatrix

# Norms need all entries, n^2 k operations: 5 ms of order 1000 and rank 10. Those of larger matrices
# are estimated.
MAX_EXACT_ORDER = 1000


class LowRankPlusDiagonal(StructuredMatrix):
    """The matrix diag(d) + U C V^H: a factor model, or a kernel of low rank with noise.

    Products and solutions take O(n k^2) operations for rank k. The formula of Sherman, Morrison
    and Woodbury is not used, as it cancels where d is small: an orthonormal basis splits the space
    into one where the low rank acts and one where it does not. Where entries of d are zero or of
    very different sizes, an augmented system is reduced by orthogonal transformations instead.

    Parameters
    ----------
    diagonal : array-like of shape (n,)
        d.
    U : array-like of shape (n, k)
        Left factor.
    C : array-like of shape (k, l), optional
        Core; the identity by default.
    V : array-like of shape (n, l), optional
        Right factor; by default U.

    Attributes
    ----------
    diagonal : ndarray of shape (n,)
        d.
    U, C, V : ndarray
        As given, or by default.

    Raises
    ------
    ValueError
        The shapes do not fit, or numbers are not finite.

    See Also
    --------
    StructuredMatrix : What all of these matrices can do.

    Notes
    -----
    Norms are estimates for n > 1000, which are never too large.

    References
    ----------
    W. W. Hager, "Updating the inverse of a matrix" (1989); E. L. Yip, "A note on the stability of
    solving a rank-p modification of a linear system by the Sherman-Morrison-Woodbury formula"
    (1986).

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import LowRankPlusDiagonal
    >>> A = LowRankPlusDiagonal(np.ones(3), [[1.0], [1.0], [0.0]])
    >>> A.to_dense()
    array([[2., 1., 0.],
           [1., 2., 0.],
           [0., 0., 1.]])
    >>> np.allclose(A.solve([3.0, 3.0, 1.0]), 1)
    True
    """

    routes = (OrthogonalSplit, AugmentedQR)

    def __init__(self, diagonal: object, U: object, C: object = None, V: object = None) -> None:
        diagonal, U = entries(diagonal, "diagonal", 1), entries(U, "U", 2)
        V = U if V is None else entries(V, "V", 2)
        C = np.eye(U.shape[1], dtype=U.dtype) if C is None else entries(C, "C", 2)
        n = len(diagonal)
        if len(U) != n or len(V) != n or C.shape != (U.shape[1], V.shape[1]):
            raise ValueError(
                f"the shapes do not fit: diagonal {diagonal.shape}, U {U.shape}, C {C.shape}, "
                f"V {V.shape}; expected (n,), (n, k), (k, l) and (n, l)"
            )
        self.diagonal, self.U, self.C, self.V = common_type(diagonal, U, C, V)
        super().__init__(self.U.dtype, (n, n))

    def _matmat(self, X: np.ndarray) -> np.ndarray:
        return self.diagonal[:, None] * X + self.U @ (self.C @ (self.V.conj().T @ X))

    def _transposed(self) -> LowRankPlusDiagonal:
        return LowRankPlusDiagonal(self.diagonal, self.V.conj(), self.C.T, self.U.conj())

    def _map(self, function: Callable[[np.ndarray], np.ndarray]) -> Self:
        return type(self)(*(function(part) for part in (self.diagonal, self.U, self.C, self.V)))

    def _main_diagonal(self) -> np.ndarray:
        return self.diagonal + np.einsum("ij,ij->i", self.U @ self.C, self.V.conj())

    @property
    def _blas_order(self) -> int:
        return max(self.C.shape)

    def _magnitude_sums(self, axis: int) -> np.ndarray:
        return np.abs(self.to_dense()).sum(axis=axis)

    def norm(self, ord: int | float = 1) -> float:
        if ord not in (1, np.inf) or self.shape[0] <= MAX_EXACT_ORDER:
            return super().norm(ord)
        return self._estimated_norm if ord == 1 else self.H._estimated_norm

    @cached_property
    def _estimated_norm(self) -> float:
        return estimated_one_norm(self.matmat, self.rmatmat, self.shape[0], self.dtype)

    def to_dense(self) -> np.ndarray:
        dense = self.U @ self.C @ self.V.conj().T
        dense.flat[:: len(dense) + 1] += self.diagonal
        return dense

    # -- algebra ---------------------------------------------------------------------------

    def _scaled(self, c: complex) -> LowRankPlusDiagonal:
        return LowRankPlusDiagonal(c * self.diagonal, self.U, c * self.C, self.V)

    def _plus(self, other: StructuredMatrix) -> LowRankPlusDiagonal:
        if not isinstance(other, LowRankPlusDiagonal):
            return NotImplemented
        (k, m), shape = self.C.shape, np.add(self.C.shape, other.C.shape)
        core = np.zeros(shape, np.result_type(self.C, other.C))
        core[:k, :m], core[k:, m:] = self.C, other.C
        return LowRankPlusDiagonal(
            self.diagonal + other.diagonal,
            np.hstack([self.U, other.U]),
            core,
            np.hstack([self.V, other.V]),
        )

    def _plus_diagonal(self, d: np.ndarray) -> LowRankPlusDiagonal:
        return LowRankPlusDiagonal(self.diagonal + d, self.U, self.C, self.V)

    def _scaled_rows(self, d: np.ndarray) -> LowRankPlusDiagonal:
        return LowRankPlusDiagonal(d * self.diagonal, d[:, None] * self.U, self.C, self.V)

    def _scaled_columns(self, d: np.ndarray) -> LowRankPlusDiagonal:
        V = d.conj()[:, None] * self.V
        return LowRankPlusDiagonal(d * self.diagonal, self.U, self.C, V)
