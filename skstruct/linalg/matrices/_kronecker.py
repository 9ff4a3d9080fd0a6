"""Kronecker products."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import prod
from typing import Self

import numpy as np
from scipy import sparse

from skstruct.linalg.matrices._arrays import constant_of
from skstruct.linalg.matrices._axes import along_all, along_axis, outer
from skstruct.linalg.matrices._dense import Dense, structured
from skstruct.linalg.matrices._factor import Factor, SingularMatrixError
from skstruct.linalg.matrices._shifted_kronecker import ShiftedKronecker
from skstruct.linalg.matrices._structured import StructuredMatrix


class FactorByFactor(Factor):
    """The inverse is the Kronecker product of the inverses."""

    name = "by_factors"

    def __init__(self, matrix: Kronecker) -> None:
        self._sizes, self._parts = [], []
        for i, factor in enumerate(matrix.factors):
            if factor.shape[0] != factor.shape[1]:
                raise SingularMatrixError(f"factor {i} is not square")
            try:
                part = factor.factor()
            except np.linalg.LinAlgError as failure:
                raise SingularMatrixError(f"factor {i}: {failure}") from failure
            self._parts.append(part)
            self._sizes.append(factor.shape[0])

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return along_all([part.solve for part in self._parts], rhs, self._sizes)

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        return along_all([part.solve_adjoint for part in self._parts], rhs, self._sizes)

    def slogdet(self) -> tuple[float | complex, float]:
        order, sign, log = prod(self._sizes), 1.0, 0.0
        for part, size in zip(self._parts, self._sizes, strict=True):
            part_sign, part_log = part.slogdet()
            sign *= part_sign ** (order // size)
            log += part_log * (order // size)
        return sign, log


class Kronecker(StructuredMatrix):
    """The Kronecker product of two or more matrices: operations along the axes of a grid.

    Applied to a vector that holds an array of several axes, the last running fastest, it applies
    each factor along one of them. It is multiplied and solved factor by factor: for two of order m,
    O(m^3) operations instead of the O(m^6) of all entries. ``A.shift(c)``, or the addition
    of a multiple of ``Diagonal.identity``, gives a :class:`ShiftedKronecker`.

    Parameters
    ----------
    *factors : array-like of shape (m_i, n_i) or StructuredMatrix
        The factors, the one of the first axis first.

    Attributes
    ----------
    factors : tuple of StructuredMatrix
        The factors, all of one type.

    Raises
    ------
    ValueError
        A factor is not a matrix of finite numbers, or there is none.

    See Also
    --------
    StructuredMatrix : What all of these matrices can do.

    References
    ----------
    C. F. Van Loan, "The ubiquitous Kronecker product" (2000).

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import Diagonal, Kronecker
    >>> A, B = np.array([[2.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 1.0], [0.0, 1.0]])
    >>> K = Kronecker(A, B)
    >>> np.array_equal(K.to_dense(), np.kron(A, B))
    True
    >>> K.solve(K @ [1.0, 2.0, 3.0, 4.0])
    array([1., 2., 3., 4.])
    >>> (K + 3 * Diagonal.identity(4)).solve(np.ones(4)).shape
    (4,)
    """

    routes = (FactorByFactor,)

    def __init__(self, *factors: object) -> None:
        if not factors:
            raise ValueError("a Kronecker product needs at least one factor")
        parts = [structured(factor, f"factor {i}") for i, factor in enumerate(factors)]
        dtype = np.result_type(*(part.dtype for part in parts))
        self.factors = tuple(part.astype(dtype) for part in parts)
        shape = tuple(prod(part.shape[i] for part in parts) for i in (0, 1))
        super().__init__(dtype, shape)

    def _matmat(self, X: np.ndarray) -> np.ndarray:
        if not (X.size and self.shape[0]):
            return np.zeros((self.shape[0], X.shape[1]), np.result_type(X, self.dtype))
        sizes = [factor.shape[1] for factor in self.factors]
        # those that shorten the columns go first
        growth = [factor.shape[0] / max(factor.shape[1], 1) for factor in self.factors]
        for i in np.argsort(growth, kind="stable"):
            X = along_axis(self.factors[i].matmat, X, sizes, i)
            sizes[i] = self.factors[i].shape[0]
        return X

    def _with_factors(self, change: Callable[[StructuredMatrix], StructuredMatrix]) -> Kronecker:
        return Kronecker(*(change(factor) for factor in self.factors))

    def _transposed(self) -> Kronecker:
        return self._with_factors(lambda factor: factor.T)

    def _map(self, function: Callable[[np.ndarray], np.ndarray]) -> Self:
        return self._with_factors(lambda factor: factor._map(function))

    @property
    def _blas_order(self) -> int:
        return max(factor._blas_order for factor in self.factors)

    def _magnitude_sums(self, axis: int) -> np.ndarray:
        return outer([factor._magnitude_sums(axis) for factor in self.factors])

    @property
    def _rcond(self) -> float:
        self.factor()  # names what is singular
        return prod(factor.rcond() for factor in self.factors)

    def to_dense(self) -> np.ndarray:
        return reduce(np.kron, [factor.to_dense() for factor in self.factors])

    def explicit(self) -> np.ndarray | sparse.sparray:
        parts = [factor.explicit() for factor in self.factors]
        if any(sparse.issparse(part) for part in parts):
            parts = [sparse.csr_array(part) for part in parts]
            return reduce(lambda a, b: sparse.kron(a, b, format="csr"), parts)
        return self.to_dense()

    def _main_diagonal(self) -> np.ndarray:
        if any(factor.shape[0] != factor.shape[1] for factor in self.factors):
            return super()._main_diagonal()
        return outer([factor._main_diagonal() for factor in self.factors])

    # -- algebra ---------------------------------------------------------------------------

    def _scaled(self, c: complex) -> Kronecker:
        return Kronecker(c * self.factors[0], *self.factors[1:])

    def _plus_diagonal(self, d: np.ndarray) -> ShiftedKronecker:
        c = constant_of(d)
        if c is None or any(factor.shape[0] != factor.shape[1] for factor in self.factors):
            return NotImplemented
        return ShiftedKronecker(self, c)

    def _times(self, other: StructuredMatrix) -> Kronecker:
        """Return (A (x) B) (C (x) D) = AC (x) BD, where these products exist."""
        if not isinstance(other, Kronecker) or len(self.factors) != len(other.factors):
            return NotImplemented
        pairs = list(zip(self.factors, other.factors, strict=True))
        if any(a.shape[1] != b.shape[0] for a, b in pairs):
            return NotImplemented
        return Kronecker(*(_product(a, b) for a, b in pairs))


def _product(a: StructuredMatrix, b: StructuredMatrix) -> StructuredMatrix:
    product = a @ b
    return product if isinstance(product, StructuredMatrix) else Dense(a @ b.to_dense())
