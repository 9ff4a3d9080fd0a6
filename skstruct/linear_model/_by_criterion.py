"""Penalties compared by a criterion of the fit to all rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skstruct.linalg import (
    CRITERIA,
    NEEDS_NOISE,
    Spectrum,
    StandardForm,
    left_out_error,
    left_out_residuals,
    noise_variance,
)
from skstruct.linear_model._linear import Design

# Numbers in an array of residuals for several penalties: 256 MB.
MAX_NUMBERS = 2**25


@dataclass(frozen=True)
class CriterionScores:
    """Scores, larger is better, of the penalties of a path.

    Parameters
    ----------
    design : Design
        The data.
    form : StandardForm
        The same in the standard form of the penalty.
    spectrum : Spectrum
        Its factorisation.
    per_target : bool
        Whether targets are scored apart; else by their mean.
    """

    design: Design
    form: StandardForm
    spectrum: Spectrum
    per_target: bool

    def by_criterion(self, name: str, alphas: np.ndarray, noise: float | None) -> np.ndarray:
        """Return minus a criterion of that name, of shape (m, t) or (m, 1)."""
        arguments = {}
        if name in NEEDS_NOISE:
            arguments["variance"] = noise_variance(self.spectrum) if noise is None else noise
        return self._shared(-CRITERIA[name](self.spectrum, alphas, **arguments))

    def by_left_out_error(self, alphas: np.ndarray) -> np.ndarray:
        """Return minus the mean squared leave-one-out error, of shape (m, t) or (m, 1)."""
        return self._shared(-left_out_error(self.spectrum, self.form, alphas))

    def left_out_squares(self, alphas: np.ndarray) -> np.ndarray:
        """Return the weighted squared leave-one-out errors, of shape (n, m, t)."""
        return np.square(left_out_residuals(self.spectrum, self.form, alphas)[0])

    def by_left_out_predictions(
        self, alphas: np.ndarray, score: Callable[[np.ndarray], np.ndarray], *, keep: bool
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return what `score` says of predictions of left-out rows, and with `keep` all of them.

        `score` takes predictions of shape (n, m, t) and returns (m,) or (m, t).
        """
        step = max(1, MAX_NUMBERS // self.design.targets.size)
        scores, kept = [], []
        for start in range(0, len(alphas), step):
            predictions = self.predictions(alphas[start : start + step])
            scores.append(score(predictions))
            if keep:
                kept.append(predictions)
        found = np.concatenate(scores)
        return found.reshape(len(alphas), -1), np.concatenate(kept, axis=1) if keep else None

    def predictions(self, alphas: np.ndarray) -> np.ndarray:
        """Return the prediction of every row by the fit without it, of shape (n, m, t)."""
        residuals = left_out_residuals(self.spectrum, self.form, alphas)[0]

        def coefficients() -> np.ndarray:
            return self.form.restore(self.spectrum.coefficient_path(self.form.operand, alphas))

        residuals = self.design.unweighted(residuals, coefficients)
        return self.design.raw_targets[:, None] - residuals

    def _shared(self, scores: np.ndarray) -> np.ndarray:
        return scores if self.per_target else scores.mean(axis=1, keepdims=True)
