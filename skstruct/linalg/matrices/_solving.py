"""Solving systems, determinants and condition numbers by the factorisations of a structure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import ClassVar, Self

import numpy as np
from scipy.linalg import LinAlgWarning

from skstruct.linalg._condition import (
    is_surely_regular,
    probe_column,
    reciprocal_condition,
)
from skstruct.linalg._plan import Attempt
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._threads import parallel_region, threaded_blas
from skstruct.linalg._warn import warn_caller
from skstruct.linalg.matrices._answer import CertifiedSolution
from skstruct.linalg.matrices._arrays import complex_columns, real_columns, right_hand_side
from skstruct.linalg.matrices._factor import Factor, SingularMatrixError
from skstruct.linalg.matrices._refined import best_of, nothing_to_solve

# Claiming the cores takes some 0.1 ms, a tenth of a solve of this order. Without it, two BLAS
# threads on cores that other processes used as well made a solve of order 2000 and rank 10 take
# 90 ms instead of 3.
MIN_CLAIMING_ORDER = 1000


@dataclass(frozen=True, slots=True)
class _Trusted:
    """The factorisation that solved a test, those that failed before it, and what it showed."""

    factor: Factor
    failed: tuple[Attempt, ...]
    is_surely_regular: bool


class Solvable:
    """What a matrix with factorisations can do besides multiplying.

    The class has the factorisations to try in ``routes``, those that may fail before those that
    cannot.
    """

    routes: ClassVar[tuple[type[Factor], ...]] = ()

    _trusted: _Trusted | None = None

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

    def factor(self) -> Factor:
        """Return the factorisation that the first solve tries, and keep it for later ones.

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

        Warns
        -----
        scipy.linalg.LinAlgWarning
            A is singular to working precision.
        """
        self._require_square("logdet")
        if self.shape[0] == 0:
            return 1.0, 0.0
        try:
            factors = chain([self._tested().factor], self._factors())
            factor = next(f for f in factors if f.has_determinant)
        except SingularMatrixError:
            return (0j if self._is_complex else 0.0), -np.inf
        if not factor.has_exact_determinant:
            self._warn_if_singular("determinant")
        sign, log = factor.slogdet()
        return complex(sign) if self._is_complex else float(np.real(sign)), float(log)

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
        factor = self._tested().factor
        with self._blas_threads(), np.errstate(all="ignore"):
            inverse_norm = factor.inverse_norm(self.shape[0], self.dtype)
            return reciprocal_condition(self.norm(1), inverse_norm)

    @cached_property
    def _row_norm(self) -> float:
        return self.norm(np.inf)

    # -- threads ------------------------------------------------------------------------------

    @property
    def _blas_order(self) -> int:
        """The order of the largest matrices that BLAS works on; 0 if it has nothing to do."""
        return 0

    @contextmanager
    def _blas_threads(self) -> Iterator[None]:
        """Keep BLAS threads from small matrices, and give them to large ones."""
        if self._blas_order == 0 or self.shape[0] < MIN_CLAIMING_ORDER:
            yield
            return
        with parallel_region(), threaded_blas(self._blas_order):
            yield

    # -- the steps of a solve ---------------------------------------------------------------

    def _solved(self, b: object, check_finite: bool) -> CertifiedSolution:
        self._require_square("solve")
        b = right_hand_side(b, self.shape[0], check_finite=check_finite)
        matrix = self._in_precision_of(b)
        if not b.size:
            return nothing_to_solve(b.astype(np.result_type(b, matrix.dtype)))
        columns = real_columns(b, matrix.dtype)
        answer = matrix._answered(columns.astype(matrix.dtype, copy=False))
        matrix._warn(answer)
        x = answer.x
        if b.dtype.kind == "c" and not matrix._is_complex:
            x = complex_columns(x)
        return replace(answer, x=x.reshape(b.shape))

    def _answered(self, columns: np.ndarray) -> CertifiedSolution:
        """Solve for columns of the type of A.

        With the first ones goes one of random numbers: it shows which factorisation can be trusted
        with what else is asked of it, and whether A is far from singular.
        """
        # what overflows is found by the certificate
        with self._blas_threads(), np.errstate(all="ignore"):
            if self._trusted is None:
                both = np.hstack([columns, probe_column(len(columns), self.dtype)])
                answer, factor = best_of(self._factors(), self.matmat, both, self._row_norm)
                regular = is_surely_regular(answer.x[:, -1], self._row_norm)
                self._trusted = _Trusted(factor, answer.attempts[:-1], regular)
                return replace(answer, x=answer.x[:, :-1])
            first = self._trusted.factor
            factors = chain([first], (f for f in self._factors() if f is not first))
            answer, _ = best_of(factors, self.matmat, columns, self._row_norm)
            return replace(answer, attempts=self._trusted.failed + answer.attempts)

    def _tested(self) -> _Trusted:
        if self._trusted is None:
            self._answered(np.empty((self.shape[0], 0), self.dtype))
        return self._trusted

    def _warn(self, answer: CertifiedSolution) -> None:
        self._warn_if_singular("solution")
        if not answer.certificate.holds:
            warn_caller(
                f"{answer.certificate}. To do better, {answer.certificate.remedy}.", LinAlgWarning
            )

    def _warn_if_singular(self, what: str) -> None:
        if self._trusted.is_surely_regular or self.rcond() >= np.finfo(self.dtype).eps:
            return
        warn_caller(
            f"{self!r} is singular to working precision (rcond = {self.rcond():.1e}): its {what} "
            "may have no correct digits",
            LinAlgWarning,
        )

    def _factors(self) -> Iterator[Factor]:
        """Yield the factorisations that serve for this matrix, each made once."""
        reasons = []
        for route in self.routes:
            made = self._made.get(route)
            if made is None:
                try:
                    made = route.of(self)
                except Breakdown as breakdown:
                    made = breakdown
                except SingularMatrixError as failure:
                    raise SingularMatrixError(f"{self!r} is singular: {failure}") from None
                self._made[route] = made
            if isinstance(made, Breakdown):
                reasons.append(f"{route.name}: {made}")
            else:
                yield made
        if len(reasons) == len(self.routes):
            raise np.linalg.LinAlgError(f"nothing can factor {self!r}: " + "; ".join(reasons))

    @cached_property
    def _made(self) -> dict[type[Factor], Factor | Breakdown]:
        return {}

    def _in_precision_of(self, b: np.ndarray) -> Self:
        return self._in_double if b.dtype in (np.float64, np.complex128) else self

    @cached_property
    def _in_double(self) -> Self:
        return self.astype("complex128" if self._is_complex else "float64")

    def _require_square(self, what: str) -> None:
        if self.shape[0] != self.shape[1]:
            m, n = self.shape
            raise ValueError(f"{what} needs a square matrix, this one is {m} x {n}")
