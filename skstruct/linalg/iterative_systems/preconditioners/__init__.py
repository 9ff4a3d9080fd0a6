"""Approximations M of a square matrix A that are cheap to invert.

Each is an object with

``name``
    what users call it;
``is_definite(facts) -> bool``
    whether M is Hermitian and positive definite, as conjugate gradients and MINRES need it;
``obstacle(facts) -> str | None``
    None, or the reason why it cannot be made;
``setup(facts) -> Cost``, ``work(facts) -> Cost``
    what making M takes, and applying its inverse to one vector;
``iterations(facts) -> float``
    how many of conjugate gradients are expected for ten digits;
``make(operator) -> callable``
    what applies M^-1 to arrays of shape (n, k), or
    :class:`~skstruct.linalg._solution.Breakdown`.
"""

from __future__ import annotations

from typing import Protocol

from skstruct.linalg._machine import Cost
from skstruct.linalg.iterative_systems._facts import SystemFacts
from skstruct.linalg.iterative_systems._operator import Apply, SquareOperator
from skstruct.linalg.iterative_systems.preconditioners._block_jacobi import BlockJacobi
from skstruct.linalg.iterative_systems.preconditioners._diagonal import Given, Identity, Jacobi
from skstruct.linalg.iterative_systems.preconditioners._incomplete import (
    IncompleteCholesky,
    IncompleteLU,
)
from skstruct.linalg.iterative_systems.preconditioners._multigrid import Multigrid


class Preconditioner(Protocol):
    """What the planner and an iteration need to know of M."""

    name: str

    def is_definite(self, facts: SystemFacts) -> bool:
        """Whether M is Hermitian and positive definite."""

    def obstacle(self, facts: SystemFacts) -> str | None:
        """Return why it cannot be made, or None."""

    def setup(self, facts: SystemFacts) -> Cost:
        """Return what making M takes."""

    def work(self, facts: SystemFacts) -> Cost:
        """Return what applying its inverse to one vector takes."""

    def iterations(self, facts: SystemFacts) -> float:
        """Return how many iterations of conjugate gradients are expected."""

    def make(self, operator: SquareOperator) -> Apply:
        """Return what applies the inverse of M."""


# Drop tolerances of the two incomplete factorisations, and how many times the entries of A their
# factors may hold: the second one is nearly complete, the last resort before a direct solver.
BY_NAME: dict[str, Preconditioner] = {
    "none": Identity(),
    "jacobi": Jacobi(),
    "block_jacobi": BlockJacobi(),
    "ic": IncompleteCholesky(),
    "ilu": IncompleteLU("ilu", drop_tolerance=1e-3, fill_factor=10.0),
    "ilu_fine": IncompleteLU("ilu_fine", drop_tolerance=1e-6, fill_factor=50.0),
    "amg": Multigrid(),
}

__all__ = ["BY_NAME", "Given", "Preconditioner"]
