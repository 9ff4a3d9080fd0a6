"""TikhonovCV against brute-force refits, explicit formulas, RidgeCV and GridSearchCV."""

import copy
import pickle
import warnings
from functools import cache

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.linalg import LinAlgWarning
from scipy.optimize import minimize_scalar
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import UndefinedMetricWarning, UnsetMetadataPassedError
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.metrics import make_scorer, mean_absolute_error, mean_squared_error, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneOut,
    ShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from skstruct.linalg import RidgeFolds, run
from skstruct.linear_model import Tikhonov, TikhonovCV
from skstruct.linear_model._penalties import penalty_of

ALPHAS = np.array([1e-2, 0.7, 30.0])
PENALTIES = ["none", "difference", "first difference", "factors", "matrix"]
SKLEARN = tuple(int(part) for part in sklearn.__version__.split(".")[:2])


# -- the reference -------------------------------------------------------------------------------


def penalty_named(name, p):
    """Return the parameter, and L written out."""
    rng = np.random.default_rng(p)
    match name:
        case "none":
            return None, np.eye(p)
        case "difference":
            return "difference", np.diff(np.eye(p), 2, axis=0)
        case "first difference":
            return ("difference", 1), np.diff(np.eye(p), axis=0)
        case "factors":
            factors = rng.uniform(0.5, 2, p)
            factors[[1, 3]] = 0.0
            return factors, np.diag(np.sqrt(factors))
        case "matrix":
            L = rng.standard_normal((p - 2, p))
            return L, L


def refit(X, Y, alpha, weights=None, fit_intercept=True, L=None, prior=None):
    """Return W of shape (p, t) and b by LAPACK's least squares on the stacked problem."""
    n, p = X.shape
    L = np.eye(p) if L is None else L
    prior = np.zeros((p, Y.shape[1])) if prior is None else prior
    root = np.ones(n) if weights is None else np.sqrt(weights)
    ones = np.full((n, 1), float(fit_intercept))
    rows = root[:, None] * np.hstack([ones, X])
    penalised = np.sqrt(alpha) * np.hstack([np.zeros((len(L), 1)), L])
    rhs = np.vstack([root[:, None] * Y, np.sqrt(alpha) * L @ prior])
    found = np.linalg.lstsq(np.vstack([rows, penalised]), rhs, rcond=1e-14)[0]
    return found[1:], found[0] if fit_intercept else np.zeros(Y.shape[1])


def left_out(X, Y, alpha, weights=None, **options):
    """Return Y less its prediction by the fit without the row, one fit for every row."""
    residuals = np.empty(Y.shape)
    for i in range(len(X)):
        rest = np.delete(np.arange(len(X)), i)
        w = None if weights is None else weights[rest]
        W, b = refit(X[rest], Y[rest], alpha, w, **options)
        residuals[i] = Y[i] - X[i] @ W - b
    return residuals


def hat_matrix(X, alpha, weights=None, fit_intercept=True, L=None):
    """Return the matrix that turns y into fitted values, by the fits to unit vectors."""
    W, b = refit(X, np.eye(len(X)), alpha, weights, fit_intercept, L)
    return X @ W + b


def problem(rng, n, p, n_targets=None):
    X = rng.standard_normal((n, p)) + rng.uniform(-2, 2, p)
    W = rng.standard_normal((p, n_targets or 1))
    Y = X @ W + rng.standard_normal((n, n_targets or 1)) + 3
    return X, Y[:, 0] if n_targets is None else Y


def weights_named(name, rng, n):
    if name == "none":
        return None
    weights = rng.uniform(0.3, 3, n)
    if name == "some zero":
        weights[[0, 4, n - 1]] = 0.0
    return weights


def columns(y):
    return y.reshape(len(y), -1)


def assert_close(actual, expected, tol=1e-10):
    assert np.shape(actual) == np.shape(expected)
    assert_allclose(actual, expected, rtol=0, atol=tol * np.abs(expected).max())


# -- leave one out -------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(26, 6), (12, 20)])
@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("weighting", ["none", "positive", "some zero"])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("prior", [False, True])
def test_left_out_residuals_are_those_of_refits(shape, name, weighting, fit_intercept, prior):
    rng = np.random.default_rng(1)
    X, Y = problem(rng, *shape, 2)
    n, p = shape
    penalty, L = penalty_named(name, p)
    weights = weights_named(weighting, rng, n)
    prior = rng.standard_normal((p, 2)) if prior else np.zeros((p, 2))
    options = {"fit_intercept": fit_intercept, "L": L, "prior": prior}
    model = TikhonovCV(
        ALPHAS[:2], fit_intercept=fit_intercept, penalty=penalty, coef_prior=prior.T
    ).fit(X, Y, sample_weight=weights)

    expected = [left_out(X, Y, alpha, weights, **options) for alpha in ALPHAS[:2]]
    w = np.ones(n) if weights is None else weights
    errors = np.array([w @ np.square(r) / np.count_nonzero(w) for r in expected]).mean(axis=1)
    best = int(errors.argmin())
    assert model.alpha_ == ALPHAS[best]
    assert_close(model.criterion_path_, -errors)
    assert_allclose(model.best_score_, -errors[best], rtol=1e-10)
    assert_close(model.loo_residuals_, expected[best])
    hat = hat_matrix(X, model.alpha_, weights, fit_intercept, L)
    assert_close(model.leverage_, np.diag(hat))
    W, b = refit(X, Y, model.alpha_, weights, **options)
    assert_close(model.coef_, W.T)
    assert_allclose(model.intercept_, b if fit_intercept else 0.0, rtol=1e-9, atol=1e-10)
    # a row without weight is left out already
    idle = w == 0
    assert_close(model.loo_residuals_[~idle], expected[best][~idle])
    if idle.any():
        assert_close(model.loo_residuals_[idle], (Y - X @ W - b)[idle])


@pytest.mark.parametrize("gcv_mode", [None, "auto", "svd", "eigen"])
@pytest.mark.parametrize(
    "make", [np.asarray, np.asfortranarray, sparse.csr_array, sparse.csc_matrix]
)
@pytest.mark.parametrize("shape", [(26, 6), (12, 20), (12, 12)])
def test_every_factorisation_and_storage_leaves_out_alike(gcv_mode, make, shape):
    rng = np.random.default_rng(2)
    X, y = problem(rng, *shape)
    X[rng.random(shape) < 0.5] = 0.0
    weights = weights_named("positive", rng, len(X))
    model = TikhonovCV(ALPHAS[:2], gcv_mode=gcv_mode).fit(make(X), y, sample_weight=weights)
    expected = left_out(X, columns(y), model.alpha_, weights)[:, 0]
    assert_close(model.loo_residuals_, expected)
    assert_allclose(model.best_score_, -np.mean(weights * expected**2), rtol=1e-10)
    assert_close(model.leverage_, np.diag(hat_matrix(X, model.alpha_, weights)))
    solvers = {"svd": ("svd",), "eigen": ("covariance_eigh", "gram_eigh")}
    assert model.solver_ in solvers.get(gcv_mode, (model.solver_,))


@pytest.mark.parametrize("name", ["none", "factors", "difference"])
@pytest.mark.parametrize("gcv_mode", ["svd", "eigen"])
@pytest.mark.parametrize("shape", [(12, 20), (40, 60)])
def test_wide_data_is_left_out_whatever_its_rounding_errors(gcv_mode, name, shape):
    # the Gram matrix of centred wide data is singular: its eigenvalue there is a rounding error,
    # in some of these problems a positive one
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X, y = problem(rng, *shape)
        penalty, L = penalty_named(name, shape[1])
        weights = rng.uniform(0.3, 3, len(X))
        alpha = 1.0 if name == "difference" else 1e-2  # that a Gram matrix resolves
        model = TikhonovCV([alpha], penalty=penalty, gcv_mode=gcv_mode)
        model.fit(X, y, sample_weight=weights)
        hat = hat_matrix(X, alpha, weights, True, L)
        assert_close(model.leverage_, np.diag(hat))
        assert_close(model.loo_residuals_, (y - hat @ y) / (1 - np.diag(hat)), 1e-7)


def test_float32_data_is_left_out_in_double_precision():
    rng = np.random.default_rng(3)
    X, y = problem(rng, 30, 5)
    X, y = (X + 100).astype(np.float32), y.astype(np.float32)
    model = TikhonovCV(ALPHAS[:2]).fit(X, y)
    expected = left_out(X.astype(float), columns(y).astype(float), model.alpha_)[:, 0]
    assert_close(model.loo_residuals_, expected)
    assert model.coef_.dtype == np.float32
    assert model.predict(X).dtype == np.float32


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("prior", [False, True])
@pytest.mark.parametrize("cv", [None, 4])
def test_rows_without_weight_count_as_removed(name, prior, cv):
    rng = np.random.default_rng(4)
    X, y = problem(rng, 30, 6)
    weights = weights_named("some zero", rng, 30)
    kept = weights > 0
    parameters = {
        "alphas": ALPHAS[:2],
        "penalty": penalty_named(name, 6)[0],
        "coef_prior": rng.standard_normal(6) if prior else None,
    }
    criteria = [None] if cv else [None, "gcv", "rgcv", "reml", "upre"]
    if cv:  # folds of the same rows
        folds = list(KFold(4).split(X[kept]))
        parameters["cv"] = folds
    for criterion in criteria:
        small = TikhonovCV(criterion=criterion, **parameters)
        small.fit(X[kept], y[kept], sample_weight=weights[kept])
        if cv:
            rows = np.flatnonzero(kept)
            parameters["cv"] = [(rows[train], rows[test]) for train, test in folds]
        full = TikhonovCV(criterion=criterion, **parameters).fit(X, y, sample_weight=weights)
        for attribute in ("coef_", "alpha_", "best_score_", "criterion_path_", "edf_", "sigma2_"):
            assert_allclose(getattr(full, attribute), getattr(small, attribute), rtol=1e-9)
        if not cv:
            assert_close(full.loo_residuals_[kept], small.loo_residuals_)
            assert_close(full.leverage_[kept], small.leverage_)
            assert_close(full.loo_residuals_[~kept], (y - full.predict(X))[~kept])


def test_targets_with_penalties_of_their_own_are_fits_of_their_own():
    rng = np.random.default_rng(5)
    X, Y = problem(rng, 40, 8, 3)
    Y[:, 1] = rng.standard_normal(40)  # has no use for the columns
    alphas = np.geomspace(1e-2, 1e4, 13)
    for cv, criterion in ((None, None), (None, "gcv"), (None, "reml"), (5, None)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            model = TikhonovCV(alphas, alpha_per_target=True, cv=cv, criterion=criterion).fit(X, Y)
            alone = [TikhonovCV(alphas, cv=cv, criterion=criterion).fit(X, y) for y in Y.T]
        assert len(set(model.alpha_)) > 1
        assert model.criterion_path_.shape == (13, 3)
        for i, single in enumerate(alone):
            assert model.alpha_[i] == single.alpha_
            assert_close(model.coef_[i], single.coef_)
            for attribute in ("best_score_", "intercept_", "edf_", "sigma2_"):
                assert_allclose(getattr(model, attribute)[i], getattr(single, attribute))
            assert_close(model.criterion_path_[:, i], single.criterion_path_)
            if cv is None:
                assert_close(model.loo_residuals_[:, i], single.loo_residuals_)
                assert_close(model.leverage_[:, i], single.leverage_)


def test_a_small_penalty_does_not_cost_the_digits_of_left_out_residuals():
    # p > n: fitted values come within 1e-10 of y, 1 - h is as small
    rng = np.random.default_rng(6)
    X, y = problem(rng, 12, 40)
    model = TikhonovCV([1e-9]).fit(X, y)
    assert_close(model.loo_residuals_, left_out(X, columns(y), 1e-9)[:, 0], 1e-8)


def test_the_mean_of_targets_scores_a_shared_penalty():
    rng = np.random.default_rng(7)
    X, Y = problem(rng, 30, 5, 3)
    for criterion in ("gcv", "reml", "loo"):
        shared = TikhonovCV(ALPHAS[:2], criterion=criterion).fit(X, Y)
        apart = TikhonovCV(ALPHAS[:2], criterion=criterion, alpha_per_target=True).fit(X, Y)
        assert_allclose(shared.criterion_path_, apart.criterion_path_.mean(axis=1))


# -- folds ---------------------------------------------------------------------------------------


def largest_error(estimator, X, y):
    return -np.abs(y - estimator.predict(X)).max()


def weighted_r2(y, predictions, w):
    return r2_score(y, predictions, sample_weight=w)


def minus_mean_absolute(y, predictions, w):
    return -mean_absolute_error(y, predictions, sample_weight=w)


def minus_mean_square(y, predictions, w):
    return -mean_squared_error(y, predictions, sample_weight=w)


def minus_largest(y, predictions, w):
    return -np.abs(y - predictions).max()


SCORES = {
    None: weighted_r2,
    "neg_mean_absolute_error": minus_mean_absolute,
    "neg_mean_squared_error": minus_mean_square,
    largest_error: minus_largest,
}


def splits(name, X):
    groups = np.arange(len(X)) % 7
    match name:
        case "KFold":
            return KFold(4, shuffle=True, random_state=0)
        case "groups":
            pairs = GroupKFold(3).split(X, groups=groups)
            return [(train.tolist(), test.tolist()) for train, test in pairs]
        case "ShuffleSplit":
            return ShuffleSplit(5, test_size=0.3, train_size=0.5, random_state=0)
        case "TimeSeriesSplit":
            return TimeSeriesSplit(3)
        case "LeaveOneOut":
            return LeaveOneOut()
        case "unequal":
            rng = np.random.default_rng(0)
            return [(np.setdiff1d(np.arange(len(X)), t), t) for t in (rng.permutation(9), [11, 10])]
        case "bootstrap":
            rng = np.random.default_rng(0)
            return [(rng.integers(0, len(X), len(X)), np.arange(5)) for _ in range(3)]


def fold_scores(X, y, folds, score, alphas, weights=None, *, per_target=False, **options):
    """Return mean scores over folds, (m,) or (m, t), of refits."""
    found = []
    for train, test in folds:
        w = None if weights is None else weights[train]
        w_test = None if weights is None else weights[test]
        row = []
        for alpha in alphas:
            W, b = refit(X[train], columns(y)[train], alpha, w, **options)
            predictions = X[test] @ W + b
            if per_target:
                pairs = zip(y[test].T, predictions.T, strict=True)
                row.append([score(a, b, w_test) for a, b in pairs])
            else:
                row.append(score(y[test], predictions.reshape(y[test].shape), w_test))
        found.append(row)
    return np.mean(found, axis=0)


@pytest.mark.parametrize("scoring", SCORES)
@pytest.mark.parametrize("per_target", [False, True])
@pytest.mark.parametrize("weighting", ["none", "positive"])
@pytest.mark.parametrize(
    "split",
    ["KFold", "groups", "ShuffleSplit", "TimeSeriesSplit", "LeaveOneOut", "unequal", "bootstrap"],
)
def test_scores_of_folds_are_those_of_refits(split, weighting, per_target, scoring):
    if split == "LeaveOneOut" and scoring is None:
        pytest.skip("R^2 of one row is undefined")
    rng = np.random.default_rng(8)
    X, Y = problem(rng, 24, 5, 2)
    weights = weights_named(weighting, rng, 24)
    cv = splits(split, X)
    folds = list(cv.split(X)) if hasattr(cv, "split") else cv
    alphas = np.array([0.0, 0.3, 40.0])
    model = TikhonovCV(alphas, cv=cv, scoring=scoring, alpha_per_target=per_target)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The best of the penalties", UserWarning)
        model.fit(X, Y, sample_weight=weights)
    expected = fold_scores(X, Y, folds, SCORES[scoring], alphas, weights, per_target=per_target)
    assert_close(model.criterion_path_, expected)
    assert_close(model.best_score_, expected.max(axis=0))
    assert_close(model.alpha_, alphas[expected.argmax(axis=0)])


@pytest.mark.parametrize("shape", [(24, 6), (12, 20)])
@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("weighting", ["none", "positive", "some zero"])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_scores_of_folds_with_penalty_and_prior(shape, name, weighting, fit_intercept):
    rng = np.random.default_rng(9)
    X, y = problem(rng, *shape)
    n, p = shape
    penalty, L = penalty_named(name, p)
    prior = rng.standard_normal(p)
    weights = weights_named(weighting, rng, n)
    cv = KFold(3, shuffle=True, random_state=1)
    alphas = ALPHAS[:2]
    model = TikhonovCV(
        alphas, cv=cv, penalty=penalty, coef_prior=prior, fit_intercept=fit_intercept
    ).fit(X, y, sample_weight=weights)
    options = {"fit_intercept": fit_intercept, "L": L, "prior": prior[:, None]}
    expected = fold_scores(X, y, cv.split(X), weighted_r2, alphas, weights, **options)
    assert_close(model.criterion_path_, expected)
    W, b = refit(X, columns(y), model.alpha_, weights, **options)
    assert_close(model.coef_, W[:, 0])
    hat = hat_matrix(X, model.alpha_, weights, fit_intercept, L)
    assert_allclose(model.edf_, np.trace(hat), rtol=1e-9)
    w = np.ones(n) if weights is None else weights
    squares = w @ np.square(y - X @ W[:, 0] - b[0])
    assert_allclose(model.sigma2_, squares / (np.count_nonzero(w) - np.trace(hat)), rtol=1e-8)


@pytest.mark.parametrize("solver", ["fold_grams", "fold_blocks", "fold_refits"])
@pytest.mark.parametrize("shape", [(24, 6), (12, 20)])
@pytest.mark.parametrize("name", ["none", "difference", "factors", "matrix", "definite"])
@pytest.mark.parametrize("split", ["KFold", "groups", "unequal", "LeaveOneOut"])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_fold_solver_predicts_alike(solver, shape, name, split, make, weighted):
    rng = np.random.default_rng(10)
    X, Y = problem(rng, *shape, 2)
    n, p = shape
    if name == "definite":
        penalty, L = rng.uniform(0.5, 2, p), None
        L = np.diag(np.sqrt(penalty))
    else:
        penalty, L = penalty_named(name, p)
    if solver == "fold_grams" and name in ("difference", "factors", "matrix"):
        pytest.skip("these leave coefficients free")
    weights = rng.uniform(0.3, 3, n) if weighted else None
    cv = splits(split, X)
    folds = list(cv.split(X)) if hasattr(cv, "split") else cv
    seen = {}

    def score(fold, predictions):
        seen[fold] = predictions
        return np.zeros(len(ALPHAS))

    penalty = penalty_of(TikhonovCV(penalty=penalty), p)
    question = RidgeFolds(make(X), Y, weights, True, ALPHAS, folds, score, penalty)
    solution = run(question, (solver,))
    assert solution.solver == solver
    assert solution.certificate.holds
    for k, (train, test) in enumerate(folds):
        w = None if weights is None else weights[train]
        for j, alpha in enumerate(ALPHAS):
            W, b = refit(X[train], Y[train], alpha, w, L=L)
            assert_close(seen[k][:, j], X[test] @ W + b)


def test_folds_are_masks_and_count_from_the_end_as_in_scikit_learn():
    X, y = problem(np.random.default_rng(31), 30, 5)
    tests = [np.arange(30) % 3 == k for k in range(3)]
    masks = [(~test, test) for test in tests]
    indices = [(np.flatnonzero(~test), np.flatnonzero(test)) for test in tests]
    from_the_end = [(train - 30, test - 30) for train, test in indices]
    expected = TikhonovCV(ALPHAS[:2], cv=indices).fit(X, y)
    assert_allclose(RidgeCV(ALPHAS[:2], cv=masks).fit(X, y).best_score_, expected.best_score_)
    for folds in (masks, from_the_end):
        model = TikhonovCV(ALPHAS[:2], cv=folds).fit(X, y)
        assert_close(model.criterion_path_, expected.criterion_path_)


def test_a_coefficient_that_only_one_fold_determines_is_not_made_up():
    # without a penalty on the indicator of row 0 the other folds know nothing of it
    X, y = problem(np.random.default_rng(32), 30, 5)
    X = np.column_stack([X, np.arange(30) == 0])
    penalty = np.r_[np.ones(5), 0.0]
    model = TikhonovCV(ALPHAS, cv=KFold(5), penalty=penalty)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The best of the penalties", UserWarning)
        model.fit(X, y)
    folds = KFold(5).split(X)
    expected = fold_scores(X, y, folds, weighted_r2, ALPHAS, L=np.diag(np.sqrt(penalty)))
    assert_close(model.criterion_path_, expected, 1e-8)


# -- scikit-learn --------------------------------------------------------------------------------


@cache
def diabetes():
    return load_diabetes(return_X_y=True)


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("scoring", [None, "neg_mean_absolute_error", "r2", largest_error])
@pytest.mark.parametrize("gcv_mode", [None, "svd", "eigen"])
@pytest.mark.parametrize("targets", ["one", "column", "shared", "per target"])
def test_agrees_with_ridge_cv(fit_intercept, scoring, gcv_mode, targets):
    X, y = (array[:150] for array in diabetes())
    Y = np.column_stack([y, X[:, 2] * 50 + np.random.default_rng(0).standard_normal(150)])
    y = {"one": y, "column": y[:, None]}.get(targets, Y)
    parameters = {
        "alphas": np.geomspace(1e-4, 1e2, 13),
        "fit_intercept": fit_intercept,
        "scoring": scoring,
        "gcv_mode": gcv_mode,
        "store_cv_results": True,
        "alpha_per_target": targets == "per target",
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The best of the penalties", UserWarning)
        ours = TikhonovCV(**parameters).fit(X, y)
    theirs = RidgeCV(**parameters).fit(X, y)
    assert_close(ours.alpha_, theirs.alpha_)
    assert_close(ours.best_score_, theirs.best_score_, 1e-9)
    assert_close(ours.coef_, theirs.coef_, 1e-8)
    assert_close(ours.intercept_, theirs.intercept_, 1e-8)
    assert_close(ours.cv_results_, theirs.cv_results_, 1e-8)
    assert_close(ours.predict(X), theirs.predict(X), 1e-8)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("shape", [(40, 6), (15, 30)])
def test_agrees_with_weighted_ridge_cv(make, shape):
    rng = np.random.default_rng(11)
    X, y = problem(rng, *shape)
    weights = rng.uniform(0.3, 3, len(X))
    parameters = {"alphas": ALPHAS[:2], "store_cv_results": True}
    ours = TikhonovCV(**parameters).fit(make(X), y, sample_weight=weights)
    theirs = RidgeCV(**parameters).fit(make(X), y, sample_weight=weights)
    assert ours.alpha_ == theirs.alpha_
    assert_allclose(ours.best_score_, theirs.best_score_, rtol=1e-9)
    assert_close(ours.coef_, theirs.coef_, 1e-9)
    assert_close(ours.cv_results_, theirs.cv_results_, 1e-9)


@pytest.mark.parametrize("scoring", [None, "neg_mean_absolute_error", largest_error])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("targets", [None, 2])
def test_agrees_with_grid_search(scoring, weighted, targets):
    if weighted and SKLEARN < (1, 8):
        pytest.skip("its scores are not weighted")
    rng = np.random.default_rng(12)
    X, y = problem(rng, 50, 8, targets)
    alphas, cv = np.geomspace(1e-2, 1e3, 11), KFold(4, shuffle=True, random_state=3)
    fit = {"sample_weight": rng.uniform(0.3, 3, 50)} if weighted else {}
    ours = TikhonovCV(alphas, cv=cv, scoring=scoring)
    theirs = GridSearchCV(Ridge(solver="cholesky"), {"alpha": alphas}, cv=cv, scoring=scoring)
    ridge_cv = RidgeCV(alphas, cv=cv, scoring=scoring)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The best of the penalties", UserWarning)
        warnings.filterwarnings("ignore", "The scoring .* does not support sample_weight")
        ours.fit(X, y, **fit)
        theirs.fit(X, y, **fit)
        ridge_cv.fit(X, y, **fit)
    assert_close(ours.criterion_path_, theirs.cv_results_["mean_test_score"])
    for other in (theirs.best_estimator_, ridge_cv):
        assert_close(ours.coef_, other.coef_, 1e-9)
        assert_allclose(ours.intercept_, other.intercept_, rtol=1e-9)
    assert ours.alpha_ == theirs.best_params_["alpha"] == ridge_cv.alpha_
    assert_allclose(ours.best_score_, ridge_cv.best_score_, rtol=1e-9)


def test_constructor_begins_as_that_of_ridge_cv():
    ours, theirs = TikhonovCV().get_params(), RidgeCV().get_params()
    if theirs.pop("store_cv_values", None):  # the name before scikit-learn 1.5
        del theirs["store_cv_results"]
    assert {name: ours[name] for name in theirs} == theirs


# -- automatic penalties -------------------------------------------------------------------------


def criterion_function(name, X, y):
    """Return a criterion as a function of log alpha, written out with the hat matrix."""
    n = len(y)
    A, r = X - X.mean(axis=0), y - y.mean()
    noise = np.sum((r - A @ np.linalg.lstsq(A, r, rcond=None)[0]) ** 2) / (n - A.shape[1] - 1)

    def value(log_alpha):
        alpha = np.exp(log_alpha)
        inverse = np.linalg.inv(A.T @ A + alpha * np.eye(A.shape[1]))
        H = A @ inverse @ A.T + 1 / n
        residual = y - H @ y
        R, edf = residual @ residual, np.trace(H)
        w = inverse @ A.T @ r
        J = R + alpha * w @ w
        spread = np.linalg.slogdet(np.eye(A.shape[1]) + A.T @ A / alpha)[1]
        gcv = n * R / (n - edf) ** 2
        return {
            "loo": np.mean((residual / (1 - np.diag(H))) ** 2),
            "gcv": gcv,
            "rgcv": (0.1 + 0.9 * np.trace(H @ H) / n) * gcv,
            "mgcv": n * R / (n - 1.4 * edf) ** 2,
            "reml": (n - 1) * np.log(J / (n - 1)) + spread,
            "ml": n * np.log(J / n) + spread,
            "upre": R / n + 2 * noise * edf / n - noise,
        }[name]

    return value


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("criterion", ["loo", "gcv", "rgcv", "mgcv", "reml", "ml", "upre"])
def test_automatic_penalty_is_the_minimum(criterion, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((60, 10)) @ np.diag(np.geomspace(1, 0.1, 10)) + 1
    y = X @ (0.5 * rng.standard_normal(10)) + rng.standard_normal(60)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = TikhonovCV("auto", criterion=criterion).fit(X, y)
    value = criterion_function(criterion, X, y)
    grid = np.log(np.geomspace(1e-5, 1e4, 91)) + np.log(np.linalg.norm(X - X.mean(axis=0), 2) ** 2)
    values = [value(x) for x in grid]
    best = int(np.argmin(values))
    assert 0 < best < 90
    found = minimize_scalar(value, bounds=(grid[best - 1], grid[best + 1]), options={"xatol": 1e-6})
    # a parabola through points a tenth of a decade apart leaves less than a tenth of the step
    assert_allclose(np.log(model.alpha_), found.x, atol=0.1 * np.log(10) / 10)
    assert value(np.log(model.alpha_)) <= found.fun + 1e-4 * abs(found.fun)
    assert_allclose(model.best_score_, -found.fun, rtol=0.01)


@pytest.mark.parametrize("scale", [1e-6, 1e5])
@pytest.mark.parametrize("parameters", [{}, {"criterion": "reml"}, {"cv": 5}])
def test_automatic_penalties_move_with_the_units(scale, parameters):
    X, y = problem(np.random.default_rng(13), 60, 6)
    model = TikhonovCV("auto", **parameters).fit(X, y)
    scaled = TikhonovCV("auto", **parameters).fit(scale * X, y)
    # of the folds' range the largest eigenvalue is known to 1 per cent
    assert_allclose(scaled.alpha_, scale**2 * model.alpha_, rtol=1e-3)
    assert_allclose(scaled.alphas_, scale**2 * model.alphas_, rtol=2e-2)
    assert_allclose(scaled.coef_ * scale, model.coef_, rtol=1e-3)


def deriv2(n):
    s = (np.arange(n) + 0.5) / n
    S, T = np.meshgrid(s, s, indexing="ij")
    return np.where(S < T, S * (T - 1), T * (S - 1)) / n, s


@pytest.mark.parametrize("parameters", [{}, {"criterion": "gcv"}, {"cv": KFold(4, shuffle=True)}])
def test_automatic_penalties_reach_down_to_small_ones(parameters):
    A, x = deriv2(64)
    A, x = A @ A @ A, np.sin(np.pi * x)  # singular values fall to 1e-11 of the largest
    y = A @ x
    y = y + 1e-9 * np.linalg.norm(y) / 8 * np.random.default_rng(0).standard_normal(64)
    if "cv" in parameters:
        parameters = {"cv": KFold(4, shuffle=True, random_state=0)}
    model = TikhonovCV("auto", fit_intercept=False, **parameters).fit(A, y)
    largest = np.linalg.norm(A, 2) ** 2
    assert model.alpha_ < 1e-8 * largest  # below what a Gram matrix resolves
    assert np.linalg.norm(model.coef_ - x) < 1e-2 * np.linalg.norm(x)
    assert model.alphas_[0] < 1e-13 * largest


def test_several_targets_of_which_one_asks_for_a_small_penalty():
    rng = np.random.default_rng(14)
    X, y = problem(rng, 50, 6)
    Y = np.column_stack([X @ rng.standard_normal(6), y])
    model = TikhonovCV("auto", alpha_per_target=True).fit(X, Y)
    assert model.alpha_[0] < 1e-6 * model.alpha_[1]
    assert_allclose(model.predict(X)[:, 0], Y[:, 0], atol=1e-6)


# -- warnings ------------------------------------------------------------------------------------


def range_for(end, inside):
    below, above = inside / np.array([1e3, 1e2]), inside * np.array([1e2, 1e3])
    return {
        "smallest": np.r_[above, 10 * above],
        "largest": np.r_[below / 10, below],
        "inside": np.r_[below, inside, above],
        "unordered": np.r_[inside, above, below],
    }[end]


@pytest.mark.parametrize("parameters", [{}, {"criterion": "gcv"}, {"cv": 5}])
def test_the_end_of_a_range_is_warned_about(parameters):
    X, y = problem(np.random.default_rng(15), 60, 6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        best = TikhonovCV("auto", **parameters).fit(X, y).alpha_
        TikhonovCV(range_for("inside", best), **parameters).fit(X, y)
        TikhonovCV(range_for("unordered", best), **parameters).fit(X, y)
        TikhonovCV(range_for("smallest", best)[:2], **parameters).fit(X, y)
    with pytest.warns(UserWarning, match="A smaller one may be better") as caught:
        TikhonovCV(range_for("smallest", best), **parameters).fit(X, y)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="A larger one may be better"):
        TikhonovCV(range_for("largest", best)[::-1], **parameters).fit(X, y)


def test_the_warning_counts_targets():
    rng = np.random.default_rng(16)
    X, y = problem(rng, 60, 6)
    Y = np.column_stack([y, X @ np.ones(6), X @ np.arange(6)])
    with pytest.warns(UserWarning, match="end of their range for 2 of 3 targets: 0.001"):
        TikhonovCV(np.geomspace(1e-3, 1e4, 29), alpha_per_target=True).fit(X, Y)


def test_a_small_penalty_replaces_the_factorisation_that_was_asked_for_with_a_warning():
    X, y = problem(np.random.default_rng(17), 60, 6)
    with pytest.warns(LinAlgWarning, match="gcv_mode='eigen'.*'svd' was used instead"):
        model = TikhonovCV([1e-10, 1e-3], gcv_mode="eigen").fit(X, y)
    assert model.solver_ == "svd"


# -- what is known at every penalty --------------------------------------------------------------


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("shape", [(30, 6), (12, 20)])
@pytest.mark.parametrize("targets", [None, 1, 3])
def test_the_path_is_that_of_single_fits(name, shape, targets):
    rng = np.random.default_rng(18)
    X, y = problem(rng, *shape, targets)
    p = shape[1]
    prior = rng.standard_normal(p)
    parameters = {"penalty": penalty_named(name, p)[0], "coef_prior": prior}
    weights = rng.uniform(0.3, 3, len(X))
    model = TikhonovCV(ALPHAS[:2], **parameters).fit(X, y, sample_weight=weights)
    assert model.coef_path_.shape == ((2, p) if targets is None else (2, *model.coef_.shape))
    for alpha, coef in zip(model.alphas_, model.coef_path_, strict=True):
        single = Tikhonov(alpha, **parameters).fit(X, y, sample_weight=weights)
        assert_close(coef, single.coef_)
    chosen = np.flatnonzero(model.alphas_ == model.alpha_)[0]
    assert_close(model.coef_path_[chosen], model.coef_)
    restored = pickle.loads(pickle.dumps(model))
    assert np.array_equal(restored.coef_path_, model.coef_path_)


def test_there_is_no_path_with_folds():
    X, y = problem(np.random.default_rng(19), 30, 4)
    model = TikhonovCV(ALPHAS[:2], cv=3).fit(X, y)
    assert not hasattr(model, "coef_path_")
    assert not hasattr(model, "loo_residuals_")
    assert not hasattr(model, "leverage_")
    assert not hasattr(TikhonovCV(), "coef_path_")


def test_a_second_fit_leaves_nothing_of_the_first():
    X, y = problem(np.random.default_rng(20), 30, 4)
    model = TikhonovCV(ALPHAS[:2], store_cv_results=True).fit(X, y)
    model.set_params(cv=3, store_cv_results=False).fit(X + 1, y)
    fresh = TikhonovCV(ALPHAS[:2], cv=3).fit(X + 1, y)
    for name in ("coef_path_", "loo_residuals_", "leverage_", "cv_results_"):
        assert hasattr(model, name) == hasattr(fresh, name), name


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("criterion", ["loo", "gcv", "reml", "ml"])
@pytest.mark.parametrize("weighting", ["none", "some zero"])
def test_degrees_of_freedom_and_variance(name, fit_intercept, criterion, weighting):
    rng = np.random.default_rng(21)
    X, y = problem(rng, 30, 6)
    penalty, L = penalty_named(name, 6)
    weights = weights_named(weighting, rng, 30)
    model = TikhonovCV(
        ALPHAS[:2], penalty=penalty, fit_intercept=fit_intercept, criterion=criterion
    ).fit(X, y, sample_weight=weights)
    w = np.ones(30) if weights is None else weights
    hat = hat_matrix(X, model.alpha_, weights, fit_intercept, L)
    n, residual = np.count_nonzero(w), y - hat @ y
    R, edf = w @ residual**2, np.trace(hat)
    J = R + model.alpha_ * np.sum((L @ model.coef_) ** 2)
    n_fixed = fit_intercept + 6 - np.linalg.matrix_rank(L)
    variance = {"reml": J / (n - n_fixed), "ml": J / n}.get(criterion, R / (n - edf))
    assert_allclose(model.edf_, edf, rtol=1e-10)
    assert_allclose(model.sigma2_, variance, rtol=1e-9)


def test_noise_is_estimated_alike_by_every_factorisation_of_dependent_columns():
    wrong = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X, y = problem(rng, 40, 6)
        X = np.column_stack([X, X[:, :3] @ rng.standard_normal((3, 8))])
        scores = [
            TikhonovCV([1.0, 2.0], criterion="upre", gcv_mode=mode).fit(X, y).best_score_
            for mode in ("svd", "eigen")
        ]
        if abs(scores[0] - scores[1]) > 1e-8 * abs(scores[0]):
            wrong.append(seed)
    assert not wrong


@pytest.mark.parametrize("parameters", [{}, {"cv": 3}, {"criterion": "reml"}])
def test_a_penalty_on_nothing_is_least_squares(parameters):
    X, y = problem(np.random.default_rng(33), 30, 5)
    penalty = np.zeros(5)
    expected = Tikhonov(penalty=penalty).fit(X, y)
    model = TikhonovCV(ALPHAS[:2], penalty=penalty, **parameters).fit(X, y)
    assert_close(model.coef_, expected.coef_)


def test_shapes():
    rng = np.random.default_rng(22)
    X, Y = problem(rng, 20, 3, 2)
    options = {"alphas": ALPHAS[:2], "store_cv_results": True}
    one = TikhonovCV(**options).fit(X, Y[:, 0])
    assert isinstance(one.alpha_, float)
    assert isinstance(one.best_score_, float)
    assert isinstance(one.edf_, float)
    assert isinstance(one.sigma2_, float)
    assert one.loo_residuals_.shape == one.leverage_.shape == (20,)
    assert one.cv_results_.shape == (20, 2)
    assert one.criterion_path_.shape == one.alphas_.shape == (2,)
    two = TikhonovCV(**options).fit(X, Y)
    assert isinstance(two.alpha_, float)
    assert two.edf_.shape == two.sigma2_.shape == (2,)
    assert two.loo_residuals_.shape == (20, 2)
    assert two.cv_results_.shape == (20, 2, 2)
    assert two.criterion_path_.shape == (2,)
    apart = TikhonovCV(**options, alpha_per_target=True).fit(X, Y)
    assert apart.alpha_.shape == apart.best_score_.shape == apart.edf_.shape == (2,)
    assert apart.criterion_path_.shape == (2, 2)


def test_leverage_with_penalties_of_their_own_has_a_column_for_each_target():
    # whether or not the targets happen to choose the same penalty
    X, Y = problem(np.random.default_rng(22), 20, 3, 2)
    for alphas in (ALPHAS[:2], [1.0]):
        model = TikhonovCV(alphas, alpha_per_target=True).fit(X, Y)
        assert model.leverage_.shape == (20, 2)


# -- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"cv": 3, "criterion": "gcv"}, ValueError, "cv and criterion are two ways"),
        ({"cv": 3, "store_cv_results": True}, ValueError, "store_cv_results=True are incompatible"),
        ({"criterion": "gcv", "store_cv_results": True}, ValueError, "store_cv_results"),
        ({"criterion": "reml", "scoring": "r2"}, ValueError, "takes no scoring"),
        ({"criterion": "aic"}, ValueError, "'criterion' parameter of TikhonovCV"),
        ({"alphas": [1.0, 0.0]}, ValueError, r"alphas\[1\] == 0.0, must be > 0.0"),
        ({"alphas": [1.0, -1.0]}, ValueError, r"alphas\[1\] == -1.0, must be > 0.0"),
        ({"alphas": [1.0, -1.0], "cv": 3}, ValueError, r"alphas\[1\] == -1.0, must be >= 0.0"),
        ({"alphas": [np.nan, 1.0]}, ValueError, r"alphas\[0\] == nan"),
        ({"alphas": [1.0, np.inf]}, ValueError, r"alphas\[1\] == inf"),
        ({"alphas": []}, (TypeError, ValueError), "alphas"),
        ({"alphas": [[1.0]]}, (TypeError, ValueError), "alphas"),
        ({"alphas": ["1"]}, (TypeError, ValueError), "alphas"),
        ({"alphas": "many"}, ValueError, "'alphas' parameter of TikhonovCV"),
        ({"gcv_mode": "qr"}, ValueError, "'gcv_mode' parameter of TikhonovCV"),
        ({"alpha_per_target": 1}, ValueError, "'alpha_per_target' parameter"),
        ({"noise_variance": -1.0}, ValueError, "'noise_variance' parameter"),
        ({"noise_variance": "1"}, ValueError, "'noise_variance' parameter"),
        ({"penalty": "ridge"}, ValueError, "'penalty' parameter"),
        ({"coef_prior": np.ones(3)}, ValueError, "'coef_prior' parameter"),
        ({"scoring": "unheard of"}, ValueError, "scoring"),
    ],
)
def test_bad_parameters_leave_the_estimator_unchanged(parameters, error, message):
    X, y = problem(np.random.default_rng(23), 30, 5)
    model = TikhonovCV(**parameters)
    with pytest.raises(error, match=message):
        model.fit(X, y)
    assert vars(model) == vars(TikhonovCV(**parameters))
    model = TikhonovCV(ALPHAS[:2]).fit(X, y).set_params(**parameters)
    before = copy.deepcopy(vars(model))
    with pytest.raises(error, match=message):
        model.fit(X[:, :4], y)
    assert vars(model).keys() == before.keys()
    assert model.n_features_in_ == 5


@pytest.mark.filterwarnings("ignore:None of the penalties leaves a residual")
@pytest.mark.parametrize("criterion", ["upre", "discrepancy"])
@pytest.mark.parametrize("shape", [(6, 20), (7, 6)])
def test_noise_is_not_estimated_from_nothing(criterion, shape):
    X, y = problem(np.random.default_rng(24), *shape)
    model = TikhonovCV(ALPHAS[:2], criterion=criterion)
    with pytest.raises(ValueError, match="give noise_variance"):
        model.fit(X, y)
    assert not hasattr(model, "coef_")
    model.set_params(noise_variance=1.0).fit(X, y)
    assert hasattr(model, "coef_")


def test_further_arguments_need_metadata_routing():
    X, y = problem(np.random.default_rng(25), 30, 5)
    with pytest.raises(ValueError, match="enable_metadata_routing"):
        TikhonovCV(cv=GroupKFold(3)).fit(X, y, groups=np.arange(30) % 3)


# -- the ecosystem -------------------------------------------------------------------------------


def test_clone_and_pickle():
    X, y = problem(np.random.default_rng(26), 40, 5)
    for parameters in ({}, {"cv": 3}, {"criterion": "reml"}):
        model = TikhonovCV("auto", **parameters).fit(X, y)
        restored = pickle.loads(pickle.dumps(model))
        assert np.array_equal(restored.predict(X), model.predict(X))
        assert str(restored.plan_) == str(model.plan_)
        copied = clone(model)
        assert copied.get_params() == model.get_params()
        assert not hasattr(copied, "coef_")


def test_pipeline_and_grid_search_over_criteria():
    X, y = problem(np.random.default_rng(27), 60, 5)
    pipeline = make_pipeline(StandardScaler(), TikhonovCV("auto"))
    criteria = ["loo", "gcv", "reml"]
    search = GridSearchCV(pipeline, {"tikhonovcv__criterion": criteria}, cv=3).fit(X, y)
    alone = TikhonovCV("auto", criterion=search.best_params_["tikhonovcv__criterion"])
    alone.fit(StandardScaler().fit_transform(X), y)
    assert_close(search.best_estimator_[-1].coef_, alone.coef_)
    assert len(search.cv_results_["mean_test_score"]) == 3
    assert np.all(np.isfinite(search.cv_results_["mean_test_score"]))


def test_routed_weights_reach_the_scorer_and_groups_the_splitter():
    rng = np.random.default_rng(28)
    X, y = problem(rng, 42, 5)
    weights, groups = rng.uniform(0.1, 5, 42), rng.permutation(42) % 6
    folds = list(GroupKFold(3).split(X, groups=groups))
    with sklearn.config_context(enable_metadata_routing=True):
        for wanted in (True, False):
            scorer = make_scorer(mean_squared_error, greater_is_better=False)
            scorer.set_score_request(sample_weight=wanted)
            model = TikhonovCV(ALPHAS[:2], cv=GroupKFold(3), scoring=scorer)
            model.fit(X, y, sample_weight=weights, groups=groups)
            expected = []
            for train, test in folds:
                for alpha in ALPHAS[:2]:
                    W, b = refit(X[train], columns(y)[train], alpha, weights[train])
                    square = np.square(y[test] - X[test] @ W[:, 0] - b[0])
                    expected.append(-np.average(square, weights=weights[test] if wanted else None))
            expected = np.reshape(expected, (3, 2)).mean(axis=0)
            assert_close(model.criterion_path_, expected)
            # leave one out, with the same scorer
            model = TikhonovCV(ALPHAS[:1], scoring=scorer).fit(X, y, sample_weight=weights)
            square = np.square(left_out(X, columns(y), ALPHAS[0], weights))[:, 0]
            score = -np.average(square, weights=weights if wanted else None)
            assert_allclose(model.best_score_, score, rtol=1e-9)


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.7"),
    reason="older scorers do not know of weights before they ask for them",
)
def test_routing_refuses_weights_that_a_scorer_did_not_ask_for():
    X, y = problem(np.random.default_rng(29), 30, 5)
    scorer = make_scorer(mean_squared_error, greater_is_better=False)
    with sklearn.config_context(enable_metadata_routing=True):
        model = TikhonovCV(cv=3, scoring=scorer)
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            model.fit(X, y, sample_weight=np.ones(30))
        assert not hasattr(model, "coef_")


def test_without_a_scorer_weights_need_no_request():
    X, y = problem(np.random.default_rng(30), 30, 5)
    weights = np.random.default_rng(0).uniform(0.3, 3, 30)
    for cv in (None, 3):
        plain = TikhonovCV(ALPHAS[:2], cv=cv).fit(X, y, sample_weight=weights)
        with sklearn.config_context(enable_metadata_routing=True):
            RidgeCV(ALPHAS[:2]).fit(X, y, sample_weight=weights)
            routed = TikhonovCV(ALPHAS[:2], cv=cv).fit(X, y, sample_weight=weights)
        assert_close(routed.coef_, plain.coef_)


def test_a_noise_level_that_no_penalty_reaches_warns():
    X, y = load_diabetes(return_X_y=True)
    for variance, factor in ((100.0, "28"), (1e5, "17")):
        with pytest.warns(UserWarning, match=rf"differ by a factor of {factor}"):
            TikhonovCV("auto", criterion="discrepancy", noise_variance=variance).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TikhonovCV("auto", criterion="discrepancy", noise_variance=3000.0).fit(X, y)


@pytest.mark.parametrize("settings", [{}, {"criterion": "gcv"}, {"cv": 3}])
def test_where_there_is_nothing_to_learn_the_largest_penalty_is_taken(settings):
    X = np.random.default_rng(0).standard_normal((40, 3))
    model = TikhonovCV("auto", **settings).fit(X, np.full(40, 2.0))
    assert model.alpha_ == model.alphas_.max()
    np.testing.assert_allclose(model.predict(X), 2.0, rtol=1e-12)


def test_an_observation_that_alone_determines_a_coefficient_does_not_count():
    X, y = problem(np.random.default_rng(31), 30, 4)
    marked = np.c_[X, np.eye(30)[7]]  # an unpenalised column for one row
    model = TikhonovCV([0.5], penalty=np.r_[np.ones(4), 0.0])
    with pytest.warns(LinAlgWarning, match="1 of 30 observations alone determine a coefficient"):
        model.fit(marked, y)
    assert np.flatnonzero(np.isnan(model.loo_residuals_)).tolist() == [7]
    others = np.arange(30) != 7
    without = TikhonovCV([0.5]).fit(X[others], y[others])
    assert_allclose(model.loo_residuals_[others], without.loo_residuals_, rtol=1e-9)
    assert_allclose(model.best_score_, without.best_score_, rtol=1e-9)


def test_noise_is_estimated_alike_from_a_gram_matrix_and_the_data():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((40, 6))
        X = np.c_[X, X[:, :3] @ rng.standard_normal((3, 8))]  # eight dependent columns
        y = X @ rng.standard_normal(14) + rng.standard_normal(40)
        scores = [
            TikhonovCV(ALPHAS[:2], criterion="upre", gcv_mode=mode).fit(X, y).best_score_
            for mode in ("eigen", "svd")
        ]
        assert_allclose(scores[0], scores[1], rtol=1e-6)


def test_a_fold_without_weight_has_no_score():
    X, y = problem(np.random.default_rng(32), 30, 4)
    weights = np.r_[np.zeros(10), np.ones(20)]
    with (
        pytest.warns(UndefinedMetricWarning, match="less than two samples"),
        pytest.warns(UserWarning, match="No penalty has a finite score"),
    ):
        model = TikhonovCV(ALPHAS[:2], cv=3).fit(X, y, sample_weight=weights)
    assert np.isnan(model.best_score_)
    assert model.alpha_ == min(ALPHAS[:2])
