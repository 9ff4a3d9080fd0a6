"""Sums, products, multiples and shifts: right for all, and structured where structure survives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matrix_cases import ALL, SQUARE, noise, tolerance
from numpy.testing import assert_allclose
from scipy.sparse.linalg import LinearOperator

from skstruct.linalg import (
    Banded,
    BlockDiagonal,
    Circulant,
    Diagonal,
    Kronecker,
    LowRankPlusDiagonal,
    ShiftedKronecker,
    StructuredMatrix,
    Toeplitz,
    Triangular,
)

KINDS = {
    "diagonal": Diagonal,
    "banded": Banded,
    "upper triangular": Triangular,
    "circulant": Circulant,
    "toeplitz": Toeplitz,
    "kronecker": Kronecker,
    "shifted, general": ShiftedKronecker,
    "stacked blocks": BlockDiagonal,
    "low rank": LowRankPlusDiagonal,
}


def assert_same(found, dense, scale=None):
    size = np.abs(dense).sum() if scale is None else scale
    X = noise(dense.dtype, dense.shape[1], 2)
    assert_allclose(found @ X, dense @ X, **tolerance(dense.dtype, 10 * size))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_multiples_keep_kind_and_type(name, dtype):
    matrix, dense = ALL[name](dtype, 5)
    for multiple, factor in (
        (2 * matrix, 2),
        (matrix * -0.5, -0.5),
        (-matrix, -1),
        (matrix / 4, 0.25),
    ):
        assert type(multiple) is type(matrix)
        assert multiple.dtype == dtype
        assert_same(multiple, (factor * dense).astype(dtype))
    assert_same(2j * matrix, 2j * dense)
    assert (2j * matrix).dtype.kind == "c"
    assert_same(np.float32(2) * matrix, 2 * dense)


@pytest.mark.parametrize("name", SQUARE)
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_shifts(name, dtype):
    matrix, dense = SQUARE[name](dtype, 5)
    shifted = matrix.shift(1.5)
    assert isinstance(shifted, StructuredMatrix)
    assert shifted.dtype == dtype
    expected = dense + np.asarray(1.5, dtype) * np.eye(len(dense), dtype=dtype)
    assert_same(shifted, expected)
    same = matrix + 1.5 * Diagonal.identity(len(dense), dtype)
    assert type(same) is type(shifted)
    assert_same(same, expected)
    assert_same(1.5 * Diagonal.identity(len(dense), dtype) + matrix, expected)
    assert_same(shifted - 1.5 * Diagonal.identity(len(dense), dtype), dense)
    assert matrix.shift(2j).dtype.kind == "c"


@pytest.mark.parametrize("name", SQUARE)
def test_any_diagonal_can_be_added_and_multiplied(name):
    matrix, dense = SQUARE[name]("float64", 5)
    d = noise("float64", len(dense), seed=5)
    D = Diagonal(d)
    assert_same(matrix + D, dense + np.diag(d))
    assert_same(D + matrix, dense + np.diag(d))
    assert_same(matrix - D, dense - np.diag(d))
    assert_same(D @ matrix, d[:, None] * dense)
    assert_same(matrix @ D, dense * d)


@pytest.mark.parametrize("name", KINDS)
def test_sums_and_products_of_one_kind(name):
    (A, a), (B, b) = SQUARE[name]("float64", 5), SQUARE[name]("complex128", 5)
    kind = KINDS[name]
    assert isinstance(A, kind)
    assert_same(A + B, a + b)
    assert_same(A - B, a - b)
    assert_same(A @ B, a @ b)
    if kind not in (Kronecker, ShiftedKronecker):
        assert isinstance(A + B, kind)
    if kind not in (Banded, Toeplitz, ShiftedKronecker, LowRankPlusDiagonal):
        assert isinstance(A @ B, kind)


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        ("banded", "tridiagonal", Banded),
        ("tridiagonal", "diagonal", Banded),
        ("diagonal", "low rank", LowRankPlusDiagonal),
        ("lower triangular", "diagonal", Triangular),
        ("dense", "circulant", StructuredMatrix),
    ],
)
def test_sums_that_keep_structure(left, right, kind):
    (A, a), (B, b) = SQUARE[left]("float64", 6), SQUARE[right]("float64", 6)
    assert isinstance(A + B, kind)
    assert isinstance(B + A, kind)
    assert_same(A + B, a + b)


def test_diagonals_stay_in_the_structure_that_they_scale():
    for name, kind in {
        "banded": Banded,
        "upper triangular": Triangular,
        "low rank": LowRankPlusDiagonal,
        "stacked blocks": BlockDiagonal,
    }.items():
        matrix, _ = SQUARE[name]("float64", 4)
        D = Diagonal(np.arange(1.0, matrix.shape[0] + 1))
        for scaled in (D @ matrix, matrix @ D, D + matrix):
            assert isinstance(scaled, kind)


def test_what_loses_structure_is_an_operator_all_the_same():
    (A, a), (B, b) = SQUARE["circulant"]("float64", 6), SQUARE["upper triangular"]("float64", 6)
    for found, dense in ((A + B, a + b), (A @ B, a @ b), (B.T @ B, b.T @ b)):
        assert not isinstance(found, StructuredMatrix)
        assert isinstance(found, LinearOperator)
        assert_same(found, dense)
    varying = Diagonal(np.arange(6.0))
    assert not isinstance(A + varying, StructuredMatrix)
    assert isinstance(A + 3 * Diagonal.identity(6), Circulant)


def test_rectangular_products_of_kronecker_products():
    A, B = (
        Kronecker(noise("float64", 2, 3), noise("float64", 4, 5)),
        Kronecker(noise("float64", 3, 2), noise("float64", 5, 3)),
    )
    product = A @ B
    assert isinstance(product, Kronecker)
    assert_same(product, A.to_dense() @ B.to_dense())
    # of the same orders, but of factors that do not fit
    other = Kronecker(noise("float64", 5, 2), noise("float64", 3, 3))
    assert not isinstance(A @ other, StructuredMatrix)
    assert_same(A @ other, A.to_dense() @ other.to_dense())


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="2 x 2 and 3 x 3 cannot be added"):
        Diagonal(np.ones(2)) + Diagonal(np.ones(3))
    with pytest.raises(ValueError, match="2 x 2 cannot be multiplied by one of 3 x 3"):
        Diagonal(np.ones(2)) @ Diagonal(np.ones(3))


def test_other_operators_can_be_added_and_multiplied():
    D = Diagonal([1.0, 2.0])
    other = LinearOperator((2, 2), matvec=lambda x: 3 * x, dtype=np.float64)
    assert_allclose((D + other) @ np.ones(2), [4.0, 5.0])
    assert_allclose((D @ other) @ np.ones(2), [3.0, 6.0])
    with pytest.raises(ValueError, match="scalar"):
        D / other


@given(
    left=st.sampled_from(sorted(SQUARE)),
    right=st.sampled_from(sorted(SQUARE)),
    n=st.integers(1, 6),
)
@settings(max_examples=80, deadline=None)
def test_any_two_of_one_order(left, right, n):
    (A, a), (B, b) = SQUARE[left]("float64", n), SQUARE[right]("float64", n)
    if a.shape != b.shape:
        return
    assert_same(A + B, a + b, 1000)
    assert_same(A @ B, a @ b, 1000)
    assert_same((A + B).H, (a + b).conj().T, 1000)
