"""What a factorisation of a matrix offers, and what it raises where there is none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Self

import numpy as np

from skstruct.linalg._condition import estimated_one_norm
from skstruct.linalg._solution import Breakdown


class SingularMatrixError(np.linalg.LinAlgError):
    """A matrix is exactly singular; the message names what is zero."""


class MinorNotPositive(Breakdown):
    """A matrix that was factorised as a positive definite one is not.

    Parameters
    ----------
    order : int
        Of the leading minor that is not positive.
    """

    def __init__(self, order: int) -> None:
        super().__init__(f"the leading minor of order {order} is not positive")
        self.order = order


class Factor(ABC):
    """A factorisation of a square matrix A, good for any number of right-hand sides.

    It raises :class:`~skstruct.linalg._solution.Breakdown` if it does not serve for A, and
    :class:`SingularMatrixError` if nothing would.

    Attributes
    ----------
    name : str
        What users call it.
    has_determinant : bool
        Whether it tells the determinant of A.
    has_exact_determinant : bool
        Whether that is right to rounding however ill-conditioned A is.
    proves : frozenset of str
        What is known of A because the factorisation exists.
    max_refinements : int
        Steps of iterative refinement that may be needed.
    goal : float
        Backward error, in units of eps sqrt(n), above which the answer is refined. A tenth, as
        ||A||_F may exceed ||A||_2 by sqrt(n): LU has a hundredth and less.
    """

    name: ClassVar[str]
    has_determinant: ClassVar[bool] = True
    has_exact_determinant: ClassVar[bool] = False
    proves: ClassVar[frozenset[str]] = frozenset()
    max_refinements: ClassVar[int] = 2
    goal: ClassVar[float] = 0.1

    @classmethod
    def of(cls, matrix: object) -> Self:
        """Return the factorisation of a matrix of declared structure."""
        return cls(matrix)

    @abstractmethod
    def solve(self, rhs: np.ndarray) -> np.ndarray:
        """Return A^-1 B for B of shape (n, k) and of the type of A."""

    @abstractmethod
    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        """Return A^-H B for B of shape (n, k) and of the type of A."""

    @abstractmethod
    def slogdet(self) -> tuple[float | complex, float]:
        """Return the sign of det A (a complex number of modulus 1) and log |det A|."""

    def inverse_norm(self, n: int, dtype: np.dtype) -> float:
        """Return ||A^-1||_1 or an estimate from below, for a matrix of order n."""
        return estimated_one_norm(self.solve, self.solve_adjoint, n, dtype)
