"""Factors in half the precision: as accurate as any other, or replaced."""

import numpy as np
import pytest
from scipy.linalg import LinAlgWarning
from system_cases import backward_error, bound, matrix, random

from skstruct.linalg import certified_solve, explain, factorize, solve


def conditioned(n, condition, dtype="float64", *, definite=False):
    """Return a matrix with singular values from 1 to 1 / condition."""
    rng = np.random.default_rng(0)
    U = np.linalg.qr(random(rng, n, dtype))[0]
    V = U if definite else np.linalg.qr(random(rng, n, dtype))[0]
    A = (U * np.logspace(0, -np.log10(condition), n)) @ V.conj().T
    return ((A + A.conj().T) / 2 if definite else A).astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("definite", [False, True])
@pytest.mark.parametrize("condition", [1e1, 1e3, 1e5])
def test_refinement_reaches_full_precision(condition, definite, dtype):
    A = conditioned(150, condition, dtype, definite=definite)
    b = A @ np.ones((150, 2), dtype=dtype)
    solution = certified_solve(A, b, precision="mixed")
    assert solution.solver == ("mixed_cholesky" if definite else "mixed_lu")
    assert backward_error(A, solution.x, b) <= bound(A)
    full = solve(A, b, precision="full")
    error, reference = (np.abs(x - 1).max() for x in (solution.x, full))
    assert error <= 20 * reference + 10 * np.finfo(float).eps * condition


@pytest.mark.parametrize("definite", [False, True])
@pytest.mark.parametrize("condition", [1e9, 1e12])
def test_beyond_single_precision_another_solver_takes_over(condition, definite):
    A = conditioned(150, condition, definite=definite)
    b = A @ np.ones(150)
    solution = certified_solve(A, b, precision="mixed")
    assert solution.plan.chosen.startswith("mixed")
    assert not solution.solver.startswith("mixed")
    assert solution.certificate.holds
    assert backward_error(A, solution.x, b) <= bound(A)


def test_indefinite_matrices_leave_cholesky():
    A = conditioned(100, 10, definite=True) + np.diag(np.r_[np.zeros(99), -0.05])
    A = A - 0.05 * np.eye(100) + 0.2 * np.diag(A.diagonal() < 0.06)
    solution = certified_solve(A, np.ones(100), precision="mixed")
    assert backward_error(A, solution.x, np.ones(100)) <= bound(A)


@pytest.mark.parametrize("scale", [1e-200, 1e-40, 1e35, 1e200])
@pytest.mark.parametrize("definite", [False, True])
def test_numbers_that_single_precision_does_not_hold(scale, definite):
    A = conditioned(80, 100, definite=definite) * scale
    b = A @ np.ones(80)
    solution = certified_solve(A, b, precision="mixed")
    assert solution.solver.startswith("mixed")
    np.testing.assert_allclose(solution.x, 1, rtol=1e-11)
    sign, log = factorize(A, precision="mixed").logdet()
    exact = np.linalg.slogdet(A / scale)
    assert sign == exact.sign
    assert log == pytest.approx(exact.logabsdet + 80 * np.log(scale), rel=1e-12)


def test_rows_of_very_different_sizes_are_answered_by_whoever_can():
    A = conditioned(80, 100) * np.logspace(0, -60, 80)[:, None]
    with pytest.warns(LinAlgWarning, match="singular to working precision"):
        solution = certified_solve(A, A @ np.ones(80), precision="mixed")
    assert solution.solver == "lu"
    assert solution.certificate.holds


def test_it_is_never_chosen_for_small_matrices_nor_for_single_precision():
    A = matrix("general", 500, "float64")
    plan = explain(A)
    assert plan.chosen == "lu"
    (mixed,) = [c for c in plan.candidates if c.solver == "mixed_lu"]
    assert "below an order of" in mixed.rejected
    single = explain(A.astype(np.float32), precision="mixed")
    (mixed,) = [c for c in single.candidates if c.solver == "mixed_lu"]
    assert "in single precision already" in mixed.rejected
    assert single.chosen == "lu"


def test_it_is_chosen_where_it_was_measured_to_win():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((1600, 1600))
    assert explain(A).chosen == "mixed_lu"
    assert explain(A, precision="full").chosen == "lu"
    S = A + A.T + 100 * np.eye(1600)
    assert explain(S).chosen == "mixed_cholesky"


@pytest.mark.parametrize("kind", ["definite", "general"])
def test_factors_that_are_kept_are_in_full_precision(kind):
    A = matrix(kind, 950, "float64")
    assert explain(A).chosen.startswith("mixed")
    F = factorize(A)
    assert F.solver == {"definite": "cholesky", "general": "lu"}[kind]
    assert F.logdet() == pytest.approx(tuple(np.linalg.slogdet(A)), rel=1e-12)
    mixed = factorize(A, precision="mixed")
    assert mixed.solver.startswith("mixed")
    assert mixed.logdet() == pytest.approx(tuple(np.linalg.slogdet(A)), rel=1e-12)
