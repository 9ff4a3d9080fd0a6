"""What can be asked of an operand: the coefficients of a linear regression.

A problem is the data, the question, and the measurement by which an answer to it is judged.
It knows nothing of the solvers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from scipy.linalg import lapack

from skstruct.linalg._cache import normal_equations
from skstruct.linalg._certificate import Certificate
from skstruct.linalg._iteration import Iteration
from skstruct.linalg._operand import Operand
from skstruct.linalg._penalty import IdentityPenalty, Penalty
from skstruct.linalg._structure import Structure

# Data of at most so many numbers is worth extended precision: a fit of 442 x 10 takes 1.4 ms, by
# the Gram matrix 0.6, one of 1000 x 60 6 ms and 1.1.
EXTENDED_SIZE = 2**16


@dataclass(frozen=True)
class RidgeCoefficients:
    """An answer to a :class:`Ridge` or :class:`LeastSquares` problem.

    What is None the solver does not know.

    Attributes
    ----------
    coef : ndarray of shape (p, t)
        Coefficients, a column for each target.
    gradient : ndarray of shape (p, t) or None
        A'(A w - y) + alpha P w at `coef`, measured on the data.
    n_iter : int or ndarray of shape (t,)
        Iterations of an iterative solver; of a direct one, how often its factorisation was
        applied: 1 and the refinement steps.
    rank : int or None
        Numerical rank of A with columns of unit norm.
    condition : float or None
        Condition number of A with columns of unit norm, in the 2-norm or the 1-norm.
    singular_values : ndarray of shape (p,) or None
        Singular values of A.
    inverse_diagonal : ndarray of shape (p,) or None
        Diagonal of (A'A)^-1, of its pseudo-inverse where that is singular.
    edf : ndarray of shape (t,) or None
        trace(A (A'A + alpha P)^-1 A') for each target.
    dual : ndarray of shape (n, t) or None
        c with w = P^-1 A'c.
    root : ndarray of shape (m, p) or None
        F with F'F = A'A.
    intercept : ndarray of shape (t,) or None
        The intercept, where it is known to more digits than follow from the coefficients.
    history : ndarray of shape (m, t) or None
        Relative gradients by the recurrence after each iteration; NaN after the last one.
    preconditioner : str or None
        Name of the preconditioner that was in use at the end.
    stopped : bool
        Whether the iteration was stopped from outside before it had converged.
    """

    coef: np.ndarray
    gradient: np.ndarray | None = None
    n_iter: int | np.ndarray = 1
    rank: int | None = None
    condition: float | None = None
    singular_values: np.ndarray | None = None
    inverse_diagonal: np.ndarray | None = None
    edf: np.ndarray | None = None
    dual: np.ndarray | None = None
    root: np.ndarray | None = None
    intercept: np.ndarray | None = None
    history: np.ndarray | None = None
    preconditioner: str | None = None
    stopped: bool = False

    def only(self, columns: slice) -> RidgeCoefficients:
        """Return what is known of the coefficients of some of the targets."""
        history = self.history
        if history is not None:
            history = history[:, columns]
            history = history[~np.isnan(history).all(axis=1)]
        return RidgeCoefficients(
            self.coef[:, columns],
            None if self.gradient is None else self.gradient[:, columns],
            self.n_iter if np.ndim(self.n_iter) == 0 else self.n_iter[columns],
            history=history,
            preconditioner=self.preconditioner,
            stopped=self.stopped,
        )


@dataclass(frozen=True)
class Ridge:
    """Minimise ||A w - y||^2 + alpha ||L w||^2 for each of t targets, optionally with bounds.

    Parameters
    ----------
    structure : Structure
        The facts known of the operand.
    operand : Operand or None
        The matrix A; None in a problem that is only planned.
    targets : ndarray of shape (n, t)
        y, centred and weighted as A is.
    alphas : ndarray of shape (t,)
        Penalty of each target.
    penalty : Penalty or None
        L; None for the identity.
    lower : ndarray of shape (p, t) or None
        Bounds below which coefficients must not be.
    tol : float
        Gradient asked for, in the norm of :meth:`certify`.
    iteration : Iteration
        How to iterate, for solvers that do.
    patience : float
        Predicted seconds of the solver that follows in the plan; an iteration that would need
        longer gives up. Set by the engine.
    n_repeats : int
        How often the targets are repeated, with other penalties: see :meth:`with_path`.
    """

    structure: Structure
    operand: Operand | None = None
    targets: np.ndarray | None = None
    alphas: np.ndarray = field(default_factory=lambda: np.ones(1))
    penalty: Penalty | None = None
    lower: np.ndarray | None = None
    tol: float = 1e-8
    iteration: Iteration = field(default_factory=Iteration)
    patience: float = np.inf
    n_repeats: int = 1

    kind: ClassVar[str] = "ridge"
    # Solvers that the plan takes before cheaper ones.
    preferred: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if self.penalty is None:
            object.__setattr__(self, "penalty", IdentityPenalty(self.structure.n_columns))

    @property
    def n_targets(self) -> int:
        """Number of targets t."""
        return len(self.alphas)

    @property
    def n_penalties(self) -> int:
        """Number of different penalties."""
        return len(set(self.alphas.tolist()))

    @property
    def max_rank(self) -> int:
        """The largest rank that A can have: centred rows add up to zero."""
        n = self.operand.n_observations - self.structure.centered
        return min(n, self.structure.n_columns)

    @property
    def is_bounded(self) -> bool:
        """Whether coefficients have bounds."""
        return self.lower is not None

    @cached_property
    def correlations(self) -> np.ndarray:
        """A'y, of shape (p, t)."""
        return self.operand.rmatmat(self.targets)

    def gram(self) -> np.ndarray:
        """Return A'A; the same pass over the data gives `correlations`."""
        gram, self.__dict__["correlations"] = normal_equations(self.operand, self.targets)
        return gram

    @cached_property
    def scales(self) -> np.ndarray:
        """Norms of the columns of [A; sqrt(alpha) L], of shape (p, t); 1 where that is zero."""
        squares = self.operand.column_sq_norms[:, None]
        scales = np.sqrt(squares + self.alphas * self.penalty.diagonal[:, None])
        scales[scales == 0] = 1.0
        return scales

    def only(self, columns: np.ndarray) -> Ridge:
        """Return the problem of some of the targets, given in ascending order."""
        if len(columns) == self.n_targets:
            return self
        part = replace(
            self,
            targets=self.targets[:, columns],
            alphas=self.alphas[columns],
            lower=None if self.lower is None else self.lower[:, columns],
            n_repeats=1,
        )
        part.__dict__["correlations"] = self.correlations[:, columns]
        return part

    def with_path(self, alphas: np.ndarray) -> Ridge:
        """Return the problem of these targets and again, for each of `alphas`, of all of them."""
        n, t = self.targets.shape
        repeats = 1 + len(alphas)
        if t == 1:
            targets = np.broadcast_to(self.targets, (n, repeats))
        else:
            targets = np.tile(self.targets, (1, repeats))
        path = replace(
            self,
            targets=targets,
            alphas=np.concatenate([self.alphas, np.repeat(alphas, t)]),
            n_repeats=repeats,
        )
        path.__dict__["correlations"] = np.tile(self.correlations, (1, repeats))
        return path

    @property
    def may_have_many_minimisers(self) -> bool:
        """Whether some target has no penalty to speak of and A more columns than its rank."""
        weak = self.alphas <= np.finfo(np.float64).eps * self.operand.column_sq_norms.max()
        return bool(self.max_rank < self.structure.n_columns and weak.any())

    def gradient(self, coef: np.ndarray) -> np.ndarray:
        """Return A'(A w - y) + alpha P w, of shape (p, t), from the data itself."""
        return self.operand.normal_product(coef, self.targets) + self.alphas * self.penalty.apply(
            coef
        )

    def relative_size(self, gradient: np.ndarray, coef: np.ndarray | None = None) -> np.ndarray:
        """Measure a gradient per target, whatever the units of columns and target.

        ||D^-1 g|| relative to its value at w = 0, ||D^-1 A'y||, with D the column norms. The
        square root of eps ||y|| is added to that scale: a target orthogonal to every column
        does not ask for more digits than there are. At given coefficients so are the rounding
        errors of alpha P w over the tolerance.
        """
        scale = self.gradient_scale
        if coef is not None:
            summed = self.alphas * self.penalty.magnitude(coef) / self.scales
            scale = scale + np.finfo(np.float64).eps / self.tol * np.linalg.norm(summed, axis=0)
        return np.linalg.norm(gradient / self.scales, axis=0) / scale

    @cached_property
    def gradient_scale(self) -> np.ndarray:
        """What gradients are relative to, of shape (t,); see :meth:`relative_size`."""
        at_zero = np.linalg.norm(self.correlations / self.scales, axis=0)
        floor = np.sqrt(np.finfo(np.float64).eps) * np.linalg.norm(self.targets, axis=0)
        scale = at_zero + floor
        scale[scale == 0] = 1.0
        return scale

    def errors(self, answer: RidgeCoefficients) -> np.ndarray:
        """Measure the gradient of each target on the data; with bounds, what violates KKT."""
        gradient = self.gradient(answer.coef) if answer.gradient is None else answer.gradient
        if self.is_bounded:
            gradient = self._kkt_violation(answer.coef, gradient)
        return self.relative_size(gradient, answer.coef)

    def certify(self, answer: RidgeCoefficients) -> Certificate:
        """Return the largest of the errors, and what was asked."""
        value = float(self.errors(answer).max(initial=0.0))
        if answer.stopped:
            return Certificate(f"{self.quantity}, where it was stopped", value, np.inf)
        return Certificate(self.quantity, value, self.tol, remedy=self.remedy)

    @property
    def quantity(self) -> str:
        """What the errors are."""
        if self.is_bounded:
            return "KKT violation in column norms, relative to the gradient at w = 0"
        return "gradient in column norms, relative to that at w = 0"

    remedy: ClassVar[str] = "increase max_iter or alpha, or choose solver='svd'"

    def _kkt_violation(self, coef: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """At the minimum the gradient vanishes above the bound and is not negative at it."""
        if np.any(coef < self.lower):
            return np.full_like(gradient, np.inf)
        return np.where(coef > self.lower, gradient, np.minimum(gradient, 0.0))

    def __str__(self) -> str:
        what = "bounded ridge" if self.is_bounded else "ridge"
        penalty = (
            f"alpha = {self.alphas[0]:.4g}"
            if self.n_penalties == 1
            else f"{self.n_penalties} penalties"
        )
        if not self.penalty.is_identity:
            penalty += f" times {self.penalty}"
        return f"{what} regression of {_count(self.n_targets)}, {penalty}, on a {self.structure}"


@dataclass(frozen=True)
class LeastSquares(Ridge):
    """Minimise ||A w - y||^2; of several minimisers return the one of least ||w||.

    Parameters
    ----------
    alphas : ndarray of shape (t,)
        Zeros.
    raw_targets : ndarray of shape (n, t) or None
        y before it was centred and weighted, for arithmetic in extended precision.
    """

    raw_targets: np.ndarray | None = None

    kind: ClassVar[str] = "least_squares"

    @property
    def is_small(self) -> bool:
        """Whether extended precision costs next to nothing."""
        s = self.structure
        size = s.n_rows * s.n_columns
        return size <= EXTENDED_SIZE and not (s.is_sparse or s.out_of_core or self.is_bounded)

    @property
    def preferred(self) -> tuple[str, ...]:
        """Small problems get every digit."""
        return ("extended_qr",) if self.is_small else ()

    quantity: ClassVar[str] = "backward error with columns of unit norm"
    remedy: ClassVar[str] = "remove columns that depend on others, or choose solver='svd'"

    def errors(self, answer: RidgeCoefficients) -> np.ndarray:
        """Measure the backward error: how little A and y have to change for w to be a minimiser.

        With columns scaled to unit norm, relative to ||A|| and ||y|| in Frobenius norms. It is
        at most ``||A'r|| / (||A|| ||r||)`` (Stewart 1977: a change of A by -r r'A / r'r). Where
        that is not small enough, as r is hardly more than rounding errors of y, the estimate of
        Karlson & Walden (1997) is taken, if the solver has a factor of A'A.
        """
        gradient = self.gradient(answer.coef) if answer.gradient is None else answer.gradient
        if self.is_bounded:
            gradient = self._kkt_violation(answer.coef, gradient)
        residual = np.linalg.norm(self.targets - self.operand.matmat(answer.coef), axis=0)
        norm = np.sqrt(np.count_nonzero(self.operand.column_sq_norms))
        scaled = gradient / self.scales
        value = _ratio(np.linalg.norm(scaled, axis=0), norm * residual)
        for i in np.flatnonzero(~(value <= self.tol)):
            value[i] = self._least_change(answer, scaled[:, i], residual[i], i, norm)
        return value

    def _least_change(
        self, answer: RidgeCoefficients, gradient: np.ndarray, residual: float, i: int, norm: float
    ) -> float:
        """Return the backward error of target i, as Karlson and Walden estimate it."""
        target = np.linalg.norm(self.targets[:, i]) or 1.0
        size = np.linalg.norm(self.scales[:, i] * answer.coef[:, i])
        consistent = residual / (norm * size + target)  # a change after which r vanishes
        if consistent <= self.tol:
            return float(consistent)
        if answer.root is None:
            return float(min(np.linalg.norm(gradient) / (norm * (residual or 1.0)), consistent))
        root = answer.root / self.scales[:, i]
        # theta weighs changes of y like those of A.
        theta = norm / target
        shrink = np.sqrt(1.0 + (theta * size) ** 2)
        damping = theta * residual / shrink * np.eye(root.shape[1])
        triangle = np.linalg.qr(np.vstack([root, damping]), mode="r")
        inside, info = lapack.dtrtrs(triangle, gradient, trans=1)
        change = theta / shrink * np.linalg.norm(inside) / norm if info == 0 else np.inf
        return float(min(change, consistent))

    def __str__(self) -> str:
        what = "bounded least squares" if self.is_bounded else "least squares"
        return f"{what} with {_count(self.n_targets)} on a {self.structure}"


@dataclass(frozen=True)
class MixedLeastSquares(LeastSquares):
    """The same, for coefficients alone: a factor may be in single precision."""

    kind: ClassVar[str] = "mixed_least_squares"

    @property
    def preferred(self) -> tuple[str, ...]:
        """What was asked for."""
        return ("mixed_gram",)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, and 0 where both vanish."""
    whole = np.where((whole == 0) & (part == 0), 1.0, whole)
    with np.errstate(divide="ignore"):
        return part / whole


def _count(n_targets: int) -> str:
    return "1 target" if n_targets == 1 else f"{n_targets} targets"
