"""Slices without an answer: named in a warning, or in an error, while the others are computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgWarning

from skstruct.linalg._warn import warn_caller
from skstruct.linalg.batches._stacks import slices_text

POLICIES = ("warn", "raise")


def require_policy(singular: str) -> None:
    """Raise an error unless `singular` says what becomes of slices without an answer."""
    if singular not in POLICIES:
        raise ValueError(f"singular must be 'warn' or 'raise', got {singular!r}")


@dataclass(frozen=True)
class Failures:
    """Positions of slices that are `what`, and what they should have been instead."""

    positions: np.ndarray
    batch: tuple[int, ...]
    what: str
    remedy: str

    def report(self, policy: str) -> None:
        """Warn of the slices or raise an error, if there are any."""
        if not len(self.positions):
            return
        message = (
            f"{slices_text(self.positions, self.batch)} of a: {self.what}. Needed is {self.remedy}"
        )
        if policy == "raise":
            raise np.linalg.LinAlgError(message)
        warn_caller(f"{message}. The results of these are NaN", LinAlgWarning)
