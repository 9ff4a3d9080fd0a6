"""Factorisation of the sparse matrix A'A + alpha P, and refinement on the data.

SuperLU in its symmetric mode: an order of minimum degree, no pivoting, so that L U is a Cholesky
factorisation but for a diagonal. Dense rows and the mean are corrections of low rank (Woodbury).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse.linalg import splu

from skstruct.linalg._costs import gradient_cost
from skstruct.linalg._machine import Cost
from skstruct.linalg._penalty import Penalty
from skstruct.linalg._refine import by_penalty, refine
from skstruct.linalg._regression import Ridge, RidgeCoefficients
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._sparse_gram import SparseGram
from skstruct.linalg._sparse_operand import SparseOperand

NAME = "sparse_cholesky"
ROBUSTNESS = 1
ON_REQUEST = False

# SuperLU, symmetric mode, per entry of a factor: grids of 100^2, 300^2 and 700^2 take 97, 112 and
# 136 ns; in multiply-adds of two sparse matrices (14 ns).
FACTOR_PRODUCTS = 8.0
# Bytes per entry of the factors, of which SuperLU stores both.
FACTOR_BYTES = 2 * 12.0
# A pivot below this, of a matrix with a unit diagonal, is made of rounding errors.
MIN_PIVOT = 1e-14


def applies(problem: Ridge) -> str | None:
    if problem.is_bounded:
        return "it knows no bounds on the coefficients"
    if not problem.structure.is_sparse:
        return "the data is not sparse"
    if problem.operand is not None and not isinstance(problem.operand, SparseOperand):
        return "the data is not in memory"
    if problem.structure.fill is None:
        return "A'A is not known to be sparse"
    return None


def cost(problem: Ridge) -> Cost:
    fill, t = problem.structure.fill, problem.n_targets
    products = problem.n_penalties * (FACTOR_PRODUCTS * fill.factor_nnz) + fill.products
    form = Cost(
        sparse_product=products,
        sparse=8.0 * t * fill.factor_nnz,
        memory=FACTOR_BYTES * fill.factor_nnz * problem.n_penalties + 24.0 * fill.gram_nnz,
    )
    return form + gradient_cost(problem, n_gradients=3)


def memory_use(problem: Ridge) -> str:
    return f"the factors of A'A, with {problem.structure.fill.factor_nnz:.1e} entries"


def reason(problem: Ridge) -> str:
    return f"A'A is sparse and its factor has about {problem.structure.fill.factor_nnz:.1e} entries"


def solve(problem: Ridge) -> RidgeCoefficients:
    gram = SparseGram(problem.operand)

    def factorize(alpha: float) -> Callable[[np.ndarray], np.ndarray]:
        return _corrected(gram, _factors(gram, problem.penalty, alpha))

    return refine(problem, by_penalty(problem.alphas, factorize))


def _factors(gram: SparseGram, penalty: Penalty, alpha: float) -> Callable:
    """Return the solve with K + alpha P, scaled to unit diagonal."""
    matrix = gram.shifted(penalty, alpha)
    diagonal = matrix.diagonal()
    scales = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    matrix = matrix.multiply(1.0 / scales[:, None]).multiply(1.0 / scales).tocsc()
    try:
        factors = splu(
            matrix,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    except RuntimeError as failure:
        raise Breakdown(f"the sparse matrix A'A + alpha P is singular ({failure})") from failure
    if factors.U.diagonal().min(initial=1.0) < MIN_PIVOT:
        raise Breakdown("the sparse matrix A'A + alpha P is not positive definite to rounding")
    return lambda rhs: factors.solve(rhs / scales[:, None]) / scales[:, None]


def _corrected(gram: SparseGram, solve: Callable) -> Callable[[np.ndarray], np.ndarray]:
    """Return the solve with A'A + alpha P from that with K + alpha P."""
    if not len(gram.signs):
        return solve
    inside = solve(np.ascontiguousarray(gram.corrections.T))
    capacitance = np.diag(gram.signs) + gram.corrections @ inside

    def corrected(rhs: np.ndarray) -> np.ndarray:
        plain = solve(np.ascontiguousarray(rhs))
        try:
            return plain - inside @ np.linalg.solve(capacitance, gram.corrections @ plain)
        except np.linalg.LinAlgError as failure:
            raise Breakdown("A'A + alpha P is singular") from failure

    return corrected
