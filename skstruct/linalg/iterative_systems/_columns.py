"""All right-hand sides of a system, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from skstruct.linalg._plan import Attempt
from skstruct.linalg._threads import parallel_region
from skstruct.linalg.iterative_systems._facts import SystemFacts
from skstruct.linalg.iterative_systems._operator import SquareOperator
from skstruct.linalg.iterative_systems._routes import Route
from skstruct.linalg.iterative_systems._run import ColumnRun, Goal, Makers
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
    make, routes = Makers(operator), list(routes)
    histories: list[list[float]] = [[] for _ in norms]
    attempts: list[Attempt] = []
    stopped = False
    max_iter = DEFAULT_MAX_ITER if max_iter is None else max_iter
    with parallel_region():
        for j in np.flatnonzero(norms > 0).tolist():
            one = [j]  # keeps two dimensions
            budget = Budget(max_iter, j, float(norms[j]), callback)
            run = ColumnRun(operator, facts, rhs[:, one], x[:, one], goal, budget, make)
            routes = run.follow(routes)  # what is slow for one is for another
            x[:, one], histories[j] = run.x, budget.history
            attempts += run.attempts
            stopped = budget.stopped
            if stopped:
                break
    n_iter = np.array([len(history) for history in histories], dtype=np.int64)
    residuals = np.full((n_iter.max(initial=0), len(n_iter)), np.nan)
    for j, history in enumerate(histories):
        residuals[: n_iter[j], j] = history
    with np.errstate(over="ignore"):
        x *= scales
    return Iterated(x, n_iter, residuals, routes[0], tuple(dict.fromkeys(attempts)), stopped)
