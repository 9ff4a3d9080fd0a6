"""The diagonal blocks of neighbouring unknowns."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from skstruct.linalg._machine import Cost
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.iterative_systems._facts import SystemFacts
from skstruct.linalg.iterative_systems._operator import Apply, SquareOperator
from skstruct.linalg.iterative_systems.preconditioners._diagonal import Jacobi

# Order of a block: several unknowns of a node and its neighbours. An application reads 8 * 16
# bytes a row, as much as a product with ten entries a row.
BLOCK = 16


class BlockJacobi(Jacobi):
    """M: the blocks of A on sixteen consecutive unknowns each, inverted by LAPACK, stacked."""

    name = "block_jacobi"

    def is_definite(self, facts: SystemFacts) -> bool:
        return facts.may_be_definite

    def obstacle(self, facts: SystemFacts) -> str | None:
        return "its blocks are not known" if facts.storage == "products" else None

    def setup(self, facts: SystemFacts) -> Cost:
        return Cost(
            lapack=20.0 * facts.n * BLOCK**2,
            traffic=24.0 * facts.nnz,
            memory=8.0 * facts.n * BLOCK + 24.0 * facts.nnz,
        )

    def work(self, facts: SystemFacts) -> Cost:
        return Cost(traffic=(8.0 * BLOCK + 16.0) * facts.n)

    def make(self, operator: SquareOperator) -> Apply:
        n, size = operator.n, min(BLOCK, operator.n)
        count = -(-n // size)
        blocks = np.zeros((count, size, size), dtype=operator.dtype)
        entries = sparse.coo_array(operator.entries)
        i, j = entries.coords
        inside = i // size == j // size
        i, j = i[inside], j[inside]
        blocks[i // size, i % size, j % size] = entries.data[inside]
        beyond = np.arange(n, count * size) % size  # of the last block, if it is not full
        blocks[-1, beyond, beyond] = 1.0
        try:
            inverses = np.linalg.inv(blocks)
        except np.linalg.LinAlgError as failure:
            raise Breakdown("a diagonal block is singular") from failure

        def apply(residual: np.ndarray) -> np.ndarray:
            padded = np.zeros((count * size, residual.shape[1]), dtype=residual.dtype)
            padded[:n] = residual
            product = inverses @ padded.reshape(count, size, -1)
            return product.reshape(count * size, -1)[:n]

        return apply
