"""What the steps cost that all solvers of linear systems share."""

from __future__ import annotations

from skstruct.linalg._machine import NARROW_FACTOR, Cost
from skstruct.linalg.systems._problem import LinearSystem

# Solves for the estimate of the condition number: two or three steps of two, and one more.
CONDITION_SOLVES = 5


def substitution_cost(problem: LinearSystem, operations: float) -> Cost:
    """Cost of the solves with a factorisation that takes so many operations for each column."""
    s, k = problem.structure, problem.n_rhs
    factor = NARROW_FACTOR if k < 8 else 1.0
    once = Cost(blas3=operations * k * factor * s.arithmetic, memory=2.0 * s.item_bytes * s.n * k)
    # One column at a time reads the whole factor: half a number for each operation.
    return once + Cost(traffic=CONDITION_SOLVES * operations / 2.0 * s.item_bytes)


def certificate_cost(problem: LinearSystem) -> Cost:
    """Cost of the norm of the matrix and of one residual."""
    return Cost(traffic=2.0 * problem.structure.stored_bytes, passes=2)
