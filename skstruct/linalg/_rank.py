"""How many components data supports: Minka's choice."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln


def minka_rank(variances: np.ndarray, n_samples: float) -> int:
    """Return the dimension of largest evidence under probabilistic PCA.

    T. P. Minka, "Automatic choice of dimensionality for PCA" (2000), equation (77) with
    Laplace's approximation, for all dimensions at once in O(p^2).

    Parameters
    ----------
    variances : ndarray of shape (p,)
        All eigenvalues of the covariance matrix, descending.
    n_samples : float
        Number of observations.

    Returns
    -------
    int
        Between 1 and p - 1 (1 if p is 1).
    """
    p = len(variances)
    if p == 1 or not variances[0] > 0:
        return 1
    tiny = np.finfo(np.float64).eps * variances[0]
    s = np.maximum(variances, tiny)
    ranks = np.arange(1, p)
    log_s = np.log(s)

    sizes = p - np.arange(p - 1)
    log_prior = np.cumsum(gammaln(sizes / 2) - np.log(np.pi) * sizes / 2) - ranks * np.log(2)
    log_signal = -np.cumsum(log_s)[:-1] * n_samples / 2
    # Summed from the smallest on: differences of sums from the largest would lose the tail.
    noise = np.cumsum(s[::-1])[-2::-1] / (p - ranks)
    log_noise = -np.log(noise) * n_samples * (p - ranks) / 2
    n_free = p * ranks - ranks * (ranks + 1) / 2
    log_volume = np.log(2 * np.pi) * (n_free + ranks) / 2

    # log|A_Z| sums over i < rank and j > i: log (s_i - s_j) + log(1/t_j - 1/t_i) + log n, where
    # t is s with the noise variance from `rank` on.
    above = np.triu(np.ones((p, p), dtype=bool), 1)
    log_gaps = np.zeros((p, p))
    gaps = s[:, None] - s
    # The formula has a pole where eigenvalues are equal. Below rounding errors (eps s_1 s_i, in
    # singular values) the gap is put to their sampling error, which is all that data can tell.
    rounding = p * np.sqrt(tiny * np.finfo(np.float64).eps * s)[:, None]
    gaps = np.where(gaps > rounding, gaps, s[:, None] * np.sqrt(2 / n_samples))
    log_gaps[above] = np.log(gaps[above])
    all_gaps = np.cumsum(log_gaps.sum(axis=1))[:-1]
    inverse_gaps = np.where(above, log_gaps - log_s[:, None] - log_s, 0.0)
    among_signal = np.cumsum(inverse_gaps.sum(axis=0))[:-1]
    excess = 1 / noise[:, None] - 1 / s[:-1]
    below_rank = np.tril(np.ones((p - 1, p - 1), dtype=bool))
    excess = np.where(below_rank, np.maximum(excess, np.finfo(np.float64).tiny), 1.0)
    to_noise = (p - ranks) * np.log(excess).sum(axis=1)
    log_det = all_gaps + among_signal + to_noise + np.log(n_samples) * n_free

    evidence = log_prior + log_signal + log_noise + log_volume
    evidence -= log_det / 2 + ranks * np.log(n_samples) / 2
    evidence[variances[: p - 1] < tiny] = -np.inf
    return int(evidence.argmax()) + 1
