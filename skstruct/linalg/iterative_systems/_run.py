"""The iteration of a right-hand side: route after route, leg after leg, from true residuals.

A leg ends where the residual of its recurrence falls below half of what is asked. Then b - A x is
computed, and if that is too large another leg begins there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from skstruct.linalg._iterate import MARGIN, MAX_RESTARTS, MIN_GAIN
from skstruct.linalg._plan import Attempt
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.iterative_systems._facts import SystemFacts
from skstruct.linalg.iterative_systems._operator import Apply, SquareOperator
from skstruct.linalg.iterative_systems._routes import Route
from skstruct.linalg.iterative_systems._watch import Budget, RouteWatch
from skstruct.linalg.iterative_systems.methods import NotDefinite

# A cycle that gains less than this would be repeated to the same effect.
CYCLE_GAIN = 0.99

# Of a singular A an x that is large enough has a small backward error whatever it is: a residual
# beyond this share of b is never good enough.
LARGEST = 1e-3


@dataclass(frozen=True)
class Goal:
    """When a solution is good enough: either of two figures suffices.

    Attributes
    ----------
    tol : float
        Of ||b - A x|| / ||b||.
    rounding : float
        Of ||b - A x|| / (||A|| ||x|| + ||b||), the backward error. Where A is ill-conditioned no
        x in this precision may have a residual much smaller than that.
    norm : float
        ||A||, or less.
    """

    tol: float
    rounding: float
    norm: float

    def size(self, x: np.ndarray, rhs_norm: float) -> float:
        """Return how large the norm of the residual of x may be."""
        scale = self.norm * float(np.linalg.norm(x)) + rhs_norm
        return max(self.tol * rhs_norm, min(self.rounding * scale, LARGEST * rhs_norm))


class Makers:
    """The preconditioners of a matrix, each made once."""

    def __init__(self, operator: SquareOperator) -> None:
        self._operator = operator
        self._made: dict[str, Apply | Breakdown] = {}

    def __call__(self, route: Route) -> Apply:
        """Return what applies M^-1, or raise what making it raised."""
        M = route.preconditioner
        if M.name not in self._made:
            try:
                self._made[M.name] = M.make(self._operator)
            except Breakdown as breakdown:
                self._made[M.name] = breakdown
        made = self._made[M.name]
        if isinstance(made, Breakdown):
            raise made
        return made


class ColumnRun:
    """Iterates a right-hand side until x is good enough or nothing more can be done.

    Parameters
    ----------
    operator : SquareOperator
        A.
    facts : SystemFacts
        What is known of it.
    rhs, x : ndarray of shape (n, 1)
        The right-hand side, which is not zero, and where to begin.
    goal : Goal
        When it is good enough.
    budget : Budget
        Iterations, history, callback.
    make : callable
        Returns the preconditioner of a route.

    Attributes
    ----------
    x, residual : ndarray of shape (n, 1)
        The best so far, and b - A x.
    attempts : list of Attempt
        What ran, and what came of it.
    """

    def __init__(
        self,
        operator: SquareOperator,
        facts: SystemFacts,
        rhs: np.ndarray,
        x: np.ndarray,
        goal: Goal,
        budget: Budget,
        make: Callable[[Route], Apply],
    ) -> None:
        self._operator, self._facts, self._goal = operator, facts, goal
        self._budget, self._make = budget, make
        self._rhs, self.x = rhs, x
        self.residual = rhs - operator.times(x) if x.any() else rhs.copy()
        self._size = _norm(self.residual)
        self.attempts: list[Attempt] = []

    @property
    def is_good(self) -> bool:
        """Whether x is good enough."""
        return self._size <= self._goal.size(self.x, self._budget.scale)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do, or to do it with."""
        return self.is_good or self._budget.stopped or self._budget.remaining <= 0

    def follow(self, routes: Sequence[Route]) -> list[Route]:
        """Try the routes in order; return the last one that ran, and what is left to try.

        One that was given up comes again at the end, at the price that it then promised.

        Raises
        ------
        numpy.linalg.LinAlgError
            A was declared positive definite, and is not.
        """
        left, again, ran = list(routes), [], []
        tried, needless = set(), None
        while not self.is_over:
            waiting = [route for route in left if route.method != needless] or again
            if not waiting:
                break
            route = waiting[0]
            (again if waiting is again else left).remove(route)
            ran = [route]
            tried.add(route.preconditioner.name)
            others = (r.seconds for r in left if r.preconditioner.name not in tried)
            watch = self._watch(route, next(others, np.inf))
            if route.method == "cg":
                needless = "minres"  # where conjugate gradients are slow it is, too
            try:
                self._carry_out(route, watch)
            except NotDefinite as found:
                if self._facts.declared == "positive_definite":
                    raise np.linalg.LinAlgError(f"a was declared so, but {found}") from found
                self._note(route, str(found))
                needless = None
                left, again = (_without_conjugate_gradients(some) for some in (left, again))
            except Breakdown as breakdown:
                self._note(route, str(breakdown))
            if watch.is_slow:
                again.append(replace(route, seconds=watch.remaining_seconds))
                again.sort(key=lambda slow: slow.seconds)
        return [*ran, *left, *again]

    def _watch(self, route: Route, alternative: float) -> RouteWatch:
        return RouteWatch(
            self._budget,
            route.method,
            route.preconditioner.name,
            self._goal.size(self.x, self._budget.scale) / self._budget.scale,
            route.iterations,
            route.seconds_per_iteration,
            alternative,
        )

    def _carry_out(self, route: Route, watch: RouteWatch) -> None:
        """Do legs of a route as long as they gain."""
        apply, method = self._make(route), route.new_method()
        restarts = 0
        while not self.is_over and not watch.outcome and restarts <= MAX_RESTARTS:
            before, goal = self._size, self._goal.size(self.x, self._budget.scale)
            leg = method.leg(self._operator, apply, self.residual, MARGIN * goal, watch)
            self._accept(leg.step)
            if leg.is_cycle:
                watch.note(self._size / self._budget.scale)
            else:
                restarts += 1
            if not self._size <= (CYCLE_GAIN if leg.is_cycle else MIN_GAIN) * before:
                break
        reached = f"ended at a residual of {self._size / self._budget.scale:.1e}"
        self._note(route, "converged" if self.is_good else watch.outcome or reached)

    def _accept(self, step: np.ndarray) -> None:
        """Add a step if that reduces the residual."""
        with np.errstate(all="ignore"):
            x = self.x + step
            residual = self._rhs - self._operator.times(x)
            size = _norm(residual)
        if size < self._size:
            self.x, self.residual, self._size = x, residual, size

    def _note(self, route: Route, outcome: str) -> None:
        self.attempts.append(Attempt(route.name, outcome))


def _norm(column: np.ndarray) -> float:
    return float(np.linalg.norm(column[:, 0]))


def _without_conjugate_gradients(routes: Sequence[Route]) -> list[Route]:
    return [route for route in routes if route.method != "cg"]
