"""Diagonal plus low rank: no digits are lost where Woodbury's formula loses them all."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from matrix_cases import noise
from numpy.testing import assert_allclose
from scipy.linalg import LinAlgWarning

from skstruct.linalg import LowRankPlusDiagonal
from skstruct.linalg.matrices._low_rank_factors import AugmentedQR

N = 150


def spread(low, high):
    return 10.0 ** np.random.default_rng(0).uniform(low, high, N)


DIAGONALS = {
    "ones": np.ones(N),
    "small": np.full(N, 1e-9),
    "of both signs": 1e-5 * noise("float64", N),
    "spread": spread(-6, 0),
    "spread widely": spread(-10, 4),
    "large": spread(0, 8),
    "one tiny": np.r_[np.ones(N - 1), 1e-300],
    "one zero": np.r_[0.0, np.ones(N - 1)],
    "three zeros": np.r_[np.ones(N - 2), 0.0, 0.0] * (np.arange(N) != 40),
}


@pytest.mark.parametrize("name", DIAGONALS)
@pytest.mark.parametrize("symmetric", [True, False])
def test_backward_stable_for_any_diagonal(name, symmetric):
    d, U = DIAGONALS[name], noise("float64", N, 4)
    V = U if symmetric else noise("float64", N, 4, seed=1)
    matrix, dense = LowRankPlusDiagonal(d, U, None, V), np.diag(d) + U @ V.T
    for b in (noise("float64", N), U[:, 0], dense @ np.ones(N)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LinAlgWarning)  # some are nearly singular
            answer = matrix.certified_solve(b)
        assert answer.certificate.holds
        residual = np.abs(b - dense @ answer.x).max()
        size = np.abs(dense).sum(axis=1).max() * np.abs(answer.x).max() + np.abs(b).max()
        assert residual <= 20 * np.finfo(float).eps * np.sqrt(N) * size
    exact = 1 / np.linalg.cond(dense, 1)
    if exact > 1e-13:
        assert 0.9 * exact <= matrix.rcond() <= 3.1 * exact
        assert_allclose(matrix.logdet(), np.linalg.slogdet(dense), rtol=1e-7)


def test_woodbury_would_lose_what_this_keeps():
    # the reason for not using it
    d, U = np.full(N, 1e-9), noise("float64", N, 2)
    b = U @ np.ones(2)
    z = b / d
    small = np.eye(2) + U.T @ (U / d[:, None])
    woodbury = z - (U / d[:, None]) @ np.linalg.solve(small, U.T @ z)
    matrix = LowRankPlusDiagonal(d, U)
    x = matrix.solve(b)

    def residual(found):
        return np.abs(matrix @ found - b).max() / (matrix.norm(np.inf) * np.abs(found).max())

    assert residual(woodbury) > 1e-11
    assert residual(x) < 1e-15
    assert residual(matrix.factor().solve(b[:, None])[:, 0]) < 1e-15  # without refinement, too


@pytest.mark.parametrize("zeros", [[0], [3, 149], [1, 2, 3, 4]])
def test_zeros_of_the_diagonal_are_no_obstacle(zeros):
    d = np.ones(N)
    d[zeros] = 0
    matrix = LowRankPlusDiagonal(d, noise("complex128", N, 4))
    b = noise("complex128", N, 2)
    answer = matrix.certified_solve(b)
    assert answer.method == "augmented_qr"
    assert_allclose(answer.x, np.linalg.solve(matrix.to_dense(), b), rtol=1e-8, atol=1e-10)
    assert_allclose(matrix.logdet(), np.linalg.slogdet(matrix.to_dense()), rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("rank", [0, 1, 5, 40])
def test_augmented_qr_of_any_rank(dtype, rank):
    for n in (1, 3, 33, 70):
        d = noise(dtype, n) + 3
        U = noise(dtype, n, rank) / max(rank, 1) ** 0.5
        V = noise(dtype, n, rank, seed=1) / max(rank, 1) ** 0.5
        matrix = LowRankPlusDiagonal(d, U, None, V)
        dense, b = matrix.to_dense(), noise(dtype, n, 2)
        factor = AugmentedQR(matrix)
        rtol = 2e-3 if np.finfo(dtype).eps > 1e-10 else 1e-10
        for found, A in ((factor.solve(b), dense), (factor.solve_adjoint(b), dense.conj().T)):
            assert found.dtype == dtype
            assert_allclose(A @ found, b, atol=rtol * np.abs(A).max())
        assert_allclose(factor.slogdet(), np.linalg.slogdet(dense), rtol=rtol, atol=10 * rtol)
        assert matrix.certified_solve(b).certificate.holds


def test_of_more_columns_than_rows():
    matrix = LowRankPlusDiagonal(np.ones(2), noise("float64", 2, 5))
    assert_allclose(matrix @ matrix.solve(np.ones(2)), 1)


def test_dependent_columns_are_no_obstacle():
    U = np.outer(noise("float64", N), [1.0, 2.0, 0.0])
    for d in (np.ones(N), np.r_[0.0, np.ones(N - 1)]):
        matrix = LowRankPlusDiagonal(d, U)
        assert_allclose(matrix @ matrix.solve(np.ones(N)), 1, atol=1e-10)


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"U \(3, 2\), C \(2, 2\), V \(3, 2\)"):
        LowRankPlusDiagonal(np.ones(4), np.ones((3, 2)))
    with pytest.raises(ValueError, match="shapes do not fit"):
        LowRankPlusDiagonal(np.ones(4), np.ones((4, 2)), np.eye(3))
    with pytest.raises(ValueError, match="U must have 2 dimension"):
        LowRankPlusDiagonal(np.ones(4), np.ones(4))


def test_norms_of_large_ones_are_estimates_from_below():
    n = 1200
    matrix = LowRankPlusDiagonal(
        np.ones(n), noise("float64", n, 3), None, noise("float64", n, 3, seed=1)
    )
    for order in (1, np.inf):
        exact = np.linalg.norm(matrix.to_dense(), order)
        assert 0.3 * exact <= matrix.norm(order) <= 1.001 * exact
    with pytest.raises(ValueError, match="ord must be 1"):
        matrix.norm(2)
    assert matrix.certified_solve(np.ones(n)).certificate.holds


def test_a_rank_of_zero_leaves_the_diagonal():
    matrix = LowRankPlusDiagonal(np.array([1.0, 2.0, 4.0]), np.zeros((3, 0)))
    np.testing.assert_array_equal(matrix.solve(np.ones(3)), [1.0, 0.5, 0.25])
    assert matrix.logdet() == (1.0, pytest.approx(np.log(8)))


def test_lapack_is_not_given_an_empty_border():
    # it prints that to the standard output, which only shows when the process ends
    code = (
        "import numpy as np; from skstruct.linalg import LowRankPlusDiagonal; "
        "LowRankPlusDiagonal(np.ones(3), np.zeros((3, 0))).solve(np.ones(3))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert run.stdout + run.stderr == b""
