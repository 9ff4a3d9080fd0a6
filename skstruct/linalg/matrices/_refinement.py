"""Iterative refinement with a factorisation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skstruct.linalg.matrices._factor import Factor

# A step that does not halve the error is the last: beyond that it is noise, or the factorisation is
# too far from A.
MIN_PROGRESS = 0.5


def refine(
    factor: Factor,
    x: np.ndarray,
    residual_of: Callable[[np.ndarray], np.ndarray],
    error_of: Callable[[np.ndarray, np.ndarray], float],
    goal: float,
    max_steps: int,
) -> tuple[np.ndarray, float, int]:
    """Return a better solution, its error, and the steps that were taken.

    Parameters
    ----------
    factor : Factor
        Of A.
    x : ndarray of shape (n, k)
        What it gave.
    residual_of : callable
        Returns B - A X.
    error_of : callable
        Returns the error of X, given X and its residual.
    goal : float
        The error below which nothing is refined.
    max_steps : int
        Bound on the steps.
    """
    residual = residual_of(x)
    error = error_of(x, residual)
    for step in range(max_steps):
        if error <= goal or not np.isfinite(error):
            return x, error, step
        closer = x + factor.solve(residual)
        residual = residual_of(closer)
        next_error = error_of(closer, residual)
        if not next_error < error:
            return x, error, step
        stalled = next_error > MIN_PROGRESS * error
        x, error = closer, next_error
        if stalled:
            return x, error, step + 1
    return x, error, max_steps
