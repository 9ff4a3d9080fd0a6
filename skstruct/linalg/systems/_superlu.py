"""Factors of a sparse matrix by SuperLU, as scipy has it."""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import splu

from skstruct.linalg._machine import Cost
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.matrices._determinants import permutation_sign, sign_and_log
from skstruct.linalg.matrices._factor import Factor, MinorNotPositive, SingularMatrixError
from skstruct.linalg.systems._costs import certificate_cost
from skstruct.linalg.systems._problem import LinearSystem

# SuperLU, symmetric mode, per entry of a factor: grids of 100^2, 300^2 and 700^2 take 97, 112 and
# 136 ns; in multiply-adds of two sparse matrices (14 ns).
FACTOR_PRODUCTS = 8.0
# Bytes per entry of the factors, of which SuperLU stores both.
FACTOR_BYTES = 2 * 12.0


def sparse_obstacle(problem: LinearSystem) -> str | None:
    """Return why a sparse factorisation cannot be, or None."""
    if not problem.structure.is_sparse:
        return "the matrix is not sparse"
    return None


def sparse_cost(problem: LinearSystem, entries: float) -> Cost:
    """Cost of a factorisation whose factors have so many entries, and of what follows."""
    factorise = Cost(
        sparse_product=FACTOR_PRODUCTS * entries,
        sparse=4.0 * problem.n_rhs * entries,
        memory=FACTOR_BYTES * entries,
    )
    return factorise + certificate_cost(problem)


class SparseFactor(Factor):
    """P_r A P_c = L U.

    Parameters
    ----------
    problem : LinearSystem
        With a sparse matrix.
    order : str
        SuperLU's name of the order of the columns.
    symmetric : bool
        Whether pivots are taken from the diagonal, whatever their sizes.
    """

    def __init__(self, problem: LinearSystem, order: str, symmetric: bool = False) -> None:
        options = {"SymmetricMode": True} if symmetric else {}
        threshold = 0.0 if symmetric else 1.0
        try:
            self._factors = splu(
                problem.matrix, permc_spec=order, diag_pivot_thresh=threshold, options=options
            )
        except MemoryError as failure:
            raise Breakdown("the factors do not fit in memory") from failure
        except RuntimeError as failure:
            if symmetric:
                raise Breakdown(f"a pivot on the diagonal vanishes ({failure})") from failure
            raise SingularMatrixError("a pivot of its sparse LU factorisation is zero") from failure
        if symmetric and "positive_definite" in problem.structure.declared:
            (negative,) = np.nonzero(~(self._factors.U.diagonal().real > 0))
            if len(negative):
                raise MinorNotPositive(int(negative[0]) + 1)

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return self._factors.solve(np.ascontiguousarray(rhs))

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        return self._factors.solve(np.ascontiguousarray(rhs), trans="H")

    def slogdet(self) -> tuple[complex, float]:
        lu = self._factors
        sign = permutation_sign(lu.perm_r) * permutation_sign(lu.perm_c)
        return sign_and_log(lu.U.diagonal(), sign)
