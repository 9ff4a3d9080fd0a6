"""Counts the iterations of a run and says when to stop them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from skstruct.linalg._iterate import CHECK_EVERY, PATIENCE_FACTOR

# A route is judged when it has taken this share of the predicted time of the next one, and half of
# its own iterations: the residuals of grids fall ever faster (300^2: after 300 of 1030 iterations
# they foretell 2080 more, after 600 another 700).
SPENT_SHARE = 0.25
JUDGED_SHARE = 0.5
# Over so many iterations the smallest residual must fall by a tenth.
STALL_ITERATIONS = 500
STALL_GAIN = 0.9


@dataclass(frozen=True)
class IterationState:
    """Where an iteration stands.

    Attributes
    ----------
    column : int
        The right-hand side that is iterated.
    iteration : int
        Iterations done for it, of all methods together.
    residual : float
        ||b - A x|| / ||b||, as far as the recurrence tells; NaN in an iteration that has none.
    method, preconditioner : str
        What is running.
    """

    column: int
    iteration: int
    residual: float
    method: str
    preconditioner: str


@dataclass
class Budget:
    """What all routes of a right-hand side share.

    Attributes
    ----------
    max_iter : int
        Bound on the iterations.
    column : int
        Which right-hand side it is.
    scale : float
        Its norm.
    callback : callable or None
        Is given an :class:`IterationState` after each iteration; True stops.
    history : list of float
        Relative residuals after each iteration; NaN where they are not known.
    stopped : bool
        Whether the callback said to stop.
    """

    max_iter: int
    column: int
    scale: float
    callback: Callable[[IterationState], bool] | None = None
    history: list[float] = field(default_factory=list)
    stopped: bool = False

    @property
    def remaining(self) -> int:
        """Iterations that are left."""
        return self.max_iter - len(self.history)


class RouteWatch:
    """Watches one route: see :class:`~skstruct.linalg.iterative_systems.methods.Watch`.

    Parameters
    ----------
    budget : Budget
        What is left to all routes.
    method, preconditioner : str
        Their names.
    goal : float
        The relative residual at which it will end.
    iterations : float
        How many were predicted.
    seconds_per_iteration : float
        Predicted time of an iteration.
    alternative : float
        Predicted time of the next route; infinite if there is none.

    Attributes
    ----------
    is_slow : bool
        Whether it is to be given up for the next one.
    remaining_seconds : float
        What it would still take, then.
    outcome : str
        Why it is to be given up; empty as long as it is not.
    """

    def __init__(
        self,
        budget: Budget,
        method: str,
        preconditioner: str,
        goal: float,
        iterations: float,
        seconds_per_iteration: float,
        alternative: float,
    ) -> None:
        self._budget = budget
        self._names = method, preconditioner
        self._goal, self._once, self._alternative = goal, seconds_per_iteration, alternative
        self._expected = iterations
        self._sizes: list[tuple[int, float]] = []
        self._count = self._judged_at = self._marked_at = 0
        self._smallest = self._marked = np.inf
        self.is_slow, self.remaining_seconds = False, np.inf
        self.outcome = ""

    @property
    def remaining(self) -> int:
        """Iterations that are left."""
        return self._budget.remaining

    def __call__(self, size: float = np.nan) -> bool:
        """Note an iteration and the norm of its residual, if known; return whether to stop."""
        budget = self._budget
        self._count += 1
        relative = size / budget.scale
        budget.history.append(relative)
        if budget.callback is not None:
            state = IterationState(budget.column, len(budget.history), relative, *self._names)
            budget.stopped |= bool(budget.callback(state))
        if not math.isnan(relative):
            self.note(relative)
        return bool(self.outcome) or budget.stopped or self.remaining <= 0

    def note(self, size: float) -> None:
        """Note a relative residual, and judge the route by it."""
        self._sizes.append((self._count, size))
        self._smallest = min(self._smallest, size)
        if self._count - self._marked_at >= STALL_ITERATIONS:
            if self._smallest > STALL_GAIN * self._marked:
                self.outcome = f"stagnated at {self._smallest:.1e}"
            self._marked_at, self._marked = self._count, self._smallest
        if self._count - self._judged_at >= CHECK_EVERY:
            self._judged_at = self._count
            spent = self._count * self._once >= SPENT_SHARE * self._alternative
            if spent and self._count >= JUDGED_SHARE * self._expected:
                self._judge()

    def _judge(self) -> None:
        iterations = self._iterations_to_come()
        seconds = iterations * self._once
        if seconds > PATIENCE_FACTOR * self._alternative:
            self.is_slow, self.remaining_seconds = True, seconds
            many = "no end in sight" if np.isinf(iterations) else f"{iterations:.0f} more to come"
            self.outcome = f"given up after {self._count} iterations, {many}"

    def _iterations_to_come(self) -> float:
        """Extrapolate the rate of the second half of the iterations."""
        half = self._count / 2
        counts, sizes = np.array(self._sizes).T
        first = sizes[counts <= half]
        start, last = first.min() if len(first) else sizes[0], self._smallest
        if last <= self._goal:
            return 0.0
        rate = np.log(start / last) / half if start > last else 0.0
        return float(np.log(last / self._goal) / rate) if rate > 0 else np.inf
