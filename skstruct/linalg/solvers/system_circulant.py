"""A circulant matrix: the Fourier transform diagonalises it."""

from __future__ import annotations

import numpy as np
from scipy import fft

from skstruct.linalg._machine import Cost
from skstruct.linalg.matrices._circulant import SpectralDivision
from skstruct.linalg.matrices._factor import SingularMatrixError
from skstruct.linalg.systems import LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._costs import certificate_cost, fft_cost

NAME = "circulant"
ROBUSTNESS = 1
ON_REQUEST = False


def applies(problem: LinearSystem) -> str | None:
    if not problem.structure.is_dense:
        return "it needs all entries of the matrix"
    if not problem.structure.has("circulant"):
        return "the matrix is not circulant"
    return None


def cost(problem: LinearSystem) -> Cost:
    n, k = problem.structure.n, problem.n_rhs
    return fft_cost(n, 1 + 2 * (k + 5)) + certificate_cost(problem)


def memory_use(problem: LinearSystem) -> str:
    return "the transforms"


def reason(problem: LinearSystem) -> str:
    return "each row is the one above it, rotated: the Fourier transform makes it diagonal"


def solve(problem: LinearSystem) -> SystemAnswer:
    return answered(problem, _factorised)


def _factorised(problem: LinearSystem) -> SpectralDivision:
    eigenvalues = fft.fft(problem.matrix[:, 0])
    sizes = np.abs(eigenvalues)
    least = int(np.argmin(sizes))
    if sizes[least] <= problem.structure.eps * sizes.max():
        raise SingularMatrixError(f"its eigenvalue of frequency {least} is zero to rounding")
    return SpectralDivision(eigenvalues, is_real=not problem.structure.is_complex)
