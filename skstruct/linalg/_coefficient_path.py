"""Coefficients of every penalty, from factors that are kept after the data has gone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skstruct.linalg._spectrum import Spectrum
from skstruct.linalg._standard_form import StandardForm

# Numbers in the basis: 128 MB.
MAX_NUMBERS = 2**24


@dataclass(frozen=True)
class CoefficientPath:
    """w = basis diag(f / d) z + base.

    Attributes
    ----------
    basis : ndarray of shape (p, k)
        V, in terms of w.
    spectrum : Spectrum
        d and z; its vectors are not kept.
    base : ndarray of shape (p, t)
        What does not depend on the penalty.
    """

    basis: np.ndarray
    spectrum: Spectrum
    base: np.ndarray

    def __call__(self, alphas: np.ndarray) -> np.ndarray:
        """Return coefficients of shape (m, t, p)."""
        filters = self.spectrum.filters(alphas) / np.sqrt(self.spectrum.sq_values)[:, None]
        scores = filters.T[:, :, None] * self.spectrum.projections
        return (self.basis @ scores + self.base).transpose(0, 2, 1)


def coefficient_path(spectrum: Spectrum, form: StandardForm) -> CoefficientPath | None:
    """Return the path, or None if its basis would be large."""
    n_features = form.n_features
    if n_features * len(spectrum.sq_values) > MAX_NUMBERS:
        return None
    V = spectrum.right
    if V is None:
        V = form.operand.rmatmat(spectrum.left) / np.sqrt(spectrum.sq_values)
    basis, base = form.restore_parts(V)
    return CoefficientPath(basis, spectrum.without_vectors(), base)
