"""Probabilistic PCA: the Gaussian model that k components and a noise variance define.

M. E. Tipping and C. M. Bishop, "Probabilistic principal component analysis" (1999): the
covariance is C = V diag(l - s2) V' + s2 I, with l the explained variances and s2 the noise.
"""

from __future__ import annotations

import numpy as np


def covariance(components: np.ndarray, variances: np.ndarray, noise: float) -> np.ndarray:
    """Return C, of shape (p, p)."""
    p = components.shape[1]
    excess = np.maximum(variances - noise, 0.0)
    C = (components.T * excess) @ components
    C.flat[:: p + 1] += noise
    return C


def precision(components: np.ndarray, variances: np.ndarray, noise: float) -> np.ndarray:
    """Return the inverse of C, of shape (p, p).

    By orthonormality of the components, V diag(1/l - 1/s2) V' + I / s2.

    Raises
    ------
    numpy.linalg.LinAlgError
        A direction has no variance, so that C is singular.
    """
    k, p = components.shape
    require_positive(variances, noise, p)
    if k == p:
        return (components.T / variances) @ components
    P = (components.T * (1 / np.maximum(variances, noise) - 1 / noise)) @ components
    P.flat[:: p + 1] += 1 / noise
    return P


def log_density(
    scores: np.ndarray, sq_norms: np.ndarray, variances: np.ndarray, noise: float, p: int
) -> np.ndarray:
    """Return the log-likelihood of each sample without forming C.

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
    require_positive(variances, noise, p)
    variances = np.maximum(variances, noise)
    distances = np.sum(scores**2 / variances, axis=1)
    log_det = np.log(variances).sum()
    if k < p:
        outside = np.maximum(sq_norms - np.sum(scores**2, axis=1), 0.0)
        distances += outside / noise
        log_det += (p - k) * np.log(noise)
    return -0.5 * (distances + log_det + p * np.log(2 * np.pi))


def require_positive(variances: np.ndarray, noise: float, p: int) -> None:
    """Raise if the model gives some direction no variance."""
    smallest = min(variances.min(initial=np.inf), np.inf if len(variances) == p else noise)
    largest = variances.max(initial=noise)
    if not smallest > p * np.finfo(np.float64).eps * largest:
        raise np.linalg.LinAlgError(
            "the covariance of the model is singular: some direction has no variance. Use "
            "fewer components, so that the noise variance is positive."
        )
