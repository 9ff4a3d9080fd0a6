"""Penalties: their matrices, roots and standard forms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from skstruct.linalg import DiagonalPenalty, Penalty, difference_penalty, laplacian_penalty
from skstruct.linalg._penalty import IdentityPenalty

P = 8
FACTORS = np.array([0.0, 2.0, 1.0, 0.0, 1e-4, 1e4, 3.0, 0.5])


def gaussian(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def ring():
    """Return the weighted adjacency matrix of a ring with a chord."""
    A = np.zeros((P, P))
    for i in range(P):
        A[i, (i + 1) % P] = 1.0 + i
    A[1, 5] = 0.25
    return A + A.T


def path_and_pair():
    """Return the adjacency matrix of a graph of three components, one a single node."""
    A = np.zeros((P, P))
    A[0, 1] = A[1, 2] = A[2, 3] = A[3, 4] = 1.0
    A[5, 6] = 2.0
    return A + A.T


# name -> (penalty, dimension of the null space)
PENALTIES = {
    "few rows": (Penalty(gaussian(0, 5, P)), 3),
    "square": (Penalty(gaussian(1, P, P)), 0),
    "many rows": (Penalty(gaussian(2, 13, P)), 0),
    "many rows of low rank": (Penalty(gaussian(3, 13, 5) @ gaussian(4, 5, P)), 3),
    "one row": (Penalty(gaussian(5, 1, P)), P - 1),
    "zero": (Penalty(np.zeros((3, P))), P),
    "no rows": (Penalty(np.zeros((0, P))), P),
    "sparse few rows": (Penalty(sparse.csr_array(np.eye(P)[2:])), 2),
    "sparse many rows": (Penalty(sparse.coo_array(np.vstack([np.eye(P)] * 2))), 0),
    "factors": (DiagonalPenalty(FACTORS), 2),
    "identity": (IdentityPenalty(P), 0),
    "first differences": (difference_penalty(P, 1), 1),
    "second differences": (difference_penalty(P, 2), 2),
    "highest differences": (difference_penalty(P, P - 1), P - 1),
    "ring": (laplacian_penalty(ring()), 1),
    "sparse ring": (laplacian_penalty(sparse.csr_array(ring())), 1),
    "three components": (laplacian_penalty(path_and_pair()), 3),
}
EACH = pytest.mark.parametrize("name", PENALTIES)


def dense(matrix):
    return matrix.toarray() if sparse.issparse(matrix) else np.asarray(matrix)


def root_of(name):
    return dense(PENALTIES[name][0].root)


@EACH
def test_matrix_is_that_of_the_squared_norm(name):
    penalty, L = PENALTIES[name][0], root_of(name)
    size = max(1.0, np.abs(L).max(initial=0.0) ** 2)
    assert_allclose(dense(penalty.matrix), L.T @ L, atol=1e-12 * size)
    assert_allclose(penalty.diagonal, np.square(L).sum(axis=0), rtol=1e-12)
    assert penalty.diagonal.dtype == np.float64
    w = gaussian(6, P)
    assert_allclose(w @ dense(penalty.matrix) @ w, np.sum(np.square(L @ w)), rtol=1e-12)


@EACH
def test_products_with_columns(name):
    penalty, L = PENALTIES[name][0], root_of(name)
    W = gaussian(7, P, 3)
    size = max(1.0, np.abs(L).max(initial=0.0) ** 2)
    assert_allclose(penalty.apply(W), L.T @ (L @ W), atol=1e-12 * size)
    # The identity may leave out its multiplication; only norms count.
    assert_allclose(
        np.square(penalty.roots_times(W)).sum(axis=0), np.square(L @ W).sum(axis=0), rtol=1e-12
    )
    assert_allclose(penalty.trace_with(W), np.trace(L @ W @ W.T @ L.T), rtol=1e-12)


@EACH
def test_shifted_is_a_new_matrix(name):
    penalty, L = PENALTIES[name][0], root_of(name)
    G = gaussian(8, 20, P)
    gram = G.T @ G
    kept = gram.copy()
    shifted = penalty.shifted(gram, 0.3)
    assert isinstance(shifted, np.ndarray)
    assert_allclose(shifted, kept + 0.3 * L.T @ L, rtol=1e-12, atol=1e-12)
    assert not np.shares_memory(shifted, gram)
    assert np.array_equal(gram, kept)


@EACH
def test_dense_root_has_the_same_matrix_and_at_most_p_rows(name):
    penalty, L = PENALTIES[name][0], root_of(name)
    root = penalty.dense_root()
    assert isinstance(root, np.ndarray)
    assert root.shape[0] <= P
    assert root.shape[1] == P
    assert_allclose(root.T @ root, L.T @ L, atol=1e-13 * max(1.0, np.abs(L).max(initial=0.0) ** 2))


@EACH
def test_standard_form(name):
    penalty, nullity = PENALTIES[name]
    L = root_of(name)
    T, N = penalty.standard_form
    T = dense(T)
    assert T.shape == (P, P - nullity)
    assert N.shape == (P, nullity)
    assert_allclose((L @ T).T @ (L @ T), np.eye(P - nullity), atol=1e-12)
    assert_allclose(N.T @ N, np.eye(nullity), atol=1e-13)
    assert_allclose(L @ N, 0, atol=1e-13 * max(1.0, np.abs(L).max(initial=0.0)))
    basis = np.hstack([T, N])
    assert np.linalg.matrix_rank(basis / np.linalg.norm(basis, axis=0)) == P
    # T is the pseudo-inverse up to a rotation, so its columns are free of null directions.
    assert_allclose(N.T @ T, 0, atol=1e-12 * max(1.0, np.abs(T).max(initial=0.0)))
    v, c = gaussian(9, P - nullity), gaussian(10, nullity)
    assert_allclose(np.sum(np.square(L @ (T @ v + N @ c))), v @ v, rtol=1e-10, atol=1e-20)


@EACH
def test_description_is_not_empty(name):
    assert str(PENALTIES[name][0])


def test_only_the_identity_says_so():
    assert [name for name, (penalty, _) in PENALTIES.items() if penalty.is_identity] == ["identity"]


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_differences_are_those_of_numpy(order):
    assert_allclose(root_of_differences(order), np.diff(np.eye(P), n=order, axis=0))


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_differences_annihilate_polynomials_of_lower_degree_only(order):
    L = root_of_differences(order)
    x = np.arange(P, dtype=float)
    assert L.shape == (P - order, P)
    for degree in range(order):
        assert_allclose(L @ x**degree, 0, atol=1e-9)
    assert np.all(np.abs(L @ x**order) > 0.5)


def root_of_differences(order):
    return dense(difference_penalty(P, order).root)


@pytest.mark.parametrize("order", [0, -1, P, P + 1])
def test_impossible_orders_are_refused(order):
    with pytest.raises(ValueError, match=f"differences of order {order}"):
        difference_penalty(P, order)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("graph", [ring, path_and_pair])
def test_laplacian_is_degrees_minus_adjacency(make, graph):
    A = graph()
    penalty = laplacian_penalty(make(A))
    assert_allclose(dense(penalty.matrix), np.diag(A.sum(axis=1)) - A, atol=1e-14)
    w = gaussian(11, P)
    expected = 0.5 * np.sum(A * np.square(w[:, None] - w[None, :]))
    assert_allclose(np.sum(np.square(penalty.roots_times(w[:, None]))), expected, rtol=1e-13)


def test_laplacian_has_a_row_for_each_edge_and_ignores_loops():
    A = path_and_pair()
    assert laplacian_penalty(A).root.shape == (5, P)
    loops = laplacian_penalty(A + np.diag(np.arange(P, dtype=float)))
    assert loops.root.shape == (5, P)
    assert_allclose(dense(loops.matrix), dense(laplacian_penalty(A).matrix))
    stored_zeros = sparse.csr_array(A)
    stored_zeros.data[:] = 0
    assert laplacian_penalty(stored_zeros).root.shape == (0, P)


def test_factors_of_the_identity_are_ones():
    assert_allclose(dense(IdentityPenalty(P).root), np.eye(P))
    assert_allclose(DiagonalPenalty(FACTORS).diagonal, FACTORS)
