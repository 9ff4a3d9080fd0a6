"""Small dense factorisations shared by the solvers, and the conventions of their results."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from skstruct.linalg._operand import Operand
from skstruct.linalg._problems import SingularTriplets
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._threads import threaded_blas
from skstruct.linalg._triangular import TriangularFactor

# scipy's eigh of a subset beats numpy's eigh of everything from this order (at 300: 8.1 ms
# against 5.2; at 1000: 65 ms for a tenth against 84; at 2000: 0.34 s against 0.63) and up to
# this share of the pairs (0.15 at 1000: about equal).
SUBSET_MIN_ORDER = 500
SUBSET_MAX_SHARE = 0.15

# Eigenvalues of a Gram matrix are off by up to 22 eps times the largest one (equal ones, by driver
# evr; 5 eps by numpy's eigh; 0.1-1 eps where they differ). Above this fraction of the largest they
# have nine correct digits, the accuracy promised for each.
GRAM_RESOLUTION = 5e-6
# V = A'U / s is orthonormal to eps times lambda_1 / lambda_k: 1e-12 down to this fraction.
DIVISION_RESOLUTION = 1e-4
# Where further stages follow, fewer are taken: an eigenvector whose share of the largest eigenvalue
# is f turns those behind it so far that zero becomes a singular value of eps / sqrt(f) times the
# largest: 5e-14 with f = 5e-6, more than the 200 eps that small matrices are held to.
FIRM = 1e-4

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


def svd(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the thin SVD, by divide and conquer or, if that does not converge, by QR."""
    with threaded_blas(min(matrix.shape)):
        try:
            return np.linalg.svd(matrix, full_matrices=False)
        except np.linalg.LinAlgError:
            return linalg.svd(
                matrix, full_matrices=False, lapack_driver="gesvd", check_finite=False
            )


def cholesky(matrix: np.ndarray) -> TriangularFactor:
    """Return the Cholesky factor with columns of unit norm; Breakdown if it could not refine.

    `matrix` is overwritten.
    """
    diagonal = matrix.diagonal().copy()
    if np.any(diagonal == 0):
        raise Breakdown("a column is constant and nothing penalises it")
    if not np.all(diagonal > 0):
        raise Breakdown("the Gram matrix is not positive definite")
    scale = np.sqrt(diagonal)
    matrix /= scale
    matrix /= scale[:, None]
    np.fill_diagonal(matrix, 1.0)
    norm = np.abs(matrix).sum(axis=0).max()
    try:
        with threaded_blas(len(matrix)):
            # By numpy, whose threads formed the matrix: scipy's would wait for them to sleep.
            factor = np.linalg.cholesky(matrix).T
    except linalg.LinAlgError as failure:
        raise Breakdown("the Gram matrix is not positive definite") from failure
    rcond, _ = linalg.lapack.dpocon(factor, norm, uplo="U")
    if not rcond >= MIN_RCOND:
        raise Breakdown(f"the Gram matrix has a reciprocal condition number of {rcond:.0e}")
    return TriangularFactor(factor, scale)


def triplets(values: np.ndarray, right: np.ndarray) -> SingularTriplets:
    """Pack singular values and vectors (in rows), with signs that do not depend on the route.

    The entry of largest magnitude of every vector is made positive. `right` is overwritten.
    """
    right = np.ascontiguousarray(right)
    right *= np.where(right.max(axis=1) >= -right.min(axis=1), 1.0, -1.0)[:, None]
    return SingularTriplets(values, right)


def triplets_from_right(
    operand: Operand, values: np.ndarray, V: np.ndarray, *, is_rough: bool = False
) -> SingularTriplets:
    """Turn eigenpairs of A'A into singular triplets of A.

    Those that the Gram matrix resolves are taken from it. The data projected on the others has a
    Gram matrix of its own, which resolves some more of them, and so on down to rounding errors:
    every stage is one pass over the data. With `is_rough` this begins with the first.
    """
    null, largest = null_share(max(operand.shape)), 0.0
    found_values, found = [], []
    while True:
        n = len(values)
        if is_rough:
            n, is_rough = 0, False
        else:
            largest = max(largest, values[0])
            if values[0] > null * largest:
                n = int(np.count_nonzero(values >= GRAM_RESOLUTION * values[0]))
            if n < len(values):
                n = int(np.count_nonzero(values >= FIRM * values[0]))
        found_values.append(values[:n])
        found.append(V[:, :n].T)
        if n == len(values):
            return _descending(np.concatenate(found_values), np.vstack(found))
        V = V[:, n:]
        values, rotation = leading_eigenpairs(operand.in_double().projected_gram(V), V.shape[1])
        V = V @ rotation


def triplets_from_left(
    operand: Operand, values: np.ndarray, U: np.ndarray, *, is_rough: bool = False
) -> SingularTriplets:
    """Turn eigenpairs of AA' into singular triplets of A.

    V = A'U / s where that is accurate. What is left of A'U, made orthogonal to those, has a Gram
    matrix of its own, and so on as in :func:`triplets_from_right`, without further passes.
    """
    null, largest = null_share(max(operand.shape)), 0.0
    image = operand.rmatmat(U)
    found_values, found = np.empty(0), np.empty((0, len(image)))
    while True:
        n = 0
        if not is_rough:
            largest = max(largest, values[0])
            if not values[0] > null * largest:
                break
            n = int(np.count_nonzero(values > DIVISION_RESOLUTION * values[0]))
        found_values = np.concatenate([found_values, values[:n]])
        found = np.vstack([found, (image[:, :n] / np.sqrt(values[:n])).T])
        if n == len(values):
            return _descending(found_values, found)
        image = image[:, n:]
        for _ in range(2 * bool(len(found))):  # twice is enough
            image = image - found.T @ (found @ image)
        values, rotation = leading_eigenpairs(image.T @ image, image.shape[1])
        image, is_rough = image @ rotation, False
    n_null = min(len(values), len(image) - len(found))
    found_values = np.concatenate([found_values, np.zeros(n_null)])
    return _descending(found_values, np.vstack([found, null_directions(found, n_null)]))


def null_share(length: int) -> float:
    """Return the share of the largest eigenvalue below which only rounding errors are left.

    The square of that for singular values, with `length` the longer side of the matrix.
    """
    return (length * np.finfo(np.float64).eps) ** 2


def _descending(values: np.ndarray, right: np.ndarray) -> SingularTriplets:
    """Pack eigenvalues; those found in different stages may be out of order by roundings."""
    order = np.argsort(-values, kind="stable")
    return triplets(np.sqrt(values[order]), right[order])


def null_directions(right: np.ndarray, count: int) -> np.ndarray:
    """Return `count` orthonormal rows that are orthogonal to those of `right`.

    The projection of fixed random vectors on that space: it depends on the space alone.
    """
    null = np.random.default_rng(0).standard_normal((right.shape[1], count))
    for _ in range(2):  # twice is enough
        null -= right.T @ (right @ null)
    return triplets(np.zeros(count), np.linalg.qr(null)[0].T).right


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
    cutoff = np.sqrt(null_share(max(n_rows, p))) * answer.values.max(initial=0.0)
    rank = min(int(np.count_nonzero(answer.values > cutoff)), count)
    missing = count - rank
    if missing == 0:
        return SingularTriplets(answer.values[:count], answer.right[:count])
    right = answer.right[:rank]
    values = np.zeros(count)
    values[: min(count, len(answer.values))] = answer.values[:count]
    return SingularTriplets(values, np.vstack([right, null_directions(right, missing)]))


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
