"""Named spectra as matrices, and what LAPACK says of them: the material of the accuracy tables.

Everything is deterministic: a matrix depends on its spectrum's name, its shape and its dtype.
"""

from functools import cache
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

import numpy as np
from scipy import sparse

EPS = np.finfo(np.float64).eps
# A backward stable SVD in float64 has every singular value to a few eps s_1, the oracle's as well:
# LAPACK's drivers differ by 3 eps s_1 at most where it counts, on the small values of `exponential`
# and `dominant`. A relative error of 1e-9 can be told from it down to s = 5e-6 s_1, eigenvalues
# of 3e-11 of the largest; below, the error allowed is this one.
ROUNDING = 12 * EPS


def with_values(values, n, p, rng):
    """A centred matrix of these singular values: its left vectors are orthogonal to ones."""
    U = rng.standard_normal((n, len(values)))
    U = np.linalg.qr(U - U.mean(axis=0))[0]
    V = np.linalg.qr(rng.standard_normal((p, len(values))))[0]
    return (U * values) @ V.T * np.sqrt(n) + rng.standard_normal(p)


def white(n, p, rng):
    return rng.standard_normal((n, p))


def slow(n, p, rng):
    return with_values(np.arange(1.0, min(n - 1, p) + 1) ** -0.5, n, p, rng)


def inverse(n, p, rng):
    return with_values(1 / np.arange(1.0, min(n - 1, p) + 1), n, p, rng)


def exponential(n, p, rng):
    # The last ones are below the numerical rank, those before at 1e-16 and lower once squared.
    return with_values(np.geomspace(1, 1e-15, min(n - 1, p)), n, p, rng)


def clustered(n, p, rng):
    # Groups of seven that differ in the eighth digit; a quarter of 40 or 60 cuts one apart.
    i = np.arange(min(n - 1, p))
    return with_values((1 - 1e-8 * (i % 7)) / (1 + i // 7), n, p, rng)


def dominant(n, p, rng):
    # As a column in small units gives it: a residual relative to s_1 says little of the others.
    i = np.arange(1.0, min(n - 1, p) + 1)
    return with_values(np.where(i == 1, 1e5, 1 / i), n, p, rng)


def deficient(n, p, rng):
    r = max(1, min(n - 1, p) // 6)
    return rng.standard_normal((n, r)) @ rng.standard_normal((r, p))


def duplicated(n, p, rng):
    return np.hstack([rng.standard_normal((n, half(p)))] * 2)[:, :p]


def constant(n, p, rng):
    X = rng.standard_normal((n, p))
    X[:, ::4] = 3.7  # not a binary fraction: the mean must not round it
    X[:, 1::5] = 0.0
    return X


def offset(n, p, rng, size):
    return slow(n, p, rng) + size * rng.choice([-1.0, 1.0], p)


SPECTRA = {
    f.__name__: f
    for f in (
        white,
        slow,
        inverse,
        exponential,
        clustered,
        dominant,
        deficient,
        duplicated,
        constant,
        offset,
    )
}

SOLVERS = [
    "auto",
    "full",
    "covariance_eigh",
    "gram_eigh",
    "block_krylov",
    "arpack",
    "randomized",
]

# relative error of an eigenvalue, residual asked, orthonormality
PROMISED = {"float64": (1e-9, 1e-8, 1e-10), "float32": (1e-4, 1e-5, 1e-5)}

SHAPES = {
    "two": (2, 30),
    "single": (50, 1),
    "square": (60, 60),
    "tall": (300, 40),
    "wide": (40, 300),
    "medium": (400, 350),
    "long": (2000, 120),
    "broad": (120, 2000),
    "big": (1000, 800),
}


def half(p):
    return p - p // 2


def rng_of(*key):
    return np.random.default_rng(crc32(repr(key).encode()))


def sparsified(X):
    """A third of the entries: three groups of rows, each with columns of its own.

    The pattern keeps duplicated columns equal, and ranks and decays up to a factor three in the
    index, where random zeros would make every spectrum one of noise.
    """
    n, p = X.shape
    rows, columns = np.arange(n)[:, None] % 3, np.arange(p) % half(p) % 3
    return sparse.csr_array(np.where(rows == columns, X, X.dtype.type(0)))


@cache
def matrix(spectrum, shape, dtype="float64", layout="dense"):
    n, p = SHAPES[shape]
    rng = rng_of(spectrum, shape)
    # std 1 and n = 2 apart, float32 keeps five of its seven digits behind a mean of 10.
    size = {"size": 1e3 if dtype == "float64" else 10.0} if spectrum == "offset" else {}
    X = SPECTRA[spectrum](n, p, rng, **size).astype(dtype)
    return sparsified(X) if layout == "csr" else X


class Oracle(NamedTuple):
    """Singular values (descending) and right singular vectors (in rows) of the centred data.

    `mean_rounding` is the singular value that a rounded float64 mean alone can make of zero.
    """

    s: np.ndarray
    vt: np.ndarray
    n: int
    mean_rounding: float

    @property
    def variances(self):
        return self.s**2 / (self.n - 1)

    @property
    def cutoff(self):
        """Below it a singular value is zero as far as float64 can tell."""
        rank = max(max(self.n, self.vt.shape[1]) * EPS, ROUNDING)
        return rank * self.s[0] + self.mean_rounding

    def count(self, fraction):
        """The first count of components that exceeds `fraction`; None if rounding decides."""
        shares = np.cumsum(self.variances) / self.variances.sum()
        if np.abs(shares - fraction).min() <= 1e-9:
            return None
        return int(np.count_nonzero(shares <= fraction)) + 1

    def groups(self):
        """Yield (start, stop, gap): runs of values a gap > 1e-3 s_1 away from all others."""
        p = self.vt.shape[1]
        # Directions that the thin SVD leaves out have the value zero.
        s = np.append(self.s, np.zeros(int(p > len(self.s))))
        if s[0] == 0:
            return
        gaps = np.r_[np.inf, -np.diff(s) / s[0], np.inf]
        edges = np.flatnonzero(gaps > 1e-3)
        for start, stop in pairwise(edges):
            if stop <= len(self.s):
                yield start, stop, min(gaps[start], gaps[stop], 1.0)


def oracle_of(X):
    """LAPACK's SVD of the stored numbers, centred in long double and rounded once."""
    X = (X.toarray() if sparse.issparse(X) else X).astype(np.longdouble)
    mean = X.mean(axis=0)
    _, s, vt = np.linalg.svd((X - mean).astype(np.float64), full_matrices=False)
    return Oracle(s, vt, len(X), EPS * float(np.linalg.norm(mean)) * len(X) ** 0.5)


@cache
def oracle(spectrum, shape, dtype="float64", layout="dense"):
    return oracle_of(matrix(spectrum, shape, dtype, layout))


def assert_variances(found, truth, rtol):
    """Every eigenvalue to `rtol`, those that are numerically zero to rounding."""
    k = len(found)
    s = truth.s[:k]
    scale = truth.n - 1
    found = found.astype(np.float64)
    rounding = ROUNDING * truth.s[0]
    allowed = np.maximum(rtol * s**2, (2 * s + rounding) * rounding) / scale
    error = np.abs(found - s**2 / scale)
    null = s <= truth.cutoff
    bad = np.flatnonzero(np.where(null, found * scale > 256 * truth.cutoff**2, error > allowed))
    assert np.all(found >= 0), "a variance is negative"
    assert np.all(np.diff(found) <= 0), "variances are not in descending order"
    assert not bad.size, (
        f"{bad.size} of {k} variances are wrong, first the {bad[0] + 1}-th, which is "
        f"{(s[bad[0]] / s[0]) ** 2:.1e} of the largest: relative error "
        f"{error[bad[0]] / s[bad[0]] ** 2 * scale:.1e}; worst excess over what is allowed "
        f"{(error / np.maximum(allowed, np.finfo(float).tiny))[bad].max():.1e}"
    )


def assert_components(found, truth, residual, orthonormality):
    """Orthonormal, and each in the space of its group of eigenvalues.

    A residual r leaves a component at most about r / gap outside of that space. Being
    orthonormal, the components of a group that is returned whole span it.
    """
    k = len(found)
    found = found.astype(np.float64)
    loss = np.abs(found @ found.T - np.eye(k)).max()
    assert loss <= orthonormality, f"components are orthonormal to {loss:.1e} only"
    for start, stop, gap in truth.groups():
        ours, theirs = found[start:stop], truth.vt[start:stop]
        outside = np.linalg.norm(ours - (ours @ theirs.T) @ theirs)
        assert outside <= 2 * residual / gap, (
            f"components {start + 1} to {min(stop, k)} are {outside:.1e} outside of their space, "
            f"with a gap of {gap:.1e}"
        )


def check(pca, truth, dtype, k):
    """Everything that a fit to `k` components promises."""
    rtol, residual, orthonormality = PROMISED[dtype]
    shape = pca.components_.shape
    assert shape == (k, truth.vt.shape[1]), f"components of shape {shape}, {k} were asked for"
    assert pca.explained_variance_.shape == (k,)
    assert pca.certificate_.holds, str(pca.certificate_)
    assert_variances(pca.explained_variance_, truth, rtol)
    assert_components(pca.components_, truth, residual, orthonormality)
    total = truth.variances.sum()
    if truth.s[0] > truth.cutoff:  # the total is one of variances, not of rounding errors
        ratio = pca.explained_variance_ratio_ * total
        tiny = np.finfo(pca.explained_variance_.dtype).tiny  # below it there are fewer digits
        np.testing.assert_allclose(ratio, pca.explained_variance_, rtol=rtol, atol=tiny)
