"""A = Q T Q^H with unitary Q and triangular T, of a matrix that is a factor of a larger one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg

Rotation = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Schur:
    """A = Q T Q^H.

    Attributes
    ----------
    triangle : ndarray of shape (n, n) or (n,)
        T, upper triangular; only its diagonal where A is normal, so that T is diagonal.
    rotate : callable
        Q^H times columns.
    rotate_back : callable
        Q times columns.
    """

    triangle: np.ndarray
    rotate: Rotation
    rotate_back: Rotation

    @property
    def eigenvalues(self) -> np.ndarray:
        """The diagonal of T."""
        return self.triangle if self.triangle.ndim == 1 else self.triangle.diagonal()

    @property
    def is_diagonal(self) -> bool:
        """Whether T is."""
        return self.triangle.ndim == 1


def schur_of(a: np.ndarray) -> Schur:
    """Return the Schur form of a square array."""
    if np.array_equal(a, a.conj().T):
        values, Q = linalg.eigh(a)
        return _with_basis(values, Q)
    T, Q = linalg.schur(a, output="complex")
    above = np.linalg.norm(np.triu(T, 1))
    is_normal = above <= 10 * np.finfo(a.dtype).eps * len(a) * np.linalg.norm(T)
    return _with_basis(T.diagonal() if is_normal else T, Q)


def _with_basis(triangle: np.ndarray, Q: np.ndarray) -> Schur:
    adjoint = Q.conj().T
    return Schur(triangle, lambda X: adjoint @ X, lambda X: Q @ X)
