"""Small factorisations and the conventions of their results."""

import numpy as np
import pytest
from scipy import sparse
from threadpoolctl import threadpool_limits

from skstruct.linalg import Breakdown, SingularTriplets, complete_triplets, make_operand
from skstruct.linalg import _spectral as module
from skstruct.linalg._gram_eigenpairs import eigh_flops
from skstruct.linalg._spectral import (
    SUBSET_MIN_ORDER,
    cholesky,
    leading_eigenpairs,
    svd,
    tall_r_factor,
    triplets,
    triplets_from_left,
    triplets_from_right,
    uses_subset,
)
from skstruct.linalg._triangular import TriangularFactor


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    # The pools of numpy and scipy hinder each other where other processes need the cores.
    with threadpool_limits(1, "blas"):
        yield


def noise(n, p, seed=0):
    return np.random.default_rng([n, p, seed]).standard_normal((n, p))


def with_values(values, n, p):
    U, V = (np.linalg.qr(noise(m, len(values)))[0] for m in (n, p))
    return (U * values) @ V.T


# -- eigenpairs and singular values -------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "k"), [(1, 1), (6, 6), (6, 2), (SUBSET_MIN_ORDER, 3), (SUBSET_MIN_ORDER, 400)]
)
def test_leading_eigenpairs(order, k):
    gram = noise(order, order)
    gram = gram @ gram.T
    before = gram.copy()
    values, vectors = leading_eigenpairs(gram, k)
    assert np.array_equal(gram, before)
    assert values.shape == (k,)
    assert vectors.shape == (order, k)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(gram)[::-1][:k], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(gram @ vectors, vectors * values, atol=1e-10 * values[0])
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(k), atol=1e-12)


def test_eigenvalues_of_a_gram_matrix_are_never_negative():
    gram = noise(20, 3) @ noise(20, 3).T
    gram = gram + gram.T - 1e-9 * np.eye(20)  # as rounding leaves it
    values, _ = leading_eigenpairs(gram, 20)
    assert np.all(values >= 0)
    assert np.all(np.diff(values) <= 0)


def test_few_pairs_of_a_large_matrix_are_computed_alone():
    assert uses_subset(SUBSET_MIN_ORDER, 10)
    assert not uses_subset(SUBSET_MIN_ORDER, 300)
    assert not uses_subset(SUBSET_MIN_ORDER - 1, 1)
    few, many = (eigh_flops(1000, k) for k in (10, 1000))
    assert few < many


@pytest.mark.parametrize("shape", [(7, 3), (3, 7), (1, 1)], ids=str)
def test_svd_without_divide_and_conquer(shape, monkeypatch):
    matrix = noise(*shape)
    expected = np.linalg.svd(matrix, compute_uv=False)

    def fail(*_, **__):
        raise np.linalg.LinAlgError("SVD did not converge")

    monkeypatch.setattr(module.np.linalg, "svd", fail)
    U, s, right = svd(matrix)
    np.testing.assert_allclose(s, expected, rtol=1e-13)
    np.testing.assert_allclose((U * s) @ right, matrix, atol=1e-13)


# -- Cholesky -----------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 5, 40])
def test_cholesky_solves(order):
    matrix = noise(order + 3, order).T @ noise(order + 3, order) + np.eye(order)
    x = noise(order, 2)
    found = cholesky(matrix.copy()).solve(matrix @ x)
    np.testing.assert_allclose(found, x, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("lower", [True, False])
def test_triangular_factors_know_the_inverse(lower):
    matrix = noise(9, 5).T @ noise(9, 5) * np.logspace(-3, 3, 5)
    matrix *= np.logspace(-3, 3, 5)[:, None]
    scale = np.sqrt(matrix.diagonal())
    R = np.linalg.cholesky(matrix / np.outer(scale, scale)).T
    factor = TriangularFactor(R.T.copy() if lower else R, scale, lower=lower)
    inverse = np.linalg.inv(matrix)
    np.testing.assert_allclose(factor.root.T @ factor.root, matrix, rtol=1e-12)
    root = factor.inverse_root
    np.testing.assert_allclose(root @ root.T, inverse, rtol=1e-9, atol=1e-12 * inverse.max())
    np.testing.assert_allclose(factor.inverse_diagonal(), inverse.diagonal(), rtol=1e-10)
    np.testing.assert_allclose(factor.condition, np.linalg.cond(R, 1), rtol=1e-10)
    singular = TriangularFactor(np.diag([1.0, 0.0]), np.ones(2), lower=lower)
    assert singular.condition == np.inf
    assert not singular.inverse_root.any()


@pytest.mark.parametrize(
    ("matrix", "why"),
    [
        (np.diag([1.0, -1.0]), "not positive definite"),
        (np.ones((2, 2)) - np.diag([0.0, 1e-3]), "not positive definite"),
        (np.array([[1.0, 1 - 1e-15], [1 - 1e-15, 1.0]]), "reciprocal condition number of"),
        (np.diag([1.0, 0.0]), "a column is constant and nothing penalises it"),
        (np.array([[1.0, 0.5], [0.5, np.nan]]), "condition|definite"),
    ],
)
def test_cholesky_breaks_down_and_says_why(matrix, why):
    with pytest.raises(Breakdown, match=why):
        cholesky(matrix)


# -- triplets -----------------------------------------------------------------------------


def test_the_largest_entry_of_every_vector_is_positive():
    right = np.array([[1.0, -3.0, 2.0], [0.5, 0.1, -0.2], [-1.0, 0.0, 0.0], [-2.0, 2.0, 0.0]])
    expected = right * [[-1], [1], [-1], [1]]
    answer = triplets(np.arange(4.0), right.copy())
    assert np.array_equal(answer.right, expected)
    assert answer.right.flags.c_contiguous
    # whatever the signs that a routine came with
    for signs in ([[1], [-1], [1], [1]], [[-1], [-1], [-1], [1]]):
        assert np.array_equal(triplets(np.arange(4.0), right * signs).right, expected)


@pytest.mark.parametrize("storage", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("smallest", [1e-1, 1e-3, 1e-5])
@pytest.mark.parametrize("shape", [(12, 60), (60, 12)], ids=str)
def test_triplets_from_the_left(shape, smallest, storage):
    A = with_values(np.logspace(0, np.log10(smallest), 12), *shape)
    operand = make_operand(storage(A))
    U, s, right = np.linalg.svd(A, full_matrices=False)
    answer = triplets_from_left(operand, s[:9] ** 2, U[:, :9])
    np.testing.assert_allclose(answer.values, s[:9], rtol=1e-10)
    np.testing.assert_allclose(answer.right @ answer.right.T, np.eye(9), atol=1e-11)
    np.testing.assert_allclose(np.abs(np.sum(answer.right * right[:9], axis=1)), 1.0, atol=1e-9)


def test_triplets_from_the_left_far_below_the_largest():
    A = with_values(np.logspace(0, -9, 12), 12, 60)
    U, s, _ = np.linalg.svd(A, full_matrices=False)
    answer = triplets_from_left(make_operand(A), s**2, U)
    np.testing.assert_allclose(answer.values, s, rtol=1e-6)
    np.testing.assert_allclose(answer.right @ answer.right.T, np.eye(12), atol=1e-12)


def test_triplets_from_the_right_far_below_the_largest():
    A = with_values(np.logspace(0, -9, 12), 60, 12)
    values, V = np.linalg.eigh(A.T @ A)  # eigenvalues down to 1e-18, known to 1e-16
    answer = triplets_from_right(make_operand(A), np.maximum(values[::-1], 0.0), V[:, ::-1])
    s = np.linalg.svd(A, compute_uv=False)
    np.testing.assert_allclose(answer.values, s, rtol=1e-6)
    np.testing.assert_allclose(answer.right @ answer.right.T, np.eye(12), atol=1e-12)


# -- null directions ----------------------------------------------------------------------


def deficient(rank, n, p, seed=0):
    return noise(n, rank, seed) @ noise(rank, p, seed + 1)


def exact(A, k):
    _, s, right = np.linalg.svd(A, full_matrices=False)
    return triplets(s[:k], right[:k])


def test_complete_answers_stay_as_they_are():
    answer = exact(noise(20, 6), 6)
    for count in (6, 4, 1):
        cut = complete_triplets(answer, count, 20)
        assert np.array_equal(cut.values, answer.values[:count])
        assert np.array_equal(cut.right, answer.right[:count])


@pytest.mark.parametrize("count", [3, 5, 8])
@pytest.mark.parametrize("given", [2, 3, 5])
def test_missing_directions_are_orthonormal_null_directions(given, count):
    A = deficient(3, 20, 8)
    answer = complete_triplets(exact(A, given), count, 20)
    rank = min(given, 3)
    assert answer.values.shape == (count,)
    assert answer.right.shape == (count, 8)
    np.testing.assert_allclose(answer.right @ answer.right.T, np.eye(count), atol=1e-12)
    assert np.all(answer.values[rank:] <= 1e-13 * answer.values[0])
    np.testing.assert_allclose(answer.right[:rank], exact(A, rank).right, atol=1e-12)
    if given >= 3:
        np.testing.assert_allclose(A @ answer.right[3:].T, 0.0, atol=1e-12)


def test_null_directions_depend_on_the_matrix_alone():
    A = deficient(3, 20, 8)
    first = complete_triplets(exact(A, 6), 6, 20)
    # another route finds other null vectors, and other signs of the others
    other = exact(A, 6)
    rotation = np.linalg.qr(noise(3, 3))[0]
    other.right[3:] = rotation @ other.right[3:]
    second = complete_triplets(other, 6, 20)
    np.testing.assert_allclose(second.right, first.right, atol=1e-12)
    # repeated rows have the same
    third = complete_triplets(exact(np.vstack([A, A]), 6), 6, 40)
    np.testing.assert_allclose(third.right, first.right, atol=1e-11)


def test_a_zero_matrix_has_null_directions_only():
    zero = SingularTriplets(np.zeros(2), np.eye(4)[:2])
    answer = complete_triplets(zero, 3, 5)
    assert np.array_equal(answer.values, np.zeros(3))
    np.testing.assert_allclose(answer.right @ answer.right.T, np.eye(3), atol=1e-14)


# -- R ------------------------------------------------------------------------------------


@pytest.mark.parametrize("storage", [np.asarray, np.asfortranarray, sparse.csr_array])
@pytest.mark.parametrize("shape", [(5000, 30), (40, 40), (10, 50), (1, 1), (3, 1)], ids=str)
@pytest.mark.parametrize("n_targets", [None, 2])
def test_triangular_factor(shape, n_targets, storage):
    X = noise(*shape) + 2.0
    operand = make_operand(storage(X), center=True)
    A = X - X.mean(axis=0)
    rhs = None if n_targets is None else noise(shape[0], n_targets, seed=3)
    R = tall_r_factor(operand, rhs=rhs)
    whole = A if rhs is None else np.hstack([A, rhs])
    assert R.shape == (min(whole.shape), whole.shape[1])
    np.testing.assert_allclose(R, np.triu(R))
    np.testing.assert_allclose(R.T @ R, whole.T @ whole, atol=1e-13 * np.sum(whole**2))
