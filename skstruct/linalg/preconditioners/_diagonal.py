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
        apply = self._inverse
        if hasattr(apply, "matmat"):
            apply = apply.matmat
        elif hasattr(apply, "__matmul__"):
            apply = apply.__matmul__
        shape = (problem.structure.n_columns, problem.n_targets)

        def checked(residual: np.ndarray) -> np.ndarray:
            out = np.array(apply(residual), dtype=np.float64)
            if out.shape != shape:
                raise ValueError(
                    f"the preconditioner turned an array of shape {shape} into {out.shape}; it "
                    "must return one of the same shape"
                )
            return out

        return checked
