"""Implicitly restarted Lanczos through scipy: for parity with scikit-learn.

It works on A'A or AA' one vector at a time, where `block_krylov` reads the data once for many.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, svds

from skstruct.linalg._krylov import krylov_triplets
from skstruct.linalg._machine import Cost
from skstruct.linalg._problems import NEEDS_ROWS, PartialSVD, SingularTriplets
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._spectral import null_directions
from skstruct.linalg.solvers._growth import with_growing_rank

NAME = "arpack"
ROBUSTNESS = 1
ON_REQUEST = True

# Products with A and A' per wanted component that the planner expects.
EXPECTED_PRODUCTS_PER_WANTED = 8


def applies(problem: PartialSVD) -> str | None:
    if not problem.structure.has_rows:
        return NEEDS_ROWS
    return None


def cost(problem: PartialSVD) -> Cost:
    s = problem.structure
    passes = EXPECTED_PRODUCTS_PER_WANTED * problem.n_expected + 40
    # One vector at a time: dense products are bound by the bandwidth.
    product = Cost(sparse=float(s.nnz) * passes) if s.is_sparse else Cost()
    return product + Cost(
        traffic=passes * s.pass_traffic,
        memory=8.0 * (s.n_rows + s.n_columns) * 3 * problem.n_expected,
        passes=passes,
    )


def memory_use(problem: PartialSVD) -> str:
    return "the Lanczos vectors"


def reason(problem: PartialSVD) -> str:
    return "asked for: Lanczos iteration, one vector at a time"


def solve(problem: PartialSVD) -> SingularTriplets:
    if problem.energy is not None:
        return with_growing_rank(problem, solve)
    basis, n_products = _lanczos_vectors(problem)
    if problem.wants_all:  # ARPACK finds all but one: the last is orthogonal to them
        basis = np.vstack([basis, null_directions(basis, 1)])
    # ARPACK works on A'A, whose rounding errors hide the small singular values: a block iteration
    # that starts from its vectors finds them, and confirms the others.
    answer = krylov_triplets(problem, max(len(basis), 1), basis.T)
    return replace(answer, n_iter=n_products + answer.n_iter)


def _lanczos_vectors(problem: PartialSVD) -> tuple[np.ndarray, int]:
    """Return orthonormal vectors on the short side, in rows, and how many products it took.

    One vector less than that side has, at most.
    """
    operand, short = problem.operand, problem.structure.shorter_side
    k = min(problem.n_wanted, short - 1)
    unit = np.sqrt(operand.sq_norm)  # ARPACK's threshold is absolute for tiny data
    if unit == 0:  # and it refuses a zero matrix
        return np.eye(k, short), 0
    if k == 0:
        return np.empty((0, short)), 0
    rng = np.random.default_rng(problem.seed)
    products = count()

    def matvec(v: np.ndarray) -> np.ndarray:
        next(products)
        return operand.matmat(v.reshape(-1, 1)) / unit

    A = LinearOperator(
        operand.shape,
        matvec=matvec,
        rmatvec=lambda u: operand.rmatmat(u.reshape(-1, 1)) / unit,
        matmat=lambda V: operand.matmat(V) / unit,
        rmatmat=lambda U: operand.rmatmat(U) / unit,
        dtype=np.float64,
    )
    try:
        U, _, Vt = svds(A, k=k, v0=rng.uniform(-1, 1, short))
    except ArpackNoConvergence as failure:
        raise Breakdown(f"ARPACK did not converge: {failure}") from failure
    vectors = U if operand.shape[0] < operand.shape[1] else Vt.T
    return np.linalg.qr(vectors)[0].T, next(products)
