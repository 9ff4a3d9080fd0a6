"""Random shapes, decays, dtypes and weights: integer weights against LAPACK on repeated rows."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import Phase, assume, example, given, settings
from hypothesis import strategies as st
from scipy import sparse
from spectra import SOLVERS, check, oracle_of, sparsified, with_values

from skstruct.decomposition import PCA

# The answer of a solver that took over is judged all the same; other warnings are errors.
pytestmark = pytest.mark.filterwarnings("ignore:svd_solver=.*was used instead")


class Case(NamedTuple):
    """A few numbers that a failure can be told by, instead of a matrix."""

    n: int
    p: int
    decay: float
    lead: float
    offset: bool
    dtype: str
    layout: str
    weighted: bool
    seed: int

    def data(self):
        """Return the data, and counts of its rows (or None) that sum to more than one."""
        rng = np.random.default_rng(self.seed)
        values = np.arange(1.0, min(self.n - 1, self.p) + 1) ** -self.decay
        values[0] *= 10**self.lead
        X = with_values(values, self.n, self.p, rng)
        if self.offset:
            X += 10.0 if self.dtype == "float32" else 1e3
        X = X.astype(self.dtype)
        counts = rng.integers(0, 4, self.n)
        counts[0] += 2 * (counts.sum() < 2)
        return sparsified(X) if self.layout == "csr" else X, counts if self.weighted else None


CASES = st.builds(
    Case,
    n=st.integers(2, 30),
    p=st.integers(1, 30),
    decay=st.floats(0, 6),
    lead=st.floats(0, 4),
    offset=st.booleans(),
    dtype=st.sampled_from(["float64", "float32"]),
    layout=st.sampled_from(["dense", "csr"]),
    weighted=st.booleans(),
    seed=st.integers(0, 1000),
)


def examples(count):
    # Without the phase that explains failures: it takes longer than all the rest.
    phases = (Phase.explicit, Phase.generate, Phase.shrink)
    return settings(max_examples=count, deadline=None, derandomize=True, phases=phases)


def repeated(X, counts):
    dense = X.toarray() if sparse.issparse(X) else X
    return dense if counts is None else np.repeat(dense, counts, axis=0)


@pytest.mark.parametrize("solver", SOLVERS)
@examples(100)
@given(CASES, st.none() | st.floats(0, 1))
# its last value but one has a share of 5e-6, and turned the zero behind it to 5e-14
@example(Case(6, 6, 1.0, 2.2897353130852807, False, "float32", "csr", False, 710), None)
def test_integer_weights_are_repeated_rows(solver, case, share):
    X, counts = case.data()
    rows = repeated(X, counts)
    available = min(rows.shape)
    k = None if share is None else max(1, round(share * available))
    if solver == "arpack" and k is None:  # which leaves one out unless it is asked for it
        k = available
    pca = PCA(k, svd_solver=solver, random_state=0).fit(X, sample_weight=counts)
    check(pca, oracle_of(rows), case.dtype, k or available)


@pytest.mark.parametrize("solver", SOLVERS)
@examples(50)
@given(CASES, st.floats(0.01, 0.999))
def test_energy_fraction(solver, case, fraction):
    X, counts = case.data()
    truth = oracle_of(repeated(X, counts))
    assume(truth.s[0] > truth.cutoff)  # a share of some variance
    expected = truth.count(fraction)
    assume(expected is not None)
    pca = PCA(fraction, svd_solver=solver, random_state=0).fit(X, sample_weight=counts)
    assert pca.n_components_ == expected
    check(pca, truth, case.dtype, expected)


@pytest.mark.parametrize("solver", SOLVERS)
def test_shares_behind_an_offset_with_empty_rows_of_no_weight(solver):
    # What the zeros of these rows contribute to the total is a weight of exactly zero times the
    # square of the mean: a rounding error of that weight would be one of the shares.
    rng = np.random.default_rng(0)
    X = rng.standard_normal((999, 20)) + 1e6
    weights = rng.uniform(0.5, 3.0, 999)
    X[::4] = weights[::4] = 0.0
    there = weights > 0
    pca = PCA(5, svd_solver=solver, random_state=0)
    shares = pca.fit(sparse.csr_array(X), sample_weight=weights).explained_variance_ratio_
    dense = PCA(5, svd_solver="full").fit(X[there], sample_weight=weights[there])
    np.testing.assert_allclose(shares, dense.explained_variance_ratio_, rtol=1e-9)
