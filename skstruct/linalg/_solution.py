"""Solution: an answer, how it was found, and the evidence for it."""

from __future__ import annotations

from dataclasses import dataclass

from skstruct.linalg._certificate import Certificate
from skstruct.linalg._plan import Plan


class Breakdown(Exception):
    """Raised by a solver that cannot vouch for any answer; says why."""


@dataclass(frozen=True, slots=True)
class Solution:
    """What the engine returns.

    Attributes
    ----------
    answer : SingularTriplets or RidgeCoefficients
        The answer to the problem.
    solver : str
        Name of the solver that produced it, after any escalation.
    plan : Plan
        What was considered and tried.
    certificate : Certificate
        The evidence.
    """

    answer: object
    solver: str
    plan: Plan
    certificate: Certificate

    @property
    def escalated_from(self) -> str | None:
        """Name of the solver that was tried first, if another one had to replace it."""
        return None if self.solver == self.plan.chosen else self.plan.chosen
