"""Incomplete triangular factors, by SuperLU with a threshold (ILUT; Li & Shao, 2011)."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu

from skstruct.linalg._machine import Cost
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.iterative_systems._facts import SystemFacts
from skstruct.linalg.iterative_systems._operator import Apply, SquareOperator
from skstruct.linalg.preconditioners._incomplete import (
    DROP_TOLERANCE,
    FILL_FACTOR,
    SYMMETRIC_MODE,
    incomplete_factors,
)

# In multiply-adds of two sparse matrices (14 ns), for each entry of a complete factor: a grid of
# 300^2, drop tolerance 1e-3, takes 0.45 s for 2.9 million.
FACTOR_PRODUCTS = 12.0
# In multiply-adds of a sparse matrix with a vector (0.25 ns), for each entry of the incomplete
# factors, which SuperLU visits in 4 ns.
SUBSTITUTION = 16.0
# Iterations that are expected: grids of 300^2 and 50^3 take 19 and 83.
EXPECTED_ITERATIONS = 40.0
# Bytes of an entry and its index.
ENTRY_BYTES = 12.0


class IncompleteLU:
    """M = L U, with row exchanges, entries below a share of their column dropped.

    Parameters
    ----------
    name : str
        What it is called.
    drop_tolerance : float
        That share.
    fill_factor : float
        The factors hold at most so many times the entries of A.
    """

    def __init__(self, name: str, drop_tolerance: float, fill_factor: float) -> None:
        self.name = name
        self._drop_tolerance, self._fill_factor = drop_tolerance, fill_factor

    def is_definite(self, facts: SystemFacts) -> bool:
        return False

    def obstacle(self, facts: SystemFacts) -> str | None:
        return None if facts.storage == "sparse" else "it needs a sparse matrix"

    def setup(self, facts: SystemFacts) -> Cost:
        return Cost(
            sparse_product=FACTOR_PRODUCTS * facts.factor_nnz,
            memory=2.0 * ENTRY_BYTES * self._stored(facts),
        )

    def work(self, facts: SystemFacts) -> Cost:
        return Cost(sparse=SUBSTITUTION * self._stored(facts))

    def iterations(self, facts: SystemFacts) -> float:
        return EXPECTED_ITERATIONS

    def make(self, operator: SquareOperator) -> Apply:
        factors = self._factors(operator.columns())
        return lambda residual: factors.solve(np.ascontiguousarray(residual))

    def _stored(self, facts: SystemFacts) -> float:
        return min(2.0 * facts.factor_nnz, self._fill_factor * facts.nnz)

    def _factors(self, matrix: sparse.csc_array, **options: object) -> SuperLU:
        return incomplete_factors(matrix, self._drop_tolerance, self._fill_factor, **options)


class IncompleteCholesky(IncompleteLU):
    """M = L |D| L^H from an incomplete L U = L D L^H without row exchanges.

    SuperLU drops entries of U and L apart from each other, so that L U is not symmetric; of L and
    the diagonal of U alone M is made Hermitian and positive definite, whatever was dropped. The
    unknowns are in an order of minimum degree.
    """

    def __init__(self) -> None:
        super().__init__("ic", DROP_TOLERANCE, FILL_FACTOR)

    def is_definite(self, facts: SystemFacts) -> bool:
        return True

    def obstacle(self, facts: SystemFacts) -> str | None:
        if not facts.self_adjoint:
            return "it needs a self-adjoint matrix"
        return super().obstacle(facts)

    def make(self, operator: SquareOperator) -> Apply:
        factors = self._factors(operator.columns(), **SYMMETRIC_MODE)
        pivots = np.abs(factors.U.diagonal())
        if not np.array_equal(factors.perm_r, factors.perm_c) or not pivots.all():
            raise Breakdown("the incomplete factorisation met a zero on the diagonal")
        root = sparse.csc_array(factors.L) * np.sqrt(pivots)
        # SuperLU is the compiled substitution with a triangular matrix that scipy has: in its own
        # order, L is its own factor.
        triangle = splu(
            sparse.csc_array(root),
            permc_spec="NATURAL",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True, "Equil": False},
        )
        place = factors.perm_r
        order = np.argsort(place)

        def apply(residual: np.ndarray) -> np.ndarray:
            return triangle.solve(triangle.solve(residual[order]), "H")[place]

        return apply
