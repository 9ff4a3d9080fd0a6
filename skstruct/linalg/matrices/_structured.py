"""What all matrices of declared structure have in common."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property
from numbers import Number
from typing import ClassVar, Self

import numpy as np
from scipy import sparse
from scipy.linalg import LinAlgWarning
from scipy.sparse.linalg import LinearOperator

from skstruct.linalg._solution import Breakdown
from skstruct.linalg.matrices._answer import CertifiedSolution
from skstruct.linalg.matrices._arrays import right_hand_side
from skstruct.linalg.matrices._condition import is_surely_regular, one_norm
from skstruct.linalg.matrices._factor import Factor, SingularMatrixError
from skstruct.linalg.matrices._refined import best_of, nothing_to_solve
from skstruct.linalg.matrices._schur import Schur, schur_of


class StructuredMatrix(LinearOperator):
    """A matrix that is known, and stored, by its structure.

    It is a :class:`scipy.sparse.linalg.LinearOperator`, so it multiplies arrays and can be used
    wherever one is accepted, and it solves systems by a factorisation that its structure deserves.
    The factorisation is kept, so that further solves, :meth:`logdet` and :meth:`rcond` cost little.
    Arrays that define a matrix are not copied: they must not be changed afterwards.

    A subclass has the factorisations to try in ``routes``, and defines ``_matmat``,
    ``_transposed``, ``_map``, ``_magnitude_sums`` and what survives of ``_plus``, ``_times``,
    ``_scaled`` and their like, which return NotImplemented where the structure is lost.
    """

    routes: ClassVar[tuple[type[Factor], ...]] = ()

    def __init__(self, dtype: np.dtype, shape: tuple[int, int]) -> None:
        super().__init__(dtype, shape)
        self._made: dict[type[Factor], Factor | Breakdown] = {}

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

    def _plus(self, other: StructuredMatrix) -> StructuredMatrix:  # noqa: ARG002
        """Return A + other."""
        return NotImplemented

    def _plus_diagonal(self, d: np.ndarray) -> StructuredMatrix:  # noqa: ARG002
        """Return A + diag(d)."""
        return NotImplemented

    def _times(self, other: StructuredMatrix) -> StructuredMatrix:  # noqa: ARG002
        """Return A @ other."""
        return NotImplemented

    def _scaled_rows(self, d: np.ndarray) -> StructuredMatrix:  # noqa: ARG002
        """Return diag(d) A."""
        return NotImplemented

    def _scaled_columns(self, d: np.ndarray) -> StructuredMatrix:  # noqa: ARG002
        """Return A diag(d)."""
        return NotImplemented

    def _preceded_by(self, other: StructuredMatrix) -> StructuredMatrix:  # noqa: ARG002
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

    def norm(self, ord: int | float = 1) -> float:  # noqa: A002 - numpy's name
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

    @cached_property
    def _row_norm(self) -> float:
        return self.norm(np.inf)

    # -- solving ---------------------------------------------------------------------------

    def solve(self, b: object, *, check_finite: bool = True) -> np.ndarray:
        """Return x with A x = b.

        Parameters
        ----------
        b : array-like of shape (n,) or (n, k)
            Right-hand side, or k of them in columns.
        check_finite : bool, default=True
            Whether to look for NaN and infinity in b.

        Returns
        -------
        ndarray of shape (n,) or (n, k)
            In the precision of A or b, whichever is higher.

        Raises
        ------
        numpy.linalg.LinAlgError
            A is singular; names what is zero.
        ValueError
            b has NaN, infinity or another shape, or A is not square.

        Warns
        -----
        scipy.linalg.LinAlgWarning
            A is singular to working precision (states `rcond`), or the backward error is larger
            than ``10 eps sqrt(n)`` (states the figure).
        """
        return self._solved(b, check_finite).x

    def certified_solve(self, b: object, *, check_finite: bool = True) -> CertifiedSolution:
        """Return x with A x = b and the evidence for it.

        Parameters, errors and warnings are those of :meth:`solve`.

        Returns
        -------
        CertifiedSolution
        """
        return self._solved(b, check_finite)

    def _solved(self, b: object, check_finite: bool) -> CertifiedSolution:
        self._require_square("solve")
        b = right_hand_side(b, self.shape[0], check_finite=check_finite)
        matrix = self._in_precision_of(b)
        if not b.size:
            return nothing_to_solve(b.astype(np.result_type(b, matrix.dtype)))
        columns = b.reshape(len(b), -1)
        split = b.dtype.kind == "c" and not matrix._is_complex
        if split:  # two real columns cost less than a complex matrix
            columns = np.hstack([columns.real, columns.imag])
        columns = columns.astype(matrix.dtype, copy=False)
        with np.errstate(all="ignore"):  # what overflows is found by the certificate
            answer, factor = best_of(matrix._factors(), matrix.matmat, columns, matrix._row_norm)
            rcond = matrix._rcond_if_tiny(factor)
        x = answer.x
        if split:
            half = x.shape[1] // 2
            x = x[:, :half] + 1j * x[:, half:]
        self._warn(answer, rcond)
        return CertifiedSolution(
            x.reshape(b.shape),
            answer.method,
            answer.certificate,
            answer.refinements,
            answer.attempts,
        )

    def _warn(self, answer: CertifiedSolution, rcond: float | None) -> None:
        level = 4  # the caller of solve
        if rcond is not None:
            warnings.warn(
                f"{self!r} is singular to working precision (rcond = {rcond:.1e}): the solution "
                "may have no correct digits",
                LinAlgWarning,
                stacklevel=level,
            )
        if not answer.certificate.holds:
            warnings.warn(
                f"{answer.certificate}. To do better, {answer.certificate.remedy}.",
                LinAlgWarning,
                stacklevel=level,
            )

    def _in_precision_of(self, b: np.ndarray) -> StructuredMatrix:
        if b.dtype not in (np.float64, np.complex128):
            return self
        return self._in_double

    @cached_property
    def _in_double(self) -> StructuredMatrix:
        return self.astype("complex128" if self._is_complex else "float64")

    def _require_square(self, what: str) -> None:
        if self.shape[0] != self.shape[1]:
            raise ValueError(f"{what} needs a square matrix, this one is {_times(self.shape)}")

    def factor(self) -> Factor:
        """Return the factorisation that the first solve uses, and keep it for later ones.

        Returns
        -------
        Factor
            With ``name``, ``solve(B)``, ``solve_adjoint(B)`` and ``slogdet()``, none of which
            checks anything: :meth:`solve` does.

        Raises
        ------
        numpy.linalg.LinAlgError
            A is singular; names what is zero.
        ValueError
            A is not square.
        """
        self._require_square("factor")
        return next(self._factors())

    def _factors(self) -> Iterator[Factor]:
        """Yield the factorisations that serve for this matrix, each made once."""
        reasons = []
        for route in self.routes:
            made = self._made.get(route)
            if made is None:
                try:
                    made = route(self)
                except Breakdown as breakdown:
                    made = breakdown
                self._made[route] = made
            if isinstance(made, Breakdown):
                reasons.append(f"{route.name}: {made}")
            else:
                yield made
        if len(reasons) == len(self.routes):
            raise np.linalg.LinAlgError(f"nothing can factor {self!r}: " + "; ".join(reasons))

    def logdet(self) -> tuple[float | complex, float]:
        """Return the sign of the determinant and the logarithm of its magnitude.

        Returns
        -------
        sign : float or complex
            1.0 or -1.0, a number of modulus 1 for a complex matrix, 0 for a singular one.
        logabsdet : float
            log |det A|; -inf for a singular matrix.

        Raises
        ------
        ValueError
            A is not square.
        """
        self._require_square("logdet")
        if self.shape[0] == 0:
            return 1.0, 0.0
        try:
            factor = next(f for f in self._factors() if f.has_determinant)
        except SingularMatrixError:
            return (0j if self._is_complex else 0.0), -np.inf
        return factor.slogdet()

    def rcond(self) -> float:
        """Return 1 / (||A|| ||A^-1||) in the 1-norm: 1 at best, 0 for a singular matrix.

        The norm of the inverse is estimated from a few solves (Hager 1984, Higham 1988) where the
        structure does not give it away: rcond is rarely too large by more than a factor of 3.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            A is not square.
        """
        self._require_square("rcond")
        try:
            return self._rcond
        except SingularMatrixError:
            return 0.0

    @cached_property
    def _rcond(self) -> float:
        if self.shape[0] == 0:
            return 1.0
        factor = next(self._factors())
        with np.errstate(all="ignore"):
            size = self._inverse_norm(factor) * self.norm(1)
        return min(1.0, 1.0 / size) if size > 0 else 0.0  # NaN: an overflow

    def _inverse_norm(self, factor: Factor) -> float:
        """Return the 1-norm of A^-1, or an estimate."""
        return one_norm(factor.solve, factor.solve_adjoint, self.shape[0], self.dtype)

    def _rcond_if_tiny(self, factor: Factor) -> float | None:
        """Return rcond if it is below eps, else None."""
        if self._is_surely_regular is None:
            self._is_surely_regular = is_surely_regular(
                factor.solve, self._row_norm, self.shape[0], self.dtype
            )
        if self._is_surely_regular:
            return None
        rcond = self.rcond()
        return rcond if rcond < np.finfo(self.dtype).eps else None

    _is_surely_regular: bool | None = None

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
        """
        self._require_square("shift")
        return self._plus_diagonal(c * np.ones(self.shape[0], self.dtype))

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

    def __repr__(self) -> str:
        return f"<{_times(self.shape)} {type(self).__name__} of {self.dtype}>"


def _times(shape: tuple[int, int]) -> str:
    return f"{shape[0]} x {shape[1]}"
