"""The estimate of the 1-norm of an inverse, and the test that spares it."""

import numpy as np
import pytest
from matrices.matrix_cases import noise
from scipy import linalg

from skstruct.linalg import factorize, solve
from skstruct.linalg._condition import estimated_one_norm, is_surely_regular, probe_column


def estimate(B):
    return estimated_one_norm(lambda X: B @ X, lambda X: B.conj().T @ X, len(B), B.dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("n", [0, 1, 2, 32])
def test_small_ones_are_exact(dtype, n):
    B = noise(dtype, n, n)
    assert estimate(B) == pytest.approx(np.abs(B).sum(axis=0).max(initial=0), rel=1e-5)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_estimates_are_from_below_and_near(dtype):
    ratios = []
    for seed in range(40):
        B = noise(dtype, 60, 60, seed=seed) * np.logspace(0, -3, 60)[:, None]
        ratios.append(estimate(B) / np.abs(B).sum(axis=0).max())
    assert max(ratios) <= 1 + 1e-12
    assert min(ratios) > 1 / 3
    assert np.median(ratios) > 0.75


def test_a_matrix_that_deceives_the_search():
    # columns that cancel in all that the search looks at, but not in the alternating ramp
    B = np.zeros((60, 60))
    B[:, ::2], B[:, 1::2] = 1.0, -1.0
    assert estimate(B) > 20.0


def test_zero_and_what_is_not_finite():
    assert estimate(np.zeros((50, 50))) == 0.0
    assert not estimate(np.full((50, 50), np.nan)) > 0


@pytest.mark.parametrize("n", [1, 2, 3, 10, 100])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nearly_singular_matrices_are_not_taken_for_regular(n, dtype):
    eps = np.finfo(dtype).eps
    for seed in range(30):
        rng = np.random.default_rng([n, seed])
        Q, _ = np.linalg.qr(rng.standard_normal((n, n)))
        s = np.ones(n)
        s[-1] = 0.5 * eps if n > 1 else 1.0
        inverse = (Q / s) @ np.linalg.qr(rng.standard_normal((n, n)))[0].T
        found = (inverse @ probe_column(n, np.float64))[:, 0].astype(dtype)
        assert is_surely_regular(found, 1.0) == (n == 1)


def test_the_differences_of_a_constant_vector_are_seen():
    # what is nearly singular in practice: a null vector of ones
    n = 50
    L = 2 * np.eye(n) - np.roll(np.eye(n), 1, 0) - np.roll(np.eye(n), -1, 0) + 1e-17
    x = np.linalg.pinv(L) @ probe_column(n, np.float64) + probe_column(n, np.float64).mean() / 1e-17
    assert not is_surely_regular(x[:, 0], 4.0)


def test_what_is_not_finite_is_not_regular():
    assert not is_surely_regular(np.array([np.nan, 1.0]), 1.0)
    assert not is_surely_regular(np.array([np.inf, 1.0]), 1.0)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("n", [30, 40])
@pytest.mark.parametrize("seed", range(8))
def test_reciprocals_are_above_and_close(dtype, seed, n):
    A = noise(dtype, n, n, seed=seed)
    exact = 1 / np.linalg.cond(A.astype(np.complex128), 1)
    assert 0.99 * exact <= factorize(A).rcond() <= 3 * exact


@pytest.mark.parametrize("n", [20, 50])
def test_matrices_that_hide_from_the_ascent(n):
    # Higham (1988): the first vector, of ones, is annihilated by A^-1 - its inverse has zero sums.
    difference = np.r_[1, -1, np.zeros(n - 2)]
    inverse = np.eye(n) + 1e6 * np.outer(difference, difference)
    A = np.linalg.inv(inverse)
    assert factorize(A).rcond() <= 3 / np.linalg.cond(A, 1)


@pytest.mark.parametrize("condition", [1e3, 1e8, 1e15, 1e17, 1e20])
def test_a_probe_never_passes_what_is_near_singular(condition):
    rng = np.random.default_rng(1)
    for seed in range(20):
        Q = linalg.qr(np.random.default_rng(seed).standard_normal((40, 40)))[0]
        A = (Q * np.r_[np.ones(39), 1 / condition]) @ linalg.qr(rng.standard_normal((40, 40)))[0]
        probe = np.linalg.solve(A, probe_column(40, np.float64))[:, 0]
        regular = is_surely_regular(probe, np.linalg.norm(A), 2)
        assert not (regular and condition >= 1e15)
        assert regular or condition >= 1e8


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("i", range(5))
def test_null_vectors_of_two_entries_are_seen(i, sign):
    # half of all vectors of signs are orthogonal to one of these
    A = np.eye(6)
    A[i : i + 2, i : i + 2] = [[1.0, sign], [sign, 1.0 + np.finfo(float).eps]]
    with pytest.warns(linalg.LinAlgWarning, match="singular to working precision"):
        solve(A, A @ np.ones(6), assume="general")
