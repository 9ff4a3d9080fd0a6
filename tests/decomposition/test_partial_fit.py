"""PCA.partial_fit: the same as fit on all rows, whatever the batches."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone

from skstruct.decomposition import PCA
from skstruct.linalg import _running

# The first batch has rows enough for every n_components; or else there is no number to fulfil.
SIZES = {"one": [240], "even": [60] * 4, "rows": [20] + [1] * 220, "mixed": [17, 1, 100, 2, 120]}


def data(n=240, p=15, seed=0):
    rng = np.random.default_rng([n, p, seed])
    V = np.linalg.qr(rng.standard_normal((p, p)))[0]
    return rng.standard_normal((n, p)) * np.geomspace(1, 0.05, p) @ V + rng.standard_normal(p)


def low_rank(n=400, p=60, noise=0.01):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((n, 3)) * [9, 6, 3] @ rng.standard_normal((3, p))
    return X + noise * rng.standard_normal((n, p)) + 5.0


def batches(X, sizes):
    stops = np.cumsum(sizes)
    assert stops[-1] == X.shape[0]
    return [X[stop - size : stop] for stop, size in zip(stops, sizes, strict=True)]


def fed(pca, parts, weights=None):
    for i, part in enumerate(parts):
        pca.partial_fit(part, sample_weight=None if weights is None else weights[i])
    return pca


def assert_same(ours, whole, rtol=1e-9, atol=1e-7):
    assert ours.n_components_ == whole.n_components_
    for name in (
        "explained_variance_",
        "explained_variance_ratio_",
        "singular_values_",
        "noise_variance_",
    ):
        assert_allclose(getattr(ours, name), getattr(whole, name), rtol=rtol, err_msg=name)
    assert_allclose(ours.components_, whole.components_, atol=atol)
    assert_allclose(ours.mean_, whole.mean_, rtol=1e-12, atol=1e-14)


# -- few columns: exact -------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("n_components", [3, 0.9, None, "mle"])
def test_equals_fit_on_all_rows(sizes, n_components):
    X = data()
    pca = fed(PCA(n_components), batches(X, sizes))
    assert_same(pca, PCA(n_components).fit(X))
    assert pca.n_samples_seen_ == pca.n_samples_ == 240
    assert pca.certificate_.holds
    new = data(seed=2)
    assert_allclose(pca.transform(new), PCA(n_components).fit(X).transform(new), atol=1e-6)
    assert_allclose(pca.score(new), PCA(n_components).fit(X).score(new), rtol=1e-8)


@pytest.mark.parametrize("n_components", [1, 0.9, None])
def test_single_rows_from_the_first_on(n_components):
    X = data(60, 8)
    pca = PCA(n_components).partial_fit(X[:1])
    assert not hasattr(pca, "components_")  # one observation has no variance
    assert_array_equal(pca.mean_, X[0])
    assert_same(fed(pca, batches(X[1:], [1] * 59)), PCA(n_components).fit(X))


def test_order_of_batches():
    parts = batches(data(), SIZES["mixed"])
    assert_same(fed(PCA(4), parts[::-1]), fed(PCA(4), parts))


@pytest.mark.parametrize("drift", [0.0, 10.0])
@pytest.mark.parametrize("offset", [1e3, 1e6])
def test_large_offsets_and_drifting_means(drift, offset):
    X = data() + offset
    X += drift * np.arange(240)[:, None] * np.linspace(-1, 1, 15)
    exact = X.astype(np.longdouble)
    s = np.linalg.svd(np.asarray(exact - exact.mean(axis=0), dtype=np.float64))[1]
    pca = fed(PCA(), batches(X, SIZES["mixed"]))
    # Of a Gram matrix, values are right to eps s_1^2; and of its mean to eps.
    resolved = s**2 > 1e-6 * s[0] ** 2
    assert_allclose(pca.singular_values_[resolved], s[resolved], rtol=1e-9)
    assert_allclose(pca.mean_, np.asarray(exact.mean(axis=0), float), rtol=1e-15)
    assert resolved.sum() >= 1 + (14 if drift == 0 else 0)


def test_sparse_and_dense_batches_mixed():
    X = data() * (np.random.default_rng(2).random((240, 15)) < 0.3)
    parts = batches(X, [40] * 6)
    for make, i in ((sparse.csr_array, 1), (sparse.csc_matrix, 3), (np.asfortranarray, 4)):
        parts[i] = make(parts[i])
    assert_same(fed(PCA(4), parts), PCA(4).fit(X))


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_weights(make):
    X = data()
    weights = np.random.default_rng(3).uniform(0, 2, 240)
    weights[::5] = 0.0
    parts, shares = batches(make(X), SIZES["mixed"]), batches(weights, SIZES["mixed"])
    shares[1][:] = 0.7  # a batch of one row
    pca = fed(PCA(4), parts, shares)
    assert_same(pca, PCA(4).fit(make(X), sample_weight=np.concatenate(shares)))


def test_integer_weights_equal_repetition():
    X = data()
    counts = np.random.default_rng(4).integers(0, 4, 240)
    counts[17] = 2
    sizes = SIZES["mixed"]
    pca = fed(PCA(4), batches(X, sizes), batches(counts, sizes))
    assert_same(pca, PCA(4).fit(np.repeat(X, counts, axis=0)))


def test_float32():
    X = data().astype(np.float32)
    pca = fed(PCA(4), batches(X, SIZES["mixed"]))
    assert pca.components_.dtype == pca.explained_variance_.dtype == np.float32
    assert pca.mean_.dtype == np.float64
    # What is kept is float64: the same as of the same numbers in float64, rounded once.
    assert_same(pca, PCA(4).fit(X.astype(np.float64)), rtol=1e-6, atol=1e-6)


def test_a_source_of_rows_as_a_batch():
    X = data()
    pca = PCA(4).partial_fit([X[:50], X[50:120]]).partial_fit([sparse.csr_array(X[120:])])
    assert_same(pca, PCA(4).fit(X))


def test_whiten():
    X = data()
    pca = fed(PCA(4, whiten=True), batches(X, SIZES["even"]))
    scores = pca.transform(X)
    assert_allclose(scores.T @ scores / 239, np.eye(4), atol=1e-9)
    assert_allclose(
        pca.inverse_transform(scores),
        PCA(4).fit(X).inverse_transform(scores * np.sqrt(pca.explained_variance_)),
        atol=1e-8,
    )


# -- many columns: a factor of limited rank -----------------------------------------------------


@pytest.fixture
def few_columns_allowed(monkeypatch):
    monkeypatch.setattr(_running, "MAX_GRAM_COLUMNS", 10)


@pytest.mark.usefixtures("few_columns_allowed")
@pytest.mark.parametrize("sizes", [[400], [100] * 4, [10] + [1] * 390, [30, 1, 300, 69]])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_leading_components_of_many_columns(sizes, make):
    X = low_rank()
    pca, whole = fed(PCA(3), batches(make(X), sizes)), PCA(3).fit(X)
    # Per batch the noise loses what is outside of 16 of 60 directions, 1e-6 of the energies.
    assert_allclose(pca.explained_variance_, whole.explained_variance_, rtol=1e-5)
    assert_allclose(np.abs(pca.components_ @ whole.components_.T), np.eye(3), atol=1e-3)
    # The total is exact, and what was truncated counts as not explained.
    total = X.var(axis=0, ddof=1).sum()
    assert_allclose(pca.explained_variance_ratio_ * total, pca.explained_variance_, rtol=1e-10)
    left_out = total - pca.explained_variance_.sum()
    assert_allclose(pca.noise_variance_, left_out / 57, rtol=1e-7)
    assert_allclose(pca.mean_, X.mean(axis=0), rtol=1e-12)
    assert len(pca._seen.operand().to_dense()) == 2 * 3 + _running.SPARE_ROWS


@pytest.mark.usefixtures("few_columns_allowed")
@pytest.mark.parametrize("n_components", [3, 0.999, None])
def test_nothing_is_lost_of_low_rank(n_components):
    X = low_rank(noise=0.0)
    pca, whole = fed(PCA(n_components), batches(X, [100] * 4)), PCA(n_components).fit(X)
    assert pca.n_components_ == whole.n_components_
    assert_allclose(pca.explained_variance_[:3], whole.explained_variance_[:3], rtol=1e-9)
    assert_allclose(pca.components_[:3], whole.components_[:3], atol=1e-9)


@pytest.mark.usefixtures("few_columns_allowed")
def test_weights_of_many_columns():
    X = low_rank(noise=0.0)
    counts = np.random.default_rng(5).integers(0, 3, 400)
    pca = fed(PCA(3), batches(X, [100] * 4), batches(counts, [100] * 4))
    whole = PCA(3).fit(np.repeat(X, counts, axis=0))
    assert_allclose(pca.explained_variance_, whole.explained_variance_, rtol=1e-9)
    assert_allclose(pca.explained_variance_ratio_, whole.explained_variance_ratio_, rtol=1e-9)


# -- one life of an estimator -------------------------------------------------------------------


@pytest.mark.parametrize("columns", [100, 10])
@pytest.mark.parametrize("n_components", [3, None])
def test_continuing_after_fit(n_components, columns, monkeypatch):
    monkeypatch.setattr(_running, "MAX_GRAM_COLUMNS", columns)
    X = low_rank(noise=0.0)  # so that nothing was left out
    pca = fed(PCA(n_components).fit(X[:250]), batches(X[250:], [100, 1, 49]))
    whole = PCA(n_components).fit(X)
    assert pca.n_samples_seen_ == pca.n_samples_ == 400
    assert pca.n_components_ == whole.n_components_
    assert_allclose(pca.explained_variance_[:3], whole.explained_variance_[:3], rtol=1e-9)
    assert_allclose(pca.components_[:3], whole.components_[:3], atol=1e-9)
    assert_allclose(pca.mean_, whole.mean_, rtol=1e-12)


@pytest.mark.parametrize("columns", [100, 10])
def test_a_share_of_all_variance_after_fit(columns, monkeypatch):
    # Not of what the fit has left of it: that would be 0.9 of 0.9.
    monkeypatch.setattr(_running, "MAX_GRAM_COLUMNS", columns)
    X = data()
    pca = PCA(0.9).fit(X[:200])
    for start in range(200, 240, 10):
        pca.partial_fit(X[start : start + 10])
        possible = 1 - 0.1 * 200 / (start + 10)
        assert pca.explained_variance_ratio_.sum() > min(0.9, possible)


def test_total_variance_after_fit_is_exact():
    X = data()
    pca = PCA(2).fit(X[:100]).partial_fit(X[100:])
    total = X.var(axis=0, ddof=1).sum()
    assert_allclose(pca.explained_variance_ratio_ * total, pca.explained_variance_, rtol=1e-10)


def test_fit_starts_anew():
    X = data()
    pca = fed(PCA(3), batches(X, SIZES["even"]))
    pca.fit(X[:100])
    assert_same(pca, PCA(3).fit(X[:100]))
    assert not hasattr(pca, "n_samples_seen_")
    # and what is fed next continues from that
    assert pca.partial_fit(X[100:]).n_samples_seen_ == 240


@pytest.mark.parametrize("between", [copy.deepcopy, lambda pca: pickle.loads(pickle.dumps(pca))])
def test_copies_between_batches(between):
    X = data()
    first = PCA(3).partial_fit(X[:100])
    values = first.explained_variance_.copy()
    second = between(first).partial_fit(X[100:])
    assert_same(second, PCA(3).fit(X))
    assert_array_equal(first.explained_variance_, values)
    assert_same(first.partial_fit(X[100:]), second)


def test_a_clone_has_seen_nothing():
    X = data()
    pca = clone(PCA(3).partial_fit(X[:100] + 50))
    assert_same(pca.partial_fit(X[100:]), PCA(3).fit(X[100:]))


@pytest.mark.parametrize("columns", [15, 5])
@pytest.mark.parametrize(
    ("bad", "weights", "message"),
    [
        (np.full((3, 15), np.nan), None, "NaN"),
        (np.ones((3, 14)), None, "14 features.*expecting 15"),
        (np.ones((3, 15)), [1.0, -1.0, 1.0], "Negative values"),
        ([np.ones((3, 15)), np.full((3, 15), np.inf)], None, "infinity in row 3"),
    ],
)
def test_a_failing_batch_leaves_the_estimator_unchanged(
    columns, bad, weights, message, monkeypatch
):
    monkeypatch.setattr(_running, "MAX_GRAM_COLUMNS", columns)
    X = data()
    pca, other = PCA(3).partial_fit(X[:100]), PCA(3).partial_fit(X[:100])
    before = pickle.dumps(pca)
    with pytest.raises(ValueError, match=message):
        pca.partial_fit(bad, sample_weight=weights)
    assert pickle.dumps(pca) == before
    assert_same(pca.partial_fit(X[100:]), other.partial_fit(X[100:]), rtol=1e-12)


@pytest.mark.parametrize("columns", [15, 5])
def test_a_batch_whose_components_cannot_be_found_is_not_counted(columns, monkeypatch):
    monkeypatch.setattr(_running, "MAX_GRAM_COLUMNS", columns)
    X = data()
    pca, other = PCA(3).partial_fit(X[:100]), PCA(3).partial_fit(X[:100])
    with pytest.raises(ValueError, match="n_components=16 must be"):
        pca.set_params(n_components=16).partial_fit(X[100:])
    pca.set_params(n_components=3)
    assert_same(pca.partial_fit(X[100:]), other.partial_fit(X[100:]), rtol=1e-12)


def test_a_failing_first_batch_leaves_the_estimator_new():
    pca = PCA(3)
    with pytest.raises(ValueError, match="NaN"):
        pca.partial_fit(np.full((3, 15), np.nan))
    assert vars(pca) == vars(PCA(3))
    with pytest.raises(ValueError, match=r"n_components=3 must be between 0 and .*=2"):
        pca.partial_fit(np.eye(2, 15))
    assert vars(pca) == vars(PCA(3))


def test_input_is_never_changed_nor_kept():
    X = data()
    kept = X.copy()
    pca = fed(PCA(3), batches(X, SIZES["even"]))
    assert_array_equal(X, kept)
    X[:] = 0.0
    assert_same(pca.partial_fit(kept), PCA(3).fit(np.vstack([kept, kept])))
