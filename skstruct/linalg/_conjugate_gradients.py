"""Preconditioned conjugate gradients on the normal equations, for many targets at a time.

Every pass over the data serves all targets. With equal penalties they also share their search
directions: the block iteration looks for each of them in the space of all.

M. R. Hestenes and E. Stiefel (1952); D. P. O'Leary (1980), in the form of A. A. Dubrulle,
"Retooling the method of block conjugate gradients" (2001), which orthonormalises the residuals.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from skstruct.linalg._columns import column_dots, scale_columns
from skstruct.linalg._operand import even_slices
from skstruct.linalg._regression import Ridge
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._threads import run_all
from skstruct.linalg.preconditioners import Preconditioner

# Directions of a block whose squared norm is this share of the largest are rounding errors.
DEPENDENT = 1e-13

# Numbers in a block of rows of a block of directions: 1 MB, a task of 0.1 ms and more.
BLOCK_NUMBERS = 2**17


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
        self._step = np.zeros(gradient.shape)
        self._blocks = even_slices(len(gradient), BLOCK_NUMBERS // gradient.shape[1])
        self._directions: np.ndarray | None = None
        # Targets may differ in their units, but none of them is to count as a rounding error.
        norms = np.sqrt(np.abs(column_dots(gradient, self._apply(gradient))))
        self._orthonormalize(gradient * -_ratio(np.ones(len(norms)), norms))
        self._C = self._change * norms

    @property
    def step(self) -> np.ndarray:
        """What is to be added to the coefficients."""
        return self._step[:, self._columns]

    def advance(self) -> None:
        """Do one iteration."""
        problem, S = self._problem, self._directions
        image = problem.operand.normal_product(S)
        penalised = problem.penalty.apply(S)

        def products(rows: slice) -> np.ndarray:
            image[rows] += self._alpha * penalised[rows]
            return S[rows].T @ image[rows]

        lengths = np.linalg.pinv(self._sum(products), rcond=DEPENDENT, hermitian=True)
        step = lengths @ self._C

        def move(rows: slice) -> None:
            self._step[rows] += S[rows] @ step
            self._Q[rows] -= image[rows] @ lengths

        run_all([partial(move, rows) for rows in self._blocks])
        self._orthonormalize(self._Q)
        self._C = self._change @ self._C

    def _orthonormalize(self, T: np.ndarray) -> None:
        """Set Q, M^-1 Q, the matrix that turns Q into T, and the next directions."""
        Z = self._apply(T)
        squares, vectors = np.linalg.eigh(self._sum(lambda rows: T[rows].T @ Z[rows]))
        if squares[0] < -DEPENDENT * abs(squares[-1]):
            raise Breakdown(f"the preconditioner {self._preconditioner.name!r} is not definite")
        kept = squares > DEPENDENT * squares[-1]
        kept[-1] = True  # all of them may be zero
        norms, vectors = np.sqrt(np.maximum(squares[kept], 0.0)), vectors[:, kept]
        inverse, self._change = (
            vectors * _ratio(np.ones(len(norms)), norms),
            norms[:, None] * vectors.T,
        )
        Q, S = np.empty((len(T), len(norms))), np.empty((len(T), len(norms)))

        def combine(rows: slice) -> None:
            Q[rows] = T[rows] @ inverse
            S[rows] = Z[rows] @ inverse
            if self._directions is not None:
                S[rows] += self._directions[rows] @ self._change.T

        run_all([partial(combine, rows) for rows in self._blocks])
        self._Q, self._directions = Q, S
        if not kept.all():
            self._apply = self._preconditioner.bind(self._problem.only(np.arange(len(norms))))

    def _sum(self, part: Callable[[slice], np.ndarray]) -> np.ndarray:
        """Return the sum of small matrices over blocks of rows."""
        return np.sum(run_all([partial(part, rows) for rows in self._blocks]), axis=0)

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
