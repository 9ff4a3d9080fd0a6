"""Choosing a penalty from the values of a criterion."""

from __future__ import annotations

import numpy as np

from skstruct.linalg._ridge_path import GRAM_RESOLUTION
from skstruct.linalg._spectrum import Spectrum

# Penalties of the automatic grid in a decade; the minimum between them is interpolated.
PER_DECADE = 10
# Its ends, as shares of the largest eigenvalue: above the first nothing but the mean is fitted,
# and below the second rounding errors of singular values are.
HIGHEST, LOWEST = 1e2, 1e-14


def automatic_grid(largest: float, *, lowest: float = GRAM_RESOLUTION) -> np.ndarray:
    """Return penalties, ascending, about an operator whose largest eigenvalue this is."""
    largest = largest if largest > 0 else 1.0
    count = round(PER_DECADE * np.log10(HIGHEST / lowest)) + 1
    return largest * np.geomspace(lowest, HIGHEST, count)


def grid_of(spectrum: Spectrum) -> np.ndarray:
    """Return the automatic grid as far down as the spectrum is accurate."""
    lowest = LOWEST if spectrum.resolution == 0.0 else GRAM_RESOLUTION
    return automatic_grid(spectrum.sq_values.max(initial=0.0), lowest=lowest)


def best_penalty(values: np.ndarray, *, inside: bool = False, last: bool = False) -> int:
    """Return the index of the smallest value, or the `last` of them; NaN counts as infinite.

    With `inside` only minima between two neighbours count, if there are any: criteria that vanish
    as the penalty goes to zero or infinity tell nothing there.
    """
    values = np.where(np.isnan(values), np.inf, values)
    if inside and len(values) > 2:
        middle = values[1:-1]
        is_minimum = (middle < values[:-2]) & (middle <= values[2:])
        if is_minimum.any():
            return int(np.where(is_minimum, middle, np.inf).argmin()) + 1
    return len(values) - 1 - int(values[::-1].argmin()) if last else int(values.argmin())


def interpolated_minimum(alphas: np.ndarray, values: np.ndarray, index: int) -> float:
    """Return where a parabola in log(alpha) through three neighbours has its minimum.

    The grid point itself at the ends and where the values are not finite.
    """
    if not 0 < index < len(alphas) - 1:
        return float(alphas[index])
    x, y = np.log(alphas[index - 1 : index + 2]), values[index - 1 : index + 2]
    if not np.all(np.isfinite(y)):
        return float(alphas[index])
    slopes = np.diff(y) / np.diff(x)
    bend = slopes[1] - slopes[0]
    if not bend > 0:
        return float(alphas[index])
    middle = (x[:-1] + x[1:]) / 2
    return float(np.exp(middle[0] - slopes[0] * (middle[1] - middle[0]) / bend))
