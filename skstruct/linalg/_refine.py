"""Iterative refinement of ridge coefficients with residuals measured on the data.

A factorisation of A'A + alpha P, however it was obtained, is only the preconditioner: what is
driven to zero is the gradient A'(A w - y) + alpha P w computed from A itself. A route through
A'A, whose error is eps cond(A)^2, thereby reaches what the data allow.

The step H^-1 g that a gradient g proposes also measures the error: sqrt(g' H^-1 g), with
H = A'A + alpha P, is the distance of the fitted values (and of sqrt(alpha) L w) from the optimum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from skstruct.linalg._regression import Ridge, RidgeCoefficients
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._triangular import TriangularFactor

# Distance of the fitted values from the optimum, relative to ||y||, at which refinement stops.
# A solve whose H has a condition number of up to about 1e3 reaches it without a step.
TARGET = 1e-13
MAX_STEPS = 6
# A step must reduce the error at least this much to be followed by another.
MIN_GAIN = 0.5

Evidence = TypeVar("Evidence")


def iterate(
    x: np.ndarray, measure: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, Evidence]]
) -> tuple[np.ndarray, Evidence, int]:
    """Correct `x` as long as that reduces its error.

    Parameters
    ----------
    x : ndarray
        Where to begin.
    measure : callable
        Takes x; returns its relative errors, the step that would correct it, and evidence to
        keep.

    Returns
    -------
    tuple
        The best x, its evidence, and how many x were measured.
    """
    errors, step, evidence = measure(x)
    error, count = _largest(errors), 1
    while error > TARGET and count <= MAX_STEPS:
        corrected = x + step
        errors, step, new_evidence = measure(corrected)
        previous, count = error, count + 1
        error = _largest(errors)
        if not error < previous:
            break
        x, evidence = corrected, new_evidence
        if error > MIN_GAIN * previous:
            break
    return x, evidence, count


def refine(
    problem: Ridge,
    solve: Callable[[np.ndarray], np.ndarray],
    coef: np.ndarray | None = None,
    **details: object,
) -> RidgeCoefficients:
    """Refine coefficients with steps ``-solve(gradient)``.

    Parameters
    ----------
    problem : Ridge
        The problem.
    solve : callable
        Applies (an approximation of) the inverse of A'A + alpha P to an array of shape (p, t).
    coef : ndarray of shape (p, t), optional
        Where to begin; by default at ``solve(A'y)``.
    **details : object
        Further fields of the answer.

    Returns
    -------
    RidgeCoefficients
        With the gradient at the coefficients returned.
    """

    def measure(coef: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        gradient = problem.gradient(coef)
        step = -solve(gradient)
        return relative_errors(problem, -gradient, step), step, gradient

    start = solve(problem.correlations) if coef is None else coef
    coef, gradient, count = iterate(start, measure)
    return RidgeCoefficients(coef, gradient, n_iter=count, **details)


def describe(
    problem: Ridge, answer: RidgeCoefficients, factors: dict[float, TriangularFactor]
) -> RidgeCoefficients:
    """Add to an answer what the factors of A'A + alpha P, for each alpha, tell beyond it."""
    p = problem.structure.n_columns
    if not problem.with_edf:
        return answer
    if problem.alphas.any():
        # A'A = H - alpha P, so trace(H^-1 A'A) = p - alpha trace(P H^-1).
        edf = {
            alpha: p - alpha * problem.penalty.trace_with(factor.inverse_root)
            for alpha, factor in factors.items()
        }
        return replace(answer, edf=np.array([edf[alpha] for alpha in problem.alphas.tolist()]))
    (factor,) = factors.values()
    return replace(
        answer,
        edf=np.full(problem.n_targets, float(p)),
        rank=p,
        condition=factor.condition,
        inverse_diagonal=factor.inverse_diagonal(),
        root=factor.root,
    )


def relative_errors(problem: Ridge, residual: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return sqrt(residual' step) / ||y|| for each target."""
    norms = np.linalg.norm(problem.targets, axis=0)
    norms[norms == 0] = 1.0
    return np.sqrt(np.abs(np.einsum("ij,ij->j", residual, step))) / norms


def by_penalty(
    alphas: np.ndarray, factorize: Callable[[float], Callable[[np.ndarray], np.ndarray]]
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a solve for all targets from one factorisation per different penalty.

    Parameters
    ----------
    alphas : ndarray of shape (t,)
        Penalty of each target.
    factorize : callable
        Takes a penalty and returns the solve, for the columns of the targets that have it.
    """
    columns = {alpha: np.flatnonzero(alphas == alpha) for alpha in set(alphas.tolist())}
    solves = {alpha: factorize(alpha) for alpha in columns}

    def solve(rhs: np.ndarray) -> np.ndarray:
        out = np.empty_like(rhs)
        for alpha, index in columns.items():
            out[:, index] = solves[alpha](rhs[:, index])
        return out

    return solve


def _largest(errors: np.ndarray) -> float:
    largest = float(np.max(errors, initial=0.0))
    if not np.isfinite(largest):
        raise Breakdown("the coefficients are not finite")
    return largest
