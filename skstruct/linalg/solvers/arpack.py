"""Implicitly restarted Lanczos through scipy: for parity with scikit-learn.

It works on A'A or AA' one vector at a time, where `block_krylov` reads the data once for many.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, svds

from skstruct.linalg._machine import Cost
from skstruct.linalg._problems import PartialSVD, SingularTriplets
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._spectral import GRAM_RESOLUTION, svd, triplets

NAME = "arpack"
ROBUSTNESS = 1
ON_REQUEST = True

# Products with A and A' per wanted component that the planner expects.
EXPECTED_PRODUCTS_PER_WANTED = 8


def applies(problem: PartialSVD) -> str | None:
    short = problem.structure.shorter_side
    if problem.energy is not None:
        return "an energy fraction needs a number of components that is not known beforehand"
    if problem.n_wanted >= short:
        return f"it finds fewer than all {short} components"
    return None


def cost(problem: PartialSVD) -> Cost:
    s = problem.structure
    passes = EXPECTED_PRODUCTS_PER_WANTED * problem.n_wanted + 40
    # One vector at a time: dense products are bound by the bandwidth.
    product = Cost(sparse=float(s.nnz) * passes) if s.is_sparse else Cost()
    return product + Cost(
        traffic=passes * s.stored_bytes,
        memory=8.0 * (s.n_rows + s.n_columns) * 3 * problem.n_wanted,
        passes=passes,
    )


def memory_use(problem: PartialSVD) -> str:
    return "the Lanczos vectors"


def reason(problem: PartialSVD) -> str:
    return "asked for: Lanczos iteration, one vector at a time"


def solve(problem: PartialSVD) -> SingularTriplets:
    operand = problem.operand
    unit = np.sqrt(operand.sq_norm)  # ARPACK's threshold is absolute for tiny data
    if unit == 0:  # and it refuses a zero matrix
        return triplets(np.zeros(problem.n_wanted), np.eye(problem.n_wanted, operand.shape[1]))
    rng = np.random.default_rng(problem.seed)
    A = LinearOperator(
        operand.shape,
        matvec=lambda v: operand.matmat(v.reshape(-1, 1)) / unit,
        rmatvec=lambda u: operand.rmatmat(u.reshape(-1, 1)) / unit,
        matmat=lambda V: operand.matmat(V) / unit,
        rmatmat=lambda U: operand.rmatmat(U) / unit,
        dtype=np.float64,
    )
    try:
        _, s, right = svds(A, k=problem.n_wanted, v0=rng.uniform(-1, 1, min(operand.shape)))
    except ArpackNoConvergence as failure:
        raise Breakdown(f"ARPACK did not converge: {failure}") from failure
    s = unit * s
    s, right = s[::-1], right[::-1]
    if s[-1] ** 2 < GRAM_RESOLUTION * s[0] ** 2:  # scipy works on A'A: see GRAM_RESOLUTION
        Q = np.linalg.qr(right.T)[0]
        _, s, rotation = svd(np.linalg.qr(operand.matmat(Q), mode="r"))
        right = rotation @ Q.T
    return triplets(s, right)
