"""Every solver on every sparse design: the gradient asked for is reached, or a warning says not.

Gradients are measured here in extended precision, from the coefficients that users see.
"""

import warnings
from functools import cache

import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import LinAlgWarning
from scipy.sparse.linalg import lsmr as scipy_lsmr
from sklearn.exceptions import ConvergenceWarning
from sparse_designs import DESIGNS

from skstruct import config_context
from skstruct.linear_model import IterativeLeastSquares, LeastSquares, Tikhonov

TOL = 1e-6
SOLVERS = ["auto", "cg", "lsqr", "lsmr", "direct"]
# No matrix of 10^5 x 10^5 fits, and the sparse one is singular, or hidden by the penalty.
NO_FACTORS = {("one-hot", 0.0), ("one-hot", 1e6)}

cached = cache(lambda name: DESIGNS[name]())


def target_of(X, seed=5):
    rng = np.random.default_rng(seed)
    X = X.astype(np.float64)
    norms = np.sqrt(X.multiply(X).sum(axis=0))
    coef = rng.standard_normal(X.shape[1]) / np.where(norms > 0, norms, 1.0)
    return X @ coef + 0.1 * rng.standard_normal(X.shape[0]) + 3.0


def relative_gradient(X, y, coef, alpha, fit_intercept=True):
    """Return ||D^-1 g|| over that at zero, and what rounds y, in extended precision."""
    wide = np.longdouble
    X = sparse.csr_array(X).astype(wide)
    X.sum_duplicates()
    n, p = X.shape
    mean = X.T @ np.ones(n, wide) / n if fit_intercept else np.zeros(p, wide)
    y, coef = y.astype(wide) - fit_intercept * y.astype(wide).mean(), coef.astype(wide)

    def transposed(r):
        return X.T @ r - mean * r.sum()

    squares = np.asarray(X.multiply(X).sum(axis=0)) - n * mean**2
    scales = np.sqrt(np.maximum(squares, 0) + alpha)
    scales[scales < 1e-12] = 1
    gradient = transposed(X @ coef - mean @ coef - y) + alpha * coef
    at_zero = norm(transposed(y) / scales) + np.sqrt(np.finfo(float).eps) * norm(y)
    return float(norm(gradient / scales) / at_zero)


def norm(values):
    return np.sqrt(np.square(values).sum())


@pytest.mark.parametrize("alpha", [0.0, 0.01, 1.0, 1e6])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", DESIGNS)
def test_the_gradient_asked_for_is_reached(name, solver, alpha):
    X = cached(name)
    y = target_of(X)
    model = IterativeLeastSquares(alpha, solver=solver, tol=TOL)
    if solver == "direct" and (name, alpha) in NO_FACTORS:
        pytest.skip("no factorisation fits")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    # the direct solvers say when the plain factorisation did not do
    assert all(w.category is LinAlgWarning for w in caught)
    assert not caught or (solver == "direct" and alpha == 0)
    reached = relative_gradient(X, y, model.coef_, alpha)
    # coefficients of float32 data are rounded to float32
    rounding = 1e-7 if X.dtype == np.float32 else 1e-12
    assert reached == pytest.approx(model.gradient_norm_[0], rel=0.01, abs=rounding)
    assert reached <= TOL + rounding
    assert model.converged_.tolist() == [True]


@pytest.mark.parametrize("max_iter", [1, 5, 20, 60])
@pytest.mark.parametrize("solver", ["cg", "lsqr", "lsmr"])
@pytest.mark.parametrize("name", ["tf-idf", "finite-differences", "dense-rows", "householder"])
def test_it_is_reached_or_a_warning_given(name, solver, max_iter):
    X = cached(name)
    y = target_of(X)
    model = IterativeLeastSquares(1e-4, solver=solver, tol=TOL, max_iter=max_iter)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    reached = relative_gradient(X, y, model.coef_, 1e-4)
    assert reached == pytest.approx(model.gradient_norm_[0], rel=0.01, abs=1e-12)
    assert model.n_iter_[0] <= max_iter
    assert [w.category for w in caught] == [ConvergenceWarning] * (reached > TOL)
    assert model.converged_.tolist() == [reached <= TOL]


@pytest.mark.parametrize("alpha", [0.01, 1.0])
@pytest.mark.parametrize("name", ["tf-idf", "finite-differences", "dense-rows", "wide"])
def test_the_answer_is_that_of_scipy(name, alpha):
    X = cached(name)
    y = target_of(X)
    model = IterativeLeastSquares(alpha, fit_intercept=False, tol=1e-10, solver="cg").fit(X, y)
    coef = scipy_lsmr(X, y, np.sqrt(alpha), atol=1e-14, btol=1e-14, conlim=0, maxiter=20_000)[0]
    assert norm(X @ (model.coef_ - coef)) <= 1e-8 * norm(y)


@pytest.mark.parametrize("damp", [0.0, 1e-3, 1.0])
@pytest.mark.parametrize("solver", ["cg", "lsqr", "lsmr"])
@pytest.mark.parametrize("name", ["householder", "bidiagonal"])
def test_known_solutions_of_the_test_problems(name, solver, damp):
    # x = (n - 1, ..., 1, 0) is the minimiser for b = A x + r with A'r = damp^2 x
    A = cached(name).toarray()
    m, n = A.shape
    x = np.arange(n - 1.0, -1.0, -1.0)
    r = A @ np.linalg.solve(A.T @ A, damp**2 * x)
    outside = np.cos(np.arange(m))
    r += outside - A @ np.linalg.lstsq(A, outside, rcond=None)[0]  # orthogonal to every column
    model = IterativeLeastSquares(damp**2, solver=solver, fit_intercept=False, tol=1e-13)
    model.fit(sparse.csr_array(A), A @ x + r)
    assert np.abs(model.coef_ - x).max() <= 1e-8 * n


@pytest.mark.parametrize("name", sorted(set(DESIGNS) - {"one-hot", "tf-idf", "finite-differences"}))
def test_other_estimators_take_the_same_designs(name):
    X = cached(name)
    y = target_of(X)
    rounding = 1e-7 if X.dtype == np.float32 else 0.0
    ridge = Tikhonov(0.1).fit(X, y)
    assert relative_gradient(X, y, ridge.coef_, 0.1) <= 1e-8 + rounding
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LinAlgWarning)  # of designs of lower rank
        plain = LeastSquares().fit(X, y)
    assert relative_gradient(X, y, plain.coef_, 0.0) <= 1e-6 + rounding


@pytest.mark.parametrize(
    "model",
    [
        Tikhonov(1e-6),
        Tikhonov(0.0, fit_intercept=False),
        LeastSquares(),
        LeastSquares(fit_intercept=False),
        IterativeLeastSquares(1e-6),
        IterativeLeastSquares(1e-3, solver="direct"),
    ],
)
def test_ill_conditioned_grids_are_factorised(model):
    # 100 x 100: 0.2 million entries in a factor, 10^8 in a dense Gram matrix
    line = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(100, 100))
    eye = sparse.eye_array(100)
    X = sparse.csr_array(sparse.kron(line, eye) + sparse.kron(eye, line))
    y = target_of(X)
    model.fit(X, y)
    assert model.solver_ == "sparse_cholesky"
    alpha = getattr(model, "alpha", 0.0)
    assert relative_gradient(X, y, model.coef_, alpha, model.fit_intercept) <= 1e-11
    with config_context(memory_limit=1e6):  # bytes: then it may not
        plan = IterativeLeastSquares(1e-3, solver="cg").fit(X, y).plan_
    rejected = next(c.rejected for c in plan.candidates if c.solver == "sparse_cholesky")
    assert "the factors of A'A" in rejected
