"""float32 data multiplied in float32: close to float64, summed in float64, given up if too rough.

Every matrix here is larger than a block, as smaller ones are float64 once and for all.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skstruct.decomposition import PCA, RandomizedSVD
from skstruct.linalg import make_operand
from skstruct.linalg._dense_operand import DenseOperand
from skstruct.linalg._sources import BlockRows

SHAPES = {"tall": (6000, 30), "wide": (30, 6000)}


def data(shape, offset=0.0):
    """float32 data with standard deviations from 1 to 3, the mean at 100 times that at the most."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal(shape) * rng.uniform(1, 3, shape[1])
    return (X + offset * rng.uniform(0.5, 1, shape[1])).astype(np.float32)


def weights_of(n):
    weights = np.random.default_rng(1).uniform(0.5, 2, n)
    weights[::4] = 0.0
    return weights


def assert_close(found, expected, rtol=1e-5):
    assert found.dtype == np.float64
    assert found.shape == expected.shape
    error = np.linalg.norm(found - expected) / np.linalg.norm(expected)
    assert error <= rtol, f"off by {error:.1e} of the norm"


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("center", "offset"), [(False, 0.0), (True, 0.0), (True, 100.0)])
@pytest.mark.parametrize("mean_first", [False, True])
def test_close_to_float64(shape, order, weighted, center, offset, mean_first):
    X = np.asarray(data(shape, offset), order=order)
    weights = weights_of(len(X)) if weighted else None
    single = make_operand(X, weights, center=center, single=True)
    double = make_operand(X.astype(np.float64), weights, center=center)
    assert single.single
    assert not double.single
    if mean_first:
        assert_allclose(single.mean, double.mean, rtol=1e-6, atol=5e-6)
    rng = np.random.default_rng(2)
    V, U = rng.standard_normal((shape[1], 4)), rng.standard_normal((shape[0], 4))
    gram = "gram" if shape[0] > shape[1] else "outer_gram"
    assert_close(getattr(single, gram)(), getattr(double, gram)())
    assert_close(single.matmat(V), double.matmat(V))
    assert_close(single.rmatmat(U), double.rmatmat(U))
    assert_close(single.normal_product(V), double.normal_product(V))
    assert_close(single.outer_product(U), double.outer_product(U))
    assert_close(single.column_sq_norms, double.column_sq_norms)
    assert_close(single.projected_gram(V), double.projected_gram(V), 1e-9)
    assert_allclose(single.sq_norm, double.sq_norm, rtol=1e-5)
    assert_allclose(single.mean, double.mean, rtol=1e-6, atol=5e-6)


@pytest.mark.parametrize("is_wide", [False, True])
def test_blocks_are_summed_in_float64(is_wide):
    # The integers of a block's product are exact in float32, those of the sum are not.
    rng = np.random.default_rng(3)
    X = rng.integers(0, 32, (200_000, 8)).astype(np.float32)
    exact = X.T.astype(np.float64) @ X.astype(np.float64)
    assert np.any(exact != exact.astype(np.float32))
    X = np.ascontiguousarray(X.T) if is_wide else X
    operand = make_operand(X, single=True)
    assert operand.single
    assert_array_equal(operand.outer_gram() if is_wide else operand.gram(), exact)
    dense, side = X.astype(np.float64), rng.integers(0, 32, (200_000, 2)).astype(np.float64)
    product = operand.matmat(side) if is_wide else operand.rmatmat(side)
    assert_array_equal(product, dense @ side if is_wide else dense.T @ side)
    ones = np.ones((8, 1))
    few = make_operand(X % 4, single=True)
    again = few.outer_product(ones) if is_wide else few.normal_product(ones)
    gram = (dense % 4) @ (dense % 4).T if is_wide else (dense % 4).T @ (dense % 4)
    assert_array_equal(again, gram @ ones)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("offset", [0.0, 100.0])
@pytest.mark.parametrize("first", ["gram", "mean", "nothing"])
def test_in_double(shape, offset, first):
    X = data(shape, offset)
    weights = weights_of(len(X))
    single = make_operand(X, weights, center=True, single=True)
    if first == "gram":
        single.gram() if shape[0] > shape[1] else single.outer_gram()
    elif first == "mean":
        assert single.mean.any()
    twin, double = single.in_double(), make_operand(X.astype(np.float64), weights, center=True)
    assert not twin.single
    assert twin.in_double() is twin
    V = np.random.default_rng(4).standard_normal((shape[1], 4))
    gram = "gram" if shape[0] > shape[1] else "outer_gram"
    # The mean that single precision has found is off by 1e-7 of the deviations, which counts by
    # its square in A'A; in AA' and in products by itself.
    rtol = 1e-11 if gram == "gram" else 1e-6
    assert_close(getattr(twin, gram)(), getattr(double, gram)(), rtol)
    assert_close(twin.normal_product(V), double.normal_product(V), rtol)


def test_in_double_is_exact_where_nothing_is_centred():
    X = data((6000, 30), 100.0)
    twin, double = make_operand(X, single=True).in_double(), make_operand(X)
    assert_array_equal(twin.gram(), double.gram())
    assert twin.sq_norm == double.sq_norm


def test_a_given_mean():
    X = data((6000, 30), 100.0)
    mean = X.mean(axis=0, dtype=np.float64) + 0.1
    single, double = make_operand(X, mean=mean, single=True), make_operand(X, mean=mean)
    V = np.random.default_rng(5).standard_normal((30, 3))
    assert_close(single.matmat(V), double.matmat(V))
    assert_close(single.gram(), double.gram())
    assert_array_equal(single.in_double().matmat(V), double.matmat(V))


@pytest.mark.parametrize(
    "X", [data((6000, 30)).astype(np.float64), sparse.csr_array(data((60, 30))), data((50, 20))]
)
def test_only_large_dense_float32_data_is_single(X):
    assert not make_operand(X, single=True).single


def test_chunks():
    X = data((6000, 60), 100.0)
    chunked = make_operand(BlockRows([X[:4000], X[4000:]]), center=True, single=True)
    assert chunked.single
    double = make_operand(X.astype(np.float64), center=True)
    assert_close(chunked.gram(), double.gram())
    assert_close(chunked.in_double().gram(), double.gram(), 1e-11)


# -- PCA ------------------------------------------------------------------------------------------


def decaying(n, p, smallest, offset):
    rng = np.random.default_rng(6)
    r = min(n, p)
    U = np.linalg.qr(rng.standard_normal((n, r)))[0]
    V = np.linalg.qr(rng.standard_normal((p, r)))[0]
    X = (U * np.geomspace(1, smallest, r)) @ V.T * np.sqrt(n)
    return (X + offset * X.std()).astype(np.float32)


def singular_values(X):
    X = X.astype(np.float64)
    return np.linalg.svd(X - X.mean(axis=0), compute_uv=False)


@pytest.mark.parametrize("n_components", [3, 12, 0.9, 0.9999, None])
@pytest.mark.parametrize("shape", [(5000, 40), (40, 5000)])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_eigenvalues_of_float32_data(n_components, shape, offset):
    # Down to 1e-6 of the largest: those that float32 does not resolve are found in float64.
    X = decaying(*shape, 1e-3, offset)
    pca = PCA(n_components).fit(X)
    s = singular_values(X)
    k = pca.n_components_
    resolved = s[:k] > 1e-7 * s[0]  # not the one that centring takes
    assert_allclose(pca.singular_values_[resolved], s[:k][resolved], rtol=5e-5)
    if isinstance(n_components, float):
        shares = np.cumsum(s**2) / np.sum(s**2)
        assert k == np.count_nonzero(shares <= n_components) + 1
    assert pca.certificate_.holds
    for name in ("components_", "explained_variance_", "singular_values_"):
        assert getattr(pca, name).dtype == np.float32
    assert pca.mean_.dtype == np.float64
    scores = pca.transform(X)
    assert scores.dtype == pca.inverse_transform(scores).dtype == np.float32
    assert_allclose(np.linalg.norm(scores[:, 0].astype(float)), s[0], rtol=1e-5)


@pytest.mark.parametrize("solver", ["full", "covariance_eigh", "block_krylov", "arpack"])
def test_every_solver_on_float32_data(solver):
    X = decaying(5000, 40, 1e-2, 10.0)
    s = singular_values(X)
    pca = PCA(10, svd_solver=solver, random_state=0).fit(X)
    assert_allclose(pca.explained_variance_, s[:10] ** 2 / 4999, rtol=1e-4)
    assert pca.certificate_.holds


@pytest.mark.parametrize("algorithm", ["auto", "block_krylov", "randomized", "single_pass"])
@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_randomized_svd_of_float32_data(algorithm, center, offset):
    X = decaying(5000, 40, 1e-2, offset)
    svd = RandomizedSVD(5, algorithm=algorithm, n_iter="auto", center=center, random_state=0).fit(X)
    exact = X.astype(np.float64)
    expected = singular_values(X) if center else np.linalg.svd(exact, compute_uv=False)
    assert_allclose(svd.singular_values_, expected[:5], rtol=5e-5)
    variances = (exact @ svd.components_.T.astype(np.float64)).var(axis=0)
    assert_allclose(svd.explained_variance_, variances, rtol=1e-4)
    share = variances / exact.var(axis=0).sum()
    assert_allclose(svd.explained_variance_ratio_, share, rtol=1e-4)
    assert svd.components_.dtype == svd.singular_values_.dtype == np.float32
    assert svd.converged_


@pytest.mark.parametrize(
    ("parameters", "is_single"),
    [
        ({"n_components": 3}, True),
        ({"n_components": 0.5}, True),
        ({"n_components": 3, "tol": 1e-4}, True),
        ({"n_components": 3, "tol": 1e-8}, False),
        ({"n_components": None}, False),
        ({"n_components": "mle"}, False),
    ],
)
def test_when_float32_is_enough(parameters, is_single, monkeypatch):
    seen = []
    settle = DenseOperand.normal_equations

    def spy(self, Y):
        seen.append(self.single)
        return settle(self, Y)

    monkeypatch.setattr(DenseOperand, "normal_equations", spy)
    X = decaying(5000, 40, 0.5, 0.0)
    PCA(svd_solver="covariance_eigh", **parameters).fit(X)
    assert seen == [is_single]


def test_what_float32_does_not_resolve_is_computed_again(monkeypatch):
    seen = []
    settle = DenseOperand.normal_equations

    def spy(self, Y):
        seen.append(self.single)
        return settle(self, Y)

    monkeypatch.setattr(DenseOperand, "normal_equations", spy)
    X = decaying(5000, 40, 1e-3, 0.0)
    PCA(30, svd_solver="covariance_eigh").fit(X)
    assert seen == [True, False]


@pytest.mark.parametrize("shape", [(6000, 300), (300, 6000)], ids=str)
def test_values_that_spread_as_those_of_patches_are_certified_in_float32(shape):
    n, p = shape
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.standard_normal((m, 20)))[0] for m in shape)
    X = (U * np.geomspace(100, 100 / 30, 20)) @ V.T + 1e-4 * rng.standard_normal((n, p))
    pca = PCA(20, svd_solver="covariance_eigh" if n > p else "gram_eigh").fit(X.astype(np.float32))
    assert [attempt.outcome for attempt in pca.plan_.attempts] == ["certified"]
    overlap = pca.components_ @ pca.components_.T
    np.testing.assert_allclose(overlap, np.eye(20), atol=1e-6)
