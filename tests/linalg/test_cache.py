"""Gram matrices that are kept: the same bits, fewer passes over the data."""

import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - before the import below
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skstruct import config_context, set_config
from skstruct.decomposition import PCA
from skstruct.linalg import CACHE, make_operand
from skstruct.linalg._cache import FactorCache, gram, normal_equations, outer_gram
from skstruct.linear_model import LeastSquares, Tikhonov, TikhonovCV

ALPHAS = np.logspace(-2, 4, 6)


@pytest.fixture(autouse=True)
def empty_cache():
    CACHE.clear()
    yield
    CACHE.clear()


def data(n=6000, p=60, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = (rng.standard_normal((n, p)) + 2).astype(dtype)
    return X, X[:, :3].sum(axis=1) + rng.standard_normal(n)


@pytest.fixture
def passes(monkeypatch):
    """How often a dense Gram matrix was formed."""
    formed = []
    from skstruct.linalg import _dense_operand

    original = _dense_operand.DenseOperand._normal_equations

    def counted(self, *arguments, **named):
        formed.append(self.shape)
        return original(self, *arguments, **named)

    monkeypatch.setattr(_dense_operand.DenseOperand, "_normal_equations", counted)
    return formed


def search(model, X, y, **settings):
    settings = {"cv": KFold(3), "refit": False} | settings
    return GridSearchCV(model, {"alpha": ALPHAS}, **settings).fit(X, y)


def test_a_search_forms_two_gram_matrices_a_fold_and_gets_the_same_bits(passes):
    X, y = data()
    with_cache = search(Tikhonov(), X, y)
    assert len(passes) == 3 * 2  # at first sight, and when the fold comes back
    passes.clear()
    with config_context(factor_cache=0):
        without = search(Tikhonov(), X, y)
    assert len(passes) == 3 * len(ALPHAS)
    scores = with_cache.cv_results_["mean_test_score"]
    assert_array_equal(scores, without.cv_results_["mean_test_score"])
    expected = search(Ridge(), X, y).cv_results_["mean_test_score"]
    np.testing.assert_allclose(scores, expected, rtol=1e-10)


def test_wide_matrices_are_recognised_the_first_time(monkeypatch, passes):
    X, y = data(900, 500)
    monkeypatch.setattr("skstruct.linalg._cache.MAX_SHARE", 1.0)
    search(Tikhonov(), X, y)
    assert len(passes) == 3


def test_processes_have_caches_of_their_own():
    X, y = data(3000, 50)
    alone = search(Tikhonov(), X, y)
    together = search(Tikhonov(), X, y, n_jobs=2)
    assert_array_equal(
        alone.cv_results_["mean_test_score"], together.cv_results_["mean_test_score"]
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", ["plain", "weighted", "fortran", "sparse", "no intercept"])
def test_hits_give_the_bits_of_misses(kind, dtype):
    X, y = data(dtype=dtype)
    weights = np.random.default_rng(1).uniform(0.5, 2, len(y)) if kind == "weighted" else None
    X = {"fortran": np.asfortranarray, "sparse": sparse.csr_array}.get(kind, np.asarray)(X)
    model = Tikhonov(3.0, fit_intercept=kind != "no intercept")
    with config_context(factor_cache=0):
        fresh = clone(model).fit(X, y, weights)
    for _ in range(3):
        copied = X.copy() if sparse.issparse(X) else np.array(X, order="K")
        again = clone(model).fit(copied, y.copy(), weights)
        assert_array_equal(again.coef_, fresh.coef_)
        assert again.intercept_ == fresh.intercept_
        assert again.certificate_ == fresh.certificate_
    assert CACHE.hits == 1


@pytest.mark.parametrize("change", ["entry", "target", "weight", "intercept", "order"])
def test_anything_else_is_a_miss(change):
    X, y = data()
    weights = np.ones(len(y))

    def fit(X, y, weights, intercept=True):
        return Tikhonov(fit_intercept=intercept).fit(X, y, weights)

    for _ in range(3):
        fit(X, y, weights)
    assert CACHE.hits == 1
    X2, y2, w2, intercept = X.copy(), y.copy(), weights.copy(), True
    if change == "entry":
        X2[17, 5] = np.nextafter(X2[17, 5], np.inf)
    elif change == "target":
        y2[17] += 1e-9
    elif change == "weight":
        w2[17] = 2.0
    elif change == "order":
        X2 = np.asfortranarray(X2)
    else:
        intercept = False
    fit(X2, y2, w2, intercept)
    assert CACHE.hits == 1


def test_pipelines_halving_and_cross_validate_hit():
    X, y = data()
    pipeline = make_pipeline(FunctionTransformer(np.log1p, validate=False), StandardScaler())
    model = make_pipeline(pipeline, Tikhonov())
    X = np.abs(X)
    for alpha in ALPHAS:
        cross_validate(model.set_params(tikhonov__alpha=alpha), X, y, cv=KFold(3))
    assert CACHE.hits == 3 * (len(ALPHAS) - 2)
    CACHE.clear()
    halving = HalvingGridSearchCV(
        Tikhonov(), {"alpha": ALPHAS}, cv=KFold(3), min_resources=5000, refit=False
    )
    halving.fit(X, y)
    assert CACHE.hits >= 3 * (len(ALPHAS) - 2)


def test_pca_over_components_and_whitening(passes):
    X = data()[0]
    grid = {"n_components": [2, 5, 8], "whiten": [False, True]}
    found = GridSearchCV(PCA(svd_solver="covariance_eigh"), grid, cv=KFold(3), refit=False).fit(X)
    assert len(passes) == 3 * 2
    with config_context(factor_cache=0):
        fresh = GridSearchCV(found.estimator, grid, cv=KFold(3), refit=False).fit(X)
    scores = "mean_test_score"
    assert_array_equal(found.cv_results_[scores], fresh.cv_results_[scores])


def test_wide_data_keeps_the_gram_matrix_of_its_rows():
    X = data(60, 4000)[0]
    operand = make_operand(X, center=True)
    first = outer_gram(operand)
    for _ in range(2):
        again = make_operand(X.copy(), center=True)
        assert_array_equal(outer_gram(again), first)
        assert_array_equal(again.mean, operand.mean)
    assert CACHE.hits == 1


def test_penalty_paths_and_least_squares_share_it():
    X, y = data(20_000, 20)
    for _ in range(3):
        TikhonovCV("auto").fit(X, y)
    assert CACHE.hits == 1
    LeastSquares().fit(X, y)
    assert CACHE.hits == 2


def test_small_and_unsuitable_data_is_left_alone():
    X, y = data(200, 10)
    for _ in range(3):
        Tikhonov().fit(X, y)
    strided = np.repeat(data()[0], 2, axis=0)[::2]
    for _ in range(3):
        gram(make_operand(strided, center=True))
    assert (CACHE.hits, CACHE.misses, CACHE.n_bytes) == (0, 0, 0)


def test_what_is_kept_cannot_be_changed():
    X, y = data()
    for _ in range(2):
        kept, correlations = normal_equations(make_operand(X), y[:, None])
    for array in (kept, correlations):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 0.0


def test_changing_what_a_fit_shows_does_not_change_later_fits():
    X = data()[0]
    first = PCA(3, svd_solver="covariance_eigh").fit(X)
    expected = first.mean_.copy()
    for _ in range(3):
        pca = PCA(3, svd_solver="covariance_eigh").fit(X)
        assert_array_equal(pca.mean_, expected)
        pca.mean_[:] = np.nan  # users may
    assert CACHE.hits >= 2


def test_the_least_recently_used_make_room():
    cache = FactorCache()
    with config_context(factor_cache=3000):
        for name in (b"a", b"b", b"c"):
            cache.put(name, (np.zeros(125),), {})  # 1000 bytes each
        assert cache.get(b"a") is not None
        cache.put(b"d", (np.zeros(125),), {})
        assert cache.get(b"b") is None
        assert all(cache.get(name) is not None for name in (b"a", b"c", b"d"))
        cache.put(b"large", (np.zeros(1000),), {})  # never fits
        assert cache.get(b"large") is None
        cache.put(b"a", (np.zeros(250),), {})  # another size for the same key
        assert cache.n_bytes <= 3000
    cache.clear()
    assert cache.n_bytes == 0


def test_threads_may_share_it():
    X, y = data()
    expected = Tikhonov(2.0).fit(X, y).coef_
    failures = []

    def work(alpha):
        for _ in range(10):
            if not np.array_equal(Tikhonov(alpha).fit(X, y).coef_, results[alpha]):
                failures.append(alpha)

    results = {alpha: Tikhonov(alpha).fit(X, y).coef_ for alpha in (1.0, 2.0, 3.0)}
    assert_array_equal(results[2.0], expected)
    threads = [threading.Thread(target=work, args=(alpha,)) for alpha in results]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert 0 < CACHE.n_bytes <= 256 * 2**20


@pytest.mark.parametrize("value", [-1, 1.5, True, None, "all"])
def test_its_size_is_a_number_of_bytes(value):
    with pytest.raises(ValueError, match="factor_cache must be a number of bytes"):
        set_config(factor_cache=value)
