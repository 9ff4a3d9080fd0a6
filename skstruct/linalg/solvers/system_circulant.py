"""A circulant matrix: the Fourier transform diagonalises it."""

from __future__ import annotations

import numpy as np
from scipy import fft

from skstruct.linalg._machine import Cost
from skstruct.linalg.systems import Factor, LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._costs import certificate_cost, fft_cost
from skstruct.linalg.systems._factor import slogdet_of
from skstruct.linalg.systems._singular import singular

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
    return answered(problem, CirculantFactor)


class CirculantFactor(Factor):
    """A = F^-1 diag(eigenvalues) F with the Fourier transform F."""

    def __init__(self, problem: LinearSystem) -> None:
        self._dtype = problem.matrix.dtype
        values = fft.fft(problem.matrix[:, 0])
        sizes = np.abs(values)
        least = int(np.argmin(sizes))
        if sizes[least] <= problem.structure.eps * sizes.max():
            raise singular(problem, f"its eigenvalue of frequency {least} is zero to rounding")
        self._values = values[:, None]

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return self._divide(rhs, self._values)

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        return self._divide(rhs, self._values.conj())

    def inverse_norm(self, n: int, dtype: np.dtype) -> float:
        unit = np.zeros((n, 1), dtype=dtype)
        unit[0] = 1.0  # all columns of a circulant matrix have the same norm
        return float(np.abs(self.solve(unit)).sum())

    def _divide(self, rhs: np.ndarray, values: np.ndarray) -> np.ndarray:
        x = fft.ifft(fft.fft(rhs, axis=0) / values, axis=0)
        return x if self._dtype.kind == "c" else np.ascontiguousarray(x.real)

    def slogdet(self) -> tuple[complex, float]:
        sign, log = slogdet_of(self._values)
        # Eigenvalues of a real matrix come in conjugate pairs.
        return (sign if self._dtype.kind == "c" else float(np.sign(sign.real))), log
