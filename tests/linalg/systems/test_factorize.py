"""factorize: reuse, determinants, condition numbers, and corrections of rank one."""

import numpy as np
import pytest
from scipy import linalg, sparse
from scipy.linalg import LinAlgWarning
from system_cases import DTYPES, KINDS, backward_error, bound, matrix, random

from skstruct.linalg import factorize
from skstruct.linalg.systems._rank_one import RankOneFactor, UpdatedCholesky


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_one_factorisation_for_many_right_hand_sides(kind, dtype):
    rng = np.random.default_rng(2)
    for A in (matrix(kind, 50, dtype), matrix(kind, 1, dtype)):
        F = factorize(A)
        assert F.certificate.holds
        assert F.shape == A.shape
        assert F.dtype == A.dtype
        for b in (random(rng, len(A), dtype)[:, 0], random(rng, len(A), dtype)):
            solution = F.certified_solve(b)
            assert solution.x.dtype == A.dtype
            assert solution.certificate.holds
            assert solution.rcond == F.rcond()
            assert backward_error(A, F.solve(b), b) <= bound(A)
        sign, log = F.logdet()
        exact = np.linalg.slogdet(A.astype(np.complex128))
        tol = 1e5 * float(np.finfo(A.dtype).eps)
        assert sign == pytest.approx(exact.sign, abs=tol)
        assert log == pytest.approx(exact.logabsdet, rel=tol, abs=tol)


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_array])
def test_sparse(container):
    A = matrix("banded", 50, "float64")
    F = factorize(container(A))
    assert backward_error(A, F.solve(np.ones(50)), np.ones(50)) <= bound(A)
    assert F.logdet() == pytest.approx(tuple(np.linalg.slogdet(A)))
    with pytest.raises(TypeError, match="dense matrices"):
        F.update(np.ones(50))


def test_complex_right_hand_sides_of_a_real_factorisation():
    A = matrix("definite", 20, "float64")
    b = np.arange(20) * (1 - 2j)
    assert backward_error(A, factorize(A).solve(b), b) <= bound(A)


def test_what_was_found_and_proven():
    F = factorize(matrix("definite", 30, "float64"))
    assert F.solver == "cholesky"
    assert F.structure.has("positive_definite")
    assert F.plan.chosen == "cholesky"
    assert repr(F).startswith("Factorization(cholesky of a dense 30 x 30 float64 matrix")


def test_nothing():
    F = factorize(np.zeros((0, 0)))
    assert F.solve(np.zeros((0, 2))).shape == (0, 2)
    assert F.logdet() == (1.0, 0.0)
    assert F.rcond() == 1.0


def test_near_singular_matrices_warn_at_once_and_with_each_solve():
    with pytest.warns(LinAlgWarning, match="singular to working precision"):
        F = factorize(linalg.hilbert(16))
    with pytest.warns(LinAlgWarning, match="singular to working precision"):
        F.solve(np.ones(16))


def test_bad_right_hand_sides():
    F = factorize(np.eye(3))
    with pytest.raises(ValueError, match="shape"):
        F.solve(np.ones(4))
    with pytest.raises(ValueError, match="NaN"):
        F.solve([1, np.nan, 2])


# -- corrections of rank one ----------------------------------------------------------------


def factor_of(F):
    return type(F._factor)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_chain_of_updates_and_downdates(kind, dtype):
    rng = np.random.default_rng(4)
    A = matrix(kind, 40, dtype) + 5 * np.eye(40, dtype=dtype)
    F = factorize(A)
    for step in range(14):
        u, v = random(rng, 40, dtype)[:2] / 4
        b = random(rng, 40, dtype)[:, :2]
        if step % 3 == 0:
            F, A = F.update(u), A + np.outer(u, u.conj())
        elif step % 3 == 1:
            F, A = F.downdate(u / 2), A - np.outer(u, u.conj()) / 4
        else:
            F, A = F.update(u, v), A + np.outer(u, v.conj())
        assert backward_error(A, F.solve(b), b) <= bound(A)
        sign, log = F.logdet()
        exact = np.linalg.slogdet(A.astype(np.complex128))
        tol = 1e5 * float(np.finfo(A.dtype).eps)
        assert sign == pytest.approx(exact.sign, abs=tol)
        assert log == pytest.approx(exact.logabsdet, rel=tol)
        exact = 1 / np.linalg.cond(A.astype(np.complex128), 1)
        assert 0.9 * exact <= F.rcond() <= 4 * exact


def test_a_cholesky_factor_stays_one():
    A = matrix("definite", 30, "float64")
    F = factorize(A)
    u = np.linspace(-1, 1, 30)
    G = F.update(u)
    assert factor_of(G) is UpdatedCholesky
    assert G.structure.has("positive_definite")
    lower = np.linalg.cholesky(A + np.outer(u, u))
    np.testing.assert_allclose(np.tril(G._factor.lower), lower, atol=1e-13)
    back = G.downdate(u)
    assert factor_of(back) is UpdatedCholesky
    np.testing.assert_allclose(np.tril(back._factor.lower), np.linalg.cholesky(A), atol=1e-13)
    np.testing.assert_array_equal(F.solve(u), factorize(A).solve(u))  # F is as it was


def test_others_are_corrected_by_sherman_and_morrison():
    A = matrix("general", 30, "float64")
    u = np.linspace(-1, 1, 30)
    assert factor_of(factorize(A).update(u)) is RankOneFactor
    many = factorize(A)
    for _ in range(12):
        many = many.update(0.01 * u)
    assert many._factor.__class__ is RankOneFactor
    assert many._factor.depth <= 10


def test_a_downdate_that_makes_it_indefinite_is_factorised_anew():
    A = np.eye(20) + 0.1
    u = np.zeros(20)
    u[3] = 2.0
    F = factorize(A).downdate(u)
    assert F.solver != "cholesky"
    assert not F.structure.has("positive_definite")
    assert backward_error(A - np.outer(u, u), F.solve(u), u) <= bound(A)


def test_a_correction_that_cancels_is_factorised_anew():
    # The formula divides by 1 + v'A^-1 u, which is 1e-12 here.
    A = matrix("general", 30, "float64")
    u = A @ np.ones(30) * (1 - 1e-12)
    v = np.ones(30) / 30
    F = factorize(A).downdate(u, v)
    changed = A - np.outer(u, v)
    assert backward_error(changed, F.solve(u), u) <= bound(A)


def test_a_correction_that_makes_it_singular():
    unit = np.array([1.0, 0.0, 0.0])
    with pytest.raises(np.linalg.LinAlgError, match="row 0 is zero"):
        factorize(np.eye(3)).downdate(unit)


@pytest.mark.parametrize(
    ("u", "message"),
    [
        (np.ones(4), r"u must have shape \(3,\)"),
        (np.array([1, np.nan, 0]), "u contains NaN"),
        (np.array([1j, 0, 0]), "u is complex"),
    ],
)
def test_bad_vectors(u, message):
    with pytest.raises(ValueError, match=message):
        factorize(np.eye(3) + 1).update(u)
