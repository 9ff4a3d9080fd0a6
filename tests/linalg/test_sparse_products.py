"""Products of compressed rows against dense ones, whatever the blocks and threads."""

import numpy as np
import pytest
from scipy import sparse
from threadpoolctl import threadpool_limits

from skstruct.linalg import _sparse_products
from skstruct.linalg._columns import column_dots, column_sums, scale_columns, subtract_row
from skstruct.linalg._sparse_products import CompressedRows

SHAPES = [(1, 1), (1, 7), (7, 1), (3, 500), (500, 3), (40, 30), (5000, 700)]


def matrix_of(shape, dtype=np.float64, seed=0):
    rng = np.random.default_rng([seed, *shape])
    C = rng.standard_normal(shape) * (rng.random(shape) < 0.1)
    C[rng.integers(0, shape[0], 2)] = 1.5  # rows that are full
    return sparse.csr_array(C.astype(dtype))


@pytest.fixture(params=[None, 50], ids=["as-it-is", "small-blocks"])
def blocks(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(_sparse_products, "BLOCK_WORK", request.param)


def long_indices(C):
    indices = C.indices.astype(np.int64), C.indptr.astype(np.int64)
    return sparse.csr_array((C.data, *indices), shape=C.shape)


@pytest.mark.parametrize("k", [1, 2, 5, 6, 17])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", SHAPES)
def test_products(shape, dtype, k, blocks):
    C = matrix_of(shape, dtype)
    dense = C.toarray().astype(np.float64)
    rows, rng = CompressedRows(C), np.random.default_rng(1)
    V, U = rng.standard_normal((shape[1], k)), rng.standard_normal((shape[0], k))
    weights = rng.uniform(0.0, 2.0, (shape[0], 1))

    def weigh(product, part):
        product *= weights[part]
        return product

    atol = 1e-13 * np.sqrt(shape[0] * shape[1])
    for columns in (V, np.asfortranarray(V), np.repeat(V, 2, axis=1)[:, ::2]):
        np.testing.assert_allclose(rows.times(columns), dense @ V, rtol=0, atol=atol)
        np.testing.assert_allclose(
            rows.times(columns, weigh), weights * (dense @ V), rtol=0, atol=atol
        )
        there = dense.T @ (weights * (dense @ V))
        np.testing.assert_allclose(
            rows.there_and_back(columns, weigh), there, rtol=0, atol=100 * atol
        )
    for columns in (U, np.asfortranarray(U), np.repeat(U, 2, axis=1)[:, ::2]):
        found = rows.transposed_times(columns)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, dense.T @ U, rtol=0, atol=atol)
    assert rows.times(V).flags.c_contiguous
    # (C V)'U = V'(C'U)
    left, right = (rows.times(V) * U).sum(), (V * rows.transposed_times(U)).sum()
    assert left == pytest.approx(right, rel=1e-10, abs=atol)


@pytest.mark.parametrize("C", [sparse.csr_array((4, 3)), sparse.csr_array((4, 0))])
def test_no_entries(C, blocks):
    rows = CompressedRows(C)
    for k in (1, 8):
        assert np.array_equal(rows.times(np.ones((C.shape[1], k))), np.zeros((4, k)))
        assert np.array_equal(rows.transposed_times(np.ones((4, k))), np.zeros((C.shape[1], k)))


def test_indices_of_eight_bytes(blocks):
    C = matrix_of((60, 40))
    V = np.random.default_rng(0).standard_normal((40, 3))
    np.testing.assert_array_equal(
        CompressedRows(long_indices(C)).times(V), CompressedRows(C).times(V)
    )


@pytest.mark.parametrize("k", [1, 3, 8])
def test_a_row_with_most_entries_is_a_block_of_its_own(k, blocks):
    C = sparse.vstack([matrix_of((30, 4000)), np.ones((1, 4000)), matrix_of((30, 4000))]).tocsr()
    V = np.random.default_rng(0).standard_normal((4000, k))
    np.testing.assert_allclose(CompressedRows(C).times(V), C.toarray() @ V, rtol=0, atol=1e-10)


@pytest.mark.parametrize("k", [1, 8])
def test_bits_do_not_depend_on_the_threads(k):
    C = sparse.random(40_000, 900, 0.01, "csr", random_state=0)
    V = np.random.default_rng(1).standard_normal((900, k))
    found = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, "blas"):
            rows = CompressedRows(C)
            assert len(rows._lanes) > 1
            image = rows.times(V)
            found.append((image, rows.transposed_times(image), rows.there_and_back(V, keep)))
    for one, two in zip(*found, strict=True):
        assert np.array_equal(one, two)


def keep(product, rows):
    return product


def test_the_matrix_is_not_copied():
    C = matrix_of((5000, 700))
    rows = CompressedRows(C)
    for part in (slice(0, 10), slice(100, 2000), slice(0, 5000)):
        for view in rows._rows(part):
            for name in ("data", "indices"):
                assert np.shares_memory(getattr(view, name), getattr(C, name))


# -- columns of tall arrays -------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 255, 256, 257, 1000])
@pytest.mark.parametrize("c", [0, 1, 2, 7])
@pytest.mark.parametrize("order", ["C", "F"])
def test_columns(n, c, order):
    rng = np.random.default_rng([n, c])
    A, B = (np.asarray(rng.standard_normal((n, c)), order=order) for _ in range(2))
    numbers = rng.standard_normal(c)
    atol = 1e-13 * max(n, 1)
    np.testing.assert_allclose(column_sums(A), A.sum(axis=0), rtol=0, atol=atol)
    np.testing.assert_allclose(column_dots(A, B), (A * B).sum(axis=0), rtol=0, atol=atol)
    scaled, shifted = A.copy(order="K"), A.copy(order="K")
    scale_columns(scaled, numbers)
    assert np.array_equal(scaled, A * numbers)
    subtract_row(shifted, numbers)
    assert np.array_equal(shifted, A - numbers)


@pytest.mark.parametrize("c", [1, 3])
def test_columns_of_views(c):
    whole = np.arange(1200.0).reshape(300, 4)
    view = whole[:, :c]
    before = whole.copy()
    scale_columns(view, np.full(c, 2.0))
    assert np.array_equal(whole[:, :c], 2 * before[:, :c])
    assert np.array_equal(whole[:, c:], before[:, c:])
    np.testing.assert_allclose(column_sums(view), view.sum(axis=0), rtol=1e-14)
    ones = np.broadcast_to(np.ones((300, 1)), (300, c))
    np.testing.assert_allclose(column_dots(ones, view), view.sum(axis=0), rtol=1e-14)
