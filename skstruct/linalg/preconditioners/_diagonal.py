"""Scaling of columns, none, and what the user gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse.linalg import LinearOperator

from skstruct.linalg._regression import Ridge


class Jacobi:
    """M = diag(A'A + alpha P): columns are scaled to unit norm."""

    name = "jacobi"

    def bind(self, problem: Ridge) -> Callable[[np.ndarray], np.ndarray]:
        inverse = 1.0 / np.square(problem.scales)
        return lambda residual: inverse * residual


class Identity:
    """M = I."""

    name = "none"

    def bind(self, problem: Ridge) -> Callable[[np.ndarray], np.ndarray]:
        return np.copy


class GivenPreconditioner:
    """M^-1 as a callable or linear operator, the same for every penalty."""

    name = "given"

    def __init__(self, inverse: LinearOperator | Callable[[np.ndarray], np.ndarray]) -> None:
        self._inverse = inverse

    def bind(self, problem: Ridge) -> Callable[[np.ndarray], np.ndarray]:
        return application_of(self._inverse, np.float64)


def application_of(
    inverse: LinearOperator | Callable[[np.ndarray], np.ndarray], dtype: np.dtype
) -> Callable[[np.ndarray], np.ndarray]:
    """Return what applies a given M^-1 to arrays of shape (n, k), and checks what comes out."""
    apply = inverse
    if hasattr(apply, "matmat"):
        apply = apply.matmat
    elif hasattr(apply, "__matmul__"):
        apply = apply.__matmul__

    def checked(residual: np.ndarray) -> np.ndarray:
        out = np.array(apply(residual), dtype=dtype)
        if out.shape != residual.shape:
            raise ValueError(
                f"the preconditioner turned an array of shape {residual.shape} into {out.shape}; "
                "it must return one of the same shape"
            )
        return out

    return checked
