"""RandomizedSVD against LAPACK's SVD, against the scores themselves, and its interface."""

import copy
import inspect
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import ConvergenceWarning

from skstruct.decomposition import RandomizedSVD
from skstruct.decomposition._randomized_svd import ALGORITHMS
from skstruct.linalg import _running

MAKE = {"dense": np.asarray, "csr": sparse.csr_array, "csc": sparse.csc_matrix}
RTOL = {"float64": 1e-9, "float32": 2e-6}


def data(n=150, p=40, dtype="float64", seed=0):
    """Decaying singular values and a mean; a third of the entries is zero."""
    rng = np.random.default_rng([n, p, seed])
    r = min(n, p)
    X = (rng.standard_normal((n, r)) * np.arange(1.0, r + 1) ** -1.0) @ rng.standard_normal((r, p))
    X += rng.standard_normal(p)
    return (X * (rng.random((n, p)) < 0.67)).astype(dtype)


def matrix_of(X, weights=None, center=False):
    """A = diag(sqrt(w)) (X - 1 m'), in float64 by way of long double."""
    X = np.asarray(X, dtype=np.longdouble)
    w = np.ones(len(X)) if weights is None else weights
    if center:
        X = X - (w[:, None] * X).sum(axis=0) / w.sum()
    return np.asarray(np.sqrt(w)[:, None] * X, dtype=np.float64)


def relative_error(A, components):
    """Of A projected on components, in the Frobenius norm."""
    V = components.T.astype(np.float64)
    return np.linalg.norm(A - (A @ V) @ V.T) / np.linalg.norm(A)


def variances(Z, weights=None):
    """Weighted variances of the columns, summed about the mean in long double."""
    Z = np.asarray(Z, dtype=np.longdouble)
    mean = np.average(Z, axis=0, weights=weights)
    return np.average((Z - mean) ** 2, axis=0, weights=weights).astype(np.float64)


# -- numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("layout", MAKE)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_singular_triplets(algorithm, layout, dtype, center, weighted):
    X = data(dtype=dtype)
    weights = np.random.default_rng(1).integers(0, 4, len(X)) * 0.75 if weighted else None
    svd = RandomizedSVD(
        5, algorithm=algorithm, n_iter="auto", center=center, tol=1e-9, random_state=0
    ).fit(MAKE[layout](X), sample_weight=weights)
    _, s, vt = np.linalg.svd(matrix_of(X, weights, center), full_matrices=False)
    assert_allclose(svd.singular_values_, s[:5], rtol=RTOL[dtype])
    assert_allclose(np.abs(svd.components_ @ vt[:5].T), np.eye(5), atol=max(1e-6, RTOL[dtype]))
    scores = np.asarray(X, dtype=np.float64) @ svd.components_.T.astype(np.float64)
    assert_allclose(svd.explained_variance_, variances(scores, weights), rtol=RTOL[dtype])
    share = svd.explained_variance_ / variances(X, weights).sum()
    assert_allclose(svd.explained_variance_ratio_, share, rtol=RTOL[dtype])
    assert svd.components_.dtype == svd.singular_values_.dtype == dtype
    assert svd.explained_variance_.dtype == svd.explained_variance_ratio_.dtype == dtype
    assert svd.converged_
    assert hasattr(svd, "mean_") == center


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("shape", [(150, 40), (40, 150)])
@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("tol", [0.5, 0.1, 1e-3])
def test_rank_for_an_accuracy(algorithm, shape, center, tol):
    X = data(*shape)
    svd = RandomizedSVD("auto", algorithm=algorithm, tol=tol, center=center, random_state=0)
    svd.set_params(n_iter="auto").fit(X)
    A = matrix_of(X, center=center)
    assert svd.n_components_ == len(svd.components_) > 1
    assert relative_error(A, svd.components_) <= tol
    assert relative_error(A, svd.components_[:-1]) > tol
    assert svd.error_estimate_ <= tol * np.linalg.norm(A) * (1 + 1e-9)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("fraction", [0.5, 0.99])
def test_energy_fraction(algorithm, make, fraction):
    X = data()
    svd = RandomizedSVD(fraction, algorithm=algorithm, n_iter="auto", random_state=0).fit(make(X))
    s = np.linalg.svd(X, compute_uv=False)
    shares = np.cumsum(s**2) / np.sum(s**2)
    assert svd.n_components_ == np.count_nonzero(shares <= fraction) + 1


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [1e4, 1e6])
def test_variances_behind_a_large_offset(algorithm, weighted, size):
    # Mean squares less squared means would keep 8 and 4 of their digits.
    rng = np.random.default_rng(2)
    X = rng.standard_normal((400, 20)) + size * rng.choice([-1.0, 1.0], 20)
    weights = rng.uniform(0.5, 2.0, 400) if weighted else None
    svd = RandomizedSVD(4, algorithm=algorithm, n_iter="auto", random_state=0)
    svd.fit(X, sample_weight=weights)
    scores = X.astype(np.longdouble) @ svd.components_.T.astype(np.longdouble)
    assert_allclose(svd.explained_variance_, variances(scores, weights), rtol=1e-8)
    total = variances(X, weights).sum()
    assert_allclose(svd.explained_variance_ratio_, svd.explained_variance_ / total, rtol=1e-8)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_fit_transform_equals_transform(algorithm, center, make):
    X = make(data())
    svd = RandomizedSVD(4, algorithm=algorithm, center=center, random_state=0)
    assert_array_equal(svd.fit_transform(X), svd.transform(X))
    assert_array_equal(svd.transform(X), clone(svd).fit(X).transform(X))


@pytest.mark.parametrize("center", [False, True])
def test_inverse_transform(center):
    X = data()
    svd = RandomizedSVD(40, center=center).fit(X)
    assert_allclose(svd.inverse_transform(svd.transform(X)), X, atol=1e-12)


def test_integer_weights_equal_repetition():
    X = data()
    counts = np.random.default_rng(3).integers(0, 4, len(X))
    weighted = RandomizedSVD(4, center=True).fit(X, sample_weight=counts)
    repeated = RandomizedSVD(4, center=True).fit(np.repeat(X, counts, axis=0))
    for name in ("singular_values_", "explained_variance_", "explained_variance_ratio_"):
        assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-10)
    assert_allclose(weighted.components_, repeated.components_, atol=1e-8)
    assert_allclose(weighted.error_estimate_, repeated.error_estimate_, rtol=1e-8)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_more_components_than_rows(algorithm):
    X = data(5, 20)
    svd = RandomizedSVD(8, algorithm=algorithm, n_iter="auto", random_state=0).fit(X)
    assert svd.components_.shape == (8, 20)
    assert_allclose(svd.components_ @ svd.components_.T, np.eye(8), atol=1e-12)
    assert_allclose(svd.singular_values_[:5], np.linalg.svd(X, compute_uv=False), rtol=1e-9)
    assert_array_equal(svd.singular_values_[5:], 0.0)
    assert_allclose(svd.transform(X)[:, 5:], 0.0, atol=1e-12)
    assert_allclose(svd.inverse_transform(svd.transform(X)), X, atol=1e-10)


def test_data_without_variance():
    svd = RandomizedSVD(2).fit(np.zeros((6, 4)))
    assert_array_equal(svd.singular_values_, 0.0)
    assert_array_equal(svd.explained_variance_ratio_, 0.0)
    assert svd.error_estimate_ == 0.0


# -- what it says of itself ---------------------------------------------------------------------


def test_rough_answer_warns():
    X = np.random.default_rng(4).standard_normal((300, 300))
    svd = RandomizedSVD(5, algorithm="randomized", n_iter=1, random_state=0)
    with pytest.warns(ConvergenceWarning, match=r"residual .* asked 1e-02.*exact solver"):
        svd.fit(X)
    assert not svd.converged_
    assert not svd.certificate_.holds
    assert svd.solver_ == "randomized"
    assert svd.n_iter_ == 1


def test_iterations_until_the_residual_is_reached():
    X = np.random.default_rng(4).standard_normal((300, 300))
    svd = RandomizedSVD(5, algorithm="randomized", n_iter="auto", random_state=0).fit(X)
    assert svd.converged_
    assert svd.n_iter_ > 5
    assert_allclose(svd.singular_values_, np.linalg.svd(X, compute_uv=False)[:5], rtol=1e-9)


@pytest.mark.parametrize(
    ("algorithm", "is_direct"),
    [("auto", True), ("single_pass", True), ("block_krylov", False)],
)
def test_iterations_are_counted(algorithm, is_direct):
    svd = RandomizedSVD(3, algorithm=algorithm, random_state=0).fit(data())
    assert (svd.n_iter_ == 1) == is_direct
    assert svd.n_iter_ >= 1
    assert svd.solver_ in str(svd.plan_)


# -- rows that are read once ----------------------------------------------------------------------


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("n_components", [4, 0.9, "auto"])
def test_iterator_of_blocks(center, n_components):
    X = data()
    blocks = [X[:1], sparse.csr_array(X[1:60]), X[60:]]
    svd = RandomizedSVD(n_components, algorithm="single_pass", center=center, tol=0.3)
    whole = clone(svd).fit(X)
    svd.fit(iter(blocks))
    assert svd.n_features_in_ == 40
    for name in ("singular_values_", "explained_variance_", "explained_variance_ratio_"):
        assert_allclose(getattr(svd, name), getattr(whole, name), rtol=1e-9)
    assert_allclose(svd.components_, whole.components_, atol=1e-8)
    assert_allclose(svd.error_estimate_, whole.error_estimate_, rtol=1e-9)


def test_every_block_of_an_iterator_is_read_once():
    reads = []

    def blocks():
        for start in range(0, 150, 50):
            reads.append(start)
            yield data(dtype="float32")[start : start + 50]

    svd = RandomizedSVD(3, algorithm="single_pass").fit(blocks())
    assert reads == [0, 50, 100]
    assert svd.components_.dtype == np.float32


@pytest.mark.parametrize("center", [False, True])
def test_single_pass_of_many_columns_keeps_a_factor(monkeypatch, center):
    monkeypatch.setattr(_running, "MAX_GRAM_COLUMNS", 10)
    rng = np.random.default_rng(5)
    X = rng.standard_normal((300, 3)) * [9, 6, 3] @ rng.standard_normal((3, 60)) + 2.0
    X += 0.01 * rng.standard_normal((300, 60))
    svd = RandomizedSVD(4, algorithm="single_pass", center=center)
    svd.fit(X[start : start + 30] for start in range(0, 300, 30))
    A = matrix_of(X, center=center)
    s = np.linalg.svd(A, compute_uv=False)
    n_large = 3 if center else 4
    assert_allclose(svd.singular_values_[:n_large], s[:n_large], rtol=1e-5)
    best = np.linalg.norm(s[4:]) / np.linalg.norm(s)
    error = relative_error(A, svd.components_)
    assert error < 1.05 * best
    assert (1 - 1e-9) * error <= svd.error_estimate_ / np.linalg.norm(s) <= 2 * error


@pytest.mark.parametrize("algorithm", [a for a in ALGORITHMS if a != "single_pass"])
def test_iterator_is_refused_where_several_passes_are_needed(algorithm):
    svd = RandomizedSVD(algorithm=algorithm)
    with pytest.raises(ValueError, match="read only once: choose algorithm='single_pass'"):
        svd.fit(iter([data()]))
    assert vars(svd) == vars(RandomizedSVD(algorithm=algorithm))


@pytest.mark.parametrize(
    ("blocks", "weights", "message"),
    [
        ([], None, "without any block"),
        ([np.ones((3, 4)), np.ones((3, 5))], None, "5 features.*expecting 4"),
        ([np.ones((3, 4)), np.full((3, 4), np.nan)], None, "NaN"),
        ([np.ones((3, 4))], np.ones(3), "sample_weight cannot be given"),
    ],
)
def test_bad_blocks_leave_the_estimator_unchanged(blocks, weights, message):
    svd = RandomizedSVD(algorithm="single_pass")
    with pytest.raises(ValueError, match=message):
        svd.fit(iter(blocks), sample_weight=weights)
    assert vars(svd) == vars(RandomizedSVD(algorithm="single_pass"))


def test_scores_of_an_iterator_are_refused_before_it_is_read():
    blocks = iter([data()])
    svd = RandomizedSVD(algorithm="single_pass")
    with pytest.raises(ValueError, match="only once"):
        svd.fit_transform(blocks)
    assert next(blocks).shape == (150, 40)
    assert not hasattr(svd, "components_")


# -- the interface of scikit-learn --------------------------------------------------------------


def test_constructor_extends_that_of_sklearn():
    ours, theirs = (list(inspect.signature(c).parameters) for c in (RandomizedSVD, TruncatedSVD))
    assert ours[: len(theirs)] == theirs
    defaults = RandomizedSVD().get_params()
    expected = TruncatedSVD().get_params() | {"algorithm": "auto"}
    assert {name: defaults[name] for name in theirs} == expected


def test_agrees_with_sklearn():
    X = data()
    ours = RandomizedSVD(5).fit(X)
    theirs = TruncatedSVD(5, algorithm="arpack").fit(X)
    for name in ("singular_values_", "explained_variance_", "explained_variance_ratio_"):
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-8)
    signs = np.sign(np.sum(ours.components_ * theirs.components_, axis=1))
    assert_allclose(ours.components_, signs[:, None] * theirs.components_, atol=1e-8)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix])
def test_as_sklearn(make):
    X = make(data())
    ours = RandomizedSVD("auto", tol=0.3).fit(X)
    theirs = ours.as_sklearn()
    assert type(theirs) is TruncatedSVD
    assert theirs.n_components == ours.n_components_
    assert_allclose(theirs.transform(X), ours.transform(X), rtol=0, atol=1e-12)
    scores = ours.transform(X)
    assert_allclose(theirs.inverse_transform(scores), ours.inverse_transform(scores), atol=1e-12)
    assert_array_equal(theirs.explained_variance_ratio_, ours.explained_variance_ratio_)
    theirs.components_[:] = 0.0
    assert ours.components_.any()


def test_as_sklearn_does_not_centre():
    with pytest.raises(ValueError, match=r"does not centre; use skstruct\.decomposition\.PCA"):
        RandomizedSVD(center=True).fit(data()).as_sklearn()


def test_refitting_without_centre_forgets_the_mean():
    X = data()
    svd = RandomizedSVD(center=True).fit(X)
    svd.set_params(center=False).fit(X)
    assert_array_equal(svd.transform(X), RandomizedSVD().fit_transform(X))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_components": 0}, "'n_components' parameter of RandomizedSVD"),
        ({"n_components": 1.0}, "'n_components' parameter of RandomizedSVD"),
        ({"n_components": True}, "'n_components' parameter of RandomizedSVD"),
        ({"n_components": "mle"}, "'n_components' parameter of RandomizedSVD"),
        ({"n_components": 41}, r"n_components\(41\) must be <= n_features\(40\)"),
        ({"n_components": "auto"}, "needs tol"),
        ({"n_components": "auto", "tol": 1e-7}, "needs tol.* at least 1e-06"),
        ({"n_components": "auto", "tol": 1.0}, "needs tol.*below 1"),
        ({"algorithm": "magic"}, "'algorithm' parameter of RandomizedSVD"),
        ({"n_iter": -1}, "'n_iter' parameter of RandomizedSVD"),
        ({"n_oversamples": 0}, "'n_oversamples' parameter of RandomizedSVD"),
        ({"power_iteration_normalizer": "SVD"}, "'power_iteration_normalizer' parameter"),
        ({"tol": -1.0}, "'tol' parameter of RandomizedSVD"),
        ({"center": 1}, "'center' parameter of RandomizedSVD"),
    ],
)
def test_bad_parameters_leave_the_estimator_unchanged(parameters, message):
    svd = RandomizedSVD(3).fit(data()).set_params(**parameters)
    before = copy.deepcopy(vars(svd))
    with pytest.raises(ValueError, match=message):
        svd.fit(data(seed=1))
    assert vars(svd).keys() == before.keys()
    assert_array_equal(svd.components_, before["components_"])


def test_pickle_and_clone():
    X = data()
    svd = RandomizedSVD(3, center=True).fit(X)
    restored = pickle.loads(pickle.dumps(svd))
    assert_array_equal(restored.transform(X), svd.transform(X))
    assert str(restored.plan_) == str(svd.plan_)
    assert not hasattr(clone(svd), "components_")
