"""Toeplitz systems by iteration, with the nearest circulant matrix as preconditioner.

The preconditioned matrices of well-behaved symbols have a few eigenvalues away from 1, whatever
their order, so that a few products do (Chan 1988; R. H. Chan and M. K. Ng, "Conjugate gradient
methods for Toeplitz systems", 1996).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy import fft

from skstruct.linalg._solution import Breakdown
from skstruct.linalg.matrices._circulant import convolved
from skstruct.linalg.matrices._factor import Factor
from skstruct.linalg.matrices._refined import aim_of

if TYPE_CHECKING:
    from skstruct.linalg.matrices._toeplitz import Toeplitz

# What takes more is not one of those symbols, and the recursion is the better choice; it does not
# wait for the end where the residual hardly falls.
MAX_ITERATIONS = 100
PATIENCE = 10


class _CirculantIteration(Factor):
    """Conjugate gradients for several right-hand sides at once."""

    has_determinant = False
    min_order: ClassVar[int]

    def __init__(self, matrix: Toeplitz) -> None:
        n = matrix.shape[0]
        if n < self.min_order:
            raise Breakdown(f"the order is less than {self.min_order}")
        self._matrix, self._is_real = matrix, not matrix._is_complex
        weights = np.arange(n, dtype=matrix.column.real.dtype) / n
        column = matrix.column.copy()
        column[1:] *= 1 - weights[1:]
        column[1:] += weights[1:] * matrix.row[:0:-1]
        self._inverse = 1 / self._checked(fft.fft(column))

    @abstractmethod
    def _checked(self, eigenvalues: np.ndarray) -> np.ndarray:
        """Return the eigenvalues of the circulant matrix if they serve."""

    @abstractmethod
    def _descent(self, residual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the direction of descent and its squared length."""

    @abstractmethod
    def _step(self, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the change of x along a direction, A times it, and the curvature."""

    def _preconditioned(self, X: np.ndarray, *, adjoint: bool = False) -> np.ndarray:
        inverse = self._inverse.conj() if adjoint else self._inverse
        return convolved(inverse, X, is_real=self._is_real)

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        norm, aim, bound = self._matrix._row_norm, aim_of(len(rhs), rhs.dtype), _largest(rhs)
        x, residual = np.zeros_like(rhs), rhs.copy()
        direction, energy = np.zeros_like(rhs), np.ones(rhs.shape[1])
        last = np.inf
        for iteration in range(MAX_ITERATIONS):
            size = _largest(residual)
            active = size > aim * (norm * _largest(x) + bound)
            if not active.any():
                return x
            if iteration % PATIENCE == 0:
                if not size[active].max() < 0.5 * last:
                    raise Breakdown(f"the residual hardly fell in {PATIENCE} iterations")
                last = size[active].max()
            descent, next_energy = self._descent(residual)
            direction = descent + direction * _ratio(next_energy, energy)
            energy = next_energy
            change, image, curvature = self._step(direction)
            if np.any(curvature[active] <= 0):
                raise Breakdown("the matrix is not positive definite")
            length = _ratio(energy, curvature)
            x += length * change
            residual -= length * image
        raise Breakdown(f"not converged after {MAX_ITERATIONS} iterations")

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        # a Toeplitz matrix is its transpose with rows and columns in reverse order
        return self.solve(rhs[::-1].conj())[::-1].conj()

    def slogdet(self) -> tuple[float | complex, float]:
        # without factors there is none to tell: by `has_determinant` another route is asked for it
        raise NotImplementedError


class CirculantCG(_CirculantIteration):
    """Conjugate gradients for a Hermitian positive definite matrix."""

    name = "circulant_cg"
    # With a kernel exp(-|i - j| / 50) and two right-hand sides the iteration takes 3 ms of order
    # 1000 and 5 of order 2000, the recursion 9 and 17; with a Gaussian kernel 7 and 13.
    min_order = 1000

    def _checked(self, eigenvalues: np.ndarray) -> np.ndarray:
        if not self._matrix.is_hermitian:
            raise Breakdown("the matrix is not Hermitian")
        if not eigenvalues.real.min() > 0:
            raise Breakdown("the nearest circulant matrix is not positive definite")
        return eigenvalues.real

    def _descent(self, residual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        descent = self._preconditioned(residual)
        return descent, _products(residual, descent)

    def _step(self, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        image = self._matrix.matmat(direction)
        return direction, image, _products(direction, image)


class CirculantCGLS(_CirculantIteration):
    """The same for the normal equations of A C^-1 z = b: for any matrix near a circulant C."""

    name = "circulant_cgls"
    # Two right-hand sides and three kernels of order 2000 take 13 to 25 ms, of order 5000 33 to 38;
    # the recursion 17 and 55.
    min_order = 4000

    def _checked(self, eigenvalues: np.ndarray) -> np.ndarray:
        if not np.abs(eigenvalues).min() > 0:
            raise Breakdown("the nearest circulant matrix is singular")
        return eigenvalues

    def _descent(self, residual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        descent = self._preconditioned(self._matrix.H.matmat(residual), adjoint=True)
        return descent, _products(descent, descent)

    def _step(self, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        change = self._preconditioned(direction)
        image = self._matrix.matmat(change)
        return change, image, _products(image, image)


def _largest(X: np.ndarray) -> np.ndarray:
    return np.abs(X).max(axis=0)


def _products(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->j", X.conj(), Y).real


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a / b, and zero for columns that are done: there 0 / 0."""
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)
