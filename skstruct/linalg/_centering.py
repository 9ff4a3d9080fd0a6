"""Centring while the mean is not known yet: subtract something close to it, correct afterwards.

With any shift s near the mean m, and d = m - s known from the same pass,

    sum of w (x - m)(x - m)' = sum of w (x - s)(x - s)' - W d d',

which loses no digits as long as W d_j^2 is not much larger than what remains of column j.
"""

from __future__ import annotations

import numpy as np

# Rows from which the provisional mean is taken, evenly over the data: its error is then a sixth
# of a standard deviation, and the correction a thirtieth of the sum.
SAMPLE_ROWS = 32

# The correction may exceed what remains by this factor, two digits, before the pass is repeated
# about the mean it has found. That takes data whose sampled rows are unlike the others.
MAX_CANCELLATION = 100.0


def provisional_mean(rows: np.ndarray) -> np.ndarray:
    """Return the mean of a few rows; exactly the constant where they are constant.

    Relative to the first row, so that a sum of large offsets loses nothing.
    """
    first = rows[0].astype(np.float64)
    return first + (rows - first).mean(axis=0)


def sample_of_rows(X: np.ndarray) -> np.ndarray:
    """Return a few rows, evenly over all of them."""
    return X[:: max(1, len(X) // SAMPLE_ROWS)][:SAMPLE_ROWS]


def keeps_digits(correction: np.ndarray, corrected: np.ndarray) -> bool:
    """Whether `corrected`, the sums of squares about the mean, lost no more than two digits.

    `correction` is what was subtracted from the sums about the provisional mean.
    """
    return bool(np.all(correction <= MAX_CANCELLATION * corrected))
