"""Factor: what every factorisation of a square matrix can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from skstruct.linalg._condition import estimated_one_norm


class Factor(ABC):
    """A factorisation of A, good for any number of right-hand sides.

    Attributes
    ----------
    proves : frozenset of str
        What is known of A because the factorisation exists.
    max_refinements : int
        Steps of iterative refinement that may be needed.
    goal : float
        Backward error, in units of eps sqrt(n), above which the answer is refined. A tenth, as
        ||A||_F may exceed ||A||_2 by sqrt(n): LU has a hundredth and less.
    """

    proves: ClassVar[frozenset[str]] = frozenset()
    max_refinements: ClassVar[int] = 2
    goal: ClassVar[float] = 0.1

    @abstractmethod
    def solve(self, rhs: np.ndarray) -> np.ndarray:
        """Return A^-1 B for B of shape (n, k)."""

    @abstractmethod
    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        """Return A^-H B for B of shape (n, k)."""

    @abstractmethod
    def slogdet(self) -> tuple[complex, float]:
        """Return the sign of det A (a complex number of modulus 1) and log |det A|."""

    def inverse_norm(self, n: int, dtype: np.dtype) -> float:
        """Return ||A^-1||_1 or an estimate from below, for a matrix of order n."""
        return estimated_one_norm(self.solve, self.solve_adjoint, n, dtype)


def slogdet_of(diagonal: np.ndarray, sign: complex = 1.0) -> tuple[complex, float]:
    """Return sign and logarithm of the product of these numbers, times `sign`."""
    sizes = np.abs(diagonal)
    if not np.all(sizes > 0):
        return 0.0 * sign, -np.inf
    phases = np.prod(diagonal / sizes) * sign
    return phases.item(), float(np.sum(np.log(sizes, dtype=np.float64)))


def permutation_sign(order: np.ndarray) -> float:
    """Return the determinant of a permutation matrix, given the order of its rows."""
    seen = np.zeros(len(order), dtype=bool)
    n_cycles = 0
    for start in range(len(order)):
        if not seen[start]:
            n_cycles += 1
            i = start
            while not seen[i]:
                seen[i] = True
                i = order[i]
    return -1.0 if (len(order) - n_cycles) % 2 else 1.0
