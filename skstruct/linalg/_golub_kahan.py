"""Golub-Kahan bidiagonalisation of [A; sqrt(alpha) L], and LSQR and LSMR on it.

With a preconditioner M the inner product of coefficients is that of M, and only M^-1 is applied
(Arridge, Betcke & Harhanen 2014). Recurrences of all targets run side by side.
"""

from __future__ import annotations

import numpy as np

from skstruct.linalg._columns import column_dots, scale_columns
from skstruct.linalg._regression import Ridge
from skstruct.linalg.preconditioners import Preconditioner


class GolubKahan:
    """A V = U B with U'U = I, V'M V = I and a lower bidiagonal B, column by column.

    Begins at the residual of given coefficients: ``U[:, 0]`` is [y - A w; -sqrt(alpha) L w] but
    for its norm. Parameters as of :class:`ConjugateGradients`.

    Attributes
    ----------
    alpha, beta : ndarray of shape (c,)
        The entries of B that were added last: on the diagonal and left of it.
    v : ndarray of shape (p, c)
        The last column of V.
    """

    def __init__(self, problem: Ridge, coef: np.ndarray, preconditioner: Preconditioner) -> None:
        self._problem, self._preconditioner = problem, preconditioner
        self._apply = preconditioner.bind(problem)
        self._roots = np.sqrt(problem.alphas)
        self._u = problem.targets - problem.operand.matmat(coef)
        self._lower = _scaled(problem.penalty.roots_times(coef), -self._roots)
        self._normalize_u()
        self._dual = np.zeros_like(coef)  # M v
        self._extend_v()

    def extend(self) -> None:
        """Add a row and a column to B."""
        scale_columns(self._u, -self.alpha)
        self._u += self._problem.operand.matmat(self.v)
        scale_columns(self._lower, -self.alpha)
        self._lower += _scaled(self._problem.penalty.roots_times(self.v), self._roots)
        self._normalize_u()
        self._extend_v()

    def _normalize_u(self) -> None:
        self.beta = np.sqrt(column_dots(self._u, self._u) + column_dots(self._lower, self._lower))
        inverse = _inverse(self.beta)
        scale_columns(self._u, inverse)
        scale_columns(self._lower, inverse)

    def _extend_v(self) -> None:
        problem = self._problem
        scale_columns(self._dual, -self.beta)
        self._dual += problem.operand.rmatmat(self._u)
        self._dual += _scaled(problem.penalty.transposed_roots_times(self._lower), self._roots)
        self.v = self._apply(self._dual)
        self.alpha = np.sqrt(np.maximum(column_dots(self.v, self._dual), 0.0))
        inverse = _inverse(self.alpha)
        scale_columns(self.v, inverse)
        scale_columns(self._dual, inverse)

    def keep(self, columns: np.ndarray) -> None:
        """Go on with these targets only."""
        self._problem = self._problem.only(columns)
        self._apply = self._preconditioner.bind(self._problem)
        self._roots = self._roots[columns]
        self.alpha, self.beta = self.alpha[columns], self.beta[columns]
        for name in ("_u", "_lower", "_dual", "v"):
            setattr(self, name, np.ascontiguousarray(getattr(self, name)[:, columns]))


class LSQR:
    """Least residual in each Krylov space; Paige & Saunders (1982).

    Parameters and attributes as of :class:`ConjugateGradients`.
    """

    def __init__(
        self,
        problem: Ridge,
        coef: np.ndarray,
        gradient: np.ndarray,
        preconditioner: Preconditioner,
    ) -> None:
        self._bidiagonal = GolubKahan(problem, coef, preconditioner)
        self.step = np.zeros_like(gradient)
        self._w = self._bidiagonal.v.copy()
        self._phi, self._rho = self._bidiagonal.beta, self._bidiagonal.alpha
        self._gradient = self._phi * self._rho
        self._first = _Scale(problem, gradient, self._gradient)

    def advance(self) -> None:
        """Do one iteration."""
        B = self._bidiagonal
        B.extend()
        rho = np.hypot(self._rho, B.beta)
        c, s = self._rho * _inverse(rho), B.beta * _inverse(rho)
        self.step += _scaled(self._w, c * self._phi * _inverse(rho))
        scale_columns(self._w, -s * B.alpha * _inverse(rho))
        self._w += B.v
        self._rho, self._phi = -c * B.alpha, s * self._phi
        self._gradient = self._phi * B.alpha * np.abs(c)

    def sizes(self) -> np.ndarray:
        """Return the gradients that the recurrence has, relative to those at w = 0."""
        return self._first.relative(self._gradient)

    def keep(self, columns: np.ndarray) -> None:
        """Go on with these targets only."""
        self._bidiagonal.keep(columns)
        self._first.keep(columns)
        for name in ("_phi", "_rho", "_gradient"):
            setattr(self, name, getattr(self, name)[columns])
        for name in ("step", "_w"):
            setattr(self, name, np.ascontiguousarray(getattr(self, name)[:, columns]))


class LSMR:
    """Least gradient, in the norm of M^-1, in each Krylov space; Fong & Saunders (2011).

    It falls with every iteration. Parameters and attributes as of :class:`ConjugateGradients`.
    """

    def __init__(
        self,
        problem: Ridge,
        coef: np.ndarray,
        gradient: np.ndarray,
        preconditioner: Preconditioner,
    ) -> None:
        B = self._bidiagonal = GolubKahan(problem, coef, preconditioner)
        self.step = np.zeros_like(gradient)
        self._h, self._h_bar = B.v.copy(), np.zeros_like(gradient)
        self._zeta_bar, self._alpha_bar = B.alpha * B.beta, B.alpha
        ones = np.ones(problem.n_targets)
        self._rho, self._rho_bar, self._c_bar, self._s_bar = ones, ones, ones, 0.0 * ones
        self._first = _Scale(problem, gradient, self._zeta_bar)

    def advance(self) -> None:
        """Do one iteration."""
        B = self._bidiagonal
        B.extend()
        rho_old, rho_bar_old = self._rho, self._rho_bar
        # The rotation that makes B upper bidiagonal, and the one that does so with R'.
        rho = np.hypot(self._alpha_bar, B.beta)
        c, s = self._alpha_bar * _inverse(rho), B.beta * _inverse(rho)
        theta, self._alpha_bar = s * B.alpha, c * B.alpha
        theta_bar, scaled = self._s_bar * rho, self._c_bar * rho
        rho_bar = np.hypot(scaled, theta)
        self._c_bar, self._s_bar = scaled * _inverse(rho_bar), theta * _inverse(rho_bar)
        zeta, self._zeta_bar = self._c_bar * self._zeta_bar, -self._s_bar * self._zeta_bar
        scale_columns(self._h_bar, -theta_bar * rho * _inverse(rho_old * rho_bar_old))
        self._h_bar += self._h
        self.step += _scaled(self._h_bar, zeta * _inverse(rho * rho_bar))
        scale_columns(self._h, -theta * _inverse(rho))
        self._h += B.v
        self._rho, self._rho_bar = rho, rho_bar

    def sizes(self) -> np.ndarray:
        """Return the gradients that the recurrence has, relative to those at w = 0."""
        return self._first.relative(np.abs(self._zeta_bar))

    def keep(self, columns: np.ndarray) -> None:
        """Go on with these targets only."""
        self._bidiagonal.keep(columns)
        self._first.keep(columns)
        for name in ("_zeta_bar", "_alpha_bar", "_rho", "_rho_bar", "_c_bar", "_s_bar"):
            setattr(self, name, getattr(self, name)[columns])
        for name in ("step", "_h", "_h_bar"):
            setattr(self, name, np.ascontiguousarray(getattr(self, name)[:, columns]))


class _Scale:
    """Gradients in the norm of M^-1 in units of the measured ones: the same if M is Jacobi's."""

    def __init__(self, problem: Ridge, gradient: np.ndarray, first: np.ndarray) -> None:
        self._factor = problem.relative_size(gradient) * _inverse(first)

    def relative(self, sizes: np.ndarray) -> np.ndarray:
        return sizes * self._factor

    def keep(self, columns: np.ndarray) -> None:
        self._factor = self._factor[columns]


def _scaled(A: np.ndarray, factors: np.ndarray) -> np.ndarray:
    out = np.array(A, order="C")
    scale_columns(out, factors)
    return out


def _inverse(values: np.ndarray) -> np.ndarray:
    """Return 1 / values, and 0 where they vanish: there nothing is left to be done."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)
