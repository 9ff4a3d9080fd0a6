"""Solving with a factorisation, refining, and measuring what was reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from skstruct.linalg._certificate import Certificate
from skstruct.linalg._plan import Attempt
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.matrices._answer import CertifiedSolution
from skstruct.linalg.matrices._factor import Factor
from skstruct.linalg.matrices._refinement import refine

QUANTITY = "backward error ||b - A x|| / (||A|| ||x|| + ||b||)"
REMEDY = "scale the rows and columns of A, or solve in double precision"
MAX_STEPS = 5
# The largest numbers of two columns of 10^6, stored by rows, take numpy 74 ms together and 3 ms one
# after the other; of 16 columns it is the same.
FEW = 8


def asked_of(order: int, dtype: np.dtype) -> float:
    """Return the backward error to which an answer is held."""
    return 10 * aim_of(order, dtype)


def aim_of(order: int, dtype: np.dtype) -> float:
    """Return the backward error below which nothing is refined."""
    return float(np.finfo(dtype).eps * np.sqrt(max(order, 1)))


def backward_error(residual: np.ndarray, x: np.ndarray, rhs: np.ndarray, norm: float) -> float:
    """Return the largest ||b - A x|| / (||A|| ||x|| + ||b||) of a column, in the maximum norm."""
    size = _largest(x) + (_largest(rhs) / norm if norm else 0)  # of large numbers: no overflow
    error = _largest(residual) / norm if norm else _largest(residual)
    with np.errstate(invalid="ignore"):
        ratios = np.where(error == 0, 0.0, error / np.where(size == 0, 1.0, size))
    return float(ratios.max(initial=0.0))


def refined(
    matmat: Callable[[np.ndarray], np.ndarray], factor: Factor, rhs: np.ndarray, norm: float
) -> tuple[np.ndarray, float, int]:
    """Return the solution, its backward error, and the steps of refinement.

    Parameters
    ----------
    matmat : callable
        A times columns.
    factor : Factor
        Of A.
    rhs : ndarray of shape (n, k)
        Of the type of A.
    norm : float
        The maximum norm of A.
    """

    def error_of(x: np.ndarray, residual: np.ndarray) -> float:
        return backward_error(residual, x, rhs, norm)

    def residual_of(x: np.ndarray) -> np.ndarray:
        return rhs - matmat(x)

    aim = aim_of(len(rhs), rhs.dtype)
    return refine(factor, factor.solve(rhs), residual_of, error_of, aim, MAX_STEPS)


def best_of(
    factors: Iterable[Factor],
    matmat: Callable[[np.ndarray], np.ndarray],
    rhs: np.ndarray,
    norm: float,
) -> tuple[CertifiedSolution, Factor]:
    """Return the first certified solution, else the best one, and the factor it comes from."""
    asked = asked_of(len(rhs), rhs.dtype)
    attempts, answers = [], []
    for factor in factors:
        try:
            x, error, steps = refined(matmat, factor, rhs, norm)
        except Breakdown as breakdown:
            attempts.append(Attempt(factor.name, f"broke down: {breakdown}"))
            continue
        answers.append((error, x, steps, factor))
        if error <= asked:
            attempts.append(Attempt(factor.name, "certified"))
            break
        attempts.append(Attempt(factor.name, f"not certified, {error:.1e}"))
    if not answers:
        raise np.linalg.LinAlgError(
            "no method could solve the system: "
            + "; ".join(f"{a.solver} {a.outcome}" for a in attempts)
        )
    error, x, steps, factor = min(
        answers, key=lambda found: np.inf if np.isnan(found[0]) else found[0]
    )
    certificate = Certificate(QUANTITY, error, asked, REMEDY)
    return CertifiedSolution(x, factor.name, certificate, steps, tuple(attempts)), factor


def nothing_to_solve(b: np.ndarray) -> CertifiedSolution:
    """Return the solution for an empty right-hand side, which is empty as well."""
    certificate = Certificate(QUANTITY, 0.0, asked_of(len(b), b.dtype))
    return CertifiedSolution(b, "nothing to do", certificate, 0, ())


def _largest(columns: np.ndarray) -> np.ndarray:
    if columns.shape[1] <= FEW:
        found = np.array([np.abs(column).max(initial=0.0) for column in columns.T])
    else:
        found = np.abs(columns).max(axis=0, initial=0.0)
    return found.astype(np.float64)
