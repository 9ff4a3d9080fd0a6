"""What can be asked of an operand: the ridge regressions of all penalties at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from skstruct.linalg._certificate import Certificate
from skstruct.linalg._operand import Operand
from skstruct.linalg._refine import refine
from skstruct.linalg._regression import Ridge, RidgeCoefficients
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._spectrum import Spectrum
from skstruct.linalg._standard_form import StandardForm
from skstruct.linalg._structure import Structure

# Eigenvalues of a Gram matrix are off by some eps times the largest, hence filter factors by that
# over the smallest penalty: by less than 1e-8 where it is this share of the largest eigenvalue.
GRAM_RESOLUTION = 2.5e-8


@dataclass(frozen=True)
class RidgePath:
    """The Spectrum that serves all penalties.

    Parameters
    ----------
    structure : Structure
        The facts known of the operand.
    form : StandardForm or None
        The matrix and the targets with the penalty ||w||^2; None in a problem that is only planned.
    alphas : ndarray of shape (m,) or None
        Penalties; None for those that the route resolves.
    n_targets : int
        Number of targets.
    tol : float
        Gradient asked for at the smallest penalty, in the norm of :meth:`Ridge.certify`.
    """

    structure: Structure
    form: StandardForm | None = None
    alphas: np.ndarray | None = None
    n_targets: int = 1
    tol: float = 1e-8

    kind: ClassVar[str] = "ridge_path"
    preferred: ClassVar[tuple[str, ...]] = ()

    @property
    def operand(self) -> Operand:
        """The matrix A."""
        return self.form.operand

    @property
    def targets(self) -> np.ndarray:
        """The targets y."""
        return self.form.targets

    def rank_of(self, values: np.ndarray, cutoff: float) -> int:
        """Return how many of descending values are above a share of the largest.

        Not more than the rank can be: directions that are fitted without a penalty were projected
        out, and rounding errors of them must not be counted again.
        """
        found = int(np.count_nonzero(values > cutoff * values.max(initial=0.0)))
        most = min(self.operand.n_observations - self.form.n_fixed, self.operand.shape[1])
        return max(min(found, most), 0)

    def check_resolution(self, largest: float) -> None:
        """Raise Breakdown if a Gram matrix does not resolve the smallest penalty."""
        if self.alphas is not None and not np.min(self.alphas) >= GRAM_RESOLUTION * largest:
            raise Breakdown(
                f"the smallest penalty is {np.min(self.alphas) / largest:.0e} of the largest "
                f"eigenvalue, a Gram matrix resolves {GRAM_RESOLUTION:.0e}"
            )

    def spectrum(
        self, sq_values: np.ndarray, projections: np.ndarray, **vectors: object
    ) -> Spectrum:
        """Return the Spectrum, given d^2, U'y, and V as `right` or U as `left`."""
        if "left" in vectors:
            inside = vectors["left"] @ projections
        else:
            inside = self.operand.matmat(vectors["right"] @ (projections / _roots(sq_values)))
        outside = self.targets - inside
        return Spectrum(
            sq_values,
            projections,
            np.einsum("ij,ij->j", outside, outside),
            self.operand.n_observations,
            self.form.n_fixed,
            **vectors,
        )

    def at(self, spectrum: Spectrum, alphas: np.ndarray) -> tuple[RidgeCoefficients, Ridge]:
        """Return coefficients refined on the data for a penalty of each target, and the problem."""
        problem = Ridge(self.operand.structure, self.operand, self.targets, alphas, tol=self.tol)
        start = spectrum.coefficients(self.operand, alphas)

        def solve(gradient: np.ndarray) -> np.ndarray:
            return spectrum.inverse(self.operand, gradient, alphas)

        edf = spectrum.degrees_of_freedom(alphas)
        return refine(problem, solve, start, edf=edf), problem

    def certify(self, spectrum: Spectrum) -> Certificate:
        """Measure the gradient at the smallest penalty."""
        smallest = GRAM_RESOLUTION * spectrum.sq_values.max(initial=0.0) or 1.0
        if self.alphas is not None:
            smallest = np.min(self.alphas)
        alphas = np.full(self.targets.shape[1], smallest)
        problem = Ridge(self.operand.structure, self.operand, self.targets, alphas, tol=self.tol)
        return problem.certify(RidgeCoefficients(spectrum.coefficients(self.operand, alphas)))

    def __str__(self) -> str:
        penalties = "all penalties" if self.alphas is None else f"{len(self.alphas)} penalties"
        targets = "1 target" if self.n_targets == 1 else f"{self.n_targets} targets"
        return f"ridge path of {penalties} and {targets} on a {self.structure}"


def _roots(sq_values: np.ndarray) -> np.ndarray:
    return np.sqrt(sq_values)[:, None]
