"""What all matrices of declared structure have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import cached_property
from numbers import Number
from typing import Self

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator

from skstruct.linalg.matrices._schur import Schur, schur_of
from skstruct.linalg.matrices._solving import Solvable


class StructuredMatrix(Solvable, LinearOperator):
    """A matrix that is known, and stored, by its structure.

    It is a :class:`scipy.sparse.linalg.LinearOperator`, so it multiplies arrays and can be used
    wherever one is accepted, and it solves systems by a factorisation that its structure deserves.
    The factorisation is kept, so that further solves, :meth:`logdet` and :meth:`rcond` cost little.
    Arrays that define a matrix are not copied: they must not be changed afterwards.

    A subclass has factorisations in ``routes``, and defines ``_matmat``,
    ``_transposed``, ``_map``, ``_magnitude_sums`` and what survives of ``_plus``, ``_times``,
    ``_scaled`` and their like, which return NotImplemented where the structure is lost.
    """

    # -- what a subclass defines -----------------------------------------------------------

    @abstractmethod
    def _transposed(self) -> StructuredMatrix:
        """Return the transpose."""

    @abstractmethod
    def _map(self, function: Callable[[np.ndarray], np.ndarray]) -> Self:
        """Return the matrix with `function`, a conversion or conj, applied to what defines it."""

    @abstractmethod
    def _magnitude_sums(self, axis: int) -> np.ndarray:
        """Return the sums of |a_ij| over the rows (axis 0) or the columns (axis 1)."""

    @abstractmethod
    def _scaled(self, c: complex) -> StructuredMatrix:
        """Return c A."""

    def _plus(self, other: StructuredMatrix) -> StructuredMatrix:
        """Return A + other."""
        return NotImplemented

    def _plus_diagonal(self, d: np.ndarray) -> StructuredMatrix:
        """Return A + diag(d)."""
        return NotImplemented

    def _times(self, other: StructuredMatrix) -> StructuredMatrix:
        """Return A @ other."""
        return NotImplemented

    def _scaled_rows(self, d: np.ndarray) -> StructuredMatrix:
        """Return diag(d) A."""
        return NotImplemented

    def _scaled_columns(self, d: np.ndarray) -> StructuredMatrix:
        """Return A diag(d)."""
        return NotImplemented

    def _preceded_by(self, other: StructuredMatrix) -> StructuredMatrix:
        """Return other @ A, where `other` does not know how."""
        return NotImplemented

    def _main_diagonal(self) -> np.ndarray:
        """Return the entries a_ii."""
        return self.to_dense().diagonal()

    def _schur(self) -> Schur:
        """Return A = Q T Q^H, for a matrix that is a factor of a larger one."""
        return schur_of(self.to_dense())

    # -- entries and norms -----------------------------------------------------------------

    def to_dense(self) -> np.ndarray:
        """Return all entries, an array of shape (m, n)."""
        return self.matmat(np.eye(self.shape[1], dtype=self.dtype))

    def explicit(self) -> np.ndarray | sparse.sparray:
        """Return the entries as a sparse array if the structure has few, else as a dense one."""
        return self.to_dense()

    def astype(self, dtype: np.dtype | str) -> Self:
        """Return the matrix in another precision; itself if it has that type already."""
        dtype = np.dtype(dtype)
        return self if dtype == self.dtype else self._map(lambda a: a.astype(dtype))

    def conj(self) -> Self:
        """Return the complex conjugate; itself if it is real."""
        return self._map(np.conj) if self._is_complex else self

    def norm(self, ord: int | float = 1) -> float:
        """Return the largest sum of magnitudes of a column (``ord=1``) or a row (``np.inf``).

        Parameters
        ----------
        ord : {1, np.inf}, default=1
            Which norm.

        Returns
        -------
        float
        """
        if ord not in (1, np.inf):
            raise ValueError(f"ord must be 1 or np.inf, got {ord!r}")
        return float(self._magnitude_sums(0 if ord == 1 else 1).max(initial=0.0))

    @property
    def _is_complex(self) -> bool:
        return self.dtype.kind == "c"

    # -- algebra ---------------------------------------------------------------------------

    def shift(self, c: complex) -> StructuredMatrix:
        """Return A + c I.

        Parameters
        ----------
        c : number
            What to add to the diagonal.

        Returns
        -------
        StructuredMatrix

        Raises
        ------
        ValueError
            A is not square, or its parts are not, or c is not finite.
        """
        self._require_square("shift")
        if not np.isfinite(c):
            raise ValueError(f"c must be finite, got {c}")
        shifted = self._plus_diagonal(c * np.ones(self.shape[0], self.dtype))
        if shifted is NotImplemented:
            raise ValueError(f"a shift needs square factors or blocks, {self!r} has others")
        return shifted

    def _transpose(self) -> StructuredMatrix:
        return self._kept_transpose

    def _adjoint(self) -> StructuredMatrix:
        return self._kept_adjoint

    # Kept, because an iteration multiplies by the adjoint in every step.
    @cached_property
    def _kept_transpose(self) -> StructuredMatrix:
        return self._transposed()

    @cached_property
    def _kept_adjoint(self) -> StructuredMatrix:
        return self._kept_transpose.conj()

    def dot(self, x: object) -> object:
        if isinstance(x, StructuredMatrix):
            return self._product(x)
        return self._scaled(x) if isinstance(x, Number) else super().dot(x)

    def _product(self, other: StructuredMatrix) -> LinearOperator:
        if self.shape[1] != other.shape[0]:
            raise ValueError(
                f"a matrix of {_times(self.shape)} cannot be multiplied by one of "
                f"{_times(other.shape)}"
            )
        product = self._times(other)
        if product is NotImplemented:
            product = other._preceded_by(self)
        return super().dot(other) if product is NotImplemented else product

    def __rmul__(self, x: object) -> object:
        return self._scaled(x) if isinstance(x, Number) else super().__rmul__(x)

    def __truediv__(self, x: object) -> LinearOperator:
        return self._scaled(1 / x) if isinstance(x, Number) else super().__truediv__(x)

    def __neg__(self) -> StructuredMatrix:
        return self._scaled(-1)

    def __add__(self, other: object) -> LinearOperator:
        if not isinstance(other, StructuredMatrix):
            return super().__add__(other)
        if self.shape != other.shape:
            raise ValueError(
                f"matrices of {_times(self.shape)} and {_times(other.shape)} cannot be added"
            )
        total = self._plus(other)
        if total is NotImplemented:
            total = other._plus(self)
        return super().__add__(other) if total is NotImplemented else total

    def __getstate__(self) -> dict[str, object]:
        # what can be computed again is not copied, nor could LAPACK's functions be pickled
        return {
            name: value
            for name, value in vars(self).items()
            if name != "_trusted"
            and not isinstance(getattr(type(self), name, None), cached_property)
        }

    def __repr__(self) -> str:
        return f"<{_times(self.shape)} {type(self).__name__} of {self.dtype}>"


def _times(shape: tuple[int, int]) -> str:
    return f"{shape[0]} x {shape[1]}"
