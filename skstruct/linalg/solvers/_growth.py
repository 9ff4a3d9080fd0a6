"""An energy fraction by solvers that must be told a rank."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from skstruct.linalg._problems import PartialSVD, SingularTriplets

# Rank tried first; it is doubled until the energy is captured, so that all attempts together
# compute at most four times the components needed.
FIRST_RANK = 16


def with_growing_rank(
    problem: PartialSVD, solve: Callable[[PartialSVD], SingularTriplets]
) -> SingularTriplets:
    """Answer a problem that asks for an energy fraction by ones that ask for a rank."""
    rank = min(FIRST_RANK, problem.structure.shorter_side)
    while True:
        answer = solve(replace(problem, rank=rank, energy=None))
        if rank == problem.structure.shorter_side or problem.n_sufficient(answer.values) <= rank:
            return problem.truncate(answer)
        rank = min(2 * rank, problem.structure.shorter_side)
