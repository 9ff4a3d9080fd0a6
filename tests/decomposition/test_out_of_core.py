"""PCA and RandomizedSVD on data that is read in chunks: the answer is that of data in memory."""

import copy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skstruct.decomposition import PCA, RandomizedSVD
from skstruct.decomposition._pca import SOLVERS
from skstruct.decomposition._randomized_svd import ALGORITHMS
from skstruct.linalg import _sources

N, P = 200, 12


class Store:
    """What h5py and zarr offer of an array on disk: row slices, and no arithmetic."""

    def __init__(self, X):
        self._X, self.shape, self.dtype = X, X.shape, X.dtype

    def __getitem__(self, rows):
        assert isinstance(rows, slice)
        return self._X[rows].copy()


def data(n=N, p=P):
    rng = np.random.default_rng([n, p])
    r = min(n, p)
    X = rng.standard_normal((n, r)) * np.geomspace(1, 0.01, r) @ rng.standard_normal((r, p))
    return X + 3.0


def mapped(X, path, mode="r"):
    file = np.lib.format.open_memmap(path / "X.npy", "w+", X.dtype, X.shape)
    file[:] = X
    file.flush()
    return np.load(path / "X.npy", mmap_mode=mode)


def in_blocks(X, path, make=np.asarray):
    return [make(X[:50]), make(X[50:51]), make(X[51:])]


SOURCES = {
    "memmap": mapped,
    "store": lambda X, path: Store(X),
    "dense blocks": in_blocks,
    "sparse blocks": lambda X, path: in_blocks(X, path, sparse.csr_array),
    "both": lambda X, path: [X[:50], sparse.csc_matrix(X[50:])],
}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Chunks of 15 rows, and every memory-mapped file counts as large."""
    monkeypatch.setattr(_sources, "MAPPED_BYTES", 1)
    monkeypatch.setattr(_sources, "CHUNK_BYTES", 8 * P * 15)
    monkeypatch.setattr(_sources, "MAX_CHUNK_BYTES", 8 * P * 15)


@pytest.fixture(params=SOURCES)
def source(request, tmp_path):
    """Make a source of an array."""
    return lambda X: SOURCES[request.param](X, tmp_path)


def assert_same(found, expected, rtol=1e-9):
    for name in (
        "singular_values_",
        "explained_variance_",
        "explained_variance_ratio_",
        "n_components_",
    ):
        assert_allclose(getattr(found, name), getattr(expected, name), rtol=rtol, err_msg=name)
    assert_allclose(found.components_, expected.components_, atol=1e-6)
    assert found.components_.dtype == expected.components_.dtype


def state(estimator):
    return {name: copy.deepcopy(value) for name, value in vars(estimator).items()}


def assert_unchanged(estimator, before):
    assert vars(estimator).keys() == before.keys()
    for name in ("components_", "mean_", "explained_variance_"):
        assert_array_equal(vars(estimator)[name], before[name])


# -- fit ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n_components", [3, 0.9])
def test_pca(source, solver, n_components):
    X = data()
    settings = {"svd_solver": solver, "tol": 1e-9, "random_state": 0}
    found = PCA(n_components, **settings).fit(source(X))
    expected = PCA(n_components, **settings).fit(X)
    assert_same(found, expected)
    assert_allclose(found.mean_, expected.mean_, rtol=1e-13)
    assert_allclose(found.noise_variance_, expected.noise_variance_, rtol=1e-8)
    assert found.n_samples_ == N
    assert found.n_features_in_ == P
    assert found.certificate_.holds


@pytest.mark.parametrize("solver", ["auto", "gram_eigh", "block_krylov", "full"])
def test_pca_of_wide_data(tmp_path, solver):
    X = data(30, 90)
    found = PCA(4, svd_solver=solver, random_state=0).fit(mapped(X, tmp_path))
    assert_same(found, PCA(4, svd_solver=solver, random_state=0).fit(X))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("center", [False, True])
def test_randomized_svd(source, algorithm, center):
    X = data()
    settings = {"algorithm": algorithm, "center": center, "random_state": 0, "tol": 1e-9}
    found = RandomizedSVD(3, n_iter="auto", **settings).fit(source(X))
    expected = RandomizedSVD(3, n_iter="auto", **settings).fit(X)
    assert_same(found, expected)
    assert_allclose(found.error_estimate_, expected.error_estimate_, rtol=1e-9)
    assert found.converged_


@pytest.mark.parametrize("algorithm", ["auto", "single_pass"])
def test_rank_for_an_accuracy(source, algorithm):
    X = data()
    settings = {"algorithm": algorithm, "tol": 0.01, "center": True}
    found = RandomizedSVD("auto", **settings).fit(source(X))
    assert_same(found, RandomizedSVD("auto", **settings).fit(X))


@pytest.mark.parametrize("estimator", [PCA(3), RandomizedSVD(3), RandomizedSVD(3, center=True)])
def test_weights(source, estimator):
    X = data()
    weights = np.random.default_rng(1).uniform(0, 2, N)
    weights[::4] = 0.0
    found = copy.copy(estimator).fit(source(X), sample_weight=weights)
    assert_same(found, copy.copy(estimator).fit(X, sample_weight=weights))


@pytest.mark.parametrize("solver", ["auto", "block_krylov"])
def test_float32(tmp_path, solver):
    X = data().astype(np.float32)
    found = PCA(3, svd_solver=solver, random_state=0).fit(mapped(X, tmp_path))
    assert_same(found, PCA(3, svd_solver=solver, random_state=0).fit(X), rtol=1e-4)
    assert found.transform(mapped(X, tmp_path)).dtype == np.float32


def test_integers_are_read_as_float64():
    X = np.round(10 * data()).astype(np.int16)
    found = PCA(3).fit(Store(X))
    assert found.components_.dtype == np.float64
    assert_same(found, PCA(3).fit(X))


def test_variances_behind_a_large_offset(source):
    X = data() + 1e6
    found = RandomizedSVD(3).fit(source(X))
    assert_same(found, RandomizedSVD(3).fit(X), rtol=1e-7)


# -- scores -------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", [PCA(3), PCA(3, whiten=True), RandomizedSVD(3)])
def test_scores(source, estimator, tmp_path):
    X = data()
    expected = estimator.fit(X).transform(X)
    chunks = source(X)
    out = np.lib.format.open_memmap(tmp_path / "scores.npy", "w+", np.float64, (N, 3))
    assert estimator.transform(chunks, out=out) is out
    assert_allclose(out, expected, atol=1e-12)
    assert_allclose(estimator.transform(chunks), expected, atol=1e-12)
    parts = list(estimator.iter_transform(chunks))
    assert len(parts) > 1
    assert_allclose(np.vstack(parts), expected, atol=1e-12)
    assert_allclose(copy.copy(estimator).fit_transform(chunks), expected, atol=1e-8)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_scores_of_data_in_memory_are_written_in_blocks_too(make):
    X = data()
    pca = PCA(3).fit(X)
    out = np.full((N, 3), np.nan, dtype=np.float32)
    pca.transform(make(X), out=out)
    assert_allclose(out, pca.transform(X), atol=1e-5)
    assert_allclose(np.vstack(list(pca.iter_transform(make(X)))), pca.transform(X), atol=1e-12)


@pytest.mark.parametrize("shape", [(N, 2), (N - 1, 3), (3, N)])
def test_scores_that_do_not_fit_are_refused(shape):
    pca = PCA(3).fit(data())
    with pytest.raises(ValueError, match=r"out must be an array of shape \(200, 3\), got"):
        pca.transform(data(), out=np.empty(shape))


def test_log_likelihoods(source):
    X = data()
    pca = PCA(3).fit(X)
    assert_allclose(pca.score_samples(source(X)), pca.score_samples(X), rtol=1e-10)
    assert_allclose(pca.score(source(X)), pca.score(X), rtol=1e-10)


# -- what cannot be read ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimator", [PCA(3), RandomizedSVD(3, center=True, algorithm="single_pass")]
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_in_a_late_chunk(source, estimator, value):
    X = data()
    estimator = copy.copy(estimator).fit(X)
    before = state(estimator)
    X[N - 2, 1] = value
    bad = source(X)
    what = "NaN" if np.isnan(value) else "infinity"
    for use in (estimator.fit, estimator.fit_transform, estimator.transform):
        with pytest.raises(ValueError, match=f"Input contains {what} in row 198"):
            use(bad)
        assert_unchanged(estimator, before)
    with pytest.raises(ValueError, match=f"{what} in row 198"):
        list(estimator.iter_transform(bad))


def test_number_of_features(source):
    pca = PCA(3).fit(source(data()))
    before = state(pca)
    message = "X has 11 features, but PCA is expecting 12 features"
    other = source(data()[:, :11])
    for use in (pca.transform, pca.score_samples, pca.partial_fit):
        with pytest.raises(ValueError, match=message):
            use(other)
    with pytest.raises(ValueError, match=message):
        next(pca.iter_transform(other))
    assert_unchanged(pca, before)


def test_an_iterator_cannot_be_read_twice():
    pca = PCA(3)
    with pytest.raises(TypeError, match=r"only once.*pass a list of blocks.*partial_fit"):
        pca.fit(iter([data()]))
    assert vars(pca) == vars(PCA(3))


def test_one_row(source):
    with pytest.raises(ValueError, match="n_samples=1: a variance needs more than one"):
        PCA(1).fit(Store(data()[:1]))
