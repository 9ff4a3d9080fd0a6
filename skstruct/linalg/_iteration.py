"""How a regression is to be iterated, and what an iteration reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import LinearOperator

PreconditionerChoice = str | LinearOperator | Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Progress:
    """Where an iteration stands.

    Attributes
    ----------
    iteration : int
        Iterations done.
    columns : ndarray of shape (c,)
        The targets that are iterated at present.
    sizes : ndarray of shape (c,)
        Their gradients by the recurrence, relative to those at w = 0.
    coefficients : callable
        Returns the present coefficients of these targets, of shape (p, c).
    """

    iteration: int
    columns: np.ndarray
    sizes: np.ndarray
    coefficients: Callable[[], np.ndarray]


@dataclass(frozen=True)
class Iteration:
    """What is asked of an iterative solver beyond its tolerance.

    Attributes
    ----------
    preconditioner : str, LinearOperator or callable
        A name in :data:`skstruct.linalg.preconditioners.NAMES`, or what applies M^-1 to an array
        of shape (p, c), M being symmetric, positive definite and close to A'A + alpha P.
    max_iter : int or None
        Bound on the iterations; None for the solver's own.
    start : ndarray of shape (p, t) or None
        Coefficients to begin with; None for zeros.
    on_step : callable or None
        Called with a :class:`Progress` after each iteration; True stops the iteration there.
    is_final : bool
        Whether the answer is wanted as it is: no other solver takes over.
    """

    preconditioner: PreconditionerChoice = "auto"
    max_iter: int | None = None
    start: np.ndarray | None = None
    on_step: Callable[[Progress], bool] | None = None
    is_final: bool = False
