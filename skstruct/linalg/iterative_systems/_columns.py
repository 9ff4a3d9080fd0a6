"""All right-hand sides of a system, group by group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from skstruct.linalg._plan import Attempt
from skstruct.linalg._threads import parallel_region
from skstruct.linalg.iterative_systems._facts import SystemFacts
from skstruct.linalg.iterative_systems._operator import SquareOperator
from skstruct.linalg.iterative_systems._routes import Route
from skstruct.linalg.iterative_systems._run import Goal, GroupRun, Makers
from skstruct.linalg.iterative_systems._watch import Budget, IterationState

# A grid of 1000^2 takes 3400 iterations of conjugate gradients with the diagonal.
DEFAULT_MAX_ITER = 10_000

# Of a scale: its inverse is still a normal number.
LARGEST_EXPONENT = 1020


@dataclass(frozen=True)
class Iterated:
    """Where the iteration of all columns arrived.

    Attributes
    ----------
    x : ndarray of shape (n, k)
        The solutions.
    n_iter : ndarray of shape (k,)
        Iterations of each column.
    residuals : ndarray of shape (m, k)
        Relative residuals after each iteration, as far as they are known.
    route : Route
        What found the last of them.
    attempts : tuple of Attempt
        What ran, and what came of it.
    stopped : bool
        Whether the callback said to stop.
    """

    x: np.ndarray
    n_iter: np.ndarray
    residuals: np.ndarray
    route: Route
    attempts: tuple[Attempt, ...]
    stopped: bool


def column_scales(V: np.ndarray) -> np.ndarray:
    """Return powers of two, division by which brings the columns to numbers with finite squares."""
    _, exponents = np.frexp(np.abs(V).max(axis=0, initial=0.0))
    return np.ldexp(1.0, np.clip(exponents, -LARGEST_EXPONENT, LARGEST_EXPONENT))


def iterate_columns(
    operator: SquareOperator,
    facts: SystemFacts,
    rhs: np.ndarray,
    routes: Sequence[Route],
    goal: Goal,
    *,
    start: np.ndarray | None = None,
    max_iter: int | None = None,
    callback: Callable[[IterationState], bool] | None = None,
) -> Iterated:
    """Iterate from `start`, by default zero, until every column is good enough.

    Parameters
    ----------
    operator : SquareOperator
        A.
    facts : SystemFacts
        What is known of it.
    rhs : ndarray of shape (n, k)
        B, of the operator's type.
    routes : sequence of Route
        What to try, in order.
    goal : Goal
        What is good enough.
    start : ndarray of shape (n, k), optional
        Where to begin.
    max_iter : int, optional
        Bound on the iterations of each column.
    callback : callable, optional
        Is given an :class:`IterationState` after each iteration; True stops.
    """
    scales = column_scales(rhs)
    rhs = rhs / scales
    x = np.zeros_like(rhs) if start is None else start / scales
    norms = np.linalg.norm(rhs, axis=0)
    x[:, norms == 0] = 0.0
    n_iter = np.zeros(rhs.shape[1], dtype=np.int64)
    histories: list[list[float]] = [[] for _ in n_iter]
    attempts: list[Attempt] = []
    make, routes, stopped = Makers(operator), list(routes), False
    max_iter = DEFAULT_MAX_ITER if max_iter is None else max_iter
    left = np.flatnonzero(norms > 0)
    with parallel_region():
        while len(left) and not stopped:
            group, left = np.split(left, [routes[0].at_a_time])
            budget = Budget(max_iter - int(n_iter[group].max()), group, norms[group], callback)
            run = GroupRun(operator, facts, rhs[:, group], x[:, group], goal, budget, make)
            routes, unfinished = run.follow(routes)  # what is slow for one is for another
            x[:, group], stopped = run.x, budget.stopped
            n_iter[group] += budget.n_iter
            for place, column in enumerate(group):
                histories[column] += [row[place] for row in budget.history]
            attempts += run.attempts
            left = np.concatenate([group[unfinished], left])
    residuals = np.full((n_iter.max(initial=0), len(n_iter)), np.nan)
    for column, history in enumerate(histories):
        residuals[: n_iter[column], column] = history[: n_iter[column]]
    with np.errstate(over="ignore"):
        x *= scales
    return Iterated(x, n_iter, residuals, routes[0], tuple(dict.fromkeys(attempts)), stopped)
