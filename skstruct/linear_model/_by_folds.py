"""Penalties compared by the predictions of rows left out in folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skstruct.linalg import (
    LOWEST,
    PartialSVD,
    Penalty,
    RidgeFolds,
    StandardForm,
    automatic_grid,
    run,
)
from skstruct.linear_model._linear import Design
from skstruct.linear_model._scoring import PathScorer


@dataclass(frozen=True)
class FoldSearch:
    """What is asked of the engine, for penalties given or automatic.

    Parameters
    ----------
    design : Design
        The data, its targets about the prior.
    penalty : Penalty
        L.
    prior : ndarray of shape (p, t)
        What coefficients are drawn to.
    folds : sequence of (train, test)
        Indices of rows.
    scorer : PathScorer
        What scores predictions.
    """

    design: Design
    penalty: Penalty
    prior: np.ndarray
    folds: Sequence[tuple[np.ndarray, np.ndarray]]
    scorer: PathScorer

    def problem(self, alphas: np.ndarray) -> RidgeFolds:
        """Return the problem whose answer are the folds' scores."""
        design = self.design
        base = np.zeros(design.raw_targets.shape)
        if self.prior.any():
            base = design.X @ self.prior

        def score(fold: int, predictions: np.ndarray) -> np.ndarray:
            test = self.folds[fold][1]
            return self.scorer(design.X[test], test, predictions + base[test][:, None])

        return RidgeFolds(
            design.X,
            design.raw_targets - base,
            design.weights,
            design.operand.structure.centered,
            alphas,
            self.folds,
            score,
            self.penalty,
        )

    def automatic_grid(self, *, extended: bool = False) -> np.ndarray:
        """Return penalties about the data, `extended` to those below a Gram matrix's resolution."""
        design = self.design
        operand = StandardForm(design.operand, design.targets, self.penalty).operand
        largest = run(PartialSVD(operand.structure, operand, rank=1, tol=1e-2)).answer.values[0]
        return automatic_grid(float(largest) ** 2, **({"lowest": LOWEST} if extended else {}))
