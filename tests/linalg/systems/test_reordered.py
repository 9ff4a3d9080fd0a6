"""Factorisations in another order of rows and columns."""

import numpy as np
import pytest
from scipy import linalg
from system_cases import DTYPES, random

from skstruct.linalg.matrices._dense_factors import DenseCholesky, DenseLU
from skstruct.linalg.matrices._toeplitz_factors import Levinson
from skstruct.linalg.systems import Reordering
from skstruct.linalg.systems._reordered import ReorderedFactor, in_given_order


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_solves_in_the_given_order(dtype):
    rng = np.random.default_rng(0)
    A, B = random(rng, 9, dtype), random(rng, 9, dtype)[:, :2]
    order = Reordering(rng.permutation(9), rng.permutation(9))
    factor = ReorderedFactor(DenseLU(A[order.rows][:, order.columns]), order)
    atol = 1e3 * np.finfo(dtype).eps
    np.testing.assert_allclose(A @ factor.solve(B), B, atol=atol)
    np.testing.assert_allclose(A.conj().T @ factor.solve_adjoint(B), B, atol=atol)
    np.testing.assert_allclose(factor.slogdet(), np.linalg.slogdet(A), rtol=atol)


def test_what_holds_of_the_factorisation_holds_of_it():
    order = Reordering(np.arange(3), np.arange(3))
    inside = DenseCholesky(np.eye(3))
    assert ReorderedFactor(inside, order).proves == {"positive_definite"}
    inside = Levinson(np.array([2.0, 1.0, 0.0]), np.array([2.0, 0.0, 1.0]))
    assert ReorderedFactor(inside, order).max_refinements == inside.max_refinements == 4
    assert in_given_order(inside, None) is inside


def test_signs_of_permutations():
    rng = np.random.default_rng(1)
    for _ in range(6):
        rows, columns = rng.permutation(7), rng.permutation(7)
        both = np.eye(7)[rows] @ np.eye(7)[:, columns]
        assert Reordering(rows, columns).sign == pytest.approx(linalg.det(both))
        assert Reordering(rows, rows).sign == 1.0
