"""The iteration of a few right-hand sides: route after route, leg after leg, from true residuals.

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

    def size(self, x: np.ndarray, rhs_norms: np.ndarray) -> np.ndarray:
        """Return how large the residuals of the columns of x may be."""
        scale = self.norm * np.linalg.norm(x, axis=0) + rhs_norms
        as_direct = np.minimum(self.rounding * scale, LARGEST * rhs_norms)
        return np.maximum(self.tol * rhs_norms, as_direct)

    def is_met(self, x: np.ndarray, residual: np.ndarray, rhs_norms: np.ndarray) -> np.ndarray:
        """Whether the columns of x are good enough."""
        return np.linalg.norm(residual, axis=0) <= self.size(x, rhs_norms)


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


class GroupRun:
    """Iterates some columns until each is good enough or nothing more can be done.

    Parameters
    ----------
    operator : SquareOperator
        A.
    facts : SystemFacts
        What is known of it.
    rhs, x : ndarray of shape (n, c)
        Right-hand sides, none of them zero, and where to begin.
    goal : Goal
        When it is good enough.
    budget : Budget
        Iterations, history, callback.
    make : callable
        Returns the preconditioner of a route.

    Attributes
    ----------
    x, residual : ndarray of shape (n, c)
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
        self.attempts: list[Attempt] = []

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do, or to do it with."""
        budget = self._budget
        return bool(self._met().all()) or budget.stopped or budget.remaining <= 0

    def follow(self, routes: Sequence[Route]) -> tuple[list[Route], np.ndarray]:
        """Try the routes in order.

        One that was given up comes again at the end, at the price that it then promised.

        Returns
        -------
        routes : list of Route
            The last one that ran, and what is left to try; or, where that takes fewer columns at
            a time, only what is left.
        unfinished : ndarray
            In the latter case, which columns are to be iterated with it.

        Raises
        ------
        numpy.linalg.LinAlgError
            A was declared positive definite, and is not.
        """
        left, again, tried, ran = list(routes), [], set(), []
        while (left or again) and not self.is_over:
            left = left or [again.pop(0)]
            if left[0].at_a_time < self.x.shape[1]:
                return [*left, *again], np.flatnonzero(~self._met())
            route = left.pop(0)
            ran = [route]
            tried.add(route.preconditioner.name)
            others = (r.seconds for r in left if r.preconditioner.name not in tried)
            watch = self._watch(route, next(others, np.inf))
            # Where conjugate gradients are slow MINRES with the same M is, too.
            unwanted = "minres" if route.method == "cg" else None
            try:
                self._carry_out(route, watch)
            except NotDefinite as found:
                if self._facts.declared == "positive_definite":
                    raise np.linalg.LinAlgError(f"a was declared so, but {found}") from found
                self._note(route, str(found))
                unwanted = "cg"
            except Breakdown as breakdown:
                self._note(route, str(breakdown))
            if watch.is_slow:
                again.append(replace(route, seconds=watch.remaining_seconds))
                again.sort(key=lambda slow: slow.seconds)
            left, again = (
                [other for other in some if other.method != unwanted] for some in (left, again)
            )
        return [*ran, *left, *again], np.arange(0)

    def _watch(self, route: Route, alternative: float) -> RouteWatch:
        goal = self._goal.size(self.x, self._budget.scale) / self._budget.scale
        return RouteWatch(
            self._budget,
            route.method,
            route.preconditioner.name,
            float(goal.min()),
            route.seconds_per_iteration,
            alternative,
        )

    def _carry_out(self, route: Route, watch: RouteWatch) -> None:
        """Do legs of a route as long as they gain."""
        apply, method = self._make(route), route.new_method()
        restarts = 0
        while not self.is_over and not watch.outcome and restarts <= MAX_RESTARTS:
            active = np.flatnonzero(~self._met())
            watch.begin_leg(active)
            before = np.linalg.norm(self.residual[:, active], axis=0)
            size = self._goal.size(self.x[:, active], self._budget.scale[active])
            leg = method.leg(self._operator, apply, self.residual[:, active], MARGIN * size, watch)
            after = self._accept(active, leg.step)
            if leg.is_cycle:
                watch.note(float((after / self._budget.scale[active]).max()))
            else:
                restarts += 1
            wanted = CYCLE_GAIN if leg.is_cycle else MIN_GAIN
            if not (after <= wanted * before).any():
                break
        done = bool(self._met().all())
        reached = np.max(np.linalg.norm(self.residual, axis=0) / self._budget.scale)
        self._note(
            route, "converged" if done else watch.outcome or f"ended at a residual of {reached:.1e}"
        )

    def _accept(self, active: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Add a step to the columns that it improves; return the norms of their residuals."""
        x = self.x[:, active] + step
        with np.errstate(all="ignore"):
            residual = self._rhs[:, active] - self._operator.times(x)
            sizes = np.linalg.norm(residual, axis=0)
        before = np.linalg.norm(self.residual[:, active], axis=0)
        better = sizes < before
        self.x[:, active[better]] = x[:, better]
        self.residual[:, active[better]] = residual[:, better]
        return np.where(better, sizes, before)

    def _met(self) -> np.ndarray:
        return self._goal.is_met(self.x, self.residual, self._budget.scale)

    def _note(self, route: Route, outcome: str) -> None:
        self.attempts.append(Attempt(route.name, outcome))
