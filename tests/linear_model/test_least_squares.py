"""LeastSquares against exact rational solutions, and against LAPACK."""

import copy
import inspect
import pickle
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import linalg, sparse
from scipy.linalg import LinAlgWarning
from scipy.optimize import nnls
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skstruct import config_context
from skstruct.linear_model import LeastSquares

FULL_RANK_SOLVERS = ["auto", "gram_cholesky", "extended_qr", "qr", "svd"]
ANY_RANK_SOLVERS = ["auto", "svd"]


# -- oracles ----------------------------------------------------------------------------------


def exact_solution(X, y, weights=None, fit_intercept=True):
    """Return coefficients and intercept as rational numbers, by the normal equations."""
    rows = [[Fraction(float(x)) for x in row] + [Fraction(int(fit_intercept))] for row in X]
    if not fit_intercept:
        rows = [row[:-1] for row in rows]
    targets = [Fraction(float(v)) for v in y]
    weights = (
        [Fraction(1)] * len(rows) if weights is None else [Fraction(float(w)) for w in weights]
    )
    k = len(rows[0])
    weighted = [[w * x for x in row] for w, row in zip(weights, rows, strict=True)]
    system = [
        [sum(v[i] * row[j] for v, row in zip(weighted, rows, strict=True)) for j in range(k)]
        + [sum(v[i] * t for v, t in zip(weighted, targets, strict=True))]
        for i in range(k)
    ]
    for j in range(k):
        pivot = next(i for i in range(j, k) if system[i][j] != 0)
        system[j], system[pivot] = system[pivot], system[j]
        for i in range(j + 1, k):
            ratio = system[i][j] / system[j][j]
            if ratio:
                system[i] = [a - ratio * b for a, b in zip(system[i], system[j], strict=True)]
    solution = [Fraction(0)] * k
    for i in reversed(range(k)):
        rest = sum(system[i][j] * solution[j] for j in range(i + 1, k))
        solution[i] = (system[i][k] - rest) / system[i][i]
    return (solution[:-1], solution[-1]) if fit_intercept else (solution, Fraction(0))


def correct_digits(coef, exact):
    """Return the least number of correct digits of any coefficient, at most 15."""
    errors = [float(abs(Fraction(float(c)) - e) / abs(e)) for c, e in zip(coef, exact, strict=True)]
    return min(15.0, -np.log10(max(*errors, 1e-300)))


def centered(X, y, weights=None, fit_intercept=True):
    """Return the weighted and centred design and targets, and the means."""
    X, y = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
    weights = np.ones(len(X)) if weights is None else weights
    x_mean, y_mean = np.zeros(X.shape[1]), np.zeros(y.shape[1:])
    if fit_intercept:
        x_mean, y_mean = np.average(X, axis=0, weights=weights), np.average(y, 0, weights)
    root = np.sqrt(weights)
    A = root[:, None] * (X - x_mean)
    return A, root.reshape(-1, *[1] * (y.ndim - 1)) * (y - y_mean), x_mean, y_mean


def column_norms(A):
    norms = np.linalg.norm(A, axis=0)
    norms[norms == 0] = 1.0
    return norms


def pivoted_qr(A, b):
    """Return coefficients by QR with column pivoting of the column-scaled design."""
    scale = column_norms(A)
    Q, R, order = linalg.qr(A / scale, mode="economic", pivoting=True)
    coef = np.empty(A.shape[1])
    coef[order] = linalg.solve_triangular(R, Q.T @ b)
    return coef / scale


def lapack(X, y, weights=None, fit_intercept=True):
    """Return coefficients and intercept by LAPACK's least squares on scaled columns."""
    A, b, x_mean, y_mean = centered(X, y, weights, fit_intercept)
    scale = column_norms(A)
    coef = (np.linalg.lstsq(A / scale, b, rcond=None)[0].T / scale).T
    return coef, y_mean - x_mean @ coef


def minimum_norm(X, y, weights=None, fit_intercept=True, *, rank):
    """Return the minimiser of least norm, given the rank."""
    A, b, x_mean, y_mean = centered(X, y, weights, fit_intercept)
    scale = column_norms(A)
    U, s, right = np.linalg.svd(A / scale, full_matrices=True)
    coef = ((right[:rank].T / s[:rank]) @ (U[:, :rank].T @ b)).T / scale
    null = np.linalg.qr(right[rank:].T / scale[:, None])[0]
    coef = coef.T - null @ (null.T @ coef.T)
    return coef, y_mean - x_mean @ coef


def data(rng, n, p, n_targets=None):
    X = rng.standard_normal((n, p)) + rng.uniform(-3, 3, p)
    shape = n if n_targets is None else (n, n_targets)
    return X, rng.standard_normal(shape) + 5


def gaussian(seed, n, p):
    return np.random.default_rng(seed).standard_normal((n, p))


def polynomial(x, degree=10):
    return np.vander(x, degree + 1, increasing=True)[:, 1:]


def lauchli(p, small):
    return np.vstack([np.ones((1, p)), small * np.eye(p), np.zeros((2, p))])


def near_duplicates(seed, p, distance):
    X = gaussian(seed, 30, p)
    return np.c_[X, X + distance * gaussian(seed + 1, 30, p)]


# -- digits -----------------------------------------------------------------------------------

# name -> (X, fit_intercept)
DESIGNS = {
    "polynomial on [0, 1]": (polynomial(np.linspace(0, 1, 25)), True),
    "polynomial on [-1, 1]": (polynomial(np.linspace(-1, 1, 25)), True),
    "polynomial on 0, 1, 2, ...": (polynomial(np.arange(21.0)), True),
    "polynomial on [-2, 5]": (polynomial(np.linspace(-2, 5, 30)), True),
    "polynomial on [1, 3]": (polynomial(np.linspace(1, 3, 30)), True),
    "polynomial of degree 6 on [5, 7]": (polynomial(np.linspace(5, 7, 25), 6), True),
    "Hilbert 7": (linalg.hilbert(20)[:, :7], False),
    "Hilbert 6 with intercept": (linalg.hilbert(20)[:, :6], True),
    "Lauchli 1e-4": (lauchli(6, 1e-4), False),
    "Lauchli 1e-8": (lauchli(6, 1e-8), False),
    "twelve decades": (gaussian(0, 30, 7) * np.logspace(-6, 6, 7), True),
    "twelve decades, no intercept": (gaussian(1, 30, 7) * np.logspace(6, -6, 7), False),
    "near-duplicates 1e-6": (near_duplicates(2, 4, 1e-6), True),
    "near-duplicates 1e-9": (near_duplicates(4, 3, 1e-9), True),
    "offset 1e6": (gaussian(6, 40, 5) + 1e6, True),
    "offset 1e9 of one column": (gaussian(7, 40, 5) + 1e9 * np.eye(5)[2], True),
}


def target_for(X, offset=0.0):
    """Return targets with a residual of moderate size."""
    rng = np.random.default_rng(99)
    scaled = X / column_norms(X)
    return offset + scaled @ rng.uniform(1, 2, X.shape[1]) + 0.01 * rng.standard_normal(len(X))


def digits_of(name, solver, weighted):
    """Return digits of ours and of pivoted QR, and the scaled condition number."""
    X, fit_intercept = DESIGNS[name]
    y = target_for(X, offset=1e3 if "offset" in name else 0.0)
    weights = np.random.default_rng(5).uniform(0.2, 3, len(X)) if weighted else None
    exact, _ = exact_solution(X, y, weights, fit_intercept)
    A, b, _, _ = centered(X, y, weights, fit_intercept)
    with warnings.catch_warnings():
        # A solver that breaks down is replaced by the next one.
        warnings.filterwarnings("ignore", message=".*was used instead")
        model = LeastSquares(fit_intercept=fit_intercept, solver=solver)
        model.fit(X, y, sample_weight=weights)
    assert model.rank_ == X.shape[1]
    assert model.certificate_.holds
    condition = np.linalg.cond(A / column_norms(A))
    return correct_digits(model.coef_, exact), correct_digits(pivoted_qr(A, b), exact), condition


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", DESIGNS)
def test_auto_has_as_many_digits_as_pivoted_qr(name, weighted):
    ours, theirs, condition = digits_of(name, "auto", weighted)
    assert ours >= theirs - 0.5
    if condition <= 1e10:
        assert ours >= 7


@pytest.mark.parametrize("solver", ["qr", "svd"])
@pytest.mark.parametrize("name", DESIGNS)
def test_other_solvers_have_hardly_fewer_digits_than_pivoted_qr(name, solver):
    ours, theirs, _ = digits_of(name, solver, weighted=False)
    assert ours >= theirs - 1.5


@pytest.mark.parametrize("name", DESIGNS)
def test_refinement_gives_the_gram_matrix_most_of_the_digits(name):
    ours, theirs, condition = digits_of(name, "gram_cholesky", weighted=False)
    if condition <= 3e7:
        assert ours >= theirs - 3


@pytest.mark.parametrize("name", ["polynomial on [0, 1]", "offset 1e6", "twelve decades"])
@pytest.mark.parametrize("weighted", [False, True])
def test_intercept_has_the_digits_of_the_exact_one(name, weighted):
    X, _ = DESIGNS[name]
    y = target_for(X, offset=10.0)
    weights = np.random.default_rng(6).uniform(0.2, 3, len(X)) if weighted else None
    _, exact = exact_solution(X, y, weights)
    model = LeastSquares().fit(X, y, sample_weight=weights)
    assert correct_digits([model.intercept_], [exact]) >= 9


# -- rank -------------------------------------------------------------------------------------


def deficient(kind):
    """Return a design whose centred rank is `rank`, and that rank."""
    X = gaussian(10, 30, 5)
    match kind:
        case "duplicate column":
            return np.c_[X, X[:, 2]], 5
        case "constant column":
            return np.c_[X, np.full(30, 3.0)], 5
        case "zero column":
            return np.c_[np.zeros(30), X], 5
        case "sum of columns":
            return np.c_[X[:, 0] + X[:, 1], X], 5
        case "wide of low rank":
            return gaussian(11, 12, 4) @ gaussian(12, 4, 20), 4
    raise ValueError(kind)


DEFICIENT = [
    "duplicate column",
    "constant column",
    "zero column",
    "sum of columns",
    "wide of low rank",
]


@pytest.mark.parametrize("solver", ANY_RANK_SOLVERS)
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("kind", DEFICIENT)
def test_rank_deficient_designs_warn_and_give_the_minimum_norm(kind, make, solver):
    X, rank = deficient(kind)
    y = np.random.default_rng(13).standard_normal(len(X)) + 2
    with pytest.warns(LinAlgWarning, match=f"has rank {rank} for {X.shape[1]} features"):
        model = LeastSquares(solver=solver).fit(make(X), y)
    A, b, x_mean, y_mean = centered(X, y)
    coef = np.linalg.pinv(A, rcond=1e-12) @ b
    assert model.rank_ == rank
    assert_allclose(model.coef_, coef, atol=1e-10 * np.abs(coef).max())
    assert_allclose(model.intercept_, y_mean - x_mean @ coef, rtol=1e-9)
    assert model.certificate_.holds


@pytest.mark.parametrize("solver", ["gram_cholesky", "qr", "extended_qr"])
@pytest.mark.parametrize("kind", ["duplicate column", "constant column", "zero column"])
def test_solvers_for_full_rank_are_replaced_on_deficient_designs(kind, solver):
    X, rank = deficient(kind)
    y = np.random.default_rng(14).standard_normal(len(X))
    with (
        pytest.warns(LinAlgWarning, match="was used instead"),
        pytest.warns(LinAlgWarning, match="has rank"),
    ):
        model = LeastSquares(solver=solver).fit(X, y)
    A, b, _, _ = centered(X, y)
    assert model.rank_ == rank
    assert_allclose(model.coef_, np.linalg.pinv(A, rcond=1e-12) @ b, atol=1e-10)


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("solver", ["auto", "svd"])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_wide_designs_of_full_row_rank_do_not_warn(make, solver, fit_intercept):
    X, y = data(np.random.default_rng(15), 10, 25)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = LeastSquares(solver=solver, fit_intercept=fit_intercept).fit(make(X), y)
    A, b, _, _ = centered(X, y, None, fit_intercept)
    assert model.rank_ == 10 - fit_intercept
    assert_allclose(model.coef_, np.linalg.pinv(A, rcond=1e-12) @ b, atol=1e-11)
    assert_allclose(model.predict(X), y, rtol=1e-10)
    assert np.isnan(model.sigma2_)
    assert np.isnan(model.coef_std_error_).all()


@pytest.mark.parametrize("solver", FULL_RANK_SOLVERS)
def test_units_of_columns_do_not_change_the_rank(solver):
    X, y = data(np.random.default_rng(16), 50, 6)
    units = np.logspace(-150, 150, 6)
    plain = LeastSquares(solver=solver).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scaled = LeastSquares(solver=solver).fit(X * units, y)
    assert scaled.rank_ == 6
    assert_allclose(scaled.coef_ * units, plain.coef_, rtol=1e-9)
    assert_allclose(scaled.condition_, plain.condition_, rtol=0.5)


def test_units_of_columns_do_not_hide_a_dependence():
    X, y = data(np.random.default_rng(17), 50, 4)
    X = np.c_[X, X[:, 0] - X[:, 1]] * np.logspace(-6, 6, 5)
    with pytest.warns(LinAlgWarning, match="has rank 4 for 5 features"):
        model = LeastSquares().fit(X, y)
    coef, intercept = minimum_norm(X, y, rank=4)
    assert_allclose(X @ model.coef_ + model.intercept_, X @ coef + intercept, atol=1e-9)
    assert_allclose(np.linalg.norm(model.coef_), np.linalg.norm(coef), rtol=1e-6)


@pytest.mark.parametrize("n", [2, 3, 5, 8])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_centering_of_square_designs_costs_one_rank(make, n):
    for seed in range(30):
        X, y = data(np.random.default_rng(seed), n, n)
        model = LeastSquares().fit(make(X), y)
        A, b, _, _ = centered(X, y)
        assert model.rank_ == n - 1
        assert_allclose(model.coef_, np.linalg.pinv(A, rcond=1e-12) @ b, rtol=1e-6)


def test_minimum_norm_by_conjugate_gradients():
    X, y = data(np.random.default_rng(45), 10, 25)
    X *= np.logspace(0, 1, 25)
    model = LeastSquares(solver="cg").fit(X, y)
    coef, _ = minimum_norm(X, y, rank=9)
    assert_allclose(model.coef_, coef, atol=1e-6 * np.abs(coef).max())


# -- numbers on ordinary data -------------------------------------------------------------------


@pytest.mark.parametrize("solver", [*FULL_RANK_SOLVERS, "cg"])
@pytest.mark.parametrize("shape", [(60, 7), (15, 14), (30, 1)])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_coefficients(solver, shape, fit_intercept, weighted):
    rng = np.random.default_rng(18)
    X, y = data(rng, *shape)
    weights = rng.uniform(0.2, 2, shape[0]) if weighted else None
    model = LeastSquares(solver=solver, fit_intercept=fit_intercept)
    model.fit(X, y, sample_weight=weights)
    coef, intercept = lapack(X, y, weights, fit_intercept)
    assert_allclose(model.coef_, coef, atol=1e-8 * np.abs(coef).max())
    assert_allclose(model.intercept_, intercept, atol=1e-8)
    assert model.certificate_.holds
    assert model.certificate_.value <= 1e-12


@pytest.mark.parametrize("solver", ["auto", "gram_cholesky", "qr", "svd", "cg"])
@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_sparse_equals_dense(solver, make, fit_intercept):
    rng = np.random.default_rng(19)
    X = sparse.random(200, 15, density=0.2, random_state=0).toarray()
    y = rng.standard_normal(200)
    weights = rng.uniform(0.2, 2, 200)
    options = {"solver": solver, "fit_intercept": fit_intercept}
    dense = LeastSquares(**options).fit(X, y, sample_weight=weights)
    model = LeastSquares(**options).fit(make(X), y, sample_weight=weights)
    assert_allclose(model.coef_, dense.coef_, atol=1e-10)
    assert_allclose(model.intercept_, dense.intercept_, atol=1e-10)
    if solver != "cg":
        assert_allclose(model.coef_std_error_, dense.coef_std_error_, rtol=1e-9)


def test_larger_data_runs_on_the_gram_matrix_and_agrees_with_lapack():
    X, y = data(np.random.default_rng(20), 5000, 60)
    model = LeastSquares().fit(X, y)
    assert model.solver_ == "gram_cholesky"
    coef, intercept = lapack(X, y)
    assert_allclose(model.coef_, coef, atol=1e-10 * np.abs(coef).max())
    assert_allclose(model.intercept_, intercept, rtol=1e-10)
    assert model.certificate_.holds


def test_larger_ill_conditioned_data_leaves_the_gram_matrix():
    rng = np.random.default_rng(21)
    X = rng.standard_normal((5000, 40))
    X[:, 39] = X[:, 0] + 1e-9 * X[:, 39]
    y = rng.standard_normal(5000)
    model = LeastSquares().fit(X, y)
    assert model.solver_ in ("qr", "svd")
    assert model.rank_ == 40
    coef, intercept = lapack(X, y)
    spread = np.linalg.norm(y)
    assert np.linalg.norm(model.predict(X) - X @ coef - intercept) < 1e-7 * spread


@pytest.mark.parametrize("solver", FULL_RANK_SOLVERS)
def test_float32_keeps_its_type_and_its_digits(solver):
    X, y = data(np.random.default_rng(22), 300, 10)
    X, y = (X + 100).astype(np.float32), y.astype(np.float32)
    model = LeastSquares(solver=solver).fit(X, y)
    coef, intercept = lapack(X, y)
    assert model.coef_.dtype == np.float32
    assert model.intercept_.dtype == np.float32
    assert model.predict(X).dtype == np.float32
    assert_allclose(model.coef_, coef, rtol=1e-5, atol=1e-6)
    assert_allclose(model.intercept_, intercept, rtol=1e-5)


@pytest.mark.parametrize("solver", ["auto", "gram_cholesky", "svd"])
def test_integer_weights_equal_repetition(solver):
    rng = np.random.default_rng(23)
    X, y = data(rng, 40, 5)
    counts = rng.integers(1, 4, 40)
    weighted = LeastSquares(solver=solver).fit(X, y, sample_weight=counts)
    repeated = LeastSquares(solver=solver).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-9)
    assert_allclose(weighted.intercept_, repeated.intercept_, rtol=1e-9)


@pytest.mark.parametrize("solver", FULL_RANK_SOLVERS)
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_zero_weights_equal_removal(solver, fit_intercept):
    rng = np.random.default_rng(24)
    X, y = data(rng, 40, 5)
    weights = rng.uniform(0.5, 2, 40)
    weights[::4] = 0
    y[::4] = 1e6
    kept = weights > 0
    options = {"solver": solver, "fit_intercept": fit_intercept}
    weighted = LeastSquares(**options).fit(X, y, sample_weight=weights)
    removed = LeastSquares(**options).fit(X[kept], y[kept], sample_weight=weights[kept])
    for name in ("coef_", "intercept_", "sigma2_", "coef_std_error_"):
        assert_allclose(getattr(weighted, name), getattr(removed, name), rtol=1e-9)
    assert weighted.rank_ == removed.rank_


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_nonnegative(fit_intercept, weighted, make):
    rng = np.random.default_rng(25)
    X = rng.standard_normal((60, 9))
    y = X @ rng.standard_normal(9) + 0.5 * rng.standard_normal(60) + 3
    weights = rng.uniform(0.2, 2, 60) if weighted else None
    model = LeastSquares(positive=True, fit_intercept=fit_intercept)
    model.fit(make(X), y, sample_weight=weights)
    A, b, x_mean, y_mean = centered(X, y, weights, fit_intercept)
    expected = nnls(A, b)[0]
    assert (expected == 0).any()
    assert np.all(model.coef_ >= 0)
    assert_allclose(model.coef_, expected, atol=1e-10)
    assert_allclose(model.intercept_, y_mean - x_mean @ expected, atol=1e-9)
    assert model.certificate_.holds
    assert not hasattr(model, "rank_")


def test_nonnegative_with_many_targets():
    rng = np.random.default_rng(26)
    X, Y = data(rng, 50, 6, 3)
    model = LeastSquares(positive=True).fit(X, Y)
    A, B, _, _ = centered(X, Y)
    for i in range(3):
        assert_allclose(model.coef_[i], nnls(A, B[:, i])[0], atol=1e-10)


# -- what is said about the coefficients ----------------------------------------------------------


@pytest.mark.parametrize("solver", FULL_RANK_SOLVERS)
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_standard_errors_follow_the_formula(solver, fit_intercept, weighted):
    rng = np.random.default_rng(27)
    X, Y = data(rng, 40, 5, 2)
    X *= np.logspace(-2, 2, 5)
    weights = rng.uniform(0.2, 2, 40) if weighted else None
    model = LeastSquares(solver=solver, fit_intercept=fit_intercept)
    model.fit(X, Y, sample_weight=weights)
    A, B, _, _ = centered(X, Y, weights, fit_intercept)
    squares = np.square(B - A @ np.linalg.pinv(A) @ B).sum(axis=0)
    variance = squares / (40 - 5 - fit_intercept)
    inverse = np.linalg.pinv(A)
    expected = np.sqrt(np.outer(variance, np.diag(inverse @ inverse.T)))
    assert_allclose(model.sigma2_, variance, rtol=1e-9)
    assert_allclose(model.coef_std_error_, expected, rtol=1e-8)
    single = LeastSquares(solver=solver, fit_intercept=fit_intercept)
    single.fit(X, Y[:, 0], sample_weight=weights)
    assert isinstance(single.sigma2_, float)
    assert_allclose(single.sigma2_, variance[0], rtol=1e-9)
    assert_allclose(single.coef_std_error_, expected[0], rtol=1e-8)


@pytest.mark.filterwarnings("ignore:The design has rank")
def test_standard_errors_of_a_deficient_design_follow_the_pseudo_inverse():
    X, rank = deficient("duplicate column")
    y = np.random.default_rng(28).standard_normal(len(X))
    model = LeastSquares().fit(X, y)
    A, b, _, _ = centered(X, y)
    inverse = np.linalg.pinv(A, rcond=1e-12)
    variance = np.sum(np.square(b - A @ (inverse @ b))) / (len(X) - 1 - rank)
    assert_allclose(model.sigma2_, variance, rtol=1e-10)
    expected = np.sqrt(variance * np.diag(inverse @ inverse.T))
    assert_allclose(model.coef_std_error_, expected, rtol=1e-9)


@pytest.mark.parametrize("solver", FULL_RANK_SOLVERS)
@pytest.mark.parametrize("small", [1.0, 1e-3, 1e-6])
def test_condition_is_that_of_the_scaled_design(solver, small):
    rng = np.random.default_rng(29)
    X = rng.standard_normal((50, 6))
    X[:, 5] = X[:, 0] + small * X[:, 5]
    X *= np.logspace(-3, 3, 6)
    model = LeastSquares(solver=solver).fit(X, rng.standard_normal(50))
    A, _, _, _ = centered(X, np.zeros(50))
    expected = np.linalg.cond(A / column_norms(A))
    factor = 1.01 if solver == "svd" else 10
    assert expected / factor < model.condition_ < expected * factor


@pytest.mark.parametrize("solver", ["auto", "extended_qr", "svd"])
@pytest.mark.parametrize("weighted", [False, True])
def test_singular_values_are_those_of_the_centered_design(solver, weighted):
    rng = np.random.default_rng(30)
    X, y = data(rng, 40, 6)
    X *= np.logspace(-2, 2, 6)
    weights = rng.uniform(0.2, 2, 40) if weighted else None
    model = LeastSquares(solver=solver).fit(X, y, sample_weight=weights)
    A, _, _, _ = centered(X, y, weights)
    s = np.linalg.svd(A, compute_uv=False)
    assert_allclose(model.singular_, s, atol=1e-12 * s[0])


@pytest.mark.parametrize("shape", [(40, 6), (10, 25)])
def test_singular_values_of_wide_designs_too(shape):
    X, y = data(np.random.default_rng(31), *shape)
    model = LeastSquares(solver="svd").fit(X, y)
    A, _, _, _ = centered(X, y)
    s = np.linalg.svd(A, compute_uv=False)
    assert model.singular_.shape == (min(shape),)
    assert_allclose(model.singular_, s, atol=1e-12 * s[0])


@pytest.mark.parametrize("solver", [*FULL_RANK_SOLVERS, "cg"])
def test_certificate_holds_for_consistent_and_orthogonal_and_zero_targets(solver):
    rng = np.random.default_rng(32)
    X, y = data(rng, 60, 5)
    A, b, _, _ = centered(X, y)
    orthogonal = b - A @ (np.linalg.pinv(A) @ b)
    for target in (y, X @ np.arange(1.0, 6) + 2, orthogonal, np.zeros(60), np.full(60, 7.0)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = LeastSquares(solver=solver).fit(X, target)
        assert model.certificate_.holds
    assert_allclose(model.coef_, 0, atol=1e-12)
    assert_allclose(model.intercept_, 7)


def backward_error(X, y, coef, fit_intercept):
    """Return the least change of the scaled design that makes `coef` exact, relative to its norm.

    By the formula of Walden, Karlson & Sun (1995).
    """
    A, b = X.astype(np.longdouble), y.astype(np.longdouble)
    if fit_intercept:
        A, b = A - A.mean(axis=0), b - b.mean()
    scale = np.sqrt(np.square(A).sum(axis=0))
    A = A / scale
    w = scale * coef
    residual = (b - A @ w).astype(np.float64)
    A, w = A.astype(np.float64), w.astype(np.float64)
    size = np.linalg.norm(residual)
    ratio = size / np.linalg.norm(w)
    projector = np.eye(len(A)) - np.outer(residual, residual) / size**2
    smallest = np.linalg.svd(np.hstack([A, ratio * projector]), compute_uv=False)[-1]
    return min(ratio, smallest) / np.linalg.norm(A)


@pytest.mark.parametrize("solver", [*FULL_RANK_SOLVERS, "cg"])
@pytest.mark.parametrize("name", ["polynomial on [-1, 1]", "Hilbert 7", "twelve decades"])
def test_backward_error_of_the_coefficients_is_what_the_certificate_promises(name, solver):
    X, fit_intercept = DESIGNS[name]
    y = target_for(X)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*was used instead")
        model = LeastSquares(solver=solver, fit_intercept=fit_intercept).fit(X, y)
    assert model.certificate_.asked == 1e-12
    assert backward_error(X, y, model.coef_, fit_intercept) <= 1e-12


@pytest.mark.parametrize("solver", FULL_RANK_SOLVERS)
@pytest.mark.parametrize("noise", [1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12])
def test_certificate_holds_however_small_the_residual(solver, noise):
    rng = np.random.default_rng(39)
    X = polynomial(np.linspace(0, 1, 200), 6)
    y = X @ rng.standard_normal(6) + noise * rng.standard_normal(200)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = LeastSquares(solver=solver).fit(X, y)
    assert model.solver_ == solver or solver == "auto"
    assert model.certificate_.holds


# -- the interface of scikit-learn ----------------------------------------------------------------


def test_shapes_match_linear_regression():
    X, Y = data(np.random.default_rng(33), 20, 3, 2)
    for y in (Y, Y[:, :1], Y[:, 0]):
        for fit_intercept in (True, False):
            for positive in (True, False):
                options = {"fit_intercept": fit_intercept, "positive": positive}
                ours = LeastSquares(**options).fit(X, y)
                theirs = LinearRegression(**options).fit(X, y)
                assert ours.coef_.shape == theirs.coef_.shape
                assert np.shape(ours.intercept_) == np.shape(theirs.intercept_)
                assert ours.predict(X).shape == theirs.predict(X).shape
                assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9)


def test_one_column_of_targets_gives_rows_of_coefficients():
    X, Y = data(np.random.default_rng(34), 20, 3, 1)
    model = LeastSquares().fit(X, Y)
    assert model.coef_.shape == (1, 3)
    assert model.intercept_.shape == (1,)
    assert model.coef_std_error_.shape == (1, 3)
    assert model.sigma2_.shape == (1,)
    assert model.predict(X).shape == (20, 1)


def test_targets_are_solved_independently():
    X, Y = data(np.random.default_rng(35), 40, 4, 3)
    Y *= [1e-8, 1.0, 1e8]
    model = LeastSquares().fit(X, Y)
    for i in range(3):
        coef, intercept = lapack(X, Y[:, i])
        assert_allclose(model.coef_[i], coef, rtol=1e-9)
        assert_allclose(model.intercept_[i], intercept, rtol=1e-9)


def test_constructor_matches_linear_regression():
    ours, theirs = LeastSquares().get_params(), LinearRegression().get_params()
    assert set(theirs) <= set(ours) | {"tol"}
    assert {name: ours[name] for name in theirs} == theirs
    names = [name for name in inspect.signature(LinearRegression).parameters if name in ours]
    assert names


def test_clone_and_pickle():
    X, y = load_diabetes(return_X_y=True)
    model = LeastSquares().fit(X, y)
    restored = pickle.loads(pickle.dumps(model))
    assert np.array_equal(restored.predict(X), model.predict(X))
    assert str(restored.plan_) == str(model.plan_)
    assert not hasattr(clone(model), "coef_")


def test_grid_search_and_pipeline():
    X, y = load_diabetes(return_X_y=True)
    grid = GridSearchCV(
        make_pipeline(StandardScaler(), LeastSquares()),
        {"leastsquares__fit_intercept": [True, False]},
    ).fit(X, y)
    assert grid.best_params_ == {"leastsquares__fit_intercept": True}
    expected = make_pipeline(StandardScaler(), LinearRegression()).fit(X, y)
    assert_allclose(grid.predict(X), expected.predict(X), rtol=1e-9)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"solver": "magic"}, "'solver' parameter of LeastSquares"),
        ({"solver": "svd", "positive": True}, "svd cannot be used.*no bounds"),
        ({"tol": -1.0}, "'tol' parameter"),
        ({"tol": "small"}, "'tol' parameter"),
        ({"fit_intercept": 1}, "'fit_intercept' parameter"),
        ({"copy_X": "yes"}, "'copy_X' parameter"),
        ({"positive": None}, "'positive' parameter"),
        ({"n_jobs": 1.5}, "'n_jobs' parameter"),
    ],
)
def test_bad_parameters_leave_the_estimator_unfitted(parameters, message):
    X, y = load_diabetes(return_X_y=True)
    model = LeastSquares(**parameters)
    before = copy.deepcopy(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert vars(model) == before


@pytest.mark.parametrize("solver", ["qr", "extended_qr"])
def test_solvers_for_tall_designs_refuse_wide_ones(solver):
    X, y = data(np.random.default_rng(36), 5, 10)
    model = LeastSquares(solver=solver)
    with pytest.raises(ValueError, match=f"{solver} cannot be used"):
        model.fit(X, y)
    assert not hasattr(model, "coef_")


@pytest.mark.parametrize(
    "weights", [np.full(20, -1.0), np.zeros(20), np.ones(19), np.full(20, np.nan)]
)
def test_bad_weights_leave_the_estimator_unfitted(weights):
    X, y = data(np.random.default_rng(37), 20, 3)
    model = LeastSquares()
    with pytest.raises(ValueError):
        model.fit(X, y, sample_weight=weights)
    assert vars(model) == vars(LeastSquares())


def test_input_is_never_changed():
    X, y = data(np.random.default_rng(38), 60, 5)
    weights = np.linspace(0.5, 2, 60)
    kept_X, kept_y, kept_weights = X.copy(), y.copy(), weights.copy()
    for array in (X, y, weights):
        array.flags.writeable = False
    for solver in (*FULL_RANK_SOLVERS, "cg"):
        LeastSquares(solver=solver, copy_X=False).fit(X, y, sample_weight=weights)
    assert np.array_equal(X, kept_X)
    assert np.array_equal(y, kept_y)
    assert np.array_equal(weights, kept_weights)


# -- any data -----------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(2, 30),
    p=st.integers(1, 12),
    seed=st.integers(0, 2**16),
    n_targets=st.sampled_from([None, 1, 3]),
    dtype=st.sampled_from([np.float64, np.float32]),
    weighted=st.booleans(),
    fit_intercept=st.booleans(),
    decades=st.integers(0, 6),
    offset=st.sampled_from([0.0, 1.0, 1e3]),
    make=st.sampled_from([np.asarray, np.asfortranarray, sparse.csr_array, sparse.csc_array]),
)
def test_any_full_rank_or_wide_data_agrees_with_lapack(
    n, p, seed, n_targets, dtype, weighted, fit_intercept, decades, offset, make
):
    rng = np.random.default_rng(seed)
    X, y = data(rng, n, p, n_targets)
    if make not in (np.asarray, np.asfortranarray):
        offset = 0.0  # sparse data is centred implicitly
    X = ((X + offset) * np.logspace(0, decades, p)).astype(dtype)
    y = y.astype(dtype)
    weights = rng.uniform(0.5, 2, n) if weighted else None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = LeastSquares(fit_intercept=fit_intercept).fit(make(X), y, sample_weight=weights)
    rank = min(n - fit_intercept, p)
    coef, intercept = minimum_norm(X, y, weights, fit_intercept, rank=rank)
    A, b, _, _ = centered(X, y, weights, fit_intercept)
    assert model.coef_.shape == coef.T.shape
    assert model.coef_.dtype == dtype
    assert model.rank_ == rank
    assert model.certificate_.holds
    # What relative changes of the data by eps do to the coefficients; to centred columns they
    # are larger by the offset.
    scale = column_norms(A)
    kept = np.linalg.svd(A / scale, compute_uv=False)[:rank]
    condition, offset = kept[0] / kept[-1], 1 + np.max(np.abs(X) / scale)
    eps = np.finfo(dtype).eps
    error = np.linalg.norm(scale * (model.coef_ - coef.T))
    size = np.linalg.norm(scale * coef.T) + condition * np.linalg.norm(b)
    rounding = np.finfo(np.float64).eps * condition * offset * size
    assert error <= 100 * rounding + 10 * eps * np.linalg.norm(scale * coef.T)
    assert np.all(np.isfinite(model.intercept_))
    assert np.shape(model.intercept_) == (np.shape(intercept) if fit_intercept else ())


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_wide_data_needs_no_matrix_of_its_columns(fit_intercept):
    # 40 000 x 40 000 numbers would be 13 GB.
    X, y = gaussian(20, 12, 40_000) + 0.5, gaussian(21, 12, 1)[:, 0]
    with config_context(memory_limit=10**9):
        model = LeastSquares(fit_intercept=fit_intercept).fit(X, y)
    centered, target = (X - X.mean(axis=0), y - y.mean()) if fit_intercept else (X, y)
    expected = np.linalg.pinv(centered, rcond=1e-10) @ target
    assert_allclose(model.coef_, expected, rtol=1e-8, atol=1e-10 * np.abs(expected).max())
    assert model.rank_ == 12 - fit_intercept
    assert model.certificate_.holds
