"""The three ways to the Spectrum of a ridge path."""

from __future__ import annotations

import numpy as np

from skstruct.linalg._cache import normal_equations, outer_gram
from skstruct.linalg._ridge_path import RidgePath
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._spectral import leading_eigenpairs, svd, tall_r_factor
from skstruct.linalg._spectrum import Spectrum

EPS = np.finfo(np.float64).eps


def from_covariance(problem: RidgePath) -> Spectrum:
    """Eigendecomposition of A'A: d^2 and V; U'y = V'A'y / d."""
    gram, correlations = normal_equations(problem.operand, problem.targets)
    values, V = leading_eigenpairs(gram, len(gram))
    problem.check_resolution(values.max(initial=0.0))
    rank = problem.rank_of(values, EPS)
    values, V = values[:rank], V[:, :rank]
    return problem.spectrum(
        values, (V.T @ correlations) / np.sqrt(values)[:, None], right=V, resolution=EPS
    )


def from_gram(problem: RidgePath) -> Spectrum:
    """Eigendecomposition of AA': d^2 and U."""
    gram = outer_gram(problem.operand)
    values, U = leading_eigenpairs(gram, len(gram))
    problem.check_resolution(values.max(initial=0.0))
    rank = problem.rank_of(values, EPS)
    values, U = values[:rank], U[:, :rank]
    return problem.spectrum(values, U.T @ problem.targets, left=U, resolution=EPS)


def from_svd(problem: RidgePath) -> Spectrum:
    """Singular value decomposition, of R if a QR factorisation shortens A."""
    operand, p = problem.operand, problem.operand.shape[1]
    is_tall = operand.shape[0] > p
    if is_tall:
        reduced = tall_r_factor(operand, rhs=problem.targets)
        A, y = reduced[:, :p], reduced[:, p:]
    else:
        A, y = operand.to_dense(), problem.targets
    U, s, right = svd(A)
    rank = problem.rank_of(s, max(operand.shape) * EPS)
    s, U, right = s[:rank], U[:, :rank], right[:rank]
    vectors = {"right": right.T} if is_tall else {"right": right.T, "left": U}
    return problem.spectrum(s**2, U.T @ y, **vectors)


def from_shorter_side(problem: RidgePath) -> Spectrum:
    """Return the cheapest that resolves the smallest penalty."""
    n, p = problem.operand.shape
    try:
        return from_covariance(problem) if n > p else from_gram(problem)
    except Breakdown:
        return from_svd(problem)
