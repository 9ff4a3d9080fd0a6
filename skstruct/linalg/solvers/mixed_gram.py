"""Cholesky factorisation of a Gram matrix formed in single precision, refined on the data.

The factor is only the preconditioner: gradients are measured in double precision, and each step
gains a factor of about cond(A)^2 times the rounding unit of single precision. Only for those who
ask for it: one thread, against `gram_cholesky`, 20 000 x 300 took 1.09 times as long, 4000 x 400
0.91, 4000 x 2000 0.86, 20 000 x 1000 0.77, and with condition numbers above 1e3 that time is lost.
A QR factorisation in single precision took three times as long as `gram_cholesky`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skstruct.linalg._costs import gradient_cost, gram_cost
from skstruct.linalg._machine import CHOLESKY_FLOPS, Cost
from skstruct.linalg._operands import make_operand
from skstruct.linalg._refine import refine
from skstruct.linalg._regression import MixedLeastSquares, RidgeCoefficients
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._spectral import cholesky

NAME = "mixed_gram"
ROBUSTNESS = 0
ON_REQUEST = False

# Refinement, as far as condition numbers of about 1e3, takes so many gradients.
EXPECTED_GRADIENTS = 4
# Norms of columns whose squares single precision holds.
SAFE_NORMS = (1e-15, 1e15)


def applies(problem: MixedLeastSquares) -> str | None:
    s = problem.structure
    if s.is_sparse or s.out_of_core or s.matrix_free or s.centered or s.weighted:
        return "it needs the plain dense matrix"
    if s.dtype != "float64" or problem.is_small:
        return "nothing would be gained"
    if s.n_rows < s.n_columns or problem.is_bounded:
        return "it needs as many rows as columns, and no bounds"
    return None


def cost(problem: MixedLeastSquares) -> Cost:
    s = problem.structure
    gram = gram_cost(s, s.n_columns)
    halved = replace(gram, blas3=gram.blas3 / 2.0, memory=gram.memory + s.stored_bytes / 2.0)
    factor = Cost(lapack=CHOLESKY_FLOPS * s.n_columns**3, traffic=s.stored_bytes)
    return halved + factor + gradient_cost(problem, EXPECTED_GRADIENTS)


def memory_use(problem: MixedLeastSquares) -> str:
    return "the matrix in single precision"


def reason(problem: MixedLeastSquares) -> str:
    return "the Gram matrix in single precision, for condition numbers up to about 1e3"


def solve(problem: MixedLeastSquares) -> RidgeCoefficients:
    norms = np.sqrt(problem.operand.column_sq_norms)
    if not (SAFE_NORMS[0] < norms.min() and norms.max() < SAFE_NORMS[1]):
        raise Breakdown("single precision does not hold the squares of the columns' norms")
    matrix = problem.operand.to_dense().astype(np.float32)
    factor = cholesky(make_operand(matrix, single=True).gram())
    answer = refine(problem, factor.solve)
    return replace(answer, rank=matrix.shape[1], condition=factor.condition, root=factor.root)
