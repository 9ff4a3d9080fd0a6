"""Small dense factorisations shared by the solvers, and the conventions of their results."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from skstruct.linalg._machine import EIGH_FLOPS, EIGH_SUBSET_FLOPS
from skstruct.linalg._operand import Operand
from skstruct.linalg._problems import SingularTriplets
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._threads import threaded_blas

# scipy's eigh of a subset beats numpy's eigh of everything from this order (at 300: 8.1 ms
# against 5.2; at 1000: 65 ms for a tenth against 84; at 2000: 0.34 s against 0.63) and up to
# this share of the pairs (0.15 at 1000: about equal).
SUBSET_MIN_ORDER = 500
SUBSET_MAX_SHARE = 0.15

# Eigenvalues of a Gram matrix carry an error of a few eps times the largest one. Above this
# fraction of the largest they have nine correct digits, the accuracy promised for each.
GRAM_RESOLUTION = 1e-6
# Below this fraction even their order is lost: the wanted ones cannot be told from others.
GRAM_NOISE = 1e-13
# V = A'U / s is orthonormal to eps times lambda_1 / lambda_k: 1e-12 down to this fraction.
DIVISION_RESOLUTION = 1e-4

# Iterative refinement with a Cholesky factor contracts by about eps / rcond a step; below this
# reciprocal condition number it would stall.
MIN_RCOND = 1e-14


def leading_eigenpairs(gram: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k largest eigenvalues, descending and not negative, and their vectors."""
    order = gram.shape[0]
    if not np.isfinite(gram).all():
        raise Breakdown("the squares of the data overflow")
    with threaded_blas(order):
        if uses_subset(order, k):
            values, vectors = linalg.eigh(
                gram, subset_by_index=(order - k, order - 1), driver="evr", check_finite=False
            )
        else:
            values, vectors = np.linalg.eigh(gram)
    # A copy, as numpy multiplies arrays with negative strides without BLAS.
    return np.maximum(values[::-1][:k], 0.0), vectors[:, ::-1][:, :k].copy(order="F")


def uses_subset(order: int, k: int) -> bool:
    """Whether `k` of `order` eigenpairs are cheaper to compute than all of them."""
    return order >= SUBSET_MIN_ORDER and k <= SUBSET_MAX_SHARE * order


def eigh_flops(order: int, k: int) -> float:
    """Cost of :func:`leading_eigenpairs` in BLAS-3 operations."""
    return (EIGH_SUBSET_FLOPS if uses_subset(order, k) else EIGH_FLOPS) * order**3


def svd(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the thin SVD, by divide and conquer or, if that does not converge, by QR."""
    with threaded_blas(min(matrix.shape)):
        try:
            return np.linalg.svd(matrix, full_matrices=False)
        except np.linalg.LinAlgError:
            return linalg.svd(
                matrix, full_matrices=False, lapack_driver="gesvd", check_finite=False
            )


def cholesky(matrix: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the factor for scipy's ``cho_solve``; Breakdown if it could not refine.

    `matrix` is overwritten.
    """
    norm = np.abs(matrix).sum(axis=0).max()
    try:
        with threaded_blas(len(matrix)):
            factor = linalg.cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
    except linalg.LinAlgError as failure:
        raise Breakdown("the Gram matrix is not positive definite") from failure
    rcond, _ = linalg.lapack.dpocon(factor[0], norm, uplo="L")
    if not rcond >= MIN_RCOND:
        raise Breakdown(f"the Gram matrix has a reciprocal condition number of {rcond:.0e}")
    return factor


def triplets(values: np.ndarray, right: np.ndarray) -> SingularTriplets:
    """Pack singular values and vectors (in rows), with signs that do not depend on the route.

    The entry of largest magnitude of every vector is made positive. `right` is overwritten.
    """
    right = np.ascontiguousarray(right)
    right *= np.where(right.max(axis=1) >= -right.min(axis=1), 1.0, -1.0)[:, None]
    return SingularTriplets(values, right)


def triplets_from_left(operand: Operand, values: np.ndarray, U: np.ndarray) -> SingularTriplets:
    """Turn leading eigenpairs of AA' into singular triplets of A.

    V = A'U / s where that is accurate. Otherwise one Rayleigh-Ritz step on the data: the SVD
    of A'U has the small singular values to the accuracy of an SVD of A, and an orthonormal V
    even where s is zero.
    """
    image = operand.rmatmat(U)
    if values[-1] > DIVISION_RESOLUTION * values[0]:
        s = np.sqrt(values)
        image /= s
        return triplets(s, image.T)
    if U.shape[1] < operand.shape[0]:
        require_resolved(values, GRAM_NOISE)
    Q, R = np.linalg.qr(image)
    left, s, _ = svd(R)
    return triplets(s, (Q @ left).T)


def triplets_from_right(operand: Operand, values: np.ndarray, V: np.ndarray) -> SingularTriplets:
    """Turn leading eigenpairs of A'A into singular triplets of A.

    Those that the Gram matrix resolves are taken from it. The small ones get one Rayleigh-Ritz
    step on the data: A times their vectors is orthogonal to A times the others to second order,
    so its SVD has them to the accuracy of an SVD of A, at the cost of a narrow product.
    """
    n_resolved = int(np.count_nonzero(values >= GRAM_RESOLUTION * values[:1]))
    s, right = np.sqrt(values), V.T
    if n_resolved < len(values):
        require_resolved(values, GRAM_NOISE)
        image = operand.matmat(V[:, n_resolved:])
        with threaded_blas(image.shape[1]):
            R = np.linalg.qr(image, mode="r")
        _, small, rotation = svd(R)
        s = np.concatenate([s[:n_resolved], small])
        right = np.vstack([right[:n_resolved], rotation @ right[n_resolved:]])
    return triplets(s, right)


def complete(answer: SingularTriplets, count: int, n_rows: int) -> SingularTriplets:
    """Return `count` triplets whose null directions depend on the matrix alone.

    Directions without energy are arbitrary within their space, and every route finds others.
    Here they are the projection of fixed random vectors on that space, orthonormalised: the same
    for repeated and weighted rows, whatever the solver.

    Parameters
    ----------
    answer : SingularTriplets
        Triplets of a matrix with `n_rows` rows.
    count : int
        How many to return, at most p.
    n_rows : int
        Number of rows, for the numerical rank.
    """
    p = answer.right.shape[1]
    cutoff = max(n_rows, p) * np.finfo(np.float64).eps * answer.values.max(initial=0.0)
    rank = min(int(np.count_nonzero(answer.values > cutoff)), count)
    missing = count - rank
    if missing == 0:
        return SingularTriplets(answer.values[:count], answer.right[:count])
    right = answer.right[:rank]
    null = np.random.default_rng(0).standard_normal((p, missing))
    for _ in range(2):  # twice is enough
        null -= right.T @ (right @ null)
    null = triplets(np.zeros(missing), np.linalg.qr(null)[0].T)
    values = np.zeros(count)
    values[: min(count, len(answer.values))] = answer.values[:count]
    return SingularTriplets(values, np.vstack([right, null.right]))


def require_resolved(values: np.ndarray, resolution: float) -> None:
    """Raise Breakdown if eigenvalues of a Gram matrix are too small to be right."""
    if len(values) and values[-1] < resolution * values[0]:
        raise Breakdown(
            f"eigenvalue {len(values)} is {values[-1] / values[0]:.1e} of the largest, below "
            f"the {resolution:.0e} that a Gram matrix resolves"
        )


def tall_r_factor(operand: Operand, *, rhs: np.ndarray | None = None) -> np.ndarray:
    """Return R of A = QR, or of [A rhs] = QR, by a QR of one row block after the other.

    Neither Q nor a dense copy of A is formed. R is square, or trapezoidal if A is wide.
    """
    n_columns = operand.shape[1] + (0 if rhs is None else rhs.shape[1])
    R = np.empty((0, n_columns))
    # Blocks of 4 p rows keep the cost of carrying R along at a quarter of the factorisation.
    with threaded_blas(n_columns):
        for rows in operand.dense_row_blocks(min_rows=4 * n_columns):
            block = operand.dense_block(rows)
            if rhs is not None:
                block = np.hstack([block, rhs[rows]])
            R = np.linalg.qr(np.vstack([R, block]), mode="r")
    return R
