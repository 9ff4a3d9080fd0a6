"""From a factorisation to an answer: solve, measure, refine, estimate the condition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skstruct.linalg._condition import is_surely_regular, probe_column, reciprocal_condition
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._threads import threaded_blas
from skstruct.linalg.matrices._factor import Factor, MinorNotPositive, SingularMatrixError
from skstruct.linalg.matrices._refinement import refine
from skstruct.linalg.systems._matrix import one_norm
from skstruct.linalg.systems._singular import not_definite, singular

if TYPE_CHECKING:
    from skstruct.linalg.systems._problem import LinearSystem


@dataclass(frozen=True)
class SystemAnswer:
    """An answer to a :class:`LinearSystem`.

    Attributes
    ----------
    x : ndarray of shape (n, k)
        The solution X.
    factor : Factor or None
        The factorisation that gave it, if there is one.
    backward_error : float
        The largest ||b - A x|| / (||A|| ||x|| + ||b||) of the columns; see
        :meth:`LinearSystem.backward_error`.
    rcond : float or None
        Estimate of 1 / (||A|| ||A^-1||) in the 1-norm; None where a random vector has
        shown that it is above eps, or where there is no factorisation to tell.
    n_refinements : int
        Steps of iterative refinement.
    """

    x: np.ndarray
    factor: Factor | None
    backward_error: float
    rcond: float | None
    n_refinements: int = 0


def answered(
    problem: LinearSystem,
    build: Callable[[LinearSystem], Factor],
    rcond: float | None = None,
) -> SystemAnswer:
    """Factorise, solve, refine where needed, and estimate the condition number.

    Parameters
    ----------
    problem : LinearSystem
        The question.
    build : callable
        Returns the factorisation, or raises Breakdown, or LinAlgError where A is singular.
    rcond : float, optional
        The estimate, where it is known already.

    Raises
    ------
    Breakdown
        The factorisation overflows or is too inaccurate to refine from.
    """
    # what overflows is found by the backward error
    with threaded_blas(problem.structure.n), np.errstate(all="ignore"):
        factor = _built(problem, build)
        x, error, steps = refined(problem, factor)
        if rcond is None and not _is_surely_regular(problem, factor):
            rcond = estimated_rcond(problem, factor)
    return SystemAnswer(x, factor, error, rcond, steps)


def _built(problem: LinearSystem, build: Callable[[LinearSystem], Factor]) -> Factor:
    """Factorise; say of which matrix it is that a pivot is zero or a minor is not positive."""
    try:
        return build(problem)
    except SingularMatrixError as failure:
        raise singular(problem, str(failure)) from None
    except MinorNotPositive as failure:
        raise not_definite(problem, failure.order) from None


def estimated_rcond(problem: LinearSystem, factor: Factor) -> float:
    """Estimate 1 / (||A||_1 ||A^-1||_1), from above."""
    n = problem.structure.n
    if n == 0:
        return 1.0
    with np.errstate(all="ignore"):
        inverse_norm = factor.inverse_norm(n, np.dtype(problem.structure.dtype))
        return reciprocal_condition(one_norm(problem.matrix), inverse_norm)


def _is_surely_regular(problem: LinearSystem, factor: Factor) -> bool:
    probe = factor.solve(probe_column(problem.structure.n, problem.structure.dtype))
    return is_surely_regular(probe[:, 0], problem.norm, 2)


def refined(problem: LinearSystem, factor: Factor) -> tuple[np.ndarray, float, int]:
    """Return the solution, its backward error, and the number of refinement steps."""
    goal = factor.goal * problem.structure.eps * np.sqrt(max(problem.structure.n, 1))
    if problem.n_rhs == 0:
        return problem.rhs.copy(), 0.0, 0
    x = factor.solve(problem.rhs)
    if problem.has_many_rhs:
        error = problem.probed_error(x)
        if error <= goal:
            return x, error, 0
    x, error, steps = refine(
        factor, x, problem.residual, problem.backward_error, goal, factor.max_refinements
    )
    if not np.isfinite(error):
        raise Breakdown("the solution overflows")
    return x, error, steps
