"""Algebraic multigrid for A'A + alpha P, by pyamg."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from scipy import sparse

from skstruct.linalg._refine import by_penalty
from skstruct.linalg._regression import Ridge
from skstruct.linalg._sparse_gram import SparseGram, gram_obstacle

SEED = 20150711


class Multigrid:
    """M^-1: a V-cycle of smoothed aggregation on the sparse part of A'A + alpha P.

    Parameters
    ----------
    problem : Ridge
        The problem, whose operand is sparse.
    """

    name = "amg"

    def __init__(self, problem: Ridge) -> None:
        self._gram = SparseGram(problem.operand)

    @staticmethod
    def obstacle(problem: Ridge) -> str | None:
        """Return why it cannot be made, or None."""
        return multigrid_obstacle() or gram_obstacle(problem)

    def bind(self, problem: Ridge) -> Callable[[np.ndarray], np.ndarray]:
        return by_penalty(
            problem.alphas, lambda alpha: v_cycle(self._gram.shifted(problem.penalty, alpha))
        )


def v_cycle(matrix: sparse.sparray) -> Callable[[np.ndarray], np.ndarray]:
    """Return a V-cycle of smoothed aggregation on a Hermitian positive definite matrix."""
    from pyamg import smoothed_aggregation_solver  # optional, and slow to import

    matrix = sparse.csr_matrix(matrix)
    if matrix.nnz <= np.iinfo(np.int32).max:  # pyamg 5.3 knows no wider indices
        matrix.indices = matrix.indices.astype(np.int32, copy=False)
        matrix.indptr = matrix.indptr.astype(np.int32, copy=False)
    with _fixed_random_state():
        cycle = smoothed_aggregation_solver(matrix).aspreconditioner(cycle="V")
    return lambda rhs: np.column_stack([cycle.matvec(column) for column in rhs.T])


@contextmanager
def _fixed_random_state() -> Iterator[None]:
    """Give pyamg's estimates of spectral radii the same random vectors whenever they are made.

    It draws them from numpy's global state, which is the caller's.
    """
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(SEED)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


def multigrid_obstacle() -> str | None:
    """Return why there is no multigrid, or None."""
    try:
        import pyamg  # noqa: F401 - whether it is there
    except ImportError:
        return "it needs pyamg, which is not installed (pip install pyamg)"
    return None
