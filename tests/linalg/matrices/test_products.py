"""Products, transposes, norms and entries of every structured matrix, against its entries."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matrix_cases import ALL, TYPES, noise, tolerance
from numpy.testing import assert_allclose
from scipy import sparse

EACH = pytest.mark.parametrize("name", ALL)
EACH_TYPE = pytest.mark.parametrize("dtype", TYPES)


def explicit(matrix):
    found = matrix.explicit()
    return found.toarray() if sparse.issparse(found) else found


@EACH
@EACH_TYPE
def test_products_and_entries(name, dtype):
    for n in (0, 1, 2, 9):
        check_products(*ALL[name](dtype, n), dtype)


def check_products(matrix, dense, dtype):
    scale = np.abs(dense).sum()
    close = tolerance(dtype, scale)
    assert matrix.shape == dense.shape
    assert matrix.dtype == dtype
    assert_allclose(matrix.to_dense(), dense, **close)
    assert_allclose(explicit(matrix), dense, **close)
    X, Y = noise(dtype, dense.shape[1], 3), noise(dtype, dense.shape[0], 2)
    assert (matrix @ X).dtype == dtype
    assert_allclose(matrix @ X, dense @ X, **close)
    assert_allclose(matrix @ X[:, 0], dense @ X[:, 0], **close)
    assert_allclose(matrix.rmatmat(Y), dense.conj().T @ Y, **close)
    assert_allclose(matrix.rmatvec(Y[:, 0]), dense.conj().T @ Y[:, 0], **close)
    assert_allclose(Y.T @ matrix, Y.T @ dense, **close)
    assert_allclose(matrix.T.to_dense(), dense.T, **close)
    assert_allclose(matrix.H.to_dense(), dense.conj().T, **close)
    assert matrix.H.dtype == dtype


@EACH
def test_columns_of_any_layout_and_of_another_type(name):
    matrix, dense = ALL[name]("float64", 6)
    wide = noise("float64", 3, 2 * dense.shape[1])
    for X in (wide.T[::2], np.asfortranarray(wide.T[::2]), wide[:, ::-2].T):
        assert_allclose(matrix @ X, dense @ X, **tolerance("float64", np.abs(dense).sum()))
    X = noise("complex128", dense.shape[1], 2)
    assert_allclose(matrix @ X, dense @ X, **tolerance("float64", np.abs(dense).sum()))
    assert (matrix @ np.empty((dense.shape[1], 0))).shape == (dense.shape[0], 0)


@EACH
@EACH_TYPE
def test_norms(name, dtype):
    matrix, dense = ALL[name](dtype, 7)
    for order in (1, np.inf):
        assert_allclose(matrix.norm(order), np.linalg.norm(dense, order), rtol=1e-5)
    with pytest.raises(ValueError, match="ord must be 1"):
        matrix.norm(2)


@EACH
def test_main_diagonal(name):
    matrix, dense = ALL[name]("float64", 5)
    assert_allclose(matrix._main_diagonal(), dense.diagonal(), **tolerance("float64", 30))


@EACH
def test_precision_can_be_changed(name):
    matrix, dense = ALL[name]("float32", 5)
    double = matrix.astype("float64")
    assert double.dtype == np.float64
    assert_allclose(double.to_dense(), dense, rtol=1e-5, atol=1e-5)
    assert matrix.astype("float32") is matrix
    assert type(double) is type(matrix)


@EACH
def test_copies_are_the_same_matrix(name):
    matrix, dense = ALL[name]("complex128", 4)
    if matrix.shape[0] == matrix.shape[1]:
        matrix.logdet()  # with what was kept
    for copied in (copy.deepcopy(matrix), pickle.loads(pickle.dumps(matrix))):
        assert np.array_equal(copied.to_dense(), matrix.to_dense())
    assert f"{dense.shape[0]} x {dense.shape[1]}" in repr(matrix)
    assert "complex128" in repr(matrix)


@given(name=st.sampled_from(sorted(ALL)), n=st.integers(0, 12), dtype=st.sampled_from(TYPES))
@settings(max_examples=60, deadline=None)
def test_the_adjoint_is_one(name, n, dtype):
    matrix, dense = ALL[name](dtype, n)
    u, v = noise(dtype, dense.shape[0]), noise(dtype, dense.shape[1], seed=1)
    left, right = np.vdot(u, matrix @ v), np.vdot(matrix.rmatvec(u), v)
    size = np.linalg.norm(u) * np.linalg.norm(v) * np.linalg.norm(dense)
    assert abs(left - right) <= 100 * np.finfo(dtype).eps * max(size, 1.0)
