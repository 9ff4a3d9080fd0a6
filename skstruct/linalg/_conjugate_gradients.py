"""Preconditioned conjugate gradients on the normal equations, for many targets at a time.

Every pass over the data serves all targets. With equal penalties they also share their search
directions: the block iteration looks for each of them in the space of all.

M. R. Hestenes and E. Stiefel (1952); D. P. O'Leary (1980), in the form of A. A. Dubrulle,
"Retooling the method of block conjugate gradients" (2001), which orthonormalises the residuals.
"""

from __future__ import annotations

import numpy as np

from skstruct.linalg._columns import column_dots, scale_columns
from skstruct.linalg._regression import Ridge
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.preconditioners import Preconditioner

# Directions of a block whose squared norm is this share of the largest are rounding errors.
DEPENDENT = 1e-13


class ConjugateGradients:
    """Steps from given coefficients towards the minimum.

    Parameters
    ----------
    problem : Ridge
        The problem, of c targets.
    coef, gradient : ndarray of shape (p, c)
        Where to begin, and the gradient there.
    preconditioner : Preconditioner
        M.

    Attributes
    ----------
    step : ndarray of shape (p, c)
        What is to be added to the coefficients.
    """

    def __init__(
        self,
        problem: Ridge,
        coef: np.ndarray,
        gradient: np.ndarray,
        preconditioner: Preconditioner,
    ) -> None:
        self._problem, self._preconditioner = problem, preconditioner
        self._apply = preconditioner.bind(problem)
        self.step = np.zeros_like(gradient)
        self._residual = -gradient
        self._direction = self._apply(self._residual)
        self._energy = column_dots(self._residual, self._direction)

    def advance(self) -> None:
        """Do one iteration."""
        problem, direction = self._problem, self._direction
        image = problem.operand.normal_product(direction)
        if problem.alphas.any():
            image += problem.alphas * problem.penalty.apply(direction)
        length = _ratio(self._energy, column_dots(direction, image))
        scale_columns(image, length)
        self._residual -= image
        np.copyto(image, direction)
        scale_columns(image, length)
        self.step += image
        correction = self._apply(self._residual)
        previous, self._energy = self._energy, column_dots(self._residual, correction)
        if np.any(self._energy < 0):
            raise Breakdown(f"the preconditioner {self._preconditioner.name!r} is not definite")
        scale_columns(direction, _ratio(self._energy, previous))
        direction += correction

    def sizes(self) -> np.ndarray:
        """Return the gradients that the recurrence has, relative to those at w = 0."""
        scale = self._problem.gradient_scale
        if self._preconditioner.name == "jacobi":  # the energy is their square
            return np.sqrt(self._energy) / scale
        return np.linalg.norm(self._residual / self._problem.scales, axis=0) / scale

    def keep(self, columns: np.ndarray) -> None:
        """Go on with these targets only."""
        self._problem = self._problem.only(columns)
        self._apply = self._preconditioner.bind(self._problem)
        self._energy = self._energy[columns]
        for name in ("step", "_residual", "_direction"):
            setattr(self, name, np.ascontiguousarray(getattr(self, name)[:, columns]))


class BlockConjugateGradients:
    """The same for targets with equal penalties, in the Krylov space of all of them.

    Residuals are R = Q C with Q'M^-1 Q = I; directions that vanish are dropped from Q. Parameters
    and attributes as of :class:`ConjugateGradients`.
    """

    def __init__(
        self,
        problem: Ridge,
        coef: np.ndarray,
        gradient: np.ndarray,
        preconditioner: Preconditioner,
    ) -> None:
        self._problem, self._preconditioner = problem, preconditioner
        self._apply = preconditioner.bind(problem)
        self._alpha = problem.alphas[0]
        self._columns = np.arange(problem.n_targets)
        self._step = np.zeros_like(gradient)
        self._orthonormalize(-gradient)
        self._C = self._change
        self._directions = self._Z.copy()

    @property
    def step(self) -> np.ndarray:
        """What is to be added to the coefficients."""
        return self._step[:, self._columns]

    def advance(self) -> None:
        """Do one iteration."""
        problem, S = self._problem, self._directions
        image = problem.operand.normal_product(S)
        if self._alpha:
            image += self._alpha * problem.penalty.apply(S)
        lengths = np.linalg.pinv(S.T @ image, rcond=DEPENDENT, hermitian=True)
        self._step += S @ (lengths @ self._C)
        self._orthonormalize(self._Q - image @ lengths)
        self._C = self._change @ self._C
        self._directions = self._Z + S @ self._change.T

    def _orthonormalize(self, T: np.ndarray) -> None:
        """Set Q, M^-1 Q and the matrix that turns Q into T."""
        Z = self._apply(T)
        squares, vectors = np.linalg.eigh(T.T @ Z)
        if squares[0] < -DEPENDENT * abs(squares[-1]):
            raise Breakdown(f"the preconditioner {self._preconditioner.name!r} is not definite")
        kept = squares > DEPENDENT * squares[-1]
        norms, vectors = np.sqrt(squares[kept]), vectors[:, kept]
        self._Q, self._Z = T @ (vectors / norms), Z @ (vectors / norms)
        self._change = norms[:, None] * vectors.T

    def sizes(self) -> np.ndarray:
        """Return the gradients that the recurrence has, relative to those at w = 0."""
        problem = self._problem
        C = self._C[:, self._columns]
        scale = problem.gradient_scale[self._columns]
        if self._preconditioner.name == "jacobi":
            return np.linalg.norm(C, axis=0) / scale
        residual = (self._Q / problem.scales[:, :1]) @ C
        return np.linalg.norm(residual, axis=0) / scale

    def keep(self, columns: np.ndarray) -> None:
        """Go on with these targets only: the others are left in the block."""
        self._columns = self._columns[columns]


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide; zero where a target is already solved exactly."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
