"""minka_rank against the evidence written out pair by pair."""

from math import inf, log, pi

import numpy as np
import pytest
from scipy.special import gammaln

from skstruct.linalg import minka_rank


def evidence(spectrum, rank, n_samples):
    """Minka's equation (77), as documented for scikit-learn's PCA(n_components="mle")."""
    p = len(spectrum)
    if spectrum[rank - 1] < 1e-15 * spectrum[0]:
        return -inf
    prior = -rank * log(2)
    for i in range(1, rank + 1):
        prior += gammaln((p - i + 1) / 2) - log(pi) * (p - i + 1) / 2
    noise = sum(spectrum[rank:]) / (p - rank)
    noise = max(noise, 1e-15 * spectrum[0])
    likelihood = -n_samples / 2 * sum(log(value) for value in spectrum[:rank])
    likelihood -= n_samples * (p - rank) / 2 * log(noise)
    m = p * rank - rank * (rank + 1) / 2
    volume = log(2 * pi) * (m + rank) / 2
    replaced = [*spectrum[:rank], *[noise] * (p - rank)]
    log_det = 0.0
    for i in range(rank):
        for j in range(i + 1, p):
            gap = (spectrum[i] - spectrum[j]) * (1 / replaced[j] - 1 / replaced[i])
            log_det += log(gap) + log(n_samples)
    return prior + likelihood + volume - log_det / 2 - rank * log(n_samples) / 2


def brute_force(spectrum, n_samples):
    values = spectrum.tolist()
    found = [evidence(values, rank, n_samples) for rank in range(1, len(values))]
    return int(np.argmax(found)) + 1


@pytest.mark.parametrize("n_samples", [30, 500.5, 100_000])
@pytest.mark.parametrize("p", [2, 3, 7, 20, 41])
@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_the_double_loop_on_random_spectra(seed, p, n_samples):
    rng = np.random.default_rng([seed, p])
    spectrum = np.sort(rng.lognormal(sigma=1.0 + seed / 2, size=p))[::-1]
    assert minka_rank(spectrum, n_samples) == brute_force(spectrum, n_samples)


@pytest.mark.parametrize("signal", [1, 3, 8])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_agrees_on_the_spectra_of_samples_and_finds_the_planted_rank(signal, scale):
    rng = np.random.default_rng(signal)
    n, p = 400, 15
    X = rng.standard_normal((n, signal)) @ rng.standard_normal((signal, p)) * 5
    X += rng.standard_normal((n, p))
    spectrum = np.linalg.eigvalsh(np.cov(X.T))[::-1] * scale
    assert minka_rank(spectrum, n) == brute_force(spectrum, n) == signal


@pytest.mark.parametrize("seed", range(5))
def test_does_not_depend_on_the_unit(seed):
    rng = np.random.default_rng(seed)
    spectrum = np.sort(rng.lognormal(sigma=2.0, size=12))[::-1]
    ranks = {minka_rank(spectrum * unit, 200) for unit in (1e-9, 1.0, 1e9)}
    assert len(ranks) == 1


def test_one_variable_has_one_component():
    assert minka_rank(np.array([3.0]), 10) == 1
    assert minka_rank(np.array([0.0]), 10) == 1


def test_two_variables_leave_no_choice():
    assert minka_rank(np.array([2.0, 1.0]), 10) == 1


@pytest.mark.parametrize("p", [2, 5])
def test_a_zero_spectrum_gives_a_rank_in_range(p):
    assert 1 <= minka_rank(np.zeros(p), 10) <= p - 1


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_zero_variances_are_never_components(rank):
    # Data of exact rank: the likelihood grows without bound at that rank, and beyond it the
    # dimensions have no variance at all.
    spectrum = np.r_[np.linspace(5.0, 2.0, rank), np.zeros(7 - rank)]
    assert minka_rank(spectrum, 100) == rank
    assert brute_force(spectrum, 100) == rank


@pytest.mark.parametrize("n_samples", [20, 1000])
@pytest.mark.parametrize(
    "spectrum",
    [[4.0, 4.0, 1.0], [4.0, 4.0, 4.0, 0.5, 0.4, 0.3], [1.0] * 6, [9.0, 5.0, 1.0, 1.0, 1.0, 1.0]],
)
def test_ties_give_a_rank_in_range_without_warnings(spectrum, n_samples):
    # The evidence has a pole at a tie: only its finiteness can be asked for.
    assert 1 <= minka_rank(np.array(spectrum), n_samples) <= len(spectrum) - 1
