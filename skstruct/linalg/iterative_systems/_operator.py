"""A square matrix as an iteration sees it: products in double precision.

Entries in single precision are widened once. Iterating in single precision saves a third of the
traffic of a sparse product, and loses the orthogonality on which conjugate gradients live after a
few dozen iterations.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator

from skstruct.linalg._sparse_products import CompressedRows
from skstruct.linalg._threads import has_threads
from skstruct.linalg.systems._matrix import probed_norm

Apply = Callable[[np.ndarray], np.ndarray]
"""Turns an array of shape (n, k) into another one."""


class SquareOperator:
    """A of shape (n, n).

    Parameters
    ----------
    a : ndarray, sparse matrix or LinearOperator of shape (n, n)
        A, of floating point numbers, real or complex; a sparse one without duplicate entries.

    Attributes
    ----------
    n : int
        Its order.
    eps : float
        Rounding unit of the numbers as they were given.
    dtype : numpy.dtype
        float64 or complex128, in which products are computed.
    entries : csr_array, ndarray or None
        A in that type; None if only products are known.
    """

    def __init__(self, a: np.ndarray | sparse.sparray | sparse.spmatrix | LinearOperator) -> None:
        self.n = a.shape[0]
        given = np.dtype(a.dtype if a.dtype is not None else np.float64)
        self.dtype = np.result_type(given, np.float64)
        self.eps = float(np.finfo(given if given.kind in "fc" else np.float64).eps)
        self.entries = None
        if isinstance(a, LinearOperator):
            self._product = a.matmat
        elif sparse.issparse(a):
            self.entries = sparse.csr_array(a, dtype=self.dtype)
            self._product = self._sparse_product
        else:
            self.entries = np.asarray(a, dtype=self.dtype)
            self._product = self.entries.__matmul__

    @property
    def is_real(self) -> bool:
        """Whether A is real."""
        return self.dtype.kind == "f"

    @cached_property
    def _rows(self) -> CompressedRows:
        return CompressedRows(self.entries)

    def _sparse_product(self, V: np.ndarray) -> np.ndarray:
        # Blocks of rows cost a third more than the whole matrix if one thread does them all.
        return self._rows.times(V) if self.is_real and has_threads() else self.entries @ V

    def times(self, V: np.ndarray) -> np.ndarray:
        """Return A V for V of shape (n, k)."""
        if self.is_real and np.iscomplexobj(V):
            return self.times(V.real) + 1j * self.times(V.imag)
        return np.asarray(self._product(V), dtype=self.dtype)

    @cached_property
    def sizes(self) -> tuple[np.ndarray, np.ndarray]:
        """The norms of the rows and of the columns, if the entries are known."""
        A = self.entries
        data = np.abs(A.data if sparse.issparse(A) else A)
        largest = float(data.max(initial=0.0)) or 1.0  # squares of what is representable may not be
        squares = np.square(data / largest)
        if sparse.issparse(A):
            squares = sparse.csr_array((squares, A.indices, A.indptr), shape=A.shape)
        ones = np.ones(self.n)
        return largest * np.sqrt(squares @ ones), largest * np.sqrt(squares.T @ ones)

    @cached_property
    def norm(self) -> float:
        """A lower bound of ||A||_2: the largest norm of a row or column, or of a product."""
        if self.entries is not None:
            return float(max(sizes.max(initial=0.0) for sizes in self.sizes))
        return probed_norm(self.times, self.n, 2)

    @cached_property
    def scale(self) -> float:
        """A power of two near the norm."""
        return float(np.ldexp(1.0, np.frexp(self.norm)[1]))

    def diagonal(self) -> np.ndarray:
        """Return the diagonal of the entries."""
        return self.entries.diagonal()

    def columns(self) -> sparse.csc_array:
        """Return the entries by columns, as SuperLU reads them."""
        return sparse.csc_array(self.entries)
