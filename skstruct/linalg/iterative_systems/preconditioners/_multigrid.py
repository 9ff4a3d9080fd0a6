"""Algebraic multigrid, by pyamg where it is installed."""

from __future__ import annotations

from skstruct.linalg._machine import Cost
from skstruct.linalg.iterative_systems._facts import SystemFacts
from skstruct.linalg.iterative_systems._operator import Apply, SquareOperator
from skstruct.linalg.preconditioners._multigrid import multigrid_obstacle, v_cycle

# A grid of 300^2 with 449 000 entries: 0.35 s for the hierarchy, in multiply-adds of two sparse
# matrices (14 ns), and 23 ms for a cycle, in multiply-adds of one with a vector (0.25 ns).
SETUP_PRODUCTS = 55.0
CYCLE_PRODUCTS = 200.0
# Grids of 300^2 and 50^3 take 11 and 10.
EXPECTED_ITERATIONS = 15.0
# Entries of all levels and what takes one to the next, for each of A.
ENTRIES = 3.0


class Multigrid:
    """M^-1: a V-cycle of smoothed aggregation (Vanek, Mandel & Brezina, 1996)."""

    name = "amg"

    def is_definite(self, facts: SystemFacts) -> bool:
        return facts.may_be_definite

    def obstacle(self, facts: SystemFacts) -> str | None:
        if facts.storage != "sparse":
            return "it needs a sparse matrix"
        if not facts.may_be_definite:
            return "it needs a positive definite matrix"
        return multigrid_obstacle()

    def setup(self, facts: SystemFacts) -> Cost:
        return Cost(sparse_product=SETUP_PRODUCTS * facts.nnz, memory=12.0 * ENTRIES * facts.nnz)

    def work(self, facts: SystemFacts) -> Cost:
        return Cost(sparse=CYCLE_PRODUCTS * facts.nnz)

    def iterations(self, facts: SystemFacts) -> float:
        return EXPECTED_ITERATIONS

    def make(self, operator: SquareOperator) -> Apply:
        return v_cycle(operator.entries)
