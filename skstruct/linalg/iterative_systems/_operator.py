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

Apply = Callable[[np.ndarray], np.ndarray]
"""Turns an array of shape (n, k) into another one."""


class SquareOperator:
    """A of shape (n, n).

    Parameters
    ----------
    a : ndarray, sparse matrix or LinearOperator of shape (n, n)
        A, of floating point numbers, real or complex.

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
            if not self.entries.has_canonical_format:
                if np.shares_memory(self.entries.data, a.data):  # the caller's matrix stays
                    self.entries = self.entries.copy()
                self.entries.sum_duplicates()
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
        return np.asarray(self._product(V), dtype=self.dtype)

    def diagonal(self) -> np.ndarray:
        """Return the diagonal of the entries."""
        return self.entries.diagonal()

    def columns(self) -> sparse.csc_array:
        """Return the entries by columns, as SuperLU reads them."""
        return sparse.csc_array(self.entries)
