"""error_estimate_ lies between the true error and twice that, over many spectra."""

from itertools import product

import numpy as np
import pytest
from scipy import sparse
from spectra import SHAPES, SPECTRA, matrix

from skstruct.decomposition import RandomizedSVD
from skstruct.decomposition._randomized_svd import ALGORITHMS

# A sketch with few iterations may say that it is rough: its estimate is judged all the same.
pytestmark = pytest.mark.filterwarnings("ignore:RandomizedSVD did not reach")

TELLING = ["white", "exponential", "deficient", "offset"]
SMALL = ["two", "single", "square", "tall", "wide"]
# Errors below this share of ||X||_F count as nothing: small components found by way of XX' are
# orthonormal to eps / 1e-4 only. Where X'X alone is kept, its own rounding is 1e-14.
FLOOR = 5e-12
GRAM_FLOOR = 2e-7


def floor_of(algorithm):
    return GRAM_FLOOR if algorithm == "single_pass" else FLOOR


def true_error(X, components):
    """||X - X V V'||_F."""
    V = components.T.astype(np.float64)
    return float(np.linalg.norm(X - (X @ V) @ V.T))


def assert_estimate(svd, X, floor):
    size = np.linalg.norm(X)
    error, estimate = true_error(X, svd.components_), svd.error_estimate_
    if error <= floor * size:
        assert 0 <= estimate <= 2 * floor * size, f"{estimate / size:.1e} of nothing"
    else:
        assert error * (1 - 1e-9) <= estimate <= 2 * error, (
            f"{estimate / error} times the error, which is {error / size:.1e} of the norm"
        )


def ranks(shape):
    shorter = min(SHAPES[shape])
    return sorted({1, max(1, shorter // 4), shorter})


@pytest.mark.parametrize(
    ("spectrum", "shape", "algorithm", "center"),
    [
        *product(SPECTRA, SMALL, [a for a in ALGORITHMS if a != "single_pass"], [False]),
        *product(TELLING, SMALL, ["auto", "block_krylov", "randomized"], [True]),
        *product(TELLING, SMALL, ["single_pass"], [False, True]),
        *product(["white", "exponential", "deficient"], ["long", "broad"], ["auto"], [True]),
    ],
)
def test_estimate(spectrum, shape, algorithm, center):
    X = matrix(spectrum, shape)
    mean = X.astype(np.longdouble).mean(axis=0) if center else 0
    A = (X - mean).astype(np.float64)
    for k in ranks(shape):
        svd = RandomizedSVD(k, algorithm=algorithm, center=center, random_state=0).fit(X)
        assert_estimate(svd, A, floor_of(algorithm))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("layout", ["dense", "csr"])
@pytest.mark.parametrize("share", [1e-3, 3e-6, 1e-6, 3e-7, 1e-9, 0.0])
def test_small_errors(algorithm, layout, share):
    # Where the difference of the energies goes over into a measurement, at 1e-6.
    rng = np.random.default_rng(0)
    X = rng.standard_normal((120, 5)) @ rng.standard_normal((5, 60))
    noise = rng.standard_normal((120, 60))
    X += share * np.linalg.norm(X) / np.linalg.norm(noise) * noise
    given = sparse.csr_array(X) if layout == "csr" else X
    svd = RandomizedSVD(5, algorithm=algorithm, random_state=0).fit(given)
    assert_estimate(svd, X, floor_of(algorithm))


@pytest.mark.parametrize("k", [1, 4, 5, 9])
@pytest.mark.parametrize("share", [1e-2, 1e-8])
def test_float32(k, share):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((200, 5)) @ rng.standard_normal((5, 30))
    X = (X + share * rng.standard_normal(X.shape)).astype(np.float32)
    svd = RandomizedSVD(k).fit(X)
    # Components rounded to float32 leave that much of the data outside of them.
    assert_estimate(svd, X.astype(np.float64), 1e-6)


@pytest.mark.parametrize("shape", [(5000, 40), (40, 5000)])
@pytest.mark.parametrize("algorithm", ["auto", "block_krylov", "randomized"])
@pytest.mark.parametrize("share", [0.1, 1e-2, 1e-4, 1e-5, 0.0])
def test_float32_larger_than_a_block(shape, algorithm, share):
    # It is multiplied in float32, whose sums of squares have six digits.
    rng = np.random.default_rng(2)
    X = rng.standard_normal((shape[0], 5)) @ rng.standard_normal((5, shape[1]))
    X = (X + share * rng.standard_normal(shape)).astype(np.float32)
    svd = RandomizedSVD(5, algorithm=algorithm, random_state=0).fit(X)
    assert_estimate(svd, X.astype(np.float64), 2e-6)
