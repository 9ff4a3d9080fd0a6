"""The accuracy table: every eigenvalue of every solver against LAPACK, over many spectra.

The full product is thinned by rule, see `cases`: small shapes take everything in float64, larger
ones a single number of components and the spectra that tell most.
"""

import warnings
from itertools import product

import numpy as np
import pytest
from sklearn.decomposition import PCA as SklearnPCA  # noqa: N811 - two classes of one name
from spectra import SHAPES, SOLVERS, SPECTRA, check, matrix, oracle

from skstruct.decomposition import PCA
from skstruct.linalg import minka_rank

ITERATIVE = ["block_krylov", "arpack", "randomized"]
SMALL = ["two", "single", "square", "tall", "wide"]
TELLING = ["white", "slow", "exponential", "clustered", "dominant"]
COUNTS = ["all", "quarter", "one"]

# A solver may say that it broke down and was replaced: the answer is judged all the same. Any
# other warning is an error, above all that the certificate does not hold.
pytestmark = pytest.mark.filterwarnings("ignore:svd_solver=.*was used instead")


def cases():
    """Yield (spectrum, shape, solver, dtype, count)."""
    yield from product(SPECTRA, SMALL, SOLVERS, ["float64"], COUNTS)
    yield from product(SPECTRA, SMALL, SOLVERS, ["float32"], ["all", "quarter"])
    # Beyond, only what is not the same at a small size: convergence, blocking, subsets of eigh.
    yield from product(SPECTRA, ["medium"], SOLVERS, ["float64"], ["quarter"])
    yield from product(["exponential", "offset"], ["medium"], SOLVERS, ["float64"], ["all"])
    yield from product(["slow", "offset"], ["medium"], SOLVERS, ["float32"], ["quarter"])
    yield from product(TELLING, ["long", "broad"], ITERATIVE, ["float64"], ["quarter", "one"])
    # The one size at which an iteration restarts before its basis is the whole space.
    yield from product(TELLING, ["big"], ["auto", *ITERATIVE], ["float64"], ["twenty"])
    # The Gram matrix of the longer side is 2000 x 2000: once each.
    for shape, solvers in (
        ("long", ["full", "covariance_eigh", "auto"]),
        ("broad", ["full", "gram_eigh", "auto"]),
    ):
        yield from product(["exponential", "offset"], [shape], solvers, ["float64"], ["all"])
    yield "slow", "long", "gram_eigh", "float64", "quarter"
    yield "slow", "broad", "covariance_eigh", "float64", "quarter"


def n_components(count, shape, solver):
    quarter = max(1, min(SHAPES[shape]) // 4)
    # None is one component less with arpack, as in scikit-learn.
    everything = min(SHAPES[shape]) if solver == "arpack" else None
    return {"all": everything, "quarter": quarter, "twenty": 20, "one": 1}[count]


def parametrize(argnames, values):
    values = list(values)
    return pytest.mark.parametrize(argnames, values, ids=["-".join(map(str, v)) for v in values])


@parametrize(("spectrum", "shape", "solver", "dtype", "count"), cases())
def test_eigenvalues_and_components(spectrum, shape, solver, dtype, count):
    k = n_components(count, shape, solver)
    pca = PCA(k, svd_solver=solver, random_state=0).fit(matrix(spectrum, shape, dtype))
    check(pca, oracle(spectrum, shape, dtype), dtype, k or min(SHAPES[shape]))


@parametrize(
    ("spectrum", "shape", "solver", "dtype", "count"),
    [
        *product(SPECTRA, ["square", "tall", "wide"], SOLVERS, ["float64"], ["quarter"]),
        *product(["slow", "deficient"], ["tall", "wide"], SOLVERS, ["float32"], ["quarter"]),
        *product(["slow", "deficient"], ["two", "single", "tall"], SOLVERS, ["float64"], ["all"]),
    ],
)
def test_sparse(spectrum, shape, solver, dtype, count):
    k = n_components(count, shape, solver)
    X = matrix(spectrum, shape, dtype, "csr")
    pca = PCA(k, svd_solver=solver, random_state=0).fit(X)
    check(pca, oracle(spectrum, shape, dtype, "csr"), dtype, k or min(SHAPES[shape]))


@parametrize(
    ("spectrum", "shape", "solver", "layout"),
    [
        *product(SPECTRA, ["two", "single", "square", "tall", "wide"], SOLVERS, ["dense"]),
        *product(["slow", "offset"], ["tall", "wide"], SOLVERS, ["csr"]),
        *product(["inverse"], ["big"], ["auto", *ITERATIVE], ["dense"]),
    ],
)
def test_energy_fraction(spectrum, shape, solver, layout):
    truth = oracle(spectrum, shape, layout=layout)
    if truth.s[0] == 0:
        pytest.skip("a share of no variance")
    expected = truth.count(0.9)
    if expected is None:
        pytest.skip("the count hangs on rounding")
    X = matrix(spectrum, shape, layout=layout)
    pca = PCA(0.9, svd_solver=solver, random_state=0).fit(X)
    assert pca.n_components_ == expected
    check(pca, truth, "float64", expected)


# scikit-learn calls every variance below 1e-15 zero, whatever the largest is, and chooses no
# component at all of a single column: those are compared to our formula on LAPACK's variances.
NOT_TINY = [name for name in SPECTRA if name != "exponential"]


@parametrize(
    ("spectrum", "shape", "solver", "layout"),
    [
        *product(NOT_TINY, ["tall", "square"], SOLVERS, ["dense"]),
        *product(["white", "slow", "offset"], ["tall"], SOLVERS, ["csr"]),
        *product(["slow", "dominant"], ["long"], ["auto", "full"], ["dense"]),
    ],
)
def test_mle_chooses_as_sklearn(spectrum, shape, solver, layout):
    X = matrix(spectrum, shape, layout=layout)
    dense = X.toarray() if layout == "csr" else X
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its logarithms of differences that are zero
        expected = SklearnPCA("mle", svd_solver="full").fit(dense).n_components_
    pca = PCA("mle", svd_solver=solver, random_state=0).fit(X)
    assert pca.n_components_ == expected
    check(pca, oracle(spectrum, shape, layout=layout), "float64", expected)


@parametrize(
    ("spectrum", "shape", "solver"),
    [
        *product(["exponential"], ["tall", "square"], SOLVERS),
        *product(SPECTRA, ["single"], SOLVERS),
    ],
)
def test_mle_does_not_depend_on_the_solver(spectrum, shape, solver):
    X = matrix(spectrum, shape)
    pca = PCA("mle", svd_solver=solver, random_state=0).fit(X)
    truth = oracle(spectrum, shape)
    assert pca.n_components_ == minka_rank(truth.variances, truth.n)
    check(pca, truth, "float64", pca.n_components_)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("count", [None, 1, 0.9])
def test_one_observation_is_refused(solver, count):
    with pytest.raises(ValueError, match="n_samples=1: a variance needs more than one"):
        PCA(count, svd_solver=solver).fit(np.ones((1, 5)))
