"""Kronecker products, plain and shifted, and block diagonal matrices."""

import numpy as np
import pytest
from matrix_cases import definite, dominant, noise
from numpy.testing import assert_allclose
from scipy import linalg, sparse

from skstruct.linalg import Banded, BlockDiagonal, Circulant, Diagonal, Kronecker, ShiftedKronecker
from skstruct.linalg.matrices import Dense
from skstruct.linalg.matrices._schur import schur_of
from skstruct.linalg.matrices._stack import Stack


def test_factors_keep_their_structure():
    matrix = Kronecker(Diagonal([1.0, 2.0]), dominant("float64", 3), Circulant([3.0, 1.0]))
    assert [type(factor) for factor in matrix.factors] == [Diagonal, Dense, Circulant]
    assert type(matrix.T.factors[2]) is Circulant
    assert Kronecker(np.eye(2, dtype="f4"), 1j * np.eye(2)).factors[0].dtype == np.complex128


def test_a_factor_that_is_none():
    with pytest.raises(ValueError, match="at least one factor"):
        Kronecker()
    with pytest.raises(ValueError, match="factor 1: array must have 2 dimension"):
        Kronecker(np.eye(2), np.ones(3))
    with pytest.raises(ValueError, match=r"factor 0: array must be finite: the entry \(0, 1\)"):
        Kronecker([[1.0, np.nan]], np.ones((1, 1)))
    with pytest.raises(TypeError, match="factor 0"):
        Kronecker([["a"]])


def test_an_operation_along_each_axis_of_a_grid():
    A, B, C = noise("float64", 2, 3), noise("float64", 4, 5), noise("float64", 3, 2)
    grid = noise("float64", 3, 5, 2)
    expected = np.einsum("ia,jb,kc,abc->ijk", A, B, C, grid)
    assert_allclose(Kronecker(A, B, C) @ grid.ravel(), expected.ravel())


def test_a_large_one_is_never_formed():
    A, B = definite("float64", 300), dominant("float64", 400)
    matrix = Kronecker(A, B)
    X = noise("float64", 300, 400)
    answer = matrix.certified_solve((A @ X @ B.T).ravel())
    assert answer.certificate.holds
    assert_allclose(answer.x.reshape(300, 400), X, atol=1e-11)
    assert_allclose(
        matrix.logdet()[1], 400 * np.linalg.slogdet(A)[1] + 300 * np.linalg.slogdet(B)[1]
    )
    shifted = matrix.shift(0.5)
    answer = shifted.certified_solve((A @ X @ B.T + 0.5 * X).ravel())
    assert answer.certificate.holds
    assert answer.method == "schur"
    assert_allclose(answer.x.reshape(300, 400), X, atol=1e-10)


def test_sparse_factors_give_a_sparse_matrix():
    difference = Banded.from_diagonals([-1.0, 1.0], [0, 1], shape=(3, 4))
    matrix = Kronecker(difference, Diagonal.identity(5))
    assert sparse.issparse(matrix.explicit())
    assert matrix.explicit().nnz == 30
    assert isinstance(Kronecker(np.eye(2), np.eye(2)).explicit(), np.ndarray)


@pytest.mark.parametrize(
    ("factors", "method"),
    [
        ([definite("complex128", 3), Circulant([2.0, 1.0, 0.0])], "eigen"),
        ([Diagonal([1.0, 2.0]), np.array([[0.0, 1.0], [-1.0, 0.0]])], "eigen"),  # a rotation
        ([np.array([[1.0, 1e-3], [0.0, 1.0]]), np.eye(2)], "schur"),  # not normal by little
        ([Diagonal([1.0, 2.0]), dominant("float64", 3)], "schur"),
    ],
)
def test_shifted_ones_are_divided_where_factors_are_normal(factors, method):
    matrix = Kronecker(*factors).shift(0.7)
    b = noise("float64", matrix.shape[0], 2)
    answer = matrix.certified_solve(b)
    assert answer.method == method
    dense = Kronecker(*factors).to_dense() + 0.7 * np.eye(len(b))
    assert_allclose(dense @ answer.x, b, atol=1e-12)
    assert answer.x.dtype == matrix.dtype


def test_the_adjoint_of_a_complex_shift():
    K = Kronecker(dominant("complex128", 3), dominant("complex128", 2)).shift(1 + 2j)
    b = noise("complex128", 6, 2)
    assert K.factor().name == "schur"
    assert_allclose(K.to_dense().conj().T @ K.factor().solve_adjoint(b), b, atol=1e-12)


def test_shifts_add_up_and_are_checked():
    K = Kronecker(np.eye(2), np.eye(2))
    assert K.shift(1).shift(2).c == 3
    assert isinstance(K + Diagonal(np.full(4, 2.0)), ShiftedKronecker)
    with pytest.raises(ValueError, match="finite"):
        K.shift(np.nan)
    rectangular = Kronecker(np.ones((2, 1)), np.ones((1, 2)))
    blocks = BlockDiagonal([np.ones((2, 1)), np.ones((1, 2))])
    for matrix in (rectangular, blocks):
        with pytest.raises(ValueError, match="square factors or blocks"):
            matrix.shift(1.0)
        total = matrix + Diagonal.identity(matrix.shape[0])
        ones = np.ones(matrix.shape[0])
        assert_allclose(total @ ones, matrix.to_dense() @ ones + 1)
    with pytest.raises(ValueError, match="square factors"):
        ShiftedKronecker(rectangular, 1.0)
    with pytest.raises(ValueError, match="finite"):
        ShiftedKronecker(K, np.inf)
    assert_allclose((2 * K.shift(3)).to_dense(), 8 * np.eye(4))


def test_schur_forms():
    for A in (dominant("float64", 5), definite("complex128", 4), np.eye(3), np.zeros((2, 2))):
        form = schur_of(A)
        T = np.diag(form.triangle) if form.is_diagonal else form.triangle
        assert_allclose(form.rotate_back(T @ form.rotate(np.eye(len(A)))), A, atol=1e-13)
        assert_allclose(np.tril(T, -1), 0)
    assert schur_of(linalg.circulant([1.0, 2.0, 3.0])).is_diagonal
    assert not schur_of(np.array([[1.0, 1e-6], [0.0, 1.0]])).is_diagonal


def test_blocks_of_one_small_size_are_stacked():
    blocks = [np.eye(2), 2 * np.eye(2), np.eye(3), np.eye(40), np.eye(40), Diagonal([1.0])]
    matrix = BlockDiagonal(blocks)
    assert [type(part) for part in matrix.parts] == [Stack, Stack, Dense, Dense, Diagonal]
    assert matrix.numbers == (0, 2, 3, 4, 5)
    many = BlockDiagonal(np.broadcast_to(dominant("float64", 3), (50_000, 3, 3)))
    answer = many.certified_solve(np.ones(150_000))
    assert answer.certificate.holds
    assert_allclose(answer.x[:3], np.linalg.solve(dominant("float64", 3), np.ones(3)))


def test_blocks_that_are_none():
    with pytest.raises(ValueError, match=r"shape \(m, r, c\), got \(2, 2\)"):
        BlockDiagonal(np.eye(2))
    with pytest.raises(ValueError, match="block 1: array must have 2 dimension"):
        BlockDiagonal([np.eye(2), np.ones(2)])
    with pytest.raises(ValueError, match="blocks must be finite"):
        BlockDiagonal([np.eye(2), np.full((2, 2), np.nan)])
    empty = BlockDiagonal([])
    assert empty.shape == (0, 0)
    assert empty.solve(np.empty(0)).shape == (0,)


def test_blocks_divided_otherwise_are_no_block_diagonal_sum():
    A, B = BlockDiagonal([np.eye(1), np.eye(2)]), BlockDiagonal([np.eye(2), np.eye(1)])
    assert not isinstance(A + B, BlockDiagonal)
    assert_allclose((A + B) @ np.ones(3), 2)
