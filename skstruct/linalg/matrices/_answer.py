"""The answer to A x = b, with the evidence for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skstruct.linalg._certificate import Certificate
from skstruct.linalg._plan import Attempt


@dataclass(frozen=True, slots=True)
class CertifiedSolution:
    """The solution of A x = b for a matrix of known structure.

    Attributes
    ----------
    x : ndarray of shape (n,) or (n, k)
        The solution, of the shape of b.
    method : str
        The factorisation that it comes from.
    certificate : Certificate
        The largest backward error of a column, ||b - A x|| / (||A|| ||x|| + ||b||) in the maximum
        norm, measured after the solve: x solves exactly a system that differs from the given one
        by no more than this, relatively (Rigal and Gaches, 1967).
    refinements : int
        Steps of iterative refinement that were taken.
    attempts : tuple of Attempt
        What ran, in order; more than one if a faster method failed.
    """

    x: np.ndarray
    method: str
    certificate: Certificate
    refinements: int
    attempts: tuple[Attempt, ...]
