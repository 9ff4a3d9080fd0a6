"""Estimates of condition numbers against exact ones."""

import numpy as np
import pytest
from scipy import linalg
from system_cases import DTYPES, matrix

from skstruct.linalg import factorize
from skstruct.linalg.systems._condition import is_surely_regular
from skstruct.linalg.systems._factor import permutation_sign, slogdet_of


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", range(8))
def test_estimates_are_above_and_close(dtype, seed):
    A = matrix("general", 30, dtype, seed)
    exact = 1 / np.linalg.cond(A.astype(np.complex128), 1)
    assert 0.99 * exact <= factorize(A).rcond() <= 3 * exact


def test_matrices_that_hide_from_the_ascent():
    # Higham (1988): the first vector, of ones, is annihilated by A^-1 - its inverse has zero sums.
    n = 20
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
        factor = factorize_quietly(A)
        regular = is_surely_regular(np.linalg.norm(A), factor, 40, np.dtype(float))
        assert not (regular and condition >= 1e15)
        assert regular or condition >= 1e8


def factorize_quietly(A):
    from skstruct.linalg import LinearSystem, MatrixStructure
    from skstruct.linalg.solvers.system_lu import LUFactor

    return LUFactor(LinearSystem(MatrixStructure(len(A)), A))


def test_determinants():
    assert slogdet_of(np.array([2.0, -4.0])) == (-1.0, pytest.approx(np.log(8)))
    assert slogdet_of(np.array([2.0, 0.0])) == (0.0, -np.inf)
    assert slogdet_of(np.array([1j, 1j]), -1.0)[0] == pytest.approx(1.0)
    assert slogdet_of(np.array([])) == (1.0, 0.0)
    for seed in range(6):
        order = np.random.default_rng(seed).permutation(9)
        assert permutation_sign(order) == pytest.approx(np.linalg.det(np.eye(9)[order]))
