"""What methods of iteration have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse.linalg import LinearOperator

from skstruct.linalg._machine import Cost
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.iterative_systems._facts import SystemFacts
from skstruct.linalg.iterative_systems._operator import Apply, SquareOperator
from skstruct.linalg.iterative_systems.preconditioners import Preconditioner

# Where a recurrence has no residual, the true one is measured once in so many iterations: that
# takes 5 % of the time of a method with two products an iteration, 10 % with one.
MEASURE_EVERY = 10


@dataclass(frozen=True)
class Leg:
    """What a leg of an iteration arrived at.

    Attributes
    ----------
    step : ndarray of shape (n, 1)
        What is to be added to x.
    is_cycle : bool
        Whether it ended because its basis was full, not because it was at its goal or end.
    """

    step: np.ndarray
    is_cycle: bool = False


class Watch(Protocol):
    """Is told of every iteration, and says when to stop."""

    remaining: int
    """Iterations that are left."""

    def __call__(self, size: float = np.nan) -> bool:
        """Note an iteration and the norm of its residual, if known; return whether to stop."""


class Method(Protocol):
    """What the planner and the loop need to know of a method."""

    name: str
    products: int

    def obstacle(self, facts: SystemFacts, preconditioner: Preconditioner) -> str | None:
        """Return why it cannot be used, or None."""

    def work(self, facts: SystemFacts) -> Cost:
        """Return what an iteration takes besides products."""

    def leg(
        self,
        operator: SquareOperator,
        apply: Apply,
        residual: np.ndarray,
        goal: float,
        watch: Watch,
    ) -> Leg:
        """Iterate from zero."""


class NotDefinite(Breakdown):
    """A method for positive definite matrices has found that this one is not."""


class Stopped(Exception):
    """Leaves a routine of scipy from within its callback."""


class Measured:
    """A callback for routines of scipy that tell x, not its residual: keeps the best x.

    Parameters
    ----------
    residual : callable
        Returns b - A x, for b of unit norm.
    scale : float
        What the norm of b was.
    goal : float
        The norm of a residual, times `scale`, at which to stop.
    watch : Watch
        Is told of every iteration.

    Attributes
    ----------
    best : ndarray or None
        The x with the smallest residual that was measured; None if no x was better than zero.
    """

    def __init__(
        self, residual: Callable[[np.ndarray], np.ndarray], scale: float, goal: float, watch: Watch
    ) -> None:
        self._residual, self._scale, self._goal, self._watch = residual, scale, goal, watch
        self._count, self._smallest = 0, 1.0
        self.best: np.ndarray | None = None

    def __call__(self, x: np.ndarray) -> None:
        """Note an iteration; raise Stopped where it is the last one."""
        self._count += 1
        if self._count % MEASURE_EVERY and self._watch.remaining > 1:
            stop = self._watch()
        else:
            size = self._scale * self.measure(x)
            stop = self._watch(size) or not self._goal < size < np.inf
        if stop:
            raise Stopped

    def measure(self, x: np.ndarray) -> float:
        """Return the norm of the residual of x, and keep x if it is the best."""
        size = float(np.linalg.norm(self._residual(x)))
        if size < self._smallest:
            self.best, self._smallest = x.copy(), size
        return size


def as_scipy(operator: SquareOperator, times: Callable[[np.ndarray], np.ndarray]) -> LinearOperator:
    """Return an operator for scipy from products with arrays of shape (n, 1)."""
    return LinearOperator(
        (operator.n, operator.n),
        matvec=lambda v: times(v.reshape(-1, 1))[:, 0],
        dtype=operator.dtype,
    )


def of_unit_norm(operator: SquareOperator, apply: Apply) -> tuple[Apply, Apply]:
    """Return what multiplies by A / s and by s M^-1, for `operator.scale` s.

    Routines of scipy compare with absolute numbers, such as a rounding unit. Of a system with
    these matrices and the same right-hand side s x is the solution.
    """
    scale = operator.scale
    return (lambda V: operator.times(V) / scale), (lambda V: scale * apply(V))
