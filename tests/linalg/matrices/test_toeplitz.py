"""Toeplitz and circulant matrices: the routes, and when one gives way to the next."""

import numpy as np
import pytest
from matrix_cases import noise, toeplitz_entries
from numpy.testing import assert_allclose
from scipy import linalg
from scipy.linalg import LinAlgWarning

from skstruct import config_context
from skstruct.linalg import Circulant, Toeplitz
from skstruct.linalg.matrices import _circulant_iteration


@pytest.fixture
def iterate_always(monkeypatch):
    for kind in (_circulant_iteration.CirculantCG, _circulant_iteration.CirculantCGLS):
        monkeypatch.setattr(kind, "min_order", 1)


def kernel(n, dtype="float64", width=5.0):
    column = np.exp(-np.arange(n) / width).astype(dtype)
    if np.dtype(dtype).kind == "c":
        column = column * np.exp(0.3j * np.arange(n)).astype(dtype)
    return column


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("n", [1, 2, 3, 50])
def test_conjugate_gradients(iterate_always, dtype, n):
    matrix = Toeplitz(kernel(n, dtype))
    b = noise(dtype, n, 3)
    b[:, 1] = 0
    answer = matrix.certified_solve(b)
    assert answer.method == "circulant_cg"
    assert answer.certificate.holds
    assert not answer.x[:, 1].any()
    rtol = 1e-3 if np.finfo(dtype).eps > 1e-10 else 1e-11
    assert_allclose(answer.x, np.linalg.solve(matrix.to_dense(), b), rtol=rtol, atol=rtol)
    assert_allclose(
        matrix.logdet()[1], np.linalg.slogdet(matrix.to_dense())[1], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("n", [1, 2, 3, 50])
def test_conjugate_gradients_of_normal_equations(iterate_always, dtype, n):
    column, row = kernel(n, dtype), kernel(n, dtype, width=2.0) * np.cos(np.arange(n)).astype(dtype)
    row[:1] = column[:1]
    matrix, b = Toeplitz(1j * column if dtype == "complex128" else column, row), noise(dtype, n, 3)
    answer = matrix.certified_solve(b)
    if n > 1:
        assert answer.method == "circulant_cgls"
    assert answer.certificate.holds
    rtol = 1e-3 if np.finfo(dtype).eps > 1e-10 else 1e-11
    assert_allclose(matrix.to_dense() @ answer.x, b, atol=rtol)
    for factor in matrix._factors():
        assert_allclose(matrix.to_dense().conj().T @ factor.solve_adjoint(b), b, atol=rtol)


def test_iteration_gives_up_early_where_it_does_not_help(iterate_always):
    matrix = Toeplitz(noise("float64", 200), noise("float64", 200, seed=1))
    answer = matrix.certified_solve(noise("float64", 200))
    assert [a.solver for a in answer.attempts] == ["circulant_cgls", "levinson"]
    assert "hardly fell in 10 iterations" in answer.attempts[0].outcome
    assert answer.certificate.holds


def test_large_definite_ones_are_iterated():
    n = 20_000
    answer = Toeplitz(kernel(n)).certified_solve(noise("float64", n))
    assert answer.method == "circulant_cg"
    assert answer.certificate.holds


@pytest.mark.parametrize(
    ("column", "outcome"),
    [
        (np.r_[1.0, 2.0, np.zeros(20)], "not positive definite"),
        (np.exp(-(np.arange(60) ** 2) / 40.0) + 1e-9 * (np.arange(60) == 0), "not converged"),
    ],
)
def test_the_recursion_takes_over(iterate_always, monkeypatch, column, outcome):
    monkeypatch.setattr(_circulant_iteration, "MAX_ITERATIONS", 8)
    matrix = Toeplitz(column)
    answer = matrix.certified_solve(noise("float64", len(column)))
    assert answer.method == "levinson"
    assert answer.certificate.holds
    if answer.attempts[0].solver == "circulant_cg":
        assert outcome in answer.attempts[0].outcome


@pytest.mark.parametrize(
    ("column", "row", "story"),
    [
        ([0.0, 1.0], [0.0, 1.0], []),  # a leading minor that is zero
        ([1.0, 1.0, 2.0], [1.0, 1.0, 3.0], []),
        (
            np.r_[1e-14, noise("float64", 99)],
            np.r_[1e-14, noise("float64", 99, seed=1)],
            ["levinson"],
        ),
    ],
)
def test_where_the_recursion_fails_lu_takes_over(column, row, story):
    matrix = Toeplitz(column, row)
    b = noise("float64", len(column))
    answer = matrix.certified_solve(b)
    assert answer.method == "lu"
    assert answer.certificate.holds
    assert [a.solver for a in answer.attempts] == [*story, "lu"]
    dense = toeplitz_entries(np.asarray(column), np.asarray(row))
    assert_allclose(answer.x, np.linalg.solve(dense, b), rtol=1e-8)
    assert_allclose(matrix.logdet(), np.linalg.slogdet(dense), rtol=1e-8, atol=1e-12)


def test_lu_keeps_to_the_memory_limit():
    matrix = Toeplitz(np.r_[0.0, np.ones(99)])
    with (
        config_context(memory_limit=1000),
        pytest.raises(np.linalg.LinAlgError, match="memory limit"),
    ):
        matrix.solve(np.ones(100))


def test_one_entry_of_the_row_makes_it_not_hermitian(iterate_always):
    column = kernel(40)
    row = column.copy()
    row[30] += 1e-9
    matrix = Toeplitz(column, row)
    assert not matrix.is_hermitian
    b = noise("float64", 40)
    answer = matrix.certified_solve(b)
    assert answer.method == "circulant_cgls"
    assert_allclose(answer.x, np.linalg.solve(toeplitz_entries(column, row), b), rtol=1e-10)


def test_solutions_are_those_of_scipy():
    column, row = noise("complex128", 80) + 0, noise("complex128", 80, seed=1)
    column[0] = 20
    b = noise("complex128", 80, 2)
    found = Toeplitz(column, row).solve(b)
    assert_allclose(found, linalg.solve_toeplitz((column, np.r_[20, row[1:]]), b), rtol=1e-10)


def test_the_first_entry_is_that_of_the_column():
    row = np.array([9.0, 2.0])
    matrix = Toeplitz([1.0, 3.0], row)
    assert_allclose(matrix.to_dense(), [[1, 2], [3, 1]])
    assert row[0] == 9.0
    assert_allclose(Toeplitz([1.0, 1j]).to_dense(), [[1, -1j], [1j, 1]])


def test_a_nearly_singular_one_is_solved_with_a_warning():
    matrix = Toeplitz(np.exp(-(np.arange(300) ** 2) / 20.0))
    with pytest.warns(LinAlgWarning, match="rcond"):
        answer = matrix.certified_solve(np.ones(300))
    assert answer.certificate.holds


def test_not_vectors():
    for kind in (Toeplitz, Circulant):
        with pytest.raises(ValueError, match=r"column must have 1 dimension"):
            kind(np.ones((2, 2)))
    with pytest.raises(ValueError, match="row must be finite: the entry 1 is nan"):
        Toeplitz([1.0, 2.0], [1.0, np.nan])


def test_circulant_determinants_have_their_sign():
    for n in range(1, 9):
        for seed in range(4):
            C = Circulant(noise("float64", n, seed=seed))
            assert_allclose(C.logdet(), np.linalg.slogdet(C.to_dense()), rtol=1e-9, atol=1e-9)


def test_a_circulant_condition_number_is_exact():
    C = Circulant(noise("float64", 60))
    assert_allclose(C.rcond(), 1 / np.linalg.cond(C.to_dense(), 1), rtol=1e-9)
