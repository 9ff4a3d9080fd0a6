"""The penalty with the best score, and warnings where the scores do not tell."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgWarning

from skstruct._estimator import user_stacklevel
from skstruct.linalg import best_penalty, interpolated_minimum

# A range of so many penalties has ends that are worth a warning.
MIN_RANGE = 3
# Logarithm of the ratio of squared residual and noise from which they count as different. Between
# automatic penalties the residual changes by a factor of 10^0.2 at the most, so that the nearest
# is off by 0.23.
UNATTAINED = 0.25


@dataclass(frozen=True)
class Choice:
    """Penalties chosen.

    Attributes
    ----------
    alphas : ndarray of shape (t,) or (1,)
        For each column of the scores.
    scores : ndarray of shape (t,) or (1,)
        The best scores.
    """

    alphas: np.ndarray
    scores: np.ndarray


def choose(alphas: np.ndarray, scores: np.ndarray, *, automatic: bool, inside: bool) -> Choice:
    """Return the penalties whose scores, of shape (m, t) or (m, 1), are largest.

    With `automatic` penalties the maximum between them is interpolated, without there is a
    warning if it is at an end. `inside` ignores what a criterion says there.
    """
    if not np.all(np.isfinite(scores).any(axis=0)):
        warnings.warn(
            "No penalty has a finite score: the smallest one is taken.",
            UserWarning,
            stacklevel=user_stacklevel(),
        )
    order, columns = np.argsort(alphas), np.arange(scores.shape[1])
    # Where scores do not depend on the penalty the grid's largest is the simplest answer.
    best = order[[best_penalty(-scores[order, i], inside=inside, last=automatic) for i in columns]]
    chosen = alphas[best]
    if automatic:
        chosen = np.array([interpolated_minimum(alphas, -scores[:, i], best[i]) for i in columns])
    elif len(alphas) >= MIN_RANGE:
        _warn_if_at_an_end(alphas, chosen)
    return Choice(chosen, scores[best, columns])


def _warn_if_at_an_end(alphas: np.ndarray, chosen: np.ndarray) -> None:
    for end, direction in ((alphas.min(), "smaller"), (alphas.max(), "larger")):
        count = int(np.count_nonzero(chosen == end))
        if count and end > 0:  # nothing is smaller than zero
            which = "" if len(chosen) == 1 else f" for {count} of {len(chosen)} targets"
            warnings.warn(
                f"The best of the penalties is at the end of their range{which}: {end:.4g}. "
                f"A {direction} one may be better: extend alphas, or use alphas='auto'.",
                UserWarning,
                stacklevel=user_stacklevel(),
            )


def warn_if_unattained(choice: Choice) -> None:
    """Warn if no penalty satisfies the discrepancy principle."""
    off = -choice.scores.min()
    if off > UNATTAINED:
        warnings.warn(
            "None of the penalties leaves a residual as large as the noise: the squared residual "
            f"and n times the noise variance differ by a factor of {np.exp(off):.3g}. Check "
            "noise_variance.",
            UserWarning,
            stacklevel=user_stacklevel(),
        )


def warn_if_undefined(residuals: np.ndarray) -> None:
    """Warn if leave-one-out residuals, of shape (n,), are not all defined."""
    count = int(np.count_nonzero(np.isnan(residuals)))
    if count:
        warnings.warn(
            f"{count} of {len(residuals)} observations alone determine a coefficient without a "
            "penalty: they have no leave-one-out residual and do not count in its mean. To remedy: "
            "penalise that coefficient.",
            LinAlgWarning,
            stacklevel=user_stacklevel(),
        )
