"""Exact leave-one-out residuals for every penalty from one factorisation.

With h = sum_k U_ik^2 f_k, and the leverage of what is fitted without a penalty, the residual of an
observation that was left out is e = r / (1 - h).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from skstruct.linalg._operand import run_in_lanes, sum_in_lanes
from skstruct.linalg._spectrum import Spectrum
from skstruct.linalg._standard_form import StandardForm

# Numbers in a block of residuals, rows times penalties times targets: 0.5 MB, so that what follows
# the product finds them in the cache.
BLOCK_NUMBERS = 2**16
# Scores of all penalties and targets are kept up to so many numbers, 64 MB, for all blocks of rows.
KEPT_NUMBERS = 2**23
# Leverage of what is fitted without a penalty from which an observation alone determines it:
# rounding leaves 1 - h some eps where it does, and the residual is divided by that.
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
            for part, residuals, left in pass_over.read(rows):
                weights = 1.0 / np.square(left)
                squares = np.square(residuals, out=residuals)
                total[part] += np.einsum("ij,ijk->jk", weights, squares)
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
            for part, block, left in pass_over.read(rows):
                left_out = block / left[:, :, None]
                left_out[pass_over.is_alone[rows]] = np.nan
                residuals[rows, part] = left_out
                leverages[rows, part] = 1.0 - left

    run_in_lanes(lane, pass_over.blocks)
    return residuals, leverages


def left_out_at(
    spectrum: Spectrum, form: StandardForm, alphas: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return residuals and leverages as above, of shape (n, t), at a penalty of each target."""
    n, t = form.targets.shape
    residuals, leverages = np.empty((n, t)), np.empty((n, t))
    pass_over = _Pass(spectrum, form, alphas)
    scores = spectrum.complements(alphas) * spectrum.projections

    def lane(blocks: list[slice]) -> None:
        for rows in blocks:
            U, outside, left = pass_over.row_facts(rows)
            residuals[rows] = (outside + U @ scores) / left
            leverages[rows] = 1.0 - left

    run_in_lanes(lane, pass_over.blocks)
    residuals[pass_over.is_alone] = np.nan
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

    @cached_property
    def _scores(self) -> np.ndarray | None:
        """Those of all penalties, if they are to be kept."""
        m = self._left.shape[1]
        if self._spectrum.projections.size * m > KEPT_NUMBERS:
            return None
        return self._scores_of(slice(0, m))

    def row_facts(self, rows: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return U, the targets' part outside of A, and 1 - h for every penalty."""
        U, fixed = self._spectrum.left_rows(self._form.operand, rows), self._fixed[rows]
        squares = np.square(U)
        outside = self._form.targets[rows] - U @ self._spectrum.projections
        slack = 1.0 - fixed - squares.sum(axis=1)
        if self._spans_all:
            outside[:] = 0.0
            slack[slack < 0.5] = 0.0  # not of rows without weight
        left = slack[:, None] + squares @ self._left
        left[self.is_alone[rows]] = 1.0  # their residuals vanish
        return U, outside, left

    def read(self, rows: slice) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Yield penalties, residuals (rows, penalties, t), and 1 - h, (rows, penalties)."""
        U, outside, left = self.row_facts(rows)
        t = outside.shape[1]
        step = max(1, BLOCK_NUMBERS // (len(U) * t))
        for start in range(0, self._left.shape[1], step):
            part = slice(start, min(start + step, self._left.shape[1]))
            if self._scores is None:
                scores = self._scores_of(part)
            else:
                scores = self._scores[:, part.start * t : part.stop * t]
            residuals = (U @ scores).reshape(len(U), part.stop - part.start, t)
            residuals += outside[:, None]
            yield part, residuals, left[:, part]

    def _scores_of(self, part: slice) -> np.ndarray:
        """Return (1 - f) z for some penalties, of shape (k, penalties * t)."""
        left, z = self._left[:, part], self._spectrum.projections
        return (left[:, :, None] * z[:, None]).reshape(len(z), left.shape[1] * z.shape[1])
