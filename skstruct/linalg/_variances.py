"""Variances of the scores of data that was decomposed about the origin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skstruct.linalg._operand import Operand
from skstruct.linalg._problems import SingularTriplets
from skstruct.linalg._running import RunningSummary

# Mean squares less squared means keep this share of themselves, or are computed about the mean.
MIN_KEPT = 1e-4


def score_variances(
    triplets: SingularTriplets,
    data: Operand | RunningSummary,
    centered: Callable[[], Operand] | None,
) -> tuple[np.ndarray, float]:
    """Return the variances of the scores A V and the sum of those of the columns of A.

    Parameters
    ----------
    triplets : SingularTriplets
        Of the data about the origin, or about the mean.
    data : Operand or RunningSummary
        The data that was decomposed.
    centered : callable or None
        Returns the data about its mean, if it can still be read.
    """
    weight = data.total_weight
    squares = np.square(triplets.values) / weight
    total = data.sq_norm / weight
    mean = data.column_means() - data.mean  # zero if it was decomposed about the mean
    variances = squares - np.square(triplets.right @ mean)
    total_variance = total - float(mean @ mean)
    loses_digits = np.any(variances < MIN_KEPT * squares) or total_variance < MIN_KEPT * total
    if centered is not None and loses_digits and mean.any():
        operand = centered()
        image = operand.projected_gram(np.ascontiguousarray(triplets.right.T))
        return image.diagonal() / weight, operand.sq_norm / weight
    return np.maximum(variances, 0.0), max(total_variance, 0.0)
