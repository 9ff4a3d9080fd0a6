"""Conjugate gradients for several right-hand sides at a time (Hestenes & Stiefel, 1952).

Its own, as scipy's takes one right-hand side and goes on where A turns out not to be definite. A
product with a sparse matrix takes 2.5 ms for one column, 20 for 8.
"""

from __future__ import annotations

import numpy as np

from skstruct.linalg._columns import column_dots, scale_columns
from skstruct.linalg._machine import Cost
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.iterative_systems._facts import SystemFacts
from skstruct.linalg.iterative_systems._operator import Apply, SquareOperator
from skstruct.linalg.iterative_systems.methods._leg import Leg, NotDefinite, Watch
from skstruct.linalg.iterative_systems.preconditioners import Preconditioner

# A Rayleigh quotient below minus so many rounding units of the norm of A is no rounding error.
NEGATIVE = 100.0


class ConjugateGradients:
    """For Hermitian positive definite A and M."""

    name = "cg"
    at_a_time = 16
    products = 1

    def obstacle(self, facts: SystemFacts, preconditioner: Preconditioner) -> str | None:
        if not facts.self_adjoint:
            return "the matrix is not self-adjoint"
        if not facts.may_be_definite:
            return "the matrix is not positive definite"
        if not preconditioner.is_definite(facts):
            return f"{preconditioner.name!r} is not positive definite"
        return None

    def work(self, facts: SystemFacts) -> Cost:
        return Cost(traffic=13 * 8.0 * facts.n, memory=6 * 8.0 * facts.n)

    def leg(
        self,
        operator: SquareOperator,
        apply: Apply,
        residual: np.ndarray,
        goal: np.ndarray,
        watch: Watch,
    ) -> Leg:
        state, active = _State(operator, apply, residual), np.arange(residual.shape[1])
        step = np.zeros_like(residual)
        while len(active):
            moved = state.advance()
            sizes = np.full(residual.shape[1], np.nan)
            sizes[active] = np.sqrt(_dots(state.residual, state.residual))
            stop = watch(sizes)
            done = (sizes[active] <= goal[active]) | ~moved
            if stop or done.any():
                out = np.ones_like(done) if stop else done
                step[:, active[out]] = state.step[:, out]
                state.keep(~out)
                active = active[~out]
        return Leg(step)


class _State:
    """The vectors of the recurrence, for the columns that are iterated."""

    def __init__(self, operator: SquareOperator, apply: Apply, residual: np.ndarray) -> None:
        self._operator, self._apply = operator, apply
        self.step = np.zeros_like(residual)
        self.residual = np.array(residual, order="C")
        self._direction = np.array(apply(self.residual), order="C")
        self._energy = _dots(self.residual, self._direction)
        self._check_preconditioner()

    def advance(self) -> np.ndarray:
        """Do one iteration; return which columns have moved."""
        direction = self._direction
        image = np.ascontiguousarray(self._operator.times(direction))
        curvature = _dots(direction, image)
        self._check_matrix(curvature)
        length = _ratio(self._energy, curvature)
        _scale(image, length)
        self.residual -= image
        np.copyto(image, direction)
        _scale(image, length)
        self.step += image
        correction = self._apply(self.residual)
        previous, self._energy = self._energy, _dots(self.residual, correction)
        self._check_preconditioner()
        _scale(direction, _ratio(self._energy, previous))
        direction += correction
        return length > 0

    def keep(self, columns: np.ndarray) -> None:
        """Go on with these columns only."""
        self._energy = self._energy[columns]
        for name in ("step", "residual", "_direction"):
            setattr(self, name, np.ascontiguousarray(getattr(self, name)[:, columns]))

    def _check_matrix(self, curvature: np.ndarray) -> None:
        if not np.isfinite(curvature).all():
            raise Breakdown("a product with the matrix is not finite")
        if np.all(curvature >= 0):
            return
        quotient = _ratio(curvature, _dots(self._direction, self._direction)).min()
        if quotient < -NEGATIVE * self._operator.eps * self._operator.norm:
            raise NotDefinite(
                f"the matrix is not positive definite: (p, A p) is {quotient:.1e} (p, p) for a "
                "search direction p"
            )

    def _check_preconditioner(self) -> None:
        if np.any(self._energy < 0) or not np.isfinite(self._energy).all():
            raise Breakdown("the preconditioner is not positive definite")


def _as_real(V: np.ndarray) -> np.ndarray:
    """Return a view with real and imaginary parts as columns of their own."""
    return V.view(np.float64) if np.iscomplexobj(V) else V


def _dots(U: np.ndarray, V: np.ndarray) -> np.ndarray:
    """Return the real parts of the inner products of corresponding columns."""
    sums = column_dots(*(_as_real(np.ascontiguousarray(W)) for W in (U, V)))
    return sums.reshape(-1, 2).sum(axis=1) if np.iscomplexobj(U) else sums


def _scale(V: np.ndarray, factors: np.ndarray) -> None:
    scale_columns(_as_real(V), np.repeat(factors, 2) if np.iscomplexobj(V) else factors)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide; zero where the denominator is not positive, which ends that column."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
