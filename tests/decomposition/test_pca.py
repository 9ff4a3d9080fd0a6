"""PCA against LAPACK on explicitly centred data, and against scikit-learn's interface."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse, stats
from scipy.linalg import LinAlgWarning
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA as SklearnPCA  # noqa: N811 - two classes of one name
from sklearn.exceptions import ConvergenceWarning

import skstruct
from skstruct.decomposition import PCA
from skstruct.linalg import Breakdown
from skstruct.linalg.solvers import covariance_eigh

EXACT = ["auto", "full", "covariance_eigh", "gram_eigh", "block_krylov"]
ALL = [*EXACT, "randomized", "arpack"]


def reference(X, weights=None):
    """Eigenvalues and directions of the covariance, from data centred in long double."""
    X = np.asarray(X, dtype=np.longdouble)
    weights = np.ones(len(X)) if weights is None else np.asarray(weights, dtype=float)
    mean = (weights[:, None] * X).sum(axis=0) / weights.sum()
    centered = np.asarray((X - mean) * np.sqrt(weights)[:, None], dtype=np.float64)
    _, s, vt = np.linalg.svd(centered, full_matrices=False)
    return s**2 / (weights.sum() - 1), vt


def low_rank(rng, n, p, decay=0.7, noise=1e-2):
    r = min(n, p)
    scales = np.arange(1, r + 1) ** -decay
    return (rng.standard_normal((n, r)) * scales) @ rng.standard_normal((r, p)) + (
        noise * rng.standard_normal((n, p)) + rng.standard_normal(p)
    )


# -- numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", EXACT)
@pytest.mark.parametrize("shape", [(300, 40), (40, 300), (120, 120)])
@pytest.mark.parametrize("layout", ["C", "F", "csr", "csc"])
@pytest.mark.parametrize("weighted", [False, True])
def test_eigenvalues_and_components(solver, shape, layout, weighted):
    rng = np.random.default_rng(1)
    X = low_rank(rng, *shape)
    weights = rng.uniform(0.5, 3.0, shape[0]) if weighted else None
    given = {
        "C": X,
        "F": np.asfortranarray(X),
        "csr": sparse.csr_array(X),
        "csc": sparse.csc_matrix(X),
    }[layout]
    pca = PCA(6, svd_solver=solver, random_state=0).fit(given, sample_weight=weights)
    values, vt = reference(X, weights)
    n_available = min(shape) if weights is None else min(int(weights.sum()), shape[1])
    assert_allclose(pca.explained_variance_, values[:6], rtol=1e-9)
    assert_allclose(np.abs(pca.components_ @ vt[:6].T), np.eye(6), atol=1e-6)
    assert_allclose(pca.components_ @ pca.components_.T, np.eye(6), atol=1e-10)
    assert_allclose(pca.explained_variance_ratio_, values[:6] / values.sum(), rtol=1e-9)
    assert_allclose(pca.noise_variance_, values[6:].sum() / (n_available - 6), rtol=1e-9)
    assert pca.certificate_.holds


@pytest.mark.parametrize(("offset", "tol"), [(1e5, 1e-6), (1e7, 1e-6)])
@pytest.mark.parametrize("solver", ALL)
def test_offset_float64(offset, tol, solver):
    # scikit-learn's covariance route is wrong by 5e-5 and by 300 % here.
    rng = np.random.default_rng(2)
    X = rng.standard_normal((2000, 60)) @ np.diag(np.geomspace(1, 0.1, 60)) + offset
    values, _ = reference(X)
    pca = PCA(5, svd_solver=solver, tol=1e-8, iterated_power=60, random_state=0).fit(X)
    assert_allclose(pca.explained_variance_, values[:5], atol=tol * values[0], rtol=0)
    sums = np.abs(pca.transform(X).mean(axis=0))
    assert sums.max() < 1e-8 * offset  # the mean itself is right to rounding


@pytest.mark.parametrize("offset", [10.0, 100.0])
@pytest.mark.parametrize("solver", ["auto", "full", "gram_eigh"])
def test_offset_float32(offset, solver):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((2000, 30)) @ np.diag(np.geomspace(1, 0.03, 30)) + offset
    X = X.astype(np.float32)
    pca = PCA(svd_solver=solver).fit(X)
    values, _ = reference(X)
    assert_allclose(pca.explained_variance_, values, rtol=1e-4)
    assert pca.components_.dtype == np.float32
    assert pca.transform(X).dtype == np.float32


def test_white_noise():
    X = np.random.default_rng(4).standard_normal((600, 600))
    values, _ = reference(X)
    pca = PCA(5, random_state=0).fit(X)
    assert_allclose(pca.explained_variance_, values[:5], rtol=1e-8)
    # The case is one that a randomized sketch gets wrong by per cents.
    rough = SklearnPCA(5, svd_solver="randomized", random_state=0).fit(X)
    assert np.abs(rough.explained_variance_ / values[:5] - 1).max() > 1e-2


def test_randomized_warns_when_rough():
    X = np.random.default_rng(4).standard_normal((600, 600))
    with pytest.warns(ConvergenceWarning, match=r"residual .* asked 1e-02.*exact solver"):
        pca = PCA(5, svd_solver="randomized", iterated_power=2, random_state=0).fit(X)
    assert not pca.certificate_.holds
    assert pca.solver_ == "randomized"


@pytest.mark.parametrize("solver", ["auto", "full", "covariance_eigh", "gram_eigh"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_whitening_of_dependent_columns(solver, dtype):
    rng = np.random.default_rng(5)
    X = rng.standard_normal((500, 10)) + 3
    X = np.c_[X, X[:, 0], X[:, 1] + X[:, 2], np.full(500, 7.0)].astype(dtype)
    scores = PCA(whiten=True, svd_solver=solver).fit_transform(X)
    assert np.abs(scores).max() < 1e3
    deviations = scores.std(axis=0, ddof=1)
    assert_allclose(deviations[:10], 1.0, rtol=1e-4)
    # float32 data is dependent only to float32 rounding
    assert np.all((deviations[-2:] == 0) | (np.abs(deviations[-2:] - 1) < 0.1))


@pytest.mark.parametrize("solver", ALL)
@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("shape", [(200, 50), (50, 200)])
def test_fit_transform_equals_transform(solver, whiten, shape):
    X = low_rank(np.random.default_rng(6), *shape) + 1e3
    pca = PCA(5, svd_solver=solver, whiten=whiten, tol=1e-4, random_state=0)
    scores = pca.fit_transform(X)
    assert_allclose(pca.transform(X), scores, atol=1e-10 * np.abs(scores).max())


def test_wide_data_with_all_components():
    X = low_rank(np.random.default_rng(7), 30, 400)
    pca = PCA().fit(X)
    values, _ = reference(X)
    assert pca.n_components_ == 30
    assert_allclose(pca.explained_variance_[:-1], values[:-1], rtol=1e-9)
    assert pca.explained_variance_[-1] < 1e-20 * values[0]
    assert_allclose(pca.components_ @ pca.components_.T, np.eye(30), atol=1e-12)
    assert_allclose(pca.inverse_transform(pca.transform(X)), X, atol=1e-10)


@pytest.mark.parametrize("solver", ["auto", "covariance_eigh", "gram_eigh", "full"])
def test_small_eigenvalues(solver):
    rng = np.random.default_rng(8)
    V = np.linalg.qr(rng.standard_normal((20, 20)))[0]
    X = rng.standard_normal((400, 20)) * np.geomspace(1, 1e-7, 20) @ V.T
    pca = PCA(svd_solver=solver).fit(X)
    assert_allclose(pca.singular_values_, np.sqrt(reference(X)[0] * 399), rtol=1e-6)


def test_requested_solver_that_breaks_down_is_replaced_with_a_warning(monkeypatch):
    def break_down(problem):
        raise Breakdown("out of order")

    monkeypatch.setattr(covariance_eigh, "solve", break_down)
    X = np.random.default_rng(8).standard_normal((400, 20))
    with pytest.warns(LinAlgWarning, match="out of order.*'full' was used instead"):
        pca = PCA(svd_solver="covariance_eigh").fit(X)
    assert pca.solver_ == "full"


@pytest.mark.parametrize("fraction", [0.3, 0.9, 0.999])
@pytest.mark.parametrize("solver", EXACT)
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_energy_fraction(fraction, solver, make):
    X = low_rank(np.random.default_rng(9), 150, 60)
    share = np.cumsum(reference(X)[0]) / reference(X)[0].sum()
    expected = int(np.searchsorted(share, fraction, "right")) + 1
    pca = PCA(fraction, svd_solver=solver, random_state=0).fit(make(X))
    assert pca.n_components_ == expected
    assert pca.explained_variance_ratio_.sum() > fraction


def test_mle_agrees_with_sklearn():
    rng = np.random.default_rng(10)
    X = rng.standard_normal((300, 5)) @ rng.standard_normal((5, 20))
    X += 0.1 * rng.standard_normal((300, 20))
    pca = PCA("mle").fit(X)
    assert pca.n_components_ == SklearnPCA("mle").fit(X).n_components_ == 5


# -- weights ----------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", EXACT)
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_integer_weights_equal_repetition(solver, make):
    rng = np.random.default_rng(11)
    X = low_rank(rng, 80, 25)
    counts = rng.integers(0, 4, 80)
    weighted = PCA(4, svd_solver=solver, random_state=0)
    weighted.fit(make(X), sample_weight=counts)
    repeated = PCA(4, svd_solver=solver, random_state=0).fit(make(np.repeat(X, counts, axis=0)))
    assert_allclose(weighted.explained_variance_, repeated.explained_variance_, rtol=1e-10)
    assert_allclose(weighted.components_, repeated.components_, atol=1e-6)
    assert_allclose(weighted.noise_variance_, repeated.noise_variance_, rtol=1e-10)
    assert_allclose(weighted.mean_, repeated.mean_, rtol=1e-12)


def test_weights_beyond_the_rows_complete_the_components():
    rng = np.random.default_rng(12)
    X = rng.standard_normal((8, 20))
    weighted = PCA().fit(X, sample_weight=np.full(8, 3))
    repeated = PCA().fit(np.repeat(X, 3, axis=0))
    assert weighted.n_components_ == repeated.n_components_ == 20
    new = rng.standard_normal((5, 20))
    assert_allclose(weighted.transform(new), repeated.transform(new), atol=1e-9)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.r_[np.ones(149), -1.0], "Negative values"),
        (np.zeros(150), "at least one non-zero"),
        (np.ones(149), "inconsistent numbers of samples"),
        (np.full(150, 0.001), r"sums to 0.15.*more than 1"),
        (np.full((150, 2), 1.0), "1D array or scalar"),
        (np.r_[np.ones(149), np.nan], "NaN"),
    ],
)
def test_bad_weights(weights, message):
    with pytest.raises(ValueError, match=message):
        PCA().fit(load_iris().data, sample_weight=weights)


# -- the interface of scikit-learn --------------------------------------------------------------


@pytest.mark.parametrize("n_components", [None, 2, 0.95, "mle"])
@pytest.mark.parametrize("whiten", [False, True])
def test_agrees_with_sklearn_on_iris(n_components, whiten):
    X = load_iris().data
    ours = PCA(n_components, whiten=whiten).fit(X)
    theirs = SklearnPCA(n_components, whiten=whiten, svd_solver="full").fit(X)
    for name in (
        "components_",
        "explained_variance_",
        "explained_variance_ratio_",
        "singular_values_",
        "mean_",
        "noise_variance_",
        "n_components_",
        "n_samples_",
        "n_features_in_",
    ):
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-8, atol=1e-12)
    assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-10)
    assert_allclose(
        ours.inverse_transform(ours.transform(X)),
        theirs.inverse_transform(theirs.transform(X)),
        atol=1e-10,
    )
    # scikit-learn's model depends on `whiten`, which scales scores and not the data; ours does not
    theirs = SklearnPCA(n_components, svd_solver="full").fit(X)
    assert_allclose(ours.get_covariance(), theirs.get_covariance(), atol=1e-12)
    assert_allclose(ours.get_precision(), theirs.get_precision(), rtol=1e-7, atol=1e-9)
    assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=1e-9)
    assert_allclose(ours.score(X), theirs.score(X), rtol=1e-9)


def test_constructor_matches_sklearn():
    ours, theirs = PCA().get_params(), SklearnPCA().get_params()
    assert {name: ours[name] for name in theirs} == theirs
    import inspect

    names = list(inspect.signature(SklearnPCA).parameters)
    assert list(inspect.signature(PCA).parameters)[: len(names)] == names


def test_score_of_a_singular_model_is_that_on_its_support():
    X = np.random.default_rng(13).standard_normal((50, 4))
    X = np.c_[X, X[:, :2]]
    pca = PCA(4).fit(X)
    with pytest.warns(LinAlgWarning, match="2 of 6 directions have no variance"):
        score = pca.score_samples(X)
    model = stats.multivariate_normal(pca.mean_, pca.get_covariance(), allow_singular=True)
    assert_allclose(score, model.logpdf(X), rtol=1e-6)
    with pytest.warns(LinAlgWarning, match="fewer components"):
        precision = pca.get_precision()
    assert_allclose(precision, np.linalg.pinv(pca.get_covariance(), rcond=1e-10), atol=1e-8)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_components": -1}, "between 0 and"),
        ({"n_components": 0, "svd_solver": "arpack"}, "between 1 and"),
        ({"n_components": 5}, r"n_components=5 must be between 0 and .*=4"),
        ({"n_components": 1.5}, "'n_components' parameter of PCA"),
        ({"n_components": True}, "'n_components' parameter of PCA"),
        ({"n_components": "best"}, "'n_components' parameter of PCA"),
        ({"svd_solver": "magic"}, "'svd_solver' parameter of PCA"),
        ({"tol": -1.0}, "'tol' parameter of PCA"),
        ({"whiten": "yes"}, "'whiten' parameter of PCA"),
        ({"n_oversamples": 0}, "'n_oversamples' parameter of PCA"),
        ({"iterated_power": -1}, "'iterated_power' parameter of PCA"),
    ],
)
def test_bad_parameters_leave_the_estimator_unchanged(parameters, message):
    pca = PCA(2).fit(load_iris().data)
    pca.set_params(**parameters)
    before = copy.deepcopy(vars(pca))
    with pytest.raises(ValueError, match=message):
        pca.fit(load_iris().data)
    assert vars(pca).keys() == before.keys()
    assert_allclose(pca.components_, before["components_"])


@pytest.mark.parametrize(
    "X", [[[1.0, np.nan], [2.0, 3.0]], [[1.0, np.inf], [2.0, 3.0]], [[1.0, 2.0]], [["a"], ["b"]]]
)
def test_bad_data_leaves_the_estimator_unfitted(X):
    pca = PCA()
    with pytest.raises(ValueError):
        pca.fit(X)
    assert vars(pca) == vars(PCA())


def test_constant_data():
    pca = PCA(2).fit(np.full((10, 4), 1e9))
    assert_allclose(pca.explained_variance_, 0.0)
    assert_allclose(pca.explained_variance_ratio_, 0.0)
    assert_allclose(pca.components_ @ pca.components_.T, np.eye(2), atol=1e-14)
    assert_allclose(pca.transform(np.full((3, 4), 1e9)), 0.0)


def test_input_is_never_changed():
    X = low_rank(np.random.default_rng(14), 60, 20)
    kept = X.copy()
    X.flags.writeable = False
    for solver in EXACT:
        PCA(3, svd_solver=solver, copy=False).fit_transform(X)
    assert np.array_equal(X, kept)


def test_same_seed_same_answer():
    X = low_rank(np.random.default_rng(15), 400, 300)
    first = PCA(5, svd_solver="block_krylov", random_state=3).fit(X)
    second = PCA(5, svd_solver="block_krylov", random_state=np.random.RandomState(3))
    third = PCA(5, svd_solver="block_krylov", random_state=3).fit(X)
    assert np.array_equal(first.components_, third.components_)
    assert_allclose(first.components_, second.fit(X).components_, atol=1e-6)


def test_memory_limit_rejects_with_the_figure():
    X = np.random.default_rng(16).standard_normal((60, 3000))
    with skstruct.config_context(memory_limit=50_000_000):
        plan = PCA(5).fit(X).plan_
    verdicts = {row[0]: row[3] for row in plan.rows()}
    assert "360 MB for the 3000 x 3000 Gram matrix" in verdicts["covariance_eigh"]
    assert "limit of 50 MB" in verdicts["covariance_eigh"]
    with skstruct.config_context(memory_limit=1000), pytest.raises(MemoryError, match="no solver"):
        PCA(5).fit(X)


def test_clone_pickle_and_copies():
    X = load_digits().data
    pca = PCA(10).fit(X)
    restored = pickle.loads(pickle.dumps(pca))
    assert np.array_equal(restored.transform(X), pca.transform(X))
    assert str(restored.plan_) == str(pca.plan_)
    assert not hasattr(clone(pca), "components_")
    assert np.array_equal(copy.deepcopy(pca).components_, pca.components_)


def test_plan_is_shown():
    pca = PCA(10).fit(load_digits().data)
    text, html = str(pca.plan_), pca.plan_._repr_html_()
    for part in (pca.solver_, "predicted", "slower", "certificate", "holds"):
        assert part in text
        assert part in html
    assert "1797 x 64" in text


def test_no_warning_on_ordinary_data():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PCA().fit(load_digits().data)  # has constant columns
        PCA(0.9, whiten=True).fit_transform(load_iris().data)


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("n_components", [0, 3, 0.9, None])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_as_sklearn(whiten, n_components, dtype):
    X = low_rank(np.random.default_rng(17), 80, 9).astype(dtype)
    ours = PCA(n_components, whiten=whiten).fit(X)
    theirs = ours.as_sklearn()
    assert type(theirs) is SklearnPCA
    assert theirs.n_components == ours.n_components_
    tol = 1e-11 if dtype is np.float64 else 1e-4
    scores = ours.transform(X)
    assert_allclose(theirs.transform(X), scores, rtol=0, atol=tol)
    if n_components != 0:  # scikit-learn takes no scores without columns
        back = ours.inverse_transform(scores)
        assert_allclose(theirs.inverse_transform(scores), back, atol=tol)
    if not whiten:  # scikit-learn's model depends on it
        assert_allclose(theirs.score_samples(X), ours.score_samples(X), rtol=tol)
        assert_allclose(theirs.score(X), ours.score(X), rtol=tol)
        assert_allclose(theirs.get_covariance(), ours.get_covariance(), atol=tol)
    theirs.components_[:] = theirs.mean_[:] = 0.0
    assert_allclose(ours.transform(X), scores, atol=tol)  # its attributes are copies


def test_as_sklearn_knows_the_names():
    frame = load_iris(as_frame=True).data
    theirs = PCA(2).fit(frame).as_sklearn()
    assert list(theirs.feature_names_in_) == list(frame.columns)
    assert theirs.n_features_in_ == 4


@pytest.mark.parametrize("solver", ["auto", "full", "covariance_eigh", "gram_eigh", "block_krylov"])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_no_component_at_all(solver, make):
    X = low_rank(np.random.default_rng(18), 80, 9)
    pca = PCA(0, svd_solver=solver, random_state=0).fit(make(X))
    theirs = SklearnPCA(0, svd_solver="full").fit(X)
    assert pca.n_components_ == 0
    assert pca.components_.shape == (0, 9)
    assert pca.explained_variance_.shape == pca.explained_variance_ratio_.shape == (0,)
    assert_allclose(pca.noise_variance_, theirs.noise_variance_, rtol=1e-12)
    assert pca.transform(make(X)).shape == (80, 0)
    assert_allclose(pca.inverse_transform(np.empty((80, 0))), np.tile(X.mean(axis=0), (80, 1)))
    assert_allclose(pca.get_covariance(), np.eye(9) * theirs.noise_variance_, rtol=1e-12)
    assert_allclose(pca.score_samples(make(X)), theirs.score_samples(X), rtol=1e-10)
