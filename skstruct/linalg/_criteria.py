"""Criteria by which a penalty is chosen: functions of a Spectrum, all to be minimised.

Every function returns an array of shape (m, t), a value for every penalty and target. R is
the squared norm of the residual, edf the effective degrees of freedom, n the number of
observations, c the coefficients without a penalty, f and z as in the module `_spectrum`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skstruct.linalg._spectrum import Spectrum

# Weight of the plain criterion in robust generalised cross-validation.
ROBUSTNESS = 0.1
# How many degrees of freedom each one counts in modified generalised cross-validation.
INFLATION = 1.4

EPS = np.finfo(np.float64).eps


def gcv(spectrum: Spectrum, alphas: np.ndarray) -> np.ndarray:
    """Generalised cross-validation, n R / (n - edf)^2 (Golub, Heath & Wahba 1979)."""
    return _gcv(spectrum, alphas, 1.0)


def mgcv(spectrum: Spectrum, alphas: np.ndarray) -> np.ndarray:
    """Return modified GCV, n R / (n - 1.4 edf)^2 (Cummins, Filloon & Nychka 2001).

    Infinite where 1.4 edf exceeds n.
    """
    return _gcv(spectrum, alphas, INFLATION)


def rgcv(spectrum: Spectrum, alphas: np.ndarray) -> np.ndarray:
    """Robust generalised cross-validation (Lukas 2006): (g + (1 - g) tr(H^2) / n) GCV, g = 0.1.

    tr(H^2) = c + sum f^2. Unlike `gcv` it does not sometimes choose to interpolate.
    """
    trace = spectrum.n_fixed + np.square(spectrum.filters(alphas)).sum(axis=0)
    weight = ROBUSTNESS + (1 - ROBUSTNESS) * trace / spectrum.n_observations
    return weight[:, None] * gcv(spectrum, alphas)


def _gcv(spectrum: Spectrum, alphas: np.ndarray, inflation: float) -> np.ndarray:
    n = spectrum.n_observations
    left = n - inflation * spectrum.degrees_of_freedom(alphas)[:, None]
    left = np.where(left > n * len(spectrum.sq_values) * EPS, left, np.nan)
    return np.nan_to_num(n * spectrum.residual_sq(alphas) / np.square(left), nan=np.inf)


def reml(spectrum: Spectrum, alphas: np.ndarray) -> np.ndarray:
    """-2 log of the restricted likelihood, up to a constant (Patterson & Thompson 1971).

    (n - c) log(J / (n - c)) + sum log(1 + d^2 / alpha) with J = R + alpha ||w||^2: coefficients are
    normal with variance sigma^2 / alpha, those without a penalty and sigma^2 are integrated
    out and estimated.
    """
    return _likelihood(spectrum, alphas, spectrum.n_observations - spectrum.n_fixed)


def ml(spectrum: Spectrum, alphas: np.ndarray) -> np.ndarray:
    """-2 log of the profile likelihood, up to a constant: as `reml` with n in place of n - c.

    The likelihood where X is orthogonal to what is fitted without a penalty.
    """
    return _likelihood(spectrum, alphas, spectrum.n_observations)


def _likelihood(spectrum: Spectrum, alphas: np.ndarray, n: int) -> np.ndarray:
    quadratic = penalised_sq(spectrum, alphas)
    with np.errstate(divide="ignore"):
        spread = np.log1p(spectrum.sq_values[:, None] / alphas).sum(axis=0)
        return n * np.log(quadratic / n) + spread[:, None]


def penalised_sq(spectrum: Spectrum, alphas: np.ndarray) -> np.ndarray:
    """Return J = R + alpha ||w||^2 = sum alpha z^2 / (d^2 + alpha) + the part outside, (m, t)."""
    return spectrum.complements(alphas).T @ np.square(spectrum.projections) + spectrum.outside_sq


def upre(spectrum: Spectrum, alphas: np.ndarray, variance: float | np.ndarray) -> np.ndarray:
    """Unbiased predictive risk, R / n + 2 sigma^2 edf / n - sigma^2 (Mallows 1973)."""
    n = spectrum.n_observations
    edf = spectrum.degrees_of_freedom(alphas)[:, None]
    return spectrum.residual_sq(alphas) / n + (2 * edf / n - 1) * variance


def discrepancy(spectrum: Spectrum, alphas: np.ndarray, variance: float | np.ndarray) -> np.ndarray:
    """|log(R / (n sigma^2))|: the residual should be as large as the noise (Morozov 1966)."""
    expected = spectrum.n_observations * variance
    with np.errstate(divide="ignore"):
        return np.abs(np.log(spectrum.residual_sq(alphas) / expected))


def lcurve(spectrum: Spectrum, alphas: np.ndarray) -> np.ndarray:
    """Minus the curvature of (log R, log ||w||^2) / 2 at its corner (Hansen & O'Leary 1993)."""
    R, E = spectrum.residual_sq(alphas), spectrum.coef_sq(alphas)
    values, z2 = spectrum.sq_values[:, None], np.square(spectrum.projections)
    slope = -2 * (np.square(spectrum.filters(alphas)) / (values * (values + alphas))).T @ z2
    alpha = alphas[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        curvature = (
            2 * E**2 * R**2 / np.abs(slope) * (1 + alpha * slope * (1 / E + alpha / R))
        ) / (alpha**2 * E**2 + R**2) ** 1.5
    return np.nan_to_num(-curvature, nan=np.inf)


def quasiopt(spectrum: Spectrum, alphas: np.ndarray) -> np.ndarray:
    """Quasi-optimality: ||alpha dw/dalpha||^2 (Tikhonov & Glasko 1965)."""
    values = spectrum.sq_values[:, None]
    weights = alphas**2 * values / (values + alphas) ** 4
    return weights.T @ np.square(spectrum.projections)


def noise_variance(spectrum: Spectrum) -> np.ndarray:
    """Return the variance of what no coefficients can fit, for each target."""
    # Eigenvalues of a Gram matrix below its rounding errors are no directions of the data.
    cutoff = 4 * spectrum.n_observations * spectrum.resolution * spectrum.sq_values.max(initial=0.0)
    rank = np.count_nonzero(spectrum.sq_values > cutoff)
    left = spectrum.n_observations - spectrum.n_fixed - rank
    if left < 1:
        raise ValueError(
            f"{spectrum.n_observations} observations leave no residual from which the noise could "
            "be estimated: give noise_variance"
        )
    return spectrum.outside_sq / left


def variance(spectrum: Spectrum, alphas: np.ndarray, criterion: str) -> np.ndarray:
    """Return the variance of an observation at a penalty of each target, of shape (t,).

    J / (n - c) by ``'reml'``, J / n by ``'ml'``, otherwise R / (n - edf).
    """
    n, targets = spectrum.n_observations, np.arange(len(alphas))
    if criterion in ("reml", "ml"):
        freedom = n - (spectrum.n_fixed if criterion == "reml" else 0)
        return penalised_sq(spectrum, alphas)[targets, targets] / freedom
    freedom = n - spectrum.degrees_of_freedom(alphas)
    freedom = np.where(freedom > n * EPS * len(spectrum.sq_values), freedom, np.nan)
    return spectrum.residual_sq(alphas)[targets, targets] / freedom


CRITERIA: dict[str, Callable[..., np.ndarray]] = {
    "gcv": gcv,
    "rgcv": rgcv,
    "mgcv": mgcv,
    "reml": reml,
    "ml": ml,
    "upre": upre,
    "discrepancy": discrepancy,
    "lcurve": lcurve,
    "quasiopt": quasiopt,
}
"""The criteria by name; leave-one-out, which needs the rows, is in `_left_out`."""

NEEDS_NOISE = ("upre", "discrepancy")

VANISHES = ("quasiopt",)
"""Criteria that vanish as the penalty goes to zero or infinity."""
