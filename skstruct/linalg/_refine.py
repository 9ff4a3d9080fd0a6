"""Iterative refinement of ridge coefficients with gradients measured on the data.

A factorisation of A'A + alpha I, however it was obtained, is only the preconditioner: what is
driven to zero is the gradient A'(A w - y) + alpha w computed from A itself. A route through
A'A, whose error is eps cond(A)^2, thereby reaches what the data allow.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skstruct.linalg._problems import Ridge, RidgeCoefficients
from skstruct.linalg._solution import Breakdown

# Relative gradient at which refinement stops: about 500 eps, what a backward stable solve of
# a few hundred columns leaves. One solve reaches it unless cond(A)^2 exceeds 1e3 or so.
TARGET = 1e-13
MAX_STEPS = 5
# A step must reduce the gradient at least this much to be followed by another.
MIN_GAIN = 0.5


def refine(
    problem: Ridge,
    solve: Callable[[np.ndarray], np.ndarray],
    coef: np.ndarray | None = None,
    **details: int,
) -> RidgeCoefficients:
    """Refine `coef` with steps ``-solve(gradient)`` as long as the gradient falls.

    Parameters
    ----------
    problem : Ridge
        The problem.
    solve : callable
        Applies (an approximation of) the inverse of A'A + alpha I to an array of shape (p, t).
    coef : ndarray of shape (p, t), optional
        Where to begin; by default at ``solve(A'y)``.
    **details : int
        Further fields of the answer.

    Returns
    -------
    RidgeCoefficients
        With the gradient at the coefficients returned.
    """
    if coef is None:
        coef = solve(problem.correlations)
    if not np.all(np.isfinite(coef)):
        raise Breakdown("the coefficients are not finite")
    gradient = problem.gradient(coef)
    size = problem.relative_size(gradient).max()
    n_iter = 1
    for _ in range(MAX_STEPS):
        if size <= TARGET:
            break
        stepped = coef - solve(gradient)
        n_iter += 1
        stepped_gradient = problem.gradient(stepped)
        stepped_size = problem.relative_size(stepped_gradient).max()
        if not stepped_size < size:
            break
        enough = stepped_size > MIN_GAIN * size
        coef, gradient, size = stepped, stepped_gradient, stepped_size
        if enough:
            break
    return RidgeCoefficients(coef, gradient, n_iter=n_iter, **details)


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
