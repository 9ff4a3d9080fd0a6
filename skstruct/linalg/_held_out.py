"""Early stopping: the error on rows that an iteration does not see."""

from __future__ import annotations

import numpy as np

from skstruct.linalg._iteration import Progress
from skstruct.linalg._operand import Operand


class HeldOut:
    """Stops an iteration when the squared error on held-out rows no longer falls.

    Parameters
    ----------
    operand : Operand
        The held-out rows, centred as those that are fitted; other rows have no weight.
    targets : ndarray of shape (n, t)
        Their targets, centred and weighted likewise.
    patience : int
        Iterations without a new least error of any target after which it stops.

    Attributes
    ----------
    coef : ndarray of shape (p, t)
        The coefficients of least error, for each target.
    n_iter : ndarray of shape (t,)
        The iterations that led to them.
    errors : list of ndarray of shape (t,)
        Mean squared errors after each iteration; NaN for targets that were done before.
    """

    def __init__(self, operand: Operand, targets: np.ndarray, patience: int) -> None:
        self._operand, self._targets, self._patience = operand, targets, patience
        t = targets.shape[1]
        self.coef = np.zeros((operand.shape[1], t))
        self.n_iter = np.zeros(t, dtype=np.int64)
        self._least = self._error(self.coef, np.arange(t))
        self._last_gain = 0
        self.errors: list[np.ndarray] = []

    def __call__(self, progress: Progress) -> bool:
        coef, columns = progress.coefficients(), progress.columns
        errors = self._error(coef, columns)
        if progress.iteration == 1:  # of another group of targets
            self._last_gain = 0
        if progress.iteration > len(self.errors):
            self.errors.append(np.full(len(self._least), np.nan))
        self.errors[progress.iteration - 1][columns] = errors
        better = errors < self._least[columns]
        self._least[columns[better]] = errors[better]
        self.coef[:, columns[better]] = coef[:, better]
        self.n_iter[columns[better]] = progress.iteration
        if better.any():
            self._last_gain = progress.iteration
        return progress.iteration - self._last_gain >= self._patience

    def _error(self, coef: np.ndarray, columns: np.ndarray) -> np.ndarray:
        residual = self._targets[:, columns] - self._operand.matmat(coef)
        return np.einsum("ij,ij->j", residual, residual) / self._operand.total_weight
