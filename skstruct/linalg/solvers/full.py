"""LAPACK's SVD: every digit of every singular value.

A tall matrix is first reduced to its triangular factor, block by block; only then does LAPACK
see a dense matrix, of p x p.
"""

from __future__ import annotations

from skstruct.linalg._machine import QR_FLOPS, SVD_FLOPS, Cost
from skstruct.linalg._problems import NEEDS_ROWS, PartialSVD, SingularTriplets
from skstruct.linalg._spectral import svd, tall_r_factor, triplets

NAME = "full"
ROBUSTNESS = 3
ON_REQUEST = False

# From this ratio of rows to columns the QR factorisation pays for itself (it is also the ratio
# at which LAPACK's gesdd begins with one).
TALL_RATIO = 1.5


def applies(problem: PartialSVD) -> str | None:
    if not problem.structure.has_rows:
        return NEEDS_ROWS
    return None


def cost(problem: PartialSVD) -> Cost:
    n, p, short = (
        problem.structure.n_rows,
        problem.structure.n_columns,
        problem.structure.shorter_side,
    )
    long = n + p - short
    if _reduces_first(n, p):
        reduce = Cost(lapack=1.25 * QR_FLOPS * 2 * n * p**2, memory=8.0 * 8 * p**2, passes=2)
        return reduce + Cost(lapack=SVD_FLOPS * p**3, memory=32.0 * p**2)
    return Cost(
        lapack=SVD_FLOPS * short**3 + 3 * QR_FLOPS * 2 * (long - short) * short**2,
        memory=3 * problem.structure.dense_bytes,
        traffic=3 * problem.structure.dense_bytes,
        passes=1,
    )


def memory_use(problem: PartialSVD) -> str:
    return "the dense centered matrix and its singular vectors"


def reason(problem: PartialSVD) -> str:
    return "LAPACK's SVD of the whole matrix is cheapest at this size"


def solve(problem: PartialSVD) -> SingularTriplets:
    operand = problem.operand
    matrix = tall_r_factor(operand) if _reduces_first(*operand.shape) else operand.to_dense()
    _, s, right = svd(matrix)
    return problem.truncate(triplets(s, right))


def _reduces_first(n_rows: int, n_columns: int) -> bool:
    return n_rows >= TALL_RATIO * n_columns
