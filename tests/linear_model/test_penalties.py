"""Tikhonov with penalties and priors against stacked least squares problems solved by LAPACK."""

import copy
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.linalg import LinAlgWarning
from scipy.optimize import lsq_linear
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skstruct.linear_model import LeastSquares, Tikhonov

P = 12
SHAPES = {"tall": (50, P), "wide": (10, P)}
SOLVERS = ["auto", "cholesky", "gram_cholesky", "qr", "svd", "cg"]
FACTORED = ["auto", "gram_cholesky", "qr", "svd"]


def adjacency():
    """Return the weights of a ring of P nodes with three chords."""
    A = np.zeros((P, P))
    for i in range(P):
        A[i, (i + 1) % P] = 0.5 + i
    A[0, 5] = A[2, 9] = A[3, 4] = 2.0
    return A + A.T


def random_root(rows):
    return np.random.default_rng(rows).standard_normal((rows, P))


FACTORS = np.array([0.0, 1.0, 0.5, 3.0, 0.0, 1e-3, 1e3, 1.0, 2.0, 1.0, 0.0, 7.0])

PENALTIES = {
    "none": None,
    "difference": "difference",
    "difference 1": ("difference", 1),
    "difference 3": ("difference", 3),
    "laplacian": ("laplacian", adjacency()),
    "sparse laplacian": ("laplacian", sparse.csr_array(adjacency())),
    "factors": FACTORS,
    "list of factors": FACTORS.tolist(),
    "few rows": random_root(P - 4),
    "square": random_root(P),
    "many rows": random_root(P + 5),
    "sparse few rows": sparse.csr_array(np.eye(P)[2:] - 0.5 * np.eye(P)[:-2]),
    "sparse square": sparse.csc_matrix(np.eye(P) - 0.5 * np.eye(P, k=1)),
    "sparse many rows": sparse.coo_array(np.vstack([np.eye(P), np.eye(P)[::2], np.ones((1, P))])),
}  # fmt: skip

SOME = ["none", "difference", "laplacian", "factors", "few rows", "many rows"]


def root_of(name):
    """Return L of the penalty of this name, found by other means than ours."""
    penalty = PENALTIES[name]
    if name == "none":
        return np.eye(P)
    if name.startswith("difference"):
        order = int(name[-1]) if name[-1].isdigit() else 2
        return np.diff(np.eye(P), n=order, axis=0)
    if name.endswith("laplacian"):
        weights = adjacency()
        edges = [(i, j) for i in range(P) for j in range(i) if weights[i, j]]
        return np.array([np.sqrt(weights[i, j]) * (np.eye(P)[i] - np.eye(P)[j]) for i, j in edges])
    if name.endswith("factors"):
        return np.diag(np.sqrt(FACTORS))
    return penalty.toarray() if sparse.issparse(penalty) else penalty


def centered(X, y, weights=None, fit_intercept=True):
    """Return the weighted and centred design and target, and the means."""
    X, y = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
    weights = np.ones(len(X)) if weights is None else weights
    x_mean, y_mean = np.zeros(X.shape[1]), 0.0
    if fit_intercept:
        x_mean, y_mean = np.average(X, axis=0, weights=weights), np.average(y, weights=weights)
    root = np.sqrt(weights)
    return root[:, None] * (X - x_mean), root * (y - y_mean), x_mean, y_mean


def stacked(X, y, alpha, L, weights=None, fit_intercept=True, prior=0.0):
    """Return [A; sqrt(alpha) L], [y; sqrt(alpha) L w0] and the means."""
    A, b, x_mean, y_mean = centered(X, y, weights, fit_intercept)
    pull = np.sqrt(alpha) * (L @ np.broadcast_to(prior, X.shape[1]))
    return np.vstack([A, np.sqrt(alpha) * L]), np.r_[b, pull], x_mean, y_mean


def reference(X, y, alpha, L, weights=None, fit_intercept=True, prior=0.0):
    """Return coefficients and intercept by LAPACK's least squares on scaled columns."""
    A, b, x_mean, y_mean = stacked(X, y, alpha, L, weights, fit_intercept, prior)
    scale = np.linalg.norm(A, axis=0)
    scale[scale == 0] = 1.0
    coef = np.linalg.lstsq(A / scale, b, rcond=None)[0] / scale
    return coef, y_mean - x_mean @ coef


def data(seed, n, n_targets=None):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, P)) + rng.uniform(-2, 2, P)
    shape = n if n_targets is None else (n, n_targets)
    return X, rng.standard_normal(shape) + 3


def tolerance(model):
    return 1e-6 if model.solver_ == "cg" else 1e-9


# -- coefficients -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_coefficients(name, solver, shape, fit_intercept, weighted):
    n = SHAPES[shape][0]
    X, y = data(1, n)
    weights = np.random.default_rng(2).uniform(0.2, 2, n) if weighted else None
    model = Tikhonov(
        0.7, penalty=PENALTIES[name], solver=solver, fit_intercept=fit_intercept, tol=1e-11
    )
    model.fit(X, y, sample_weight=weights)
    coef, intercept = reference(X, y, 0.7, root_of(name), weights, fit_intercept)
    assert_allclose(model.coef_, coef, atol=tolerance(model) * np.abs(coef).max())
    assert_allclose(model.intercept_, intercept, atol=tolerance(model) * 10)
    assert model.certificate_.holds


@pytest.mark.parametrize("name", ["difference", "sparse laplacian", "factors", "few rows"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_sparse_data(name, solver, make, fit_intercept):
    rng = np.random.default_rng(3)
    X = sparse.random(80, P, density=0.3, random_state=0).toarray()
    y = rng.standard_normal(80)
    model = Tikhonov(
        0.3, penalty=PENALTIES[name], solver=solver, fit_intercept=fit_intercept, tol=1e-11
    ).fit(make(X), y)
    coef, intercept = reference(X, y, 0.3, root_of(name), None, fit_intercept)
    assert_allclose(model.coef_, coef, atol=tolerance(model) * np.abs(coef).max())
    assert_allclose(model.intercept_, intercept, atol=tolerance(model))


@pytest.mark.parametrize("name", ["difference", "laplacian", "factors", "few rows", "many rows"])
@pytest.mark.parametrize("alpha", [1e-6, 1e-2, 1e2, 1e6])
@pytest.mark.parametrize("shape", SHAPES)
def test_small_and_large_penalties(name, alpha, shape):
    X, y = data(4, SHAPES[shape][0])
    model = Tikhonov(alpha, penalty=PENALTIES[name]).fit(X, y)
    A, b, x_mean, _ = stacked(X, y, alpha, root_of(name))
    coef, _ = reference(X, y, alpha, root_of(name))
    condition = np.linalg.cond(A / np.linalg.norm(A, axis=0))
    assert_allclose(
        (X - x_mean) @ model.coef_,
        (X - x_mean) @ coef,
        atol=1e-13 * max(condition, 1e3) * np.linalg.norm(b),
    )
    assert model.certificate_.holds


@pytest.mark.parametrize("name", ["none", "difference", "factors", "sparse laplacian", "square"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_penalty_for_each_target(name, solver):
    X, Y = data(5, 50, 4)
    alphas = np.array([0.1, 10.0, 0.1, 1e3])
    model = Tikhonov(alphas, penalty=PENALTIES[name], solver=solver, tol=1e-11).fit(X, Y)
    for i, alpha in enumerate(alphas):
        coef, intercept = reference(X, Y[:, i], alpha, root_of(name))
        assert_allclose(model.coef_[i], coef, atol=tolerance(model) * np.abs(coef).max())
        assert_allclose(model.intercept_[i], intercept, atol=1e-6)


@pytest.mark.parametrize("solver", FACTORED)
def test_some_targets_without_a_penalty(solver):
    X, Y = data(6, 50, 3)
    alphas = np.array([0.0, 5.0, 0.0])
    model = Tikhonov(alphas, penalty="difference", solver=solver).fit(X, Y)
    for i, alpha in enumerate(alphas):
        coef, _ = reference(X, Y[:, i], alpha, root_of("difference"))
        assert_allclose(model.coef_[i], coef, rtol=1e-8)
    assert_allclose(model.edf_[[0, 2]], P + 1, rtol=1e-10)
    assert model.edf_[1] < P


@pytest.mark.parametrize("name", ["difference", "factors", "many rows"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_float32_keeps_its_type_and_its_digits(name, solver):
    X, y = data(7, 50)
    X, y = X.astype(np.float32), y.astype(np.float32)
    model = Tikhonov(0.5, penalty=PENALTIES[name], solver=solver).fit(X, y)
    coef, intercept = reference(X, y, 0.5, root_of(name))
    assert model.coef_.dtype == np.float32
    assert_allclose(model.coef_, coef, atol=1e-5 * np.abs(coef).max())
    assert_allclose(model.intercept_, intercept, rtol=1e-4)


@pytest.mark.parametrize("solver", FACTORED)
def test_units_of_columns_matter_only_through_the_penalty(solver):
    X, y = data(8, 50)
    units = np.logspace(-6, 6, P)
    factors = np.linspace(0.5, 2, P)
    plain = Tikhonov(0.5, penalty=factors, solver=solver).fit(X, y)
    scaled = Tikhonov(0.5, penalty=factors * units**2, solver=solver).fit(X * units, y)
    assert_allclose(scaled.coef_ * units, plain.coef_, rtol=1e-8)


@pytest.mark.parametrize("solver", FACTORED)
def test_second_differences_in_the_limit_leave_a_straight_line(solver):
    X, y = data(9, 50)
    model = Tikhonov(1e8, penalty="difference", solver=solver).fit(X, y)
    line = np.c_[np.ones(P), np.arange(P)]
    A, b, _, _ = centered(X, y)
    expected = line @ np.linalg.lstsq(A @ line, b, rcond=None)[0]
    assert_allclose(model.coef_, expected, atol=1e-5)
    assert_allclose(model.edf_, 3, rtol=1e-5)


@pytest.mark.parametrize("solver", FACTORED)
@pytest.mark.parametrize("alpha", [1e10, 1e12])
def test_huge_penalties_do_not_warn_where_the_coefficients_are_right(alpha, solver):
    X, y = data(9, 50)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Tikhonov(alpha, penalty="difference", solver=solver).fit(X, y)
    coef, _ = reference(X, y, alpha, root_of("difference"))
    assert_allclose(model.coef_, coef, rtol=1e-8, atol=1e-10)


def test_laplacian_without_edges_and_with_loops_only_is_no_penalty():
    X, y = data(10, 50)
    expected = LeastSquares().fit(X, y)
    for edges in (np.zeros((P, P)), np.eye(P), sparse.csr_array((P, P))):
        model = Tikhonov(3.0, penalty=("laplacian", edges)).fit(X, y)
        assert_allclose(model.coef_, expected.coef_, rtol=1e-9)
        assert_allclose(model.edf_, P + 1, rtol=1e-9)


def test_unit_factors_and_identity_matrices_are_ridge_regression():
    X, y = data(11, 50)
    expected = Tikhonov(2.0).fit(X, y)
    for penalty in (np.ones(P), np.eye(P), sparse.eye_array(P, format="csr")):
        model = Tikhonov(2.0, penalty=penalty).fit(X, y)
        assert_allclose(model.coef_, expected.coef_, rtol=1e-10)
        assert_allclose(model.edf_, expected.edf_, rtol=1e-10)


def test_scaling_the_penalty_equals_scaling_alpha():
    X, y = data(12, 50)
    L = random_root(P - 4)
    one = Tikhonov(0.5, penalty=3.0 * L).fit(X, y)
    other = Tikhonov(4.5, penalty=L).fit(X, y)
    assert_allclose(one.coef_, other.coef_, rtol=1e-9)


# -- priors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weighted", [False, True])
def test_prior(name, solver, shape, weighted):
    n = SHAPES[shape][0]
    X, y = data(13, n)
    rng = np.random.default_rng(14)
    prior = rng.uniform(-5, 5, P)
    weights = rng.uniform(0.2, 2, n) if weighted else None
    model = Tikhonov(2.0, penalty=PENALTIES[name], coef_prior=prior, solver=solver, tol=1e-11).fit(
        X, y, sample_weight=weights
    )
    coef, intercept = reference(X, y, 2.0, root_of(name), weights, prior=prior)
    assert_allclose(model.coef_, coef, atol=tolerance(model) * np.abs(coef).max())
    assert_allclose(model.intercept_, intercept, atol=tolerance(model) * 100)


@pytest.mark.parametrize("solver", [*SOLVERS, "dual_cholesky", "eigen"])
@pytest.mark.parametrize("shape", SHAPES)
def test_prior_without_a_matrix_by_every_solver(solver, shape):
    X, y = data(15, SHAPES[shape][0])
    prior = np.linspace(-3, 3, P)
    model = Tikhonov(2.0, coef_prior=prior, solver=solver, tol=1e-11).fit(X, y)
    coef, _ = reference(X, y, 2.0, np.eye(P), prior=prior)
    assert_allclose(model.coef_, coef, atol=tolerance(model) * np.abs(coef).max())


@pytest.mark.parametrize("name", ["none", "difference"])
def test_a_prior_for_each_target(name):
    X, Y = data(16, 50, 3)
    priors = np.random.default_rng(17).uniform(-5, 5, (3, P))
    model = Tikhonov(5.0, penalty=PENALTIES[name], coef_prior=priors).fit(X, Y)
    for i in range(3):
        coef, _ = reference(X, Y[:, i], 5.0, root_of(name), prior=priors[i])
        assert_allclose(model.coef_[i], coef, rtol=1e-8)
    shared = Tikhonov(5.0, penalty=PENALTIES[name], coef_prior=priors[1]).fit(X, Y)
    coef, _ = reference(X, Y[:, 2], 5.0, root_of(name), prior=priors[1])
    assert_allclose(shared.coef_[2], coef, rtol=1e-8)


def test_large_penalties_lead_to_the_prior():
    X, y = data(18, 50)
    prior = np.linspace(1, 2, P)
    model = Tikhonov(1e12, coef_prior=prior).fit(X, y)
    assert_allclose(model.coef_, prior, rtol=1e-8)


def test_prior_has_no_effect_on_sparse_data_that_dense_data_does_not_show():
    X, y = data(19, 50)
    prior = np.linspace(-1, 4, P)
    dense = Tikhonov(0.5, penalty="difference", coef_prior=prior).fit(X, y)
    model = Tikhonov(0.5, penalty="difference", coef_prior=prior).fit(sparse.csr_array(X), y)
    assert_allclose(model.coef_, dense.coef_, rtol=1e-9)
    assert_allclose(model.intercept_, dense.intercept_, rtol=1e-9)


# -- nonnegative coefficients -------------------------------------------------------------------


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("with_prior", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_nonnegative(name, with_prior, weighted, make):
    rng = np.random.default_rng(20)
    X = rng.standard_normal((50, P))
    y = X @ rng.standard_normal(P) + 0.3 * rng.standard_normal(50)
    weights = rng.uniform(0.2, 2, 50) if weighted else None
    prior = rng.uniform(-2, 2, P) if with_prior else 0.0
    model = Tikhonov(
        1.5,
        penalty=PENALTIES[name],
        coef_prior=prior if with_prior else None,
        positive=True,
    ).fit(make(X), y, sample_weight=weights)
    A, b, x_mean, y_mean = stacked(X, y, 1.5, root_of(name), weights, prior=prior)
    expected = lsq_linear(A, b, bounds=(0, np.inf), method="bvls", tol=1e-14).x
    assert np.all(model.coef_ >= 0)
    assert (expected < 1e-9).any()
    assert_allclose(model.coef_, expected, atol=1e-8)
    assert_allclose(model.intercept_, y_mean - x_mean @ expected, atol=1e-8)
    assert model.certificate_.holds


# -- what else is known ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("solver", FACTORED)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_effective_degrees_of_freedom_are_the_trace_of_the_hat_matrix(
    name, solver, shape, fit_intercept
):
    n = SHAPES[shape][0]
    X, y = data(21, n)
    weights = np.random.default_rng(22).uniform(0.2, 2, n)
    model = Tikhonov(0.7, penalty=PENALTIES[name], solver=solver, fit_intercept=fit_intercept)
    model.fit(X, y, sample_weight=weights)
    A, _, _, _ = centered(X, y, weights, fit_intercept)
    S = np.vstack([A, np.sqrt(0.7) * root_of(name)])
    trace = np.trace(A @ np.linalg.pinv(S)[:, :n])
    assert_allclose(model.edf_, trace + fit_intercept, rtol=1e-8)


@pytest.mark.parametrize("name", ["none", "difference", "factors"])
@pytest.mark.parametrize("solver", [*FACTORED, "dual_cholesky", "eigen"])
@pytest.mark.parametrize("shape", SHAPES)
def test_effective_degrees_of_freedom_are_the_response_of_fits_to_their_targets(
    name, solver, shape
):
    if solver in ("dual_cholesky", "eigen") and name != "none":
        pytest.skip("for penalty=None")
    n = SHAPES[shape][0]
    X, y = data(23, n)
    options = {"penalty": PENALTIES[name], "solver": solver}
    hat = Tikhonov(0.7, **options).fit(X, np.eye(n)).predict(X)
    model = Tikhonov(0.7, **options).fit(X, y)
    assert isinstance(model.edf_, float)
    assert_allclose(model.edf_, np.trace(hat), rtol=1e-8)
    assert_allclose(model.predict(X), hat @ y, atol=1e-9)


def test_effective_degrees_of_freedom_do_not_depend_on_prior_and_target():
    X, Y = data(24, 50, 2)
    alphas = np.array([0.5, 50.0])
    plain = Tikhonov(alphas, penalty="difference").fit(X, Y)
    prior = Tikhonov(alphas, penalty="difference", coef_prior=np.arange(P)).fit(X, -3 * Y)
    assert plain.edf_.shape == (2,)
    assert plain.edf_[0] > plain.edf_[1]
    assert_allclose(plain.edf_, prior.edf_, rtol=1e-10)


@pytest.mark.parametrize("n_targets", [None, 1, 3])
@pytest.mark.parametrize("with_prior", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_dual_coefficients_give_the_primal_ones(n_targets, with_prior, shape):
    n = SHAPES[shape][0]
    X, y = data(25, n, n_targets)
    weights = np.random.default_rng(26).uniform(0.2, 2, n)
    prior = np.linspace(-1, 2, P) if with_prior else None
    model = Tikhonov(0.7, solver="dual_cholesky", coef_prior=prior)
    model.fit(X, y, sample_weight=weights)
    assert model.dual_coef_.shape == y.shape
    A, _, _, _ = centered(X, np.zeros(n), weights)
    expected = (A.T @ model.dual_coef_).T + (prior if with_prior else 0.0)
    assert_allclose(np.reshape(model.coef_, expected.shape), expected, atol=1e-12)


# -- alpha = 0, and directions that nothing determines --------------------------------------------


def least_of_the_minimizers(X, y, L, prior=0.0):
    """Return the minimiser of ||A w - y|| with least ||L (w - w0)||, and of these ||w - w0||."""
    A, b, _, _ = centered(X, y)
    prior = np.broadcast_to(prior, X.shape[1])
    _, s, right = np.linalg.svd(A, full_matrices=True)
    null = right[np.count_nonzero(s > 1e-10 * s[0]) :].T
    coef = np.linalg.pinv(A, rcond=1e-10) @ (b - A @ prior)
    coef = coef - null @ np.linalg.lstsq(L @ null, L @ coef, rcond=1e-10)[0]
    return coef + prior


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("solver", ["auto", "svd"])
@pytest.mark.parametrize("with_prior", [False, True])
@pytest.mark.parametrize("kind", ["dependent", "wide"])
def test_without_alpha_the_penalty_chooses_among_the_minimizers(name, solver, with_prior, kind):
    X, y = data(27, 50 if kind == "dependent" else 8)
    if kind == "dependent":
        X[:, 3] = X[:, 7]
        X[:, 9] = X[:, 1] - 2 * X[:, 2]
    prior = np.linspace(-2, 1, P) if with_prior else None
    with pytest.warns(LinAlgWarning, match="alpha=0 and the data has rank"):
        model = Tikhonov(0, penalty=PENALTIES[name], coef_prior=prior, solver=solver).fit(X, y)
    expected = least_of_the_minimizers(X, y, root_of(name), 0.0 if prior is None else prior)
    assert_allclose(model.coef_, expected, atol=1e-8 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["none", "difference", "factors", "few rows"])
def test_without_alpha_it_is_the_limit_of_small_penalties(name):
    X, y = data(28, 50)
    X[:, 3] = X[:, 7]
    with pytest.warns(LinAlgWarning, match="not unique"):
        model = Tikhonov(0, penalty=PENALTIES[name]).fit(X, y)
    near = Tikhonov(1e-6, penalty=PENALTIES[name], solver="qr").fit(X, y)
    assert_allclose(model.coef_, near.coef_, atol=1e-5)


@pytest.mark.parametrize("solver", ["auto", "svd"])
@pytest.mark.parametrize("dependent", ["constant", "duplicate"])
def test_directions_without_data_and_penalty_get_the_minimum_norm_and_a_warning(dependent, solver):
    X, y = data(29, 50)
    factors = np.ones(P)
    if dependent == "constant":
        X[:, 4] = 3.0
        factors[4] = 0.0
    else:
        X[:, 4] = X[:, 5]
        factors[[4, 5]] = 0.0
    with pytest.warns(LinAlgWarning, match="does not act on a direction"):
        model = Tikhonov(0.5, penalty=factors, solver=solver).fit(X, y)
    A, b, _, _ = stacked(X, y, 0.5, np.diag(np.sqrt(factors)))
    assert_allclose(model.coef_, np.linalg.pinv(A, rcond=1e-12) @ b, atol=1e-10)
    assert_allclose(model.coef_[4], 0.0 if dependent == "constant" else model.coef_[5], atol=1e-12)


def test_a_penalty_that_determines_what_the_data_does_not_gives_no_warning():
    X, y = data(30, 50)
    X[:, 4] = X[:, 5]
    factors = np.ones(P)
    factors[5] = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for solver in SOLVERS:
            model = Tikhonov(0.5, penalty=factors, solver=solver).fit(X, y)
            assert abs(model.coef_[4]) < 1e-6


# -- parameters -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        ("diference", "'penalty' parameter of Tikhonov must be None, 'difference'"),
        ("laplacian", "'penalty' parameter of Tikhonov must be"),
        (("difference",), "'penalty' parameter of Tikhonov must be"),
        (("difference", 1.5), "'penalty' parameter of Tikhonov must be"),
        (("difference", True), "'penalty' parameter of Tikhonov must be"),
        (("difference", 0), "order 0"),
        (("difference", -1), "order -1"),
        (("difference", P), f"order {P} need more than {P} coefficients"),
        (("laplacian", 3), "'penalty' parameter of Tikhonov must be"),
        (("laplacian", np.ones((P, P - 1))), "adjacency matrix has the shape"),
        (("laplacian", np.ones((3, 3))), "adjacency matrix has the shape"),
        (("laplacian", np.triu(np.ones((P, P)))), "must be symmetric"),
        (("laplacian", sparse.csr_array(np.triu(np.ones((P, P))))), "must be symmetric"),
        (("laplacian", -np.ones((P, P))), "Edge weights must not be negative"),
        (("laplacian", -sparse.eye_array(P, format="csr")), "Edge weights must not be negative"),
        (("laplacian", np.full((P, P), np.nan)), "adjacency contains NaN"),
        (np.ones(P - 1), rf"shape \({P - 1},\); expected \({P},\) or"),
        (np.ones((P, P + 1)), "'penalty' parameter of Tikhonov has the shape"),
        (sparse.csr_array(np.ones((2, P - 1))), "'penalty' parameter of Tikhonov has the shape"),
        (-np.ones(P), "factors must not be negative"),
        (np.full(P, np.nan), "finite numbers"),
        (np.full((2, P), np.inf), "finite numbers"),
    ],
)  # fmt: skip
def test_bad_penalties_leave_the_estimator_unfitted(penalty, message):
    X, y = data(31, 20)
    model = Tikhonov(penalty=penalty)
    names = set(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert set(vars(model)) == names


@pytest.mark.parametrize("penalty", [3.0, np.ones((2, 2, P)), ["a"] * P, {}])
def test_what_is_no_penalty_at_all_is_refused_by_the_name_of_the_parameter(penalty):
    X, y = data(37, 20)
    model = Tikhonov(penalty=penalty)
    with pytest.raises(ValueError, match="penalty"):
        model.fit(X, y)
    assert not hasattr(model, "coef_")


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        (np.ones(P - 1), "'coef_prior' parameter of Tikhonov has the shape"),
        (np.ones((3, P)), "'coef_prior' parameter of Tikhonov has the shape"),
        (np.ones((P, 2)), "'coef_prior' parameter of Tikhonov has the shape"),
        (np.full(P, np.nan), "coef_prior contains NaN"),
    ],
)
def test_bad_priors_leave_the_estimator_unfitted(prior, message):
    X, Y = data(32, 20, 2)
    model = Tikhonov(coef_prior=prior)
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y)
    assert not hasattr(model, "coef_")


@pytest.mark.parametrize("solver", ["dual_cholesky", "eigen"])
def test_solvers_for_the_identity_refuse_other_penalties(solver):
    X, y = data(33, 20)
    with pytest.raises(ValueError, match=f"{solver} cannot be used"):
        Tikhonov(penalty="difference", solver=solver).fit(X, y)


@pytest.mark.parametrize("name", PENALTIES)
def test_clone_and_repr_and_refit(name):
    X, y = data(34, 50)
    model = Tikhonov(penalty=PENALTIES[name])
    again = clone(model)
    assert repr(again) == repr(model)
    assert np.array_equal(again.fit(X, y).coef_, model.fit(X, y).coef_)


def test_penalty_and_prior_are_not_changed():
    X, y = data(35, 50)
    kept = [np.ones(P), random_root(P + 5), np.linspace(0, 1, P)]
    given = copy.deepcopy(kept)
    for array in given:
        array.flags.writeable = False
    for solver in SOLVERS:
        Tikhonov(penalty=given[0], coef_prior=given[2], solver=solver).fit(X, y)
        Tikhonov(penalty=given[1], coef_prior=given[2], solver=solver).fit(X, y)
    for array, original in zip(given, kept, strict=True):
        assert np.array_equal(array, original)


def test_grid_search_over_penalties():
    rng = np.random.default_rng(36)
    X = rng.standard_normal((40, P))
    y = X @ np.linspace(1, 3, P) + 0.5 * rng.standard_normal(40)
    grid = GridSearchCV(
        Tikhonov(100.0), {"penalty": [None, "difference", ("difference", 1), np.ones(P)]}
    ).fit(X, y)
    assert grid.best_params_ == {"penalty": "difference"}
