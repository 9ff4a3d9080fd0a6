"""Approximations M of A'A + alpha P that are cheap to invert.

Each file has one of them: a class made from a problem, with a ``name`` and
``bind(problem) -> callable``, which returns what applies M^-1 to arrays of shape (p, c) for the
penalties of the c targets of (a part of) that problem. M is symmetric and positive definite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from skstruct.linalg._iteration import PreconditionerChoice
from skstruct.linalg._plan import InapplicableSolver
from skstruct.linalg._regression import Ridge
from skstruct.linalg.preconditioners._block import BlockPreconditioner
from skstruct.linalg.preconditioners._diagonal import GivenPreconditioner, Identity, Jacobi
from skstruct.linalg.preconditioners._incomplete import IncompleteFactors
from skstruct.linalg.preconditioners._multigrid import Multigrid
from skstruct.linalg.preconditioners._sketch import SketchPreconditioner


class Preconditioner(Protocol):
    """What an iteration needs to know of M."""

    name: str

    def bind(self, problem: Ridge) -> Callable[[np.ndarray], np.ndarray]:
        """Return what applies M^-1 for the targets of `problem`."""


_BY_NAME = {
    "jacobi": Jacobi,
    "none": Identity,
    "block": BlockPreconditioner,
    "ilu": IncompleteFactors,
    "sketch": SketchPreconditioner,
    "amg": Multigrid,
}

NAMES = ("auto", *_BY_NAME)
"""What can be asked for by name."""


def preconditioner(problem: Ridge) -> Preconditioner:
    """Return the preconditioner that the problem asks for, to begin with if it leaves the choice.

    Where the minimiser is not unique iteration from zero ends at that of least norm in the
    coordinates that M chooses: without a choice it is left out.
    """
    chosen: PreconditionerChoice = problem.iteration.preconditioner
    if not isinstance(chosen, str):
        return GivenPreconditioner(chosen)
    if chosen == "auto":
        return Identity() if problem.may_have_many_minimisers else Jacobi()
    kind = _BY_NAME[chosen]
    if chosen in ("jacobi", "none"):
        return kind()
    obstacle = kind.obstacle(problem)
    if obstacle is not None:
        raise InapplicableSolver(f"preconditioner={chosen!r} cannot be used here: {obstacle}")
    return kind(problem)


def stronger(problem: Ridge) -> Preconditioner | None:
    """Return a preconditioner to go on with where Jacobi's is slow, if there is one."""
    if problem.iteration.preconditioner != "auto" or problem.may_have_many_minimisers:
        return None
    if BlockPreconditioner.obstacle(problem) is not None or not problem.structure.is_sparse:
        return None
    return BlockPreconditioner(problem)
