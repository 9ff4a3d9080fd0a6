"""Exact leave-one-out residuals for every penalty from one factorisation.

With h = sum_k U_ik^2 f_k, and the leverage of what is fitted without a penalty, the residual of an
observation that was left out is e = r / (1 - h).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from skstruct.linalg._operand import run_in_lanes, sum_in_lanes
from skstruct.linalg._spectrum import Spectrum
from skstruct.linalg._standard_form import StandardForm

# Numbers in a block of residuals, rows times penalties times targets: 2 MB.
BLOCK_NUMBERS = 2**18
# Leverage of what is fitted without a penalty from which an observation alone determines it.
FULL_LEVERAGE = 1.0 - 1e-10
# Rows of U at a time: their products with the filters of 50 penalties are matrix products.
BLOCK_ROWS = 512


def left_out_error(spectrum: Spectrum, form: StandardForm, alphas: np.ndarray) -> np.ndarray:
    """Return the weighted mean square of the leave-one-out residuals, of shape (m, t).

    Over the observations that have one.
    """
    shape = (len(alphas), spectrum.projections.shape[1])
    pass_over = _Pass(spectrum, form, alphas)

    def lane(blocks: list[slice]) -> np.ndarray:
        total = np.zeros(shape)
        for rows in blocks:
            for part, residuals, _ in pass_over.read(rows):
                defined = residuals[~np.isnan(residuals[:, 0, 0])]
                total[part] += np.einsum("ijk,ijk->jk", defined, defined)
        return total

    count = spectrum.n_observations - np.count_nonzero(pass_over.is_alone)
    return sum_in_lanes(lane, pass_over.blocks, shape) / count


def left_out_residuals(
    spectrum: Spectrum, form: StandardForm, alphas: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return what every observation tells of itself.

    Returns
    -------
    residuals : ndarray of shape (n, m, t)
        sqrt(weight) times y less the prediction of the fit without the observation; NaN where it
        alone determines a coefficient without a penalty.
    leverages : ndarray of shape (n, m)
        Diagonal of the matrix that turns weighted y into weighted fitted values.
    """
    n, t = form.targets.shape
    residuals, leverages = np.empty((n, len(alphas), t)), np.empty((n, len(alphas)))
    pass_over = _Pass(spectrum, form, alphas)

    def lane(blocks: list[slice]) -> None:
        for rows in blocks:
            for part, block, leverage in pass_over.read(rows):
                residuals[rows, part] = block
                leverages[rows, part] = leverage

    run_in_lanes(lane, pass_over.blocks)
    return residuals, leverages


class _Pass:
    """A pass over the rows of U.

    Residuals and 1 - h are summed from what each direction leaves, alpha / (d^2 + alpha), and what
    is outside of the range of A. As differences from y and 1 they would lose their digits where a
    small penalty lets the fit come close to the data.
    """

    def __init__(self, spectrum: Spectrum, form: StandardForm, alphas: np.ndarray) -> None:
        self._spectrum, self._form = spectrum, form
        self._left = spectrum.complements(alphas)
        self._fixed = np.square(form.fixed_directions()).sum(axis=1)
        self.is_alone = self._fixed > FULL_LEVERAGE
        self._spans_all = len(spectrum.sq_values) + spectrum.n_fixed >= spectrum.n_observations
        self.blocks = form.operand.dense_row_blocks(min_rows=BLOCK_ROWS)

    def read(self, rows: slice) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Yield penalties, left-out residuals and leverages, in blocks."""
        U, z = self._spectrum.left_rows(self._form.operand, rows), self._spectrum.projections
        squares = np.square(U)
        outside = self._form.targets[rows] - U @ z
        slack = 1.0 - self._fixed[rows] - squares.sum(axis=1)
        if self._spans_all:
            outside[:] = 0.0
            slack[self._fixed[rows] + squares.sum(axis=1) > 0.5] = 0.0
        k, t = z.shape
        step = max(1, BLOCK_NUMBERS // (len(U) * t))
        for start in range(0, self._left.shape[1], step):
            part = slice(start, min(start + step, self._left.shape[1]))
            left = self._left[:, part]
            scores = (left[:, :, None] * z[:, None]).reshape(k, left.shape[1] * t)
            residuals = outside[:, None] + (U @ scores).reshape(len(U), left.shape[1], t)
            without = slack[:, None] + squares @ left
            without[self.is_alone[rows]] = np.nan
            yield part, residuals / without[:, :, None], 1.0 - without
