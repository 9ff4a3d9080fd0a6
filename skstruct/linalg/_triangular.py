"""A triangular factor of a symmetric positive definite matrix, and what follows from it."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy import linalg


class TriangularFactor:
    """H = D R'R D with a triangular R whose columns have unit norm, and a diagonal D.

    Parameters
    ----------
    triangle : ndarray of shape (p, p)
        R, or its transpose; zero in the other triangle.
    scale : ndarray of shape (p,)
        Diagonal of D.
    lower : bool
        Whether the transpose, in the lower triangle, was given.
    """

    def __init__(self, triangle: np.ndarray, scale: np.ndarray, *, lower: bool = False) -> None:
        self.triangle, self.lower = triangle, lower
        self.scale = scale[:, None]

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        """Return H^-1 rhs."""
        factor = (self.triangle, self.lower)
        return linalg.cho_solve(factor, rhs / self.scale, check_finite=False) / self.scale

    @property
    def root(self) -> np.ndarray:
        """R D, whose columns have the norms of H^(1/2)."""
        return (self.triangle.T if self.lower else self.triangle) * self.scale[:, 0]

    @cached_property
    def _inverse(self) -> np.ndarray | None:
        """R^-1; None where R is singular."""
        inverse, info = linalg.lapack.dtrtri(self.triangle, lower=self.lower)
        if info:
            return None
        return inverse.T if self.lower else inverse

    @property
    def inverse_root(self) -> np.ndarray:
        """K with H^-1 = K K'; zero where R is singular."""
        if self._inverse is None:
            return np.zeros_like(self.triangle)
        return self._inverse / self.scale

    def inverse_diagonal(self) -> np.ndarray:
        """Return the diagonal of H^-1, of shape (p,)."""
        root = self.inverse_root
        return np.einsum("ij,ij->i", root, root)

    @property
    def condition(self) -> float:
        """Condition number of R in the 1-norm."""
        if self._inverse is None:
            return np.inf
        R = self.triangle.T if self.lower else self.triangle
        with np.errstate(over="ignore"):
            return float(np.linalg.norm(R, 1) * np.linalg.norm(self._inverse, 1))
