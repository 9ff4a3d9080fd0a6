"""Incomplete factors of the sparse matrix A'A + alpha P."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import SuperLU, spilu

from skstruct.linalg._refine import by_penalty
from skstruct.linalg._regression import Ridge
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._sparse_gram import SparseGram, gram_obstacle

# Entries are dropped below this share of their column; the factors hold at most so many times the
# entries of the matrix.
DROP_TOLERANCE = 1e-3
FILL_FACTOR = 10.0
# An order of minimum degree for the matrix itself, and pivots from its diagonal.
SYMMETRIC_MODE = {
    "permc_spec": "MMD_AT_PLUS_A",
    "diag_pivot_thresh": 0.0,
    "options": {"SymmetricMode": True},
}


def incomplete_factors(
    matrix: sparse.csc_array,
    drop_tolerance: float = DROP_TOLERANCE,
    fill_factor: float = FILL_FACTOR,
    **options: object,
) -> SuperLU:
    """Factorise by SuperLU with a threshold; Breakdown if that meets a pivot of zero."""
    try:
        return spilu(matrix, drop_tol=drop_tolerance, fill_factor=fill_factor, **options)
    except RuntimeError as failure:
        raise Breakdown(f"the incomplete factorisation met a zero: {failure}") from failure


class IncompleteFactors:
    """M^-1 = (K^-1 + K^-T) / 2 with K = L U an incomplete factorisation by SuperLU.

    It is of the sparse part of A'A + alpha P: without the mean and without dense rows.

    Parameters
    ----------
    problem : Ridge
        The problem, whose operand is sparse.
    """

    name = "ilu"

    def __init__(self, problem: Ridge) -> None:
        self._gram = SparseGram(problem.operand)

    @staticmethod
    def obstacle(problem: Ridge) -> str | None:
        """Return why it cannot be made, or None."""
        return gram_obstacle(problem)

    def bind(self, problem: Ridge) -> Callable[[np.ndarray], np.ndarray]:
        def factorize(alpha: float) -> Callable[[np.ndarray], np.ndarray]:
            factors = incomplete_factors(
                self._gram.shifted(problem.penalty, alpha), **SYMMETRIC_MODE
            )
            return lambda rhs: 0.5 * (factors.solve(rhs) + factors.solve(rhs, "T"))

        return by_penalty(problem.alphas, factorize)
