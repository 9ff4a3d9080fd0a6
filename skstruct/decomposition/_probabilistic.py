"""Probabilistic PCA: the Gaussian model that k components and a noise variance define.

M. E. Tipping and C. M. Bishop, "Probabilistic principal component analysis" (1999): the
covariance is C = V diag(l - s2) V' + s2 I, with l the explained variances and s2 the noise.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.linalg import LinAlgWarning

from skstruct._estimator import user_stacklevel


def deviations(variances: np.ndarray, length: int) -> np.ndarray:
    """Return square roots of variances, zero where only rounding errors are left.

    `length` is the longer side of the data that they were found from.
    """
    roots = np.sqrt(variances.astype(np.float64))
    cutoff = length * np.finfo(np.float64).eps * roots.max(initial=0.0)
    return np.where(roots > cutoff, roots, 0.0)


def covariance(components: np.ndarray, variances: np.ndarray, noise: float) -> np.ndarray:
    """Return C, of shape (p, p)."""
    p = components.shape[1]
    excess = np.maximum(variances - noise, 0.0)
    C = (components.T * excess) @ components
    C.flat[:: p + 1] += noise
    return C


def precision(components: np.ndarray, variances: np.ndarray, noise: float) -> np.ndarray:
    """Return the inverse of C, of shape (p, p); its pseudo-inverse, with a warning, if singular.

    By orthonormality of the components, V diag(1/l - 1/s2) V' + I / s2.
    """
    p = components.shape[1]
    inverse, inverse_noise = _inverses(variances, noise, p)
    P = (components.T * (inverse - inverse_noise)) @ components
    P.flat[:: p + 1] += inverse_noise
    return P


def log_density(
    scores: np.ndarray, sq_norms: np.ndarray, variances: np.ndarray, noise: float, p: int
) -> np.ndarray:
    """Return the log-likelihood of each sample without forming C.

    Where C is singular: that of the sample's projection on the directions with variance, among
    them, with a warning.

    Parameters
    ----------
    scores : ndarray of shape (n, k)
        Projections of the centred samples on the components.
    sq_norms : ndarray of shape (n,)
        Squared norms of the centred samples.
    variances : ndarray of shape (k,)
        Explained variances.
    noise : float
        Noise variance.
    p : int
        Number of features.
    """
    k = scores.shape[1]
    inverse, inverse_noise = _inverses(variances, noise, p)
    distances = np.square(scores) @ inverse
    if k < p:
        outside = np.maximum(sq_norms - np.sum(np.square(scores), axis=1), 0.0)
        distances += outside * inverse_noise
    log_det = -np.log(inverse[inverse > 0]).sum()
    n_directions = np.count_nonzero(inverse)
    if inverse_noise > 0:
        log_det -= (p - k) * np.log(inverse_noise)
        n_directions += p - k
    return -0.5 * (distances + log_det + n_directions * np.log(2 * np.pi))


def _inverses(variances: np.ndarray, noise: float, p: int) -> tuple[np.ndarray, float]:
    """Return 1/l and 1/s2, zero where nothing but rounding errors is left of them.

    1/s2 is zero if there are no directions outside of the components, too.
    """
    k = len(variances)
    variances = np.maximum(variances.astype(np.float64), noise)
    cutoff = p * np.finfo(np.float64).eps * variances.max(initial=noise)
    inverse = np.divide(1.0, variances, out=np.zeros(k), where=variances > cutoff)
    inverse_noise = 1.0 / noise if noise > cutoff and k < p else 0.0
    n_lost = k - np.count_nonzero(inverse) + (p - k if inverse_noise == 0.0 else 0)
    if n_lost:
        warnings.warn(
            f"the covariance of the model is singular: {n_lost} of {p} directions have no "
            "variance and are left out. Use fewer components, so that the noise variance is "
            "positive.",
            LinAlgWarning,
            stacklevel=user_stacklevel(),
        )
    return inverse, inverse_noise
