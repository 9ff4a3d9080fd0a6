"""lstsq against numpy, and the warnings that numpy does not give."""

import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import LinAlgWarning

from skstruct.linalg import InapplicableSolver, lstsq


def data(m, n, dtype="float64", k=None, seed=0):
    rng = np.random.default_rng(seed)
    shape = (m,) if k is None else (m, k)
    A, b = rng.standard_normal((m, n)), rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        A, b = A + 1j * rng.standard_normal((m, n)), b + 1j * rng.standard_normal(shape)
    return A.astype(dtype), b.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(("m", "n", "k"), [(30, 7, None), (400, 20, 3), (5, 5, None), (1, 1, 2)])
def test_against_numpy(m, n, k, container, dtype):
    A, b = data(m, n, dtype, k)
    fit = lstsq(container(A), b)
    wide = np.complex128 if A.dtype.kind == "c" else np.float64
    exact = np.linalg.lstsq(A.astype(wide), b.astype(wide))[0]
    assert fit.x.dtype == dtype
    assert fit.x.shape == exact.shape
    tol = 1e-5 if dtype in ("float32", "complex64") else 1e-11
    np.testing.assert_allclose(fit.x, exact, atol=tol)
    residual = np.linalg.norm(b.astype(wide) - A.astype(wide) @ exact, axis=0)
    np.testing.assert_allclose(fit.residual_norms, residual, atol=1e-5)
    assert fit.residual_norms.shape == residual.shape
    assert fit.certificate.holds


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_many_minimisers(dtype):
    A, b = data(20, 6, dtype)
    A[:, 5] = A[:, 0] + A[:, 1]
    with pytest.warns(LinAlgWarning, match="numerical rank of 5"):
        fit = lstsq(A, b)
    assert fit.rank == 5
    np.testing.assert_allclose(fit.x, np.linalg.lstsq(A, b)[0], atol=1e-12)
    wide, target = data(4, 9, dtype)
    with pytest.warns(LinAlgWarning, match="numerical rank of 4"):
        fit = lstsq(wide, target)
    np.testing.assert_allclose(fit.x, np.linalg.lstsq(wide, target)[0], atol=1e-12)


def test_units_do_not_decide_the_rank():
    A, _ = data(40, 3)
    A = A * [1.0, 1e-9, 1e12]
    x = np.array([1.0, 1e9, 1e-12])
    np.testing.assert_allclose(lstsq(A, A @ x).x, x, rtol=1e-12)


@pytest.mark.parametrize("solver", ["qr", "svd", "gram_cholesky"])
def test_a_solver_of_ones_choice(solver):
    A, b = data(60, 5)
    fit = lstsq(A, b, solver=solver)
    assert fit.solver == solver
    np.testing.assert_allclose(fit.x, np.linalg.lstsq(A, b)[0], atol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: lstsq(np.ones((3, 2)), [1, np.nan, 2]), ValueError, "b contains NaN"),
        (lambda: lstsq([[np.inf, 1], [1, 2]], [1, 2]), ValueError, "a contains NaN or infinity"),
        (lambda: lstsq(np.ones((3, 2)), [1, 2]), ValueError, "b must have shape"),
        (lambda: lstsq(np.ones((3, 0)), [1, 2, 3]), ValueError, "nothing to fit"),
        (lambda: lstsq(np.ones((3, 2)), [1, 2, 3], solver="no"), InapplicableSolver, "'no'"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("condition", [10.0, 1e3])
def test_a_gram_matrix_in_single_precision_is_refined(condition):
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.standard_normal((m, 60)))[0] for m in (1500, 60))
    A = U * np.logspace(0, -np.log10(condition), 60) @ V.T
    b = rng.standard_normal(1500)
    fit = lstsq(A, b, precision="mixed")
    assert fit.solver == "mixed_gram"
    assert fit.certificate.holds
    exact = np.linalg.lstsq(A, b)[0]
    np.testing.assert_allclose(fit.x, exact, rtol=1e-9, atol=1e-12 * np.abs(exact).max())
    assert lstsq(A, b).solver == "gram_cholesky"


@pytest.mark.parametrize(("scale", "condition"), [(1e-30, 10.0), (1e30, 10.0), (1.0, 1e9)])
def test_where_single_precision_does_not_do_another_solver_answers(scale, condition):
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.standard_normal((m, 60)))[0] for m in (1500, 60))
    A = U * np.logspace(0, -np.log10(condition), 60) @ V.T * scale
    fit = lstsq(A, A @ np.ones(60), precision="mixed")
    assert fit.plan.chosen == "mixed_gram"
    assert fit.solver != "mixed_gram"
    assert fit.certificate.holds
    np.testing.assert_allclose(fit.x, 1, rtol=1e-14 * condition)
