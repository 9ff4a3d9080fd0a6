"""Iteration of large sparse systems, and of those known by their products.

Which method with which preconditioner is decided in
:mod:`skstruct.linalg.iterative_systems`.
"""

from __future__ import annotations

import numpy as np

from skstruct.linalg._machine import Cost
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.iterative_systems._columns import iterate_columns
from skstruct.linalg.iterative_systems._facts import SystemFacts, facts_of
from skstruct.linalg.iterative_systems._operator import SquareOperator
from skstruct.linalg.iterative_systems._routes import Route, routes_for
from skstruct.linalg.iterative_systems._run import LARGEST, Goal
from skstruct.linalg.systems import LinearSystem, SystemAnswer
from skstruct.linalg.systems._costs import certificate_cost
from skstruct.linalg.systems._matrix import column_norms

NAME = "iterative"
ROBUSTNESS = 0
ON_REQUEST = False
BY_PRODUCTS = True

# A sparse matrix of a lower order has factors within a second (a grid of 21^3: 0.4 s).
LEAST_ORDER = 10_000
# An iteration may take longer than predicted, a factorisation does not.
UNCERTAINTY = 2.0
# Iteration ends at this share of the backward error that is asked: x may still be rounded.
SHARE = 0.5
# Norms of right-hand sides that are zero.
TINY = np.finfo(np.float64).tiny


def applies(problem: LinearSystem) -> str | None:
    s = problem.structure
    if problem.wants_factor:
        return "it makes no factorisation"
    if not s.is_sparse and not s.matrix_free:
        return "the entries are neither sparse nor unknown"
    if s.is_sparse and s.n < LEAST_ORDER:
        return f"an order of {s.n} is small enough for a factorisation"
    return None if _routes(_facts(problem), problem) else "its vectors exceed the memory limit"


def cost(problem: LinearSystem) -> Cost:
    route = _routes(_facts(problem), problem)[0]
    return route.cost.repeated(UNCERTAINTY) + certificate_cost(problem)


def memory_use(problem: LinearSystem) -> str:
    return "the preconditioner and a few vectors"


def reason(problem: LinearSystem) -> str:
    if problem.structure.matrix_free:
        return "the matrix is known by its products only"
    route = _routes(_facts(problem), problem)[0]
    return f"{route.name}: about {route.iterations:.0f} iterations are cheaper than factors"


def solve(problem: LinearSystem) -> SystemAnswer:
    operator = SquareOperator(problem.matrix)
    declared = next(iter(problem.structure.declared), None)
    facts = facts_of(operator, declared)
    goal = Goal(0.0, SHARE * problem.tol, operator.norm)
    rhs = problem.rhs.astype(operator.dtype, copy=False)
    found = iterate_columns(operator, facts, rhs, _routes(facts, problem), goal)
    x = found.x.astype(problem.structure.dtype)
    residual = problem.residual(x)
    error = problem.backward_error(x, residual)
    if not np.isfinite(error):
        raise Breakdown("the iteration diverges")
    left = float(np.max(column_norms(residual) / np.maximum(column_norms(problem.rhs), TINY)))
    if error <= problem.tol and left > LARGEST:
        # Of a singular matrix x grows until its backward error is small, whatever it is.
        raise Breakdown(f"the matrix seems singular: of b {left:.0%} remain and x is huge")
    return SystemAnswer(x, None, error, rcond=None)


def _facts(problem: LinearSystem) -> SystemFacts:
    """Return what is known without looking at the matrix."""
    s = problem.structure
    bandwidth = max(s.bandwidths or (0, 0))
    return SystemFacts(
        s.n,
        "sparse" if s.is_sparse else "products",
        is_real=not s.is_complex,
        nnz=s.n if s.nnz is None else s.nnz,
        self_adjoint=s.is_self_adjoint,
        positive=None if s.may_be_definite else False,
        factor_nnz=np.inf if s.factor_nnz is None else s.factor_nnz,
        levels=s.n / bandwidth if bandwidth else 0.0,
    )


def _routes(facts: SystemFacts, problem: LinearSystem) -> list[Route]:
    return routes_for(facts, problem.n_rhs)
