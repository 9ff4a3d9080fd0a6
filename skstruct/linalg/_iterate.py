"""What iterative solvers of a regression share: who is iterated, for how long, and when it is over.

Targets are iterated side by side, those that are done drop out. An iteration is over when the
gradient that its recurrence has falls below half of what is asked; then the gradient is measured on
the data, and if that is too large iteration starts anew from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from skstruct.linalg._config import get_config
from skstruct.linalg._conjugate_gradients import ConjugateGradients
from skstruct.linalg._costs import gradient_cost
from skstruct.linalg._iteration import Progress
from skstruct.linalg._path_start import order_of_path, start_on_path
from skstruct.linalg._regression import Ridge, RidgeCoefficients
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.preconditioners import Preconditioner, preconditioner, stronger

DEFAULT_MAX_ITER = 2000
# Half of what is asked: the measured gradient differs from the recurrence's.
MARGIN = 0.5
# Restarts from a measured gradient, each of which must reduce it at least so much.
MAX_RESTARTS = 5
MIN_GAIN = 0.5

# Targets that are iterated at a time. With TF-IDF (2 million entries, two threads) a pass takes
# 2.5 ms for one column, 20 for 8, 36 for 16: more of them only take more memory.
MAX_COLUMNS = 16

# After so many iterations the rate of the last half of them tells how many are to come. Blocks of
# columns cost as much as 50 iterations and save half of them.
CHECK_EVERY = 25
SLOW = 150
# Iteration gives up for the next solver of the plan if it is predicted to take so much longer.
PATIENCE_FACTOR = 2.0


class Method(Protocol):
    """An iteration: see :class:`ConjugateGradients`."""

    step: np.ndarray

    def advance(self) -> None:
        """Do one iteration."""

    def sizes(self) -> np.ndarray:
        """Return the gradients that the recurrence has, relative to those at w = 0."""

    def keep(self, columns: np.ndarray) -> None:
        """Go on with these targets only."""


MethodMaker = Callable[[Ridge, np.ndarray, np.ndarray, Preconditioner], Method]


def iterate(problem: Ridge, method: MethodMaker) -> RidgeCoefficients:
    """Return the coefficients at which a method of iteration arrives.

    Parameters
    ----------
    problem : Ridge
        The problem.
    method : callable
        Makes a :class:`Method` from a problem, coefficients, their gradient, and a preconditioner.
    """
    p, t = problem.structure.n_columns, problem.n_targets
    groups = list(_groups(problem))
    at_once = len(groups) == 1  # nothing is to be put together, nor held twice
    coef, gradient = (np.zeros((p, 0 if at_once else t)) for _ in range(2))
    solved = np.zeros(t, dtype=bool)
    n_iter = np.zeros(t, dtype=np.int64)
    sizes, stopped = [], False
    preconditioner_ = preconditioner(problem)
    for columns in groups:
        start = start_on_path(problem, columns, solved, coef, gradient)
        run = _Run(problem.only(columns), columns, method, preconditioner_, start)
        run.to_the_end()
        preconditioner_ = run.preconditioner  # what one group found slow another will, too
        if at_once:
            coef, gradient = run.coef, run.gradient
        else:
            coef[:, columns], gradient[:, columns] = run.coef, run.gradient
        n_iter[columns], solved[columns] = run.n_iter, True
        sizes.append((columns, run.history))
        stopped |= run.stopped
    return RidgeCoefficients(
        coef,
        gradient,
        n_iter=n_iter,
        history=_side_by_side(sizes, t),
        preconditioner=preconditioner_.name,
        stopped=stopped,
    )


@dataclass
class _Run:
    """The iteration of some targets."""

    problem: Ridge
    columns: np.ndarray
    method: MethodMaker
    preconditioner: Preconditioner
    start: np.ndarray | None
    coef: np.ndarray = field(init=False)
    gradient: np.ndarray = field(init=False)
    n_iter: np.ndarray = field(init=False)
    history: list[np.ndarray] = field(init=False, default_factory=list)
    stopped: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        shape = (self.problem.structure.n_columns, self.problem.n_targets)
        max_iter = self.problem.iteration.max_iter
        if self.start is None:
            self.coef, self.gradient = np.zeros(shape), -self.problem.correlations
        else:
            self.coef = self.start
            self.gradient = self.problem.gradient(self.coef)
        self.n_iter = np.zeros(shape[1], dtype=np.int64)
        self.budget = DEFAULT_MAX_ITER if max_iter is None else max_iter

    def to_the_end(self) -> None:
        """Iterate until the measured gradients are small enough or nothing more can be done."""
        problem = self.problem
        previous, restarts = np.full(len(self.columns), np.inf), 0
        while not self.stopped and len(self.history) < self.budget:
            errors = problem.errors(RidgeCoefficients(self.coef, self.gradient))
            reached = problem.relative_size(self.gradient)
            worth = (errors > problem.tol) & (reached <= MIN_GAIN * previous)
            if not worth.any() or restarts > MAX_RESTARTS:
                return
            # Backward errors may ask for less than the tolerance of the gradient.
            goal = MARGIN * np.minimum(problem.tol, MIN_GAIN * reached[worth])
            previous, restarts = reached, restarts + 1
            self.refines, before = restarts > 1, self.preconditioner
            self._leg(np.flatnonzero(worth), goal)
            if self.preconditioner is not before:  # given up early, not stalled
                previous, restarts = np.full(len(self.columns), np.inf), 0

    def _leg(self, active: np.ndarray, goal: np.ndarray) -> None:
        """Iterate some of the targets until their gradients seem to be as small as `goal`."""
        problem = self.problem.only(active)
        # A residual of which the gradient is a rounding error begins no bidiagonalisation.
        method = ConjugateGradients if self.refines else self.method
        state = method(problem, self.coef[:, active], self.gradient[:, active], self.preconditioner)
        leg: list[float] = []
        while len(active) and len(self.history) < self.budget and not self.stopped:
            state.advance()
            sizes = state.sizes()
            self._note(active, sizes)
            leg.append(sizes.max())
            self.stopped = self._asks_to_stop(active, sizes, state)
            done = sizes <= goal
            if done.any():
                self._settle(problem, state, active, done)
                active, goal = active[~done], goal[~done]
                problem = problem.only(np.flatnonzero(~done))
                state.keep(np.flatnonzero(~done))
            elif self._is_slow(leg):
                other = stronger(self.problem)
                if other is not None:
                    self.preconditioner = other
                    break
        if len(active):
            self._settle(problem, state, active, np.ones(len(active), dtype=bool))

    def _note(self, active: np.ndarray, sizes: np.ndarray) -> None:
        row = np.full(len(self.columns), np.nan)
        row[active] = sizes
        self.history.append(row)
        self.n_iter[active] += 1

    def _asks_to_stop(self, active: np.ndarray, sizes: np.ndarray, state: Method) -> bool:
        on_step = self.problem.iteration.on_step
        if on_step is None:
            return False
        present = Progress(
            len(self.history),
            self.columns[active],
            sizes,
            lambda: self.coef[:, active] + state.step,
        )
        return bool(on_step(present))

    def _settle(self, problem: Ridge, state: Method, active: np.ndarray, done: np.ndarray) -> None:
        """Take over the steps of some targets and measure their gradients.

        A leg that was to refine what another one found counts only where it did.
        """
        columns = active[done]
        coef = self.coef[:, columns] + state.step[:, done]
        if not np.all(np.isfinite(coef)):
            raise Breakdown("the coefficients are not finite")
        part = problem.only(np.flatnonzero(done))
        gradient = part.gradient(coef)
        if self.refines and not self.stopped:
            gained = part.relative_size(gradient) < part.relative_size(self.gradient[:, columns])
            columns, coef, gradient = columns[gained], coef[:, gained], gradient[:, gained]
        self.coef[:, columns], self.gradient[:, columns] = coef, gradient

    def _is_slow(self, leg: list[float]) -> bool:
        """Whether many iterations are to come; too many for patience are a breakdown."""
        if len(leg) % CHECK_EVERY:
            return False
        half = len(leg) // 2
        rate = (leg[-1] / leg[half - 1]) ** (1.0 / (len(leg) - half)) if leg[half - 1] else 0.0
        target = MARGIN * self.problem.tol / leg[-1] if leg[-1] else 1.0
        remaining = max(np.log(target) / np.log(rate), 0.0) if 0 < rate < 1 else np.inf
        if self.preconditioner.name == "jacobi" and remaining > SLOW:
            return True
        seconds = remaining * get_config().machine.seconds(gradient_cost(self.problem, 1))
        if not self.problem.iteration.is_final and (
            seconds > PATIENCE_FACTOR * self.problem.patience
        ):
            raise Breakdown(
                f"it would need {remaining:.0f} more iterations for a gradient of "
                f"{self.problem.tol:.0e}, now {leg[-1]:.0e}"
            )
        return False


def _groups(problem: Ridge) -> Iterator[np.ndarray]:
    """Yield the targets that are iterated together, in ascending order each."""
    t = problem.n_targets // problem.n_repeats
    for repeat in order_of_path(problem):
        alphas = problem.alphas[repeat * t : (repeat + 1) * t]
        # Equal penalties together: they converge together.
        order = np.argsort(alphas, kind="stable")
        for first in range(0, t, MAX_COLUMNS):
            yield repeat * t + np.sort(order[first : first + MAX_COLUMNS])


def _side_by_side(histories: list[tuple[np.ndarray, list[np.ndarray]]], t: int) -> np.ndarray:
    """Return the sizes of all targets, a column each; NaN where a target was not iterated."""
    longest = max((len(rows) for _, rows in histories), default=0)
    out = np.full((longest, t), np.nan)
    for columns, rows in histories:
        if rows:
            out[: len(rows), columns] = rows
    return out
