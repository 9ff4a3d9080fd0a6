"""What a factorisation of a matrix offers, and the error of a matrix that has none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np


class SingularMatrixError(np.linalg.LinAlgError):
    """A matrix is exactly singular; the message names what is zero."""


class Factor(ABC):
    """A factorisation of a square matrix A: one route to the solution of A x = b.

    It is made from the matrix and raises :class:`~skstruct.linalg._solution.Breakdown` if it does
    not serve for it, and :class:`SingularMatrixError` if nothing would.
    """

    name: ClassVar[str]
    has_determinant: ClassVar[bool] = True
    # whether the determinant is right to rounding however ill-conditioned A is
    has_exact_determinant: ClassVar[bool] = False

    @abstractmethod
    def solve(self, rhs: np.ndarray) -> np.ndarray:
        """Return A^-1 rhs, for columns of the type of A."""

    @abstractmethod
    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        """Return A^-H rhs, for columns of the type of A."""

    @abstractmethod
    def slogdet(self) -> tuple[float | complex, float]:
        """Return the sign and the logarithm of the magnitude of the determinant of A."""
