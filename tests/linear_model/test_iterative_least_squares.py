"""IterativeLeastSquares against an augmented least squares problem solved by LAPACK."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.linalg import LinAlgWarning
from scipy.sparse.linalg import LinearOperator, aslinearoperator
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from skstruct._compat import CallbackSupportMixin
from skstruct.linear_model import IterativeLeastSquares

ITERATIVE = ["cg", "lsqr", "lsmr"]
PRECONDITIONERS = ["auto", "jacobi", "none", "block", "ilu", "sketch", "amg"]
TOL = 1e-10
EPS = np.finfo(np.float64).eps


def design(n=300, p=24, n_targets=None, seed=0):
    """Return sparse data with an offset, and targets."""
    rng = np.random.default_rng([seed, n, p])
    X = (rng.standard_normal((n, p)) + 0.5) * (rng.random((n, p)) < 0.2) * rng.uniform(0.5, 2, p)
    noise = rng.standard_normal(n if n_targets is None else (n, n_targets))
    return sparse.csr_array(X), X @ rng.standard_normal((p, *noise.shape[1:])) + noise + 5.0


def reference(X, y, alpha, weights=None, fit_intercept=True, root=None):
    """Return coefficients and intercept by LAPACK's least squares on scaled columns."""
    X = X.toarray() if sparse.issparse(X) else np.asarray(X)
    n, p = X.shape
    weights = np.ones(n) if weights is None else weights
    root = np.eye(p) if root is None else root
    x_mean, y_mean = np.zeros(p), 0.0 * y[0]
    if fit_intercept:
        x_mean = np.average(X, axis=0, weights=weights)
        y_mean = np.average(y, axis=0, weights=weights)
    W = np.sqrt(weights)[:, None]
    A = np.vstack([W * (X - x_mean), np.sqrt(alpha) * root])
    b = np.vstack([W * (y - y_mean).reshape(n, -1), np.zeros((len(root), y.size // n))])
    scale = np.linalg.norm(A, axis=0)
    scale[scale == 0] = 1.0
    coef = (np.linalg.lstsq(A / scale, b, rcond=None)[0] / scale[:, None]).T
    coef = coef[0] if y.ndim == 1 else coef
    return coef, y_mean - coef @ x_mean


def assert_solution(model, X, y, alpha, *, tol=1e-8, **kwargs):
    coef, intercept = reference(X, y, alpha, **kwargs)
    assert_allclose(model.coef_, coef, rtol=0, atol=tol * np.abs(coef).max())
    assert_allclose(model.intercept_, intercept, rtol=tol, atol=tol)


def integer_weights(n):
    return np.random.default_rng(n).integers(0, 3, n).astype(float)


def long_indices(X):
    return sparse.csr_array(
        (X.data, X.indices.astype(np.int64), X.indptr.astype(np.int64)), shape=X.shape
    )


FORMS = {
    "csr": sparse.csr_array,
    "csc": sparse.csc_array,
    "csr-matrix": sparse.csr_matrix,
    "coo": sparse.coo_array,
    "int64-indices": long_indices,
    "float32": lambda X: X.astype(np.float32),
    "dense": lambda X: X.toarray(),
    "fortran-float32": lambda X: np.asfortranarray(X.toarray().astype(np.float32)),
    "operator": aslinearoperator,
    "blocks": lambda X: [X.toarray()[:100], X.toarray()[100:103], X.toarray()[103:]],
    "sparse-blocks": lambda X: [X[:100], X[100:103], X[103:]],
}
SPARSE = ["csr", "csc", "csr-matrix", "coo", "int64-indices", "float32"]


def make(preconditioner):
    if preconditioner == "amg":
        pytest.importorskip("pyamg")
    if preconditioner not in ("callable", "operator"):
        return preconditioner
    inverse = 1.0 / np.linspace(20.0, 200.0, 24)
    if preconditioner == "callable":
        return lambda residual: inverse[:, None] * residual
    return aslinearoperator(sparse.diags_array(inverse))


# -- numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.01, 1.0, 1e6])
@pytest.mark.parametrize("preconditioner", [*PRECONDITIONERS, "callable", "operator"])
@pytest.mark.parametrize("solver", ITERATIVE)
def test_solvers_and_preconditioners(solver, preconditioner, alpha, fit_intercept, weighted):
    X, y = design()
    weights = integer_weights(300) if weighted else None
    model = IterativeLeastSquares(
        alpha,
        solver=solver,
        preconditioner=make(preconditioner),
        fit_intercept=fit_intercept,
        tol=TOL,
    ).fit(X, y, weights)
    assert_solution(model, X, y, alpha, weights=weights, fit_intercept=fit_intercept)
    assert model.solver_ == solver
    given = {"auto": "jacobi", "callable": "given", "operator": "given"}
    assert model.preconditioner_ == given.get(preconditioner, preconditioner)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("solver", ["auto", *ITERATIVE, "direct"])
@pytest.mark.parametrize("form", FORMS)
def test_forms_of_data(form, solver, fit_intercept, weighted):
    X, y = design()
    data = FORMS[form](X)
    weights = integer_weights(300) if weighted else None
    model = IterativeLeastSquares(0.3, solver=solver, fit_intercept=fit_intercept, tol=TOL)
    if form == "operator" and solver == "direct":
        with pytest.raises(ValueError, match="known by its products only"):
            model.fit(data, y, weights)
        return
    model.fit(data, y, weights)
    single = "float32" in form
    expected = X.astype(np.float32).astype(np.float64) if single else X
    kwargs = {"weights": weights, "fit_intercept": fit_intercept}
    assert_solution(model, expected, y, 0.3, tol=1e-6 if single else 1e-8, **kwargs)
    assert model.coef_.dtype == (np.float32 if single else np.float64)
    fitted = X @ model.coef_.astype(np.float64) + model.intercept_
    assert_allclose(model.predict(data), fitted, rtol=0, atol=1e-5 if single else 1e-12)
    assert model.score(data, y) == pytest.approx(r2_score(y, fitted), rel=1e-5)
    assert model.n_features_in_ == 24


@pytest.mark.parametrize("preconditioner", PRECONDITIONERS)
@pytest.mark.parametrize("form", FORMS)
def test_a_preconditioner_works_or_says_why_not(form, preconditioner):
    X, y = design()
    model = IterativeLeastSquares(0.3, solver="cg", preconditioner=make(preconditioner), tol=TOL)
    needs_sparse = preconditioner in ("ilu", "amg") and form not in SPARSE
    no_block = preconditioner == "block" and (form == "operator" or "blocks" in form)
    no_sketch = preconditioner == "sketch" and form == "operator"
    if needs_sparse or no_block or no_sketch:
        with pytest.raises(ValueError, match=f"preconditioner='{preconditioner}' cannot be used"):
            model.fit(FORMS[form](X), y)
        assert not hasattr(model, "coef_")
        return
    model.fit(FORMS[form](X), y)
    assert_solution(model, X, y, 0.3, tol=1e-6 if "float32" in form else 1e-8)


@pytest.mark.parametrize("solver", ["auto", *ITERATIVE, "direct"])
@pytest.mark.parametrize("form", ["csr", "csc", "dense", "operator", "sparse-blocks"])
def test_weights_are_repetitions(form, solver):
    X, y = design()
    weights = integer_weights(300)
    if (form, solver) == ("operator", "direct"):
        pytest.skip("needs entries")
    again = np.repeat(np.arange(300), weights.astype(int))
    model = IterativeLeastSquares(0.3, solver=solver, tol=TOL)
    weighted = clone(model).fit(FORMS[form](X), y, weights)
    repeated = clone(model).fit(X[again], y[again])
    assert_allclose(weighted.coef_, repeated.coef_, rtol=0, atol=1e-8)
    assert_allclose(weighted.intercept_, repeated.intercept_, rtol=1e-8)
    # rows without weight may hold anything finite
    other = np.where(weights == 0, 1e3, y)
    assert_allclose(clone(model).fit(X, other, weights).coef_, weighted.coef_, rtol=0, atol=1e-8)


@pytest.mark.parametrize("solver", ["auto", *ITERATIVE, "direct"])
def test_a_constant_weight_is_a_smaller_penalty(solver):
    X, y = design()
    model = IterativeLeastSquares(2.0, solver=solver, tol=TOL).fit(X, y, sample_weight=4.0)
    assert_solution(model, X, y, 0.5)


@pytest.mark.parametrize(
    "penalty",
    [
        "difference",
        ("difference", 1),
        np.linspace(0.0, 3.0, 24),
        sparse.csr_array(np.tri(24) - np.tri(24, k=-3)),
        np.random.default_rng(3).standard_normal((30, 24)),
        ("laplacian", np.ones((24, 24)) - np.eye(24)),
    ],
    ids=["second", "first", "factors", "sparse", "tall", "laplacian"],
)
@pytest.mark.parametrize("alpha", [0.01, 10.0, 1e5])
@pytest.mark.parametrize("solver", [*ITERATIVE, "direct"])
@pytest.mark.parametrize("form", ["csr", "operator"])
def test_penalties(form, solver, alpha, penalty):
    X, y = design()
    if (form, solver) == ("operator", "direct"):
        pytest.skip("needs entries")
    model = IterativeLeastSquares(alpha, solver=solver, penalty=penalty, tol=1e-12)
    model.fit(FORMS[form](X), y)
    assert_solution(model, X, y, alpha, tol=1e-6, root=root_of(penalty))


def root_of(penalty):
    """Return L, from the definitions."""
    p = 24
    if isinstance(penalty, str):
        penalty = (penalty, 2)
    if isinstance(penalty, tuple) and penalty[0] == "difference":
        return np.diff(np.eye(p), penalty[1], axis=0)
    if isinstance(penalty, tuple):
        i, j = np.nonzero(np.triu(penalty[1], 1))
        return np.eye(p)[i] - np.eye(p)[j]
    penalty = penalty.toarray() if sparse.issparse(penalty) else penalty
    return np.diag(np.sqrt(penalty)) if penalty.ndim == 1 else penalty


@pytest.mark.parametrize("preconditioner", ["block", "ilu", "sketch", "amg"])
@pytest.mark.parametrize("solver", ITERATIVE)
def test_preconditioners_know_the_penalty(solver, preconditioner):
    X, y = design()
    model = IterativeLeastSquares(
        1e4, solver=solver, penalty="difference", preconditioner=make(preconditioner), tol=1e-12
    ).fit(X, y)
    assert_solution(model, X, y, 1e4, tol=1e-6, root=root_of("difference"))


@pytest.mark.parametrize("shape", [(1, 3), (2, 1), (2, 5), (5, 5), (40, 1)])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("solver", ["auto", *ITERATIVE, "direct"])
def test_small_shapes(solver, fit_intercept, shape):
    rng = np.random.default_rng(1)
    X, y = sparse.csr_array(rng.standard_normal(shape)), rng.standard_normal(shape[0])
    model = IterativeLeastSquares(0.5, solver=solver, fit_intercept=fit_intercept, tol=TOL)
    model.fit(X, y)
    coef, intercept = reference(X, y, 0.5, fit_intercept=fit_intercept)
    assert_allclose(model.coef_, coef, rtol=0, atol=1e-8)
    assert_allclose(model.intercept_, intercept, rtol=0, atol=1e-8)


@pytest.mark.parametrize("solver", ["auto", *ITERATIVE])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_least_norm_without_a_penalty(solver, fit_intercept):
    X, y = design(20, 60)
    model = IterativeLeastSquares(0.0, solver=solver, fit_intercept=fit_intercept, tol=1e-12)
    model.fit(X, y)
    A = X.toarray()
    A -= A.mean(axis=0) * fit_intercept
    expected = np.linalg.pinv(A, rcond=1e-12) @ (y - y.mean() * fit_intercept)
    assert_allclose(model.coef_, expected, rtol=0, atol=1e-8 * np.abs(expected).max())


# -- many targets -----------------------------------------------------------------------------


def assert_targets(model, X, Y, alphas):
    for i, alpha in enumerate(np.broadcast_to(alphas, Y.shape[1])):
        coef, intercept = reference(X, Y[:, i], alpha)
        atol = 1e-8 * max(np.abs(coef).max(), 1e-3)
        assert_allclose(model.coef_.reshape(-1, X.shape[1])[i], coef, rtol=0, atol=atol)
        assert_allclose(np.atleast_1d(model.intercept_)[i], intercept, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("n_targets", [1, 2, 8, 20])
@pytest.mark.parametrize("preconditioner", [*PRECONDITIONERS, "callable"])
@pytest.mark.parametrize("solver", ITERATIVE)
def test_targets(solver, preconditioner, n_targets):
    X, Y = design(n_targets=n_targets)
    model = IterativeLeastSquares(0.1, solver=solver, preconditioner=make(preconditioner), tol=TOL)
    model.fit(X, Y)
    assert_targets(model, X, Y, 0.1)
    shape = (n_targets, 24) if n_targets > 1 else (24,)
    assert model.coef_.shape == shape
    assert model.intercept_.shape == (n_targets,)
    for name in ("n_iter_", "converged_", "gradient_norm_"):
        assert getattr(model, name).shape == (n_targets,)
    assert model.convergence_.shape == (model.n_iter_.max(), n_targets)
    fitted = X @ model.coef_.reshape(n_targets, 24).T + model.intercept_
    assert_allclose(model.predict(X).reshape(fitted.shape), fitted, rtol=0, atol=1e-12)


def dependent_targets(X):
    """Return identical, dependent, constant, zero and simple targets."""
    rng = np.random.default_rng(2)
    y, z = X @ rng.standard_normal((X.shape[1], 2)).T[0] + 1, rng.standard_normal(X.shape[0])
    ones, first = np.ones(len(y)), X.toarray()[:, 0]
    return np.column_stack([y, y, 2 * y - 3, z, y + z, ones, 0 * ones, -7 * ones, first, 1e6 * z])


@pytest.mark.parametrize("form", ["csr", "csc", "operator"])
@pytest.mark.parametrize("preconditioner", [*PRECONDITIONERS, "callable", "operator"])
@pytest.mark.parametrize("solver", ITERATIVE)
def test_dependent_constant_and_zero_targets(solver, preconditioner, form):
    if form == "operator" and preconditioner in ("block", "ilu", "sketch", "amg"):
        pytest.skip("needs entries")
    X, _ = design()
    Y = dependent_targets(X)
    model = IterativeLeastSquares(0.1, solver=solver, preconditioner=make(preconditioner), tol=TOL)
    model.fit(FORMS[form](X), Y)
    assert_targets(model, X, Y, 0.1)
    assert model.n_iter_[[5, 6, 7]].tolist() == [0, 0, 0]
    assert np.all(model.coef_[[5, 6, 7]] == 0)
    assert model.intercept_[[5, 6, 7]] == pytest.approx([1, 0, -7], abs=1e-14)


@pytest.mark.parametrize("solver", ["auto", *ITERATIVE, "direct"])
def test_only_constant_targets(solver):
    X, _ = design()
    for y in (np.full(300, 3.0), np.full((300, 2), 3.0)):
        model = IterativeLeastSquares(solver=solver).fit(X, y)
        assert np.all(model.coef_ == 0)
        assert np.all(np.abs(model.intercept_ - 3.0) < 1e-14)
        assert model.converged_.all()


@pytest.mark.parametrize("preconditioner", PRECONDITIONERS)
@pytest.mark.parametrize("solver", ITERATIVE)
def test_data_of_zeros(solver, preconditioner):
    X = sparse.csr_array((300, 5))
    for alpha in (0.0, 1.0):
        model = IterativeLeastSquares(
            alpha, solver=solver, preconditioner=make(preconditioner)
        ).fit(X, np.arange(300.0))
        assert model.coef_.tolist() == [0.0] * 5
        assert model.intercept_ == pytest.approx(149.5)


@pytest.mark.parametrize("preconditioner", PRECONDITIONERS)
@pytest.mark.parametrize("solver", [*ITERATIVE, "direct"])
def test_penalty_for_each_target(solver, preconditioner):
    if solver == "direct" and preconditioner != "auto":
        pytest.skip("has none")
    X, Y = design(n_targets=6)
    Y[:, 3] = Y[:, 0]
    alphas = np.array([1.0, 0.01, 1.0, 100.0, 0.02, 1.0])
    model = IterativeLeastSquares(
        alphas, solver=solver, preconditioner=make(preconditioner), tol=TOL
    ).fit(X, Y)
    assert_targets(model, X, Y, alphas)


# -- paths ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_targets", [None, 1, 3, 20])
@pytest.mark.parametrize("solver", ["auto", *ITERATIVE, "direct"])
def test_a_path_is_as_good_as_fits_of_its_own(solver, n_targets):
    X, Y = design(n_targets=n_targets)
    grid = [10.0, 0.01, 1.0, 0.1, 0.1]
    model = IterativeLeastSquares(0.3, solver=solver, alphas=grid, tol=TOL).fit(X, Y)
    assert model.alphas_.tolist() == grid
    assert_solution(model, X, Y.squeeze() if n_targets == 1 else Y, 0.3)
    own = clone(model).set_params(alphas=None).fit(X, Y)
    assert_allclose(model.coef_, own.coef_, rtol=0, atol=1e-8 * np.abs(own.coef_).max())
    assert not hasattr(own, "coef_path_")
    t = () if n_targets is None else (n_targets,)
    assert model.coef_path_.shape == (5, *t, 24)
    assert model.intercept_path_.shape == (5, *t)
    for alpha, coef, intercept in zip(grid, model.coef_path_, model.intercept_path_, strict=True):
        expected, offset = reference(X, Y, alpha)
        assert_allclose(coef, expected, rtol=0, atol=1e-8 * np.abs(expected).max())
        assert_allclose(intercept, offset, rtol=1e-8)
    assert model.n_iter_.shape == model.converged_.shape == (n_targets or 1,)
    assert model.converged_.all()


@pytest.mark.parametrize("preconditioner", PRECONDITIONERS)
def test_paths_with_every_preconditioner(preconditioner):
    X, Y = design(n_targets=3)
    grid = np.logspace(2, -3, 6)
    model = IterativeLeastSquares(
        solver="cg", alphas=grid, preconditioner=make(preconditioner), tol=TOL
    ).fit(X, Y, integer_weights(300))
    for alpha, coef in zip(grid, model.coef_path_, strict=True):
        expected, _ = reference(X, Y, alpha, integer_weights(300))
        assert_allclose(coef, expected, rtol=0, atol=1e-8 * np.abs(expected).max())


def test_a_path_takes_penalties_per_target_and_matrices_along():
    X, Y = design(n_targets=2)
    model = IterativeLeastSquares(
        [0.5, 50.0], solver="cg", alphas=[1.0, 0.0], penalty="difference", tol=1e-12
    ).fit(X, Y)
    for i, alpha in enumerate([0.5, 50.0]):
        expected, _ = reference(X, Y[:, i], alpha, root=root_of("difference"))
        assert_allclose(model.coef_[i], expected, rtol=0, atol=1e-7)
    for alpha, coef in zip([1.0, 0.0], model.coef_path_, strict=True):
        expected, _ = reference(X, Y, alpha, root=root_of("difference"))
        assert_allclose(coef, expected, rtol=0, atol=1e-7)


def test_a_path_shares_work():
    rng = np.random.default_rng(0)
    X = sparse.random(2000, 800, 0.01, "csr", random_state=rng)
    y = X @ rng.standard_normal(800) + rng.standard_normal(2000)
    grid = np.logspace(0, -3, 12)
    products = []

    class Counting(LinearOperator):
        def __init__(self):
            super().__init__(np.float64, X.shape)

        def _matmat(self, V):
            products.append(V.shape[1])
            return X @ V

        def _rmatmat(self, U):
            return X.T @ U

    IterativeLeastSquares(grid[0], alphas=grid, solver="cg").fit(Counting(), y)
    together = sum(products)
    products.clear()
    for alpha in grid:
        IterativeLeastSquares(alpha, solver="cg").fit(Counting(), y)
    assert together < 0.6 * sum(products)


# -- what is reported -------------------------------------------------------------------------


def own_gradient_norm(model, X, y, alpha, weights=None):
    """Return the scaled gradient at a fit, from the definition, for each target."""
    X, Y = X.toarray(), y.reshape(len(y), -1)
    W = np.ones(len(Y)) if weights is None else weights
    A = np.sqrt(W)[:, None] * (X - np.average(X, axis=0, weights=W))
    B = np.sqrt(W)[:, None] * (Y - np.average(Y, axis=0, weights=W))
    coef = model.coef_.reshape(-1, X.shape[1]).T
    scales = np.sqrt(np.square(A).sum(axis=0) + alpha)[:, None]
    gradient = A.T @ (A @ coef - B) + alpha * coef
    at_zero = np.linalg.norm(A.T @ B / scales, axis=0)
    floor = np.sqrt(EPS) * np.linalg.norm(B, axis=0)
    return np.linalg.norm(gradient / scales, axis=0) / (at_zero + floor)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("preconditioner", ["jacobi", "none", "block", "ilu"])
@pytest.mark.parametrize("solver", ITERATIVE)
def test_the_gradient_is_what_is_reported(solver, preconditioner, tol, weighted):
    X, Y = design(n_targets=3)
    weights = integer_weights(300) if weighted else None
    model = IterativeLeastSquares(0.1, solver=solver, preconditioner=preconditioner, tol=tol)
    model.fit(X, Y, weights)
    measured = own_gradient_norm(model, X, Y, 0.1, weights)
    assert_allclose(model.gradient_norm_, measured, rtol=1e-6, atol=1e-13)
    assert model.converged_.all()
    assert measured.max() <= tol * (1 + 1e-6)
    assert model.certificate_.value == pytest.approx(measured.max(), rel=1e-6, abs=1e-13)
    assert model.certificate_.holds
    # the recurrence agrees with what is measured, as far as it has been below the tolerance
    history = model.convergence_
    assert history.shape == (model.n_iter_.max(), 3)
    for column, n_iter in zip(history.T, model.n_iter_, strict=True):
        assert np.isfinite(column[:n_iter]).all()
        assert np.isnan(column[n_iter:]).all()
        assert column[n_iter - 1] <= tol


def test_history_of_lsmr_falls():
    X, Y = design(n_targets=2)
    model = IterativeLeastSquares(0.1, solver="lsmr", preconditioner="jacobi", tol=1e-8)
    model.fit(X, Y)
    history = model.convergence_
    assert len(history) > 5
    for column in history.T:
        column = column[~np.isnan(column)]
        assert np.all(np.diff(column) <= 0)


@pytest.mark.parametrize("solver", ITERATIVE)
def test_history_is_the_gradient_of_each_iterate(solver):
    X, y = design()
    model = IterativeLeastSquares(0.1, solver=solver, preconditioner="jacobi", tol=1e-7)
    history = model.fit(X, y).convergence_[:, 0]
    for n_iter in (1, 3, 6):
        with pytest.warns(ConvergenceWarning):
            short = clone(model).set_params(max_iter=n_iter).fit(X, y)
        assert short.n_iter_.tolist() == [n_iter]
        assert_allclose(own_gradient_norm(short, X, y, 0.1), history[n_iter - 1], rtol=1e-6)


def test_direct_solvers_report_no_iteration():
    X, y = design()
    model = IterativeLeastSquares(solver="direct").fit(X, y)
    assert model.preconditioner_ is None
    assert model.convergence_.shape == (0, 1)
    assert model.n_iter_.tolist() == [1]
    assert model.gradient_norm_[0] < 1e-12


@pytest.mark.parametrize("n_targets", [None, 3])
@pytest.mark.parametrize("solver", ["auto", *ITERATIVE])
def test_it_is_never_silent(solver, n_targets):
    X, y = design(n_targets=n_targets)
    preconditioner = "jacobi" if solver == "auto" else "auto"  # else it would be direct
    model = IterativeLeastSquares(0.01, solver=solver, max_iter=2, preconditioner=preconditioner)
    with pytest.warns(ConvergenceWarning, match="gradient .* is .*, asked 1e-06") as caught:
        model.fit(X, y)
    (message,) = [str(w.message) for w in caught]
    reached = own_gradient_norm(model, X, y, 0.01)
    assert f"{reached.max():.1e}" in message
    assert "max_iter" in message
    assert caught[0].filename == __file__
    assert_allclose(model.gradient_norm_, reached, rtol=1e-6)
    assert not model.converged_.any()
    assert not model.certificate_.holds
    assert np.all(model.n_iter_ == 2)
    assert model.convergence_.shape == (2, n_targets or 1)


def test_some_targets_may_converge_and_others_not():
    X, Y = design(n_targets=2)
    Y[:, 0] = 4.0
    with pytest.warns(ConvergenceWarning):
        model = IterativeLeastSquares(0.01, solver="cg", max_iter=2).fit(X, Y)
    assert model.converged_.tolist() == [True, False]
    assert model.n_iter_.tolist() == [0, 2]


def test_products_that_are_not_finite_are_not_silent():
    operator = aslinearoperator(np.full((30, 4), np.nan))
    with pytest.warns(ConvergenceWarning, match="is nan"):
        model = IterativeLeastSquares().fit(operator, np.arange(30.0))
    assert model.converged_.tolist() == [False]


def test_the_plan_says_why():
    X, y = design()
    model = IterativeLeastSquares().fit(X, y)
    text = str(model.plan_)
    for word in ("gram_cholesky", "sparse_cholesky", "cg", "chosen:", "certificate"):
        assert word in text


# -- warm starts ------------------------------------------------------------------------------


@pytest.mark.parametrize("n_targets", [None, 1, 4, 20])
@pytest.mark.parametrize("solver", ITERATIVE)
def test_a_warm_start_at_the_solution_needs_no_iteration(solver, n_targets):
    X, Y = design(600, 120, n_targets)
    model = IterativeLeastSquares(0.1, solver=solver, warm_start=True).fit(X, Y)
    assert model.n_iter_.min() > 5
    before = model.coef_.copy()
    model.fit(X, Y)
    assert model.n_iter_.max() == 0
    assert np.array_equal(model.coef_, before)
    assert model.converged_.all()
    assert model.convergence_.shape == (0, n_targets or 1)
    # and near it fewer
    again = model.set_params(alpha=0.1001).fit(X, Y).n_iter_
    cold = clone(model).set_params(warm_start=False).fit(X, Y).n_iter_
    assert again.max() < cold.max()
    assert_allclose(own_gradient_norm(model, X, Y, 0.1001), model.gradient_norm_, rtol=1e-5)


@pytest.mark.parametrize("solver", ITERATIVE)
def test_iterations_add_up_from_warm_starts(solver):
    X, y = design()
    model = IterativeLeastSquares(0.1, solver=solver, warm_start=True, max_iter=5)
    sizes = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for _ in range(12):
            sizes.append(model.fit(X, y).gradient_norm_[0])
    assert sizes[-1] <= 1e-6 < sizes[0]
    assert_solution(model, X, y, 0.1, tol=1e-4)


def test_a_warm_start_of_a_path():
    X, Y = design(n_targets=2)
    grid = [10.0, 1.0, 0.1]
    model = IterativeLeastSquares(0.1, solver="cg", alphas=grid, warm_start=True, tol=TOL)
    model.fit(X, Y).fit(X, Y)
    assert model.n_iter_.max() == 0
    for alpha, coef in zip(grid, model.coef_path_, strict=True):
        assert_allclose(coef, reference(X, Y, alpha)[0], rtol=0, atol=1e-8)


def test_a_warm_start_needs_the_same_shape():
    X, Y = design(n_targets=2)
    model = IterativeLeastSquares(warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match=r"previous fit had 24 features and 2 targets, now .* 1"):
        model.fit(X, Y[:, 0])
    with pytest.raises(ValueError, match="now there are 20 and 2"):
        model.fit(X[:, :20], Y)
    assert model.coef_.shape == (2, 24)  # as it was
    assert model.n_features_in_ == 24
    model.set_params(warm_start=False).fit(X[:, :20], Y)


# -- early stopping ---------------------------------------------------------------------------


def noisy(n_targets=None):
    """Return few rows for many columns, so that late iterates fit the noise."""
    X, _ = design(150, 60)
    rng = np.random.default_rng(9)
    t = () if n_targets is None else (n_targets,)
    coef = 4.0 * rng.standard_normal((60, *t)) / np.arange(1, 61).reshape(60, *(1 for _ in t))
    return X, X @ coef + rng.standard_normal((150, *t))


def best_iterations(model, X, Y, weights=None):
    """Return the iteration of least error for each target, 0 where it only rises."""
    w = np.ones(len(Y)) if weights is None else weights
    rows, Y = held_out_rows(len(Y), weights), Y.reshape(len(Y), -1)
    others = np.setdiff1d(np.flatnonzero(w), rows)
    mean = np.average(Y[others], axis=0, weights=w[others])
    at_zero = np.average(np.square(Y[rows] - mean), axis=0, weights=w[rows])
    errors = np.vstack([at_zero, model.validation_errors_])
    return np.nanargmin(errors, axis=0)


def stopping(**kwargs):
    return IterativeLeastSquares(
        **{"alpha": 0.0, "early_stopping": True, "random_state": 0, **kwargs}
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_targets", [None, 3])
@pytest.mark.parametrize("solver", ["auto", *ITERATIVE])
def test_the_iterate_of_least_error_is_returned(solver, n_targets, weighted):
    X, Y = noisy(n_targets)
    weights = integer_weights(150) if weighted else None
    model = stopping(solver=solver).fit(X, Y, weights)
    errors = model.validation_errors_
    assert errors.shape[1] == (n_targets or 1)
    best = best_iterations(model, X, Y, weights)
    assert best.min() >= 1
    assert np.array_equal(model.n_iter_, best)
    # 10 iterations without a new least error end it, or convergence
    if np.nanmax(model.convergence_[-1]) > 1e-6:
        assert len(errors) == best.max() + 10
    assert "stopped" in model.certificate_.quantity
    # the same as that many iterations on the rows that were not held out
    rows = held_out_rows(150, weights)
    kept = np.ones(150) if weights is None else weights.copy()
    kept[rows] = 0
    solver = "lsmr" if solver == "auto" else solver
    for i, n_iter in enumerate(best):
        y = Y.reshape(150, -1)[:, i]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            plain = IterativeLeastSquares(0.0, solver=solver, max_iter=n_iter).fit(X, y, kept)
        if solver != "cg" or n_targets is None:  # several targets share directions there
            coef = model.coef_.reshape(-1, 60)[i]
            assert_allclose(coef, plain.coef_, rtol=0, atol=1e-8 * np.abs(coef).max())
            assert np.atleast_1d(model.intercept_)[i] == pytest.approx(plain.intercept_, rel=1e-8)
        w = np.ones(150) if weights is None else weights
        prediction = model.predict(X).reshape(150, -1)[rows, i]
        error = np.average(np.square(y[rows] - prediction), weights=w[rows])
        assert errors[n_iter - 1, i] == pytest.approx(error, rel=1e-6)


def held_out_rows(n, weights=None, fraction=0.1):
    rows = np.arange(n) if weights is None else np.flatnonzero(weights)
    count = int(np.ceil(fraction * len(rows)))
    return np.random.RandomState(0).permutation(rows)[:count]


def test_more_targets_than_are_iterated_at_a_time_stop_early():
    X, Y = noisy(20)
    model = stopping(solver="lsmr", n_iter_no_change=5).fit(X, Y)
    best = best_iterations(model, X, Y)
    assert np.array_equal(model.n_iter_, best)
    # sixteen of them together, then the others, each until 5 iterations brought none a gain
    for part in (slice(0, 16), slice(16, 20)):
        alone = stopping(solver="lsmr", n_iter_no_change=5).fit(X, Y[:, part])
        assert np.array_equal(model.n_iter_[part], alone.n_iter_)
        assert_allclose(model.coef_[part], alone.coef_, rtol=0, atol=1e-10)
        errors = model.validation_errors_[: len(alone.validation_errors_), part]
        assert_allclose(errors, alone.validation_errors_, rtol=1e-8)


@pytest.mark.parametrize("n_targets", [None, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_form_of_data_stops_at_the_same_place(weighted, n_targets):
    X, y = noisy(n_targets)
    weights = integer_weights(150) if weighted else None
    model = stopping(solver="lsqr", preconditioner="none")
    expected = clone(model).fit(X, y, weights)
    assert expected.n_iter_.min() >= 1
    for form in ("csc", "dense", "operator"):
        other = clone(model).fit(FORMS[form](X), y, weights)
        assert np.array_equal(other.n_iter_, expected.n_iter_)
        # rounding errors grow with the iterations
        first = slice(0, expected.n_iter_.min())
        assert_allclose(
            other.validation_errors_[first], expected.validation_errors_[first], rtol=1e-9
        )
        assert_allclose(other.coef_, expected.coef_, rtol=0, atol=1e-9)
    blocks = clone(model).fit([X.toarray()[:70], X.toarray()[70:]], y, weights)
    assert np.array_equal(blocks.n_iter_, expected.n_iter_)
    assert_allclose(blocks.coef_, expected.coef_, rtol=0, atol=1e-9)


def test_early_stopping_regularises():
    X, y = noisy()
    fresh = X @ (4.0 * np.random.default_rng(9).standard_normal(60) / np.arange(1, 61))
    y = fresh + 4.0 * (y - fresh)  # more noise
    early, late = stopping().fit(X, y), IterativeLeastSquares(0.0).fit(X, y)
    assert early.score(X, fresh) > late.score(X, fresh) + 0.01


def test_patience_and_share_of_early_stopping():
    X, y = noisy()
    model = stopping(n_iter_no_change=3, validation_fraction=0.4).fit(X, y)
    assert len(model.validation_errors_) == model.n_iter_[0] + 3
    rows = held_out_rows(150, fraction=0.4)
    error = np.mean(np.square(y[rows] - model.predict(X)[rows]))
    assert np.min(model.validation_errors_) == pytest.approx(error)
    others = {stopping(random_state=seed).fit(X, y).coef_[0] for seed in range(3)}
    assert len(others) == 3
    same = [stopping(random_state=np.random.RandomState(4)).fit(X, y).coef_ for _ in range(2)]
    assert np.array_equal(*same)


def test_what_early_stopping_cannot_do():
    X, y = design()
    for kwargs in ({"solver": "direct"}, {"alphas": [1.0, 2.0]}):
        with pytest.raises(ValueError, match="early_stopping=True cannot be used with"):
            stopping(**kwargs).fit(X, y)
    with pytest.raises(ValueError, match="none is left to fit"):
        stopping().fit(X[:1], y[:1])
    model = stopping().fit(X, y)
    assert not hasattr(model.set_params(early_stopping=False).fit(X, y), "validation_errors_")


# -- callbacks --------------------------------------------------------------------------------

with_callbacks = pytest.mark.skipif(
    not hasattr(CallbackSupportMixin, "set_callbacks"), reason="scikit-learn < 1.9 has no callbacks"
)


class Callback:
    """Counts iterations and calls `at_end` at each; the fit ends after `n_steps`."""

    max_estimator_depth = None

    def __init__(self, n_steps=np.inf, at_end=None):
        self.n_steps, self.at_end, self.count, self.names = n_steps, at_end, 0, []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, **_):
        self.names.append(context.task_name)

    def on_fit_task_end(self, estimator, context, fitted_estimator=None, **_):
        if context.task_name != "iteration":
            return False
        self.count += 1
        if self.at_end is not None:
            self.at_end(fitted_estimator)
        return self.count == self.n_steps


class PredictingCallback(Callback):
    """Asks for an estimator that can predict."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None, **_):
        return super().on_fit_task_end(estimator, context, fitted_estimator)


@with_callbacks
@pytest.mark.parametrize("n_targets", [None, 2, 20])
@pytest.mark.parametrize("solver", ["auto", *ITERATIVE])
def test_a_callback_stops_the_fit(solver, n_targets):
    X, Y = design(600, 120, n_targets)
    preconditioner = "jacobi" if solver == "auto" else "auto"  # else it would be direct
    model = IterativeLeastSquares(0.01, solver=solver, preconditioner=preconditioner).set_callbacks(
        Callback(3)
    )
    model.fit(X, Y)  # without a warning
    assert model.n_iter_[16:].tolist() in ([], [1] * 4)  # not more than 16 at a time
    assert model.n_iter_[:16].tolist() == [3] * min(n_targets or 1, 16)
    assert not model.converged_.any()
    assert "where it was stopped" in str(model.certificate_)
    assert model.certificate_.value > 1e-6
    assert_allclose(model.gradient_norm_, own_gradient_norm(model, X, Y, 0.01), rtol=1e-6)
    assert len(model.convergence_) == 3


@with_callbacks
def test_a_callback_stops_a_path():
    X, y = design()
    callback = Callback(3)
    IterativeLeastSquares(0.01, solver="cg", alphas=[1.0, 0.1]).set_callbacks(callback).fit(X, y)
    assert callback.count == 3


@with_callbacks
def test_callbacks_see_every_iteration():
    X, y = design()
    callback = Callback()
    model = IterativeLeastSquares(solver="cg").set_callbacks(callback).fit(X, y)
    assert callback.count == model.n_iter_[0]
    assert callback.names[1:] == ["iteration"] * callback.count
    direct = Callback()
    IterativeLeastSquares(solver="direct").set_callbacks(direct).fit(X, y)
    assert direct.count == 0
    # and change nothing
    assert np.array_equal(clone(model).fit(X, y).coef_, model.coef_)


@with_callbacks
@pytest.mark.parametrize("n_targets", [None, 3])
@pytest.mark.parametrize("solver", ITERATIVE)
def test_callbacks_can_predict(solver, n_targets):
    X, Y = design(n_targets=n_targets)
    scores = []
    callback = PredictingCallback(at_end=lambda fitted: scores.append(fitted.score(X, Y)))
    model = IterativeLeastSquares(0.01, solver=solver).set_callbacks(callback).fit(X, Y)
    assert len(scores) == model.n_iter_.max()
    assert scores[-1] == pytest.approx(model.score(X, Y), rel=1e-6)
    assert scores[0] < scores[-1] - 1e-3


@with_callbacks
@pytest.mark.parametrize("solver", ["cg", "direct"])
def test_progress_bars(solver):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    X, y = design()
    model = IterativeLeastSquares(solver=solver).set_callbacks(ProgressBar())
    assert model.fit(X, y).converged_.all()


@with_callbacks
def test_a_callback_stops_early_stopping():
    X, y = noisy()
    model = stopping().set_callbacks(Callback(2)).fit(X, y)
    assert len(model.validation_errors_) == 2
    assert model.n_iter_[0] <= 2


# -- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"solver": "sor"}, "'solver' parameter .* must be one of"),
        ({"preconditioner": "ssor"}, "'preconditioner' parameter .* must be one of"),
        ({"preconditioner": 3}, "'preconditioner' parameter"),
        ({"preconditioner": None}, "'preconditioner' parameter"),
        ({"preconditioner": np.eye(24)}, "'preconditioner' parameter"),
        ({"alpha": -1.0}, "'alpha' parameter"),
        ({"alpha": np.nan}, "'alpha' parameter"),
        ({"alpha": [1.0, 2.0]}, "targets and number of penalties"),
        ({"alphas": [1.0, -2.0]}, "alphas"),
        ({"alphas": []}, "alphas"),
        ({"alphas": "auto"}, "alphas"),
        ({"tol": -1e-3}, "'tol' parameter"),
        ({"tol": "small"}, "'tol' parameter"),
        ({"max_iter": 0}, "'max_iter' parameter"),
        ({"max_iter": 2.5}, "'max_iter' parameter"),
        ({"warm_start": "yes"}, "'warm_start' parameter"),
        ({"early_stopping": 1}, "'early_stopping' parameter"),
        ({"validation_fraction": 0.0}, "'validation_fraction' parameter"),
        ({"validation_fraction": 1.0}, "'validation_fraction' parameter"),
        ({"validation_fraction": 3}, "'validation_fraction' parameter"),
        ({"n_iter_no_change": 0}, "'n_iter_no_change' parameter"),
        ({"fit_intercept": None}, "'fit_intercept' parameter"),
        ({"penalty": np.ones(3)}, "'penalty' parameter .* shape"),
        ({"penalty": "lasso"}, "'penalty' parameter"),
        ({"random_state": "seed"}, "seed"),
        ({"preconditioner": aslinearoperator(np.eye(3))}, r"preconditioner|\(3, 3\)"),
        ({"preconditioner": lambda r: r[:3]}, r"preconditioner turned an array of shape \(24, 1\)"),
        ({"preconditioner": lambda r: r.ravel()}, r"must return one of the same shape"),
    ],
)
def test_bad_parameters_leave_the_estimator_as_it_was(parameters, message):
    X, y = design()
    model = IterativeLeastSquares(0.5).fit(X, y)
    before = {name: value for name, value in vars(model).items() if name.endswith("_")}
    with pytest.raises((ValueError, TypeError), match=message):
        model.set_params(**parameters).fit(X[:, ::-1], y)
    after = {name: value for name, value in vars(model).items() if name.endswith("_")}
    assert before.keys() == after.keys()
    assert all(before[name] is after[name] for name in before)


def test_bad_data():
    X, y = design()
    model = IterativeLeastSquares()
    operator = aslinearoperator(X)
    with pytest.raises(ValueError, match="Complex data not supported"):
        model.fit(aslinearoperator(X * 1j), y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(operator, y[:-1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(operator, y, np.ones(5))
    with pytest.raises(ValueError, match="NaN"):
        model.fit(operator, np.where(y > 5, np.nan, y))
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X * np.nan, y)
    with pytest.raises(ValueError, match="Negative values"):
        model.fit(X, y, -np.ones(300))
    with pytest.raises(ValueError, match="at least one non-zero"):
        model.fit(operator, y, np.zeros(300))
    assert not hasattr(model, "coef_")
    model.fit(operator, y)
    with pytest.raises(ValueError, match="24 features"):
        model.predict(aslinearoperator(X[:, :3]))
    with pytest.raises(ValueError, match="24 features"):
        model.predict(X[:, :3])
    with pytest.raises(ValueError, match="Complex"):
        model.predict(aslinearoperator(X * 1j))


@pytest.mark.parametrize("dtype", [np.int64, np.int8, bool, np.float32])
def test_operators_of_any_real_type(dtype):
    X, y = design()
    X = sparse.csr_array((X.toarray() > 0.5).astype(dtype))
    plain = IterativeLeastSquares(solver="cg", tol=TOL).fit(X.astype(np.float64), y)
    model = IterativeLeastSquares(solver="cg", tol=TOL, alphas=[1.0])
    model.fit(aslinearoperator(X), y)
    assert model.coef_.dtype.kind == model.intercept_.dtype.kind == "f"
    tol = 1e-5 if dtype == np.float32 else 1e-9
    assert_allclose(model.coef_, plain.coef_, rtol=0, atol=tol)
    assert_allclose(model.coef_path_[0], plain.coef_, rtol=0, atol=tol)
    assert_allclose(model.predict(aslinearoperator(X)), plain.predict(X), rtol=tol)


def test_operators_that_only_multiply_vectors():
    X, y = design()

    class Plain(LinearOperator):
        def __init__(self):
            super().__init__(None, X.shape)

        def _matvec(self, v):
            return X @ v

        def _rmatvec(self, u):
            return X.T @ u

    model = IterativeLeastSquares(0.1, tol=TOL).fit(Plain(), y)
    assert_solution(model, X, y, 0.1)
    assert_allclose(model.predict(Plain()), model.predict(X), rtol=1e-12)


@pytest.mark.parametrize("n_targets", [None, 5])
@pytest.mark.parametrize("solver", ITERATIVE)
def test_indefinite_preconditioners_are_not_believed(solver, n_targets):
    X, y = design(n_targets=n_targets)
    signs = np.where(np.arange(24) < 3, -1.0, 1.0)[:, None]
    model = IterativeLeastSquares(0.1, solver=solver, preconditioner=lambda r: signs * r)
    with pytest.warns((ConvergenceWarning, LinAlgWarning)):
        model.fit(X, y)
    reached = own_gradient_norm(model, X, y, 0.1)
    assert_allclose(model.gradient_norm_, reached, rtol=1e-6, atol=1e-13)
    if solver == "cg":
        assert "not definite" in str(model.plan_)


def test_data_and_parameters_are_not_changed():
    X, y = design()
    weights = integer_weights(300)
    for form in ("csr", "csc", "dense"):
        data = FORMS[form](X)
        kept = data.copy(), y.copy(), weights.copy()
        model = IterativeLeastSquares(0.1, solver="cg")
        before = model.get_params()
        model.fit(data, y, weights)
        assert abs(data - kept[0]).max() == 0
        assert np.array_equal(y, kept[1])
        assert np.array_equal(weights, kept[2])
        assert model.get_params() == before


# -- within scikit-learn ----------------------------------------------------------------------


def test_clone_pickle_and_parameters():
    X, Y = design(n_targets=2)
    model = IterativeLeastSquares(
        [0.1, 0.2], solver="lsmr", preconditioner="block", alphas=(1.0, 2.0), tol=1e-8
    )
    copied = clone(model)
    assert copied.get_params().keys() == model.get_params().keys()
    assert copied.solver == "lsmr"
    model.fit(X, Y)
    restored = pickle.loads(pickle.dumps(model))
    assert np.array_equal(restored.predict(X), model.predict(X))
    assert np.array_equal(restored.coef_path_, model.coef_path_)
    assert restored.certificate_ == model.certificate_
    assert not hasattr(clone(model), "coef_")


def test_pipelines_and_searches():
    X, _ = design()
    counts = abs(X).ceil()
    y = counts @ np.arange(24.0)
    pipe = make_pipeline(TfidfTransformer(), IterativeLeastSquares(solver="cg"))
    search = GridSearchCV(pipe, {"iterativeleastsquares__alpha": [1e-4, 1.0, 100.0]}, cv=3)
    search.fit(counts, y)
    assert search.best_params_ == {"iterativeleastsquares__alpha": 1e-4}
    by_hand = clone(search.best_estimator_).fit(counts, y)
    assert_allclose(search.predict(counts), by_hand.predict(counts), rtol=1e-12)


# -- threads ----------------------------------------------------------------------------------


def large():
    """Return data that is cut into several blocks for one column already."""
    rng = np.random.default_rng(0)
    n, p, nnz = 30_000, 2_000, 600_000
    entries = rng.standard_normal(nnz), (rng.integers(0, n, nnz), rng.integers(0, p, nnz))
    X = sparse.csr_array(entries, shape=(n, p))
    return X, X @ rng.standard_normal((p, 8)) + rng.standard_normal((n, 8))


@pytest.mark.parametrize("n_targets", [1, 8])
@pytest.mark.parametrize("form", ["csr", "csc"])
@pytest.mark.parametrize("solver", ITERATIVE)
def test_bits_do_not_depend_on_the_threads(solver, form, n_targets):
    X, Y = large()
    X, Y = FORMS[form](X), Y[:, :n_targets]
    found = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, "blas"):
            found.append(IterativeLeastSquares(0.1, solver=solver).fit(X, Y))
    one, two = found
    assert one.converged_.all()
    assert np.array_equal(one.coef_, two.coef_)
    assert np.array_equal(one.convergence_, two.convergence_, equal_nan=True)
    assert np.array_equal(one.intercept_, two.intercept_)


@pytest.mark.parametrize("preconditioner", ["block", "ilu"])
def test_bits_of_preconditioners_do_not_depend_on_the_threads(preconditioner):
    X, Y = large()
    X = X[:10_000, :300]
    found = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, "blas"):
            model = IterativeLeastSquares(0.1, solver="cg", preconditioner=preconditioner)
            found.append(model.fit(X, Y[:10_000]).coef_)
    assert np.array_equal(*found)
