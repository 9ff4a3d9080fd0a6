"""Tikhonov against an augmented least squares problem solved by LAPACK, and against Ridge."""

import copy
import inspect
import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.linalg import LinAlgWarning
from scipy.optimize import nnls
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge

from skstruct import config_context
from skstruct.linear_model import Tikhonov

DIRECT = ["gram_cholesky", "dual_cholesky", "eigen", "qr", "svd"]
ALL = ["auto", "cholesky", *DIRECT, "cg", "lsqr", "sparse_cg", "sag", "saga"]


def augmented(X, y, alpha, weights=None, fit_intercept=True):
    """Return the centred [A; sqrt(alpha) I], [y; 0] and the means."""
    weights = np.ones(len(X)) if weights is None else weights
    x_mean, y_mean = np.zeros(X.shape[1]), 0.0
    if fit_intercept:
        x_mean, y_mean = np.average(X, axis=0, weights=weights), np.average(y, weights=weights)
    root = np.sqrt(weights)
    A = np.vstack([root[:, None] * (X - x_mean), np.sqrt(alpha) * np.eye(X.shape[1])])
    b = np.r_[root * (y - y_mean), np.zeros(X.shape[1])]
    return A, b, x_mean, y_mean


def reference(X, y, alpha, weights=None, fit_intercept=True):
    """Return coefficients and intercept by LAPACK's least squares on scaled columns."""
    A, b, x_mean, y_mean = augmented(X, y, alpha, weights, fit_intercept)
    scale = np.linalg.norm(A, axis=0)
    scale[scale == 0] = 1.0
    coef = np.linalg.lstsq(A / scale, b, rcond=None)[0] / scale
    return coef, y_mean - x_mean @ coef


def problem(rng, n, p, n_targets=None):
    X = rng.standard_normal((n, p)) + rng.uniform(-3, 3, p)
    shape = n if n_targets is None else (n, n_targets)
    return X, rng.standard_normal(shape) + 5


# -- numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ALL)
@pytest.mark.parametrize("shape", [(90, 12), (12, 90), (40, 40), (30, 1)])
@pytest.mark.parametrize(
    "make", [np.asarray, np.asfortranarray, sparse.csr_array, sparse.csc_matrix]
)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_coefficients(solver, shape, make, weighted, fit_intercept):
    rng = np.random.default_rng(1)
    X, y = problem(rng, *shape)
    weights = rng.uniform(0.2, 2, shape[0]) if weighted else None
    model = Tikhonov(alpha=0.7, solver=solver, fit_intercept=fit_intercept)
    model.fit(make(X), y, sample_weight=weights)
    coef, intercept = reference(X, y, 0.7, weights, fit_intercept)
    # cg stops at a relative gradient of 1e-8
    tol, coef_tol = (1e-6, 1e-4) if model.solver_ == "cg" else (1e-10, 1e-10)
    assert_allclose(model.coef_, coef, atol=coef_tol * np.abs(coef).max())
    assert_allclose(model.predict(make(X)), X @ coef + intercept, atol=tol * np.abs(y).max())
    assert model.certificate_.holds


@pytest.mark.parametrize("solver", ["auto", *DIRECT, "cg"])
def test_many_targets_and_penalties(solver):
    rng = np.random.default_rng(2)
    X, Y = problem(rng, 60, 8, 4)
    alphas = np.array([0.1, 10.0, 0.1, 1e3])
    model = Tikhonov(alpha=alphas, solver=solver).fit(X, Y)
    assert model.coef_.shape == (4, 8)
    assert model.intercept_.shape == (4,)
    for i, alpha in enumerate(alphas):
        coef, intercept = reference(X, Y[:, i], alpha)
        assert_allclose(model.coef_[i], coef, atol=1e-6 * np.abs(coef).max())
        assert_allclose(model.intercept_[i], intercept, rtol=1e-6)


@pytest.mark.parametrize("solver", ["auto", "cg", "qr", "svd", "eigen"])
@pytest.mark.parametrize("alpha", [1e-3, 1.0])
def test_sparse_columns_over_six_decades(solver, alpha):
    # scikit-learn's sparse ridge is tens of per cent off here, without a warning.
    rng = np.random.default_rng(3)
    scales = np.logspace(-3, 3, 120)
    S = sparse.random(1500, 120, density=0.05, format="csr", random_state=0)
    X = sparse.csr_array(S @ sparse.diags(scales))
    y = X @ (rng.standard_normal(120) / scales) + 0.1 * rng.standard_normal(1500)
    coef, intercept = reference(X.toarray(), y, alpha)
    fitted = X @ coef + intercept
    spread = np.linalg.norm(fitted - fitted.mean())
    model = Tikhonov(alpha=alpha, solver=solver).fit(X, y)
    assert np.linalg.norm(model.predict(X) - fitted) < 1e-6 * spread
    assert np.linalg.norm(Ridge(alpha=alpha).fit(X, y).predict(X) - fitted) > 1e-2 * spread


@pytest.mark.parametrize("alpha", [1e-10, 1e-6, 1e-2, 1e6])
def test_ill_conditioned_polynomial(alpha):
    x = np.linspace(0, 1, 200)
    X = np.vander(x, 11, increasing=True)[:, 1:]
    y = np.sin(6 * x)
    model = Tikhonov(alpha=alpha).fit(X, y)
    coef, intercept = reference(X, y, alpha)
    fitted = X @ coef + intercept
    assert_allclose(model.predict(X), fitted, atol=1e-9)


def test_without_penalty_it_is_least_squares():
    rng = np.random.default_rng(4)
    X, y = problem(rng, 50, 6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Tikhonov(alpha=0).fit(X, y)
    coef = np.linalg.lstsq(np.c_[X, np.ones(50)], y, rcond=None)[0]
    assert_allclose(model.coef_, coef[:-1], rtol=1e-10)
    assert_allclose(model.intercept_, coef[-1], rtol=1e-10)


@pytest.mark.parametrize("shape", [(50, 6), (10, 30)])
def test_dependent_columns_without_penalty(shape):
    rng = np.random.default_rng(5)
    X, y = problem(rng, *shape)
    X = np.c_[X, X[:, 0] - X[:, 1], np.full(len(X), 2.0)]
    with pytest.warns(LinAlgWarning, match="not unique, those of minimum norm"):
        model = Tikhonov(alpha=0).fit(X, y)
    assert model.solver_ == "svd"
    A, b, _, _ = augmented(X, y, 0.0)
    assert_allclose(model.coef_, np.linalg.pinv(A, rcond=1e-12) @ b, atol=1e-10)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 100.0])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("shape", [(60, 9), (15, 30)])
def test_nonnegative(alpha, make, shape):
    rng = np.random.default_rng(6)
    X, y = problem(rng, *shape)
    model = Tikhonov(alpha=alpha, positive=True).fit(make(X), y)
    A, b, x_mean, y_mean = augmented(X, y, alpha)
    expected = nnls(A, b)[0]
    assert np.all(model.coef_ >= 0)
    assert (model.coef_ == 0).any()
    # without a penalty the coefficients of a wide design are not unique, its fit is
    assert_allclose(A @ model.coef_, A @ expected, atol=1e-8 * np.linalg.norm(b))
    assert_allclose(model.intercept_, y_mean - x_mean @ model.coef_)


def test_float32_keeps_its_type_and_its_digits():
    rng = np.random.default_rng(7)
    X, y = problem(rng, 300, 10)
    X = (X + 100).astype(np.float32)
    model = Tikhonov(alpha=0.1).fit(X, y.astype(np.float32))
    coef, _ = reference(X.astype(np.float64), y.astype(np.float32).astype(np.float64), 0.1)
    assert model.coef_.dtype == np.float32
    assert model.predict(X).dtype == np.float32
    assert_allclose(model.coef_, coef, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("solver", ["auto", "dual_cholesky", "cg", "svd"])
def test_integer_weights_equal_repetition(solver):
    rng = np.random.default_rng(8)
    X, y = problem(rng, 40, 5)
    counts = rng.integers(0, 4, 40)
    weighted = Tikhonov(solver=solver).fit(X, y, sample_weight=counts)
    repeated = Tikhonov(solver=solver).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-6)
    assert_allclose(weighted.intercept_, repeated.intercept_, rtol=1e-6)


def test_unconverged_iteration_is_replaced_or_warned_about():
    rng = np.random.default_rng(9)
    X = (
        rng.standard_normal((200, 50))
        @ np.diag(np.logspace(0, 3, 50))
        @ rng.standard_normal((50, 50))
    )
    y = rng.standard_normal(200)
    with pytest.warns(LinAlgWarning, match=r"solver='cg'.*not certified.*was used instead"):
        model = Tikhonov(alpha=1e-6, solver="cg", max_iter=2).fit(X, y)
    assert model.certificate_.holds
    coef, _ = reference(X, y, 1e-6)
    assert_allclose(model.coef_, coef, atol=1e-6 * np.abs(coef).max())


def test_a_tolerance_below_rounding_errors_asks_for_these():
    X, y = problem(np.random.default_rng(10), 100, 10)
    certificate = Tikhonov(tol=0.0).fit(X, y).certificate_
    assert certificate.holds
    assert 1e-15 < certificate.asked < 1e-13


def test_iterations_that_end_early_warn_with_the_figures():
    text = sparse.random(400, 3000, density=0.01, random_state=0)
    y = np.random.default_rng(1).standard_normal(400)
    solver = Tikhonov(1e-6, solver="cg", max_iter=3)
    with (
        config_context(memory_limit=500_000),  # no factorisation fits
        pytest.warns(ConvergenceWarning, match=r"gradient .* is .*e-\d+, asked .*remedy"),
    ):
        solver.fit(text.tocsr(), y)


# -- the interface of scikit-learn --------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.1, 10.0])
@pytest.mark.parametrize("positive", [False, True])
def test_agrees_with_ridge_on_diabetes(alpha, positive):
    X, y = load_diabetes(return_X_y=True)
    ours = Tikhonov(alpha, positive=positive).fit(X, y)
    theirs = Ridge(alpha, positive=positive, tol=1e-12).fit(X, y)
    atol = 1e-3 if positive else 1e-8  # L-BFGS stops there
    assert_allclose(ours.coef_, theirs.coef_, atol=atol * np.abs(ours.coef_).max())
    assert_allclose(ours.score(X, y), theirs.score(X, y), rtol=1e-6)
    assert isinstance(ours.intercept_, float)


def test_shapes_match_ridge():
    rng = np.random.default_rng(11)
    X, Y = problem(rng, 20, 3, 2)
    for y in (Y, Y[:, :1], Y[:, 0]):
        for fit_intercept in (True, False):
            ours = Tikhonov(fit_intercept=fit_intercept).fit(X, y)
            theirs = Ridge(fit_intercept=fit_intercept).fit(X, y)
            assert ours.coef_.shape == theirs.coef_.shape
            assert np.shape(ours.intercept_) == np.shape(theirs.intercept_)
            assert ours.predict(X).shape == theirs.predict(X).shape


def test_constructor_matches_ridge():
    ours, theirs = Tikhonov().get_params(), Ridge().get_params()
    assert {name: ours[name] for name in theirs} == theirs
    names = list(inspect.signature(Ridge).parameters)
    assert list(inspect.signature(Tikhonov).parameters)[: len(names)] == names


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"alpha": -1.0}, ValueError, "'alpha' parameter of Tikhonov must be finite and not"),
        ({"alpha": np.nan}, ValueError, "'alpha' parameter"),
        ({"alpha": "1"}, TypeError, "'alpha' parameter of Tikhonov must be a float"),
        ({"alpha": [1.0, 2.0]}, ValueError, "targets and number of penalties"),
        ({"solver": "magic"}, ValueError, "'solver' parameter of Tikhonov"),
        ({"tol": -1}, ValueError, "'tol' parameter"),
        ({"max_iter": 0}, ValueError, "'max_iter' parameter"),
        ({"fit_intercept": 1}, ValueError, "'fit_intercept' parameter"),
        ({"solver": "svd", "positive": True}, ValueError, "svd cannot be used.*no bounds"),
        ({"solver": "lbfgs"}, ValueError, "only with positive=True"),
        ({"solver": "dual_cholesky", "alpha": 0.0}, ValueError, "singular"),
    ],
)
def test_bad_parameters_leave_the_estimator_unchanged(parameters, error, message):
    X, y = load_diabetes(return_X_y=True)
    model = Tikhonov().fit(X, y)
    model.set_params(**parameters)
    before = copy.deepcopy(vars(model))
    with pytest.raises(error, match=message):
        model.fit(X[:, :5], y)
    assert vars(model).keys() == before.keys()
    assert model.n_features_in_ == 10


@pytest.mark.parametrize("bad", ["nan_in_X", "inf_in_y", "lengths", "complex"])
def test_bad_data_leaves_the_estimator_unfitted(bad):
    X, y = load_diabetes(return_X_y=True)
    if bad == "nan_in_X":
        X[3, 3] = np.nan
    elif bad == "inf_in_y":
        y[3] = np.inf
    elif bad == "lengths":
        y = y[:-1]
    else:
        X = X.astype(complex)
    model = Tikhonov()
    with pytest.raises(ValueError):
        model.fit(X, y)
    assert vars(model) == vars(Tikhonov())


def test_constant_columns_and_targets():
    X = np.c_[np.ones(30), np.arange(30.0), np.full(30, 1e8)]
    model = Tikhonov().fit(X, np.full(30, 4.0))
    assert_allclose(model.coef_, 0.0, atol=1e-12)
    assert_allclose(model.predict(X), 4.0)
    assert model.certificate_.holds


def test_input_is_never_changed():
    X, y = problem(np.random.default_rng(12), 60, 5)
    kept_X, kept_y = X.copy(), y.copy()
    X.flags.writeable = y.flags.writeable = False
    for solver in ("auto", *DIRECT, "cg"):
        Tikhonov(solver=solver, copy_X=False).fit(X, y)
    assert np.array_equal(X, kept_X)
    assert np.array_equal(y, kept_y)


def test_clone_and_pickle():
    X, y = load_diabetes(return_X_y=True)
    model = Tikhonov().fit(X, y)
    restored = pickle.loads(pickle.dumps(model))
    assert np.array_equal(restored.predict(X), model.predict(X))
    assert str(restored.plan_) == str(model.plan_)
    assert not hasattr(clone(model), "coef_")


def test_attributes_of_another_solver_are_forgotten():
    X, y = problem(np.random.default_rng(12), 20, 30)
    model = Tikhonov(solver="dual_cholesky").fit(X, y)
    assert hasattr(model, "dual_coef_")
    assert hasattr(model, "edf_")
    model.set_params(solver="cg").fit(X, y)
    assert not hasattr(model, "dual_coef_")
    assert not hasattr(model, "edf_")
