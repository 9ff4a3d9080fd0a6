"""How near a matrix is to a singular one, from products with its inverse.

References
----------
W. W. Hager, "Condition estimates" (1984); N. J. Higham, "FORTRAN codes for estimating the one-norm
of a real or complex matrix" (1988).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import sqrt

import numpy as np

Product = Callable[[np.ndarray], np.ndarray]

# Steps after which the estimate has stopped growing in nearly all cases (Higham 1988: "rarely
# more than 3"); each costs two solves.
MAX_STEPS = 5
# Up to here all columns at once cost no more than the calls of an estimate do.
EXACT_ORDER = 32
# A vector of normal numbers sees the norm of an inverse too small by a factor of about sqrt(n), and
# by 1000 more with a probability of about 1 in 1000. (Signs may be orthogonal to what matters.)
PROBE_MARGIN = 1e3
PROBE_SEED = 20240917


def estimated_one_norm(product: Product, adjoint: Product, order: int, dtype: np.dtype) -> float:
    """Estimate the 1-norm of a square matrix that is known by its products, from below.

    Hager's ascent on ||B x||_1 over the unit ball with Higham's alternating vector, as in LAPACK's
    xLACN2: rarely off by more than a factor of 3. One vector at a time, as LAPACK's own routines
    for the condition take ten times as long: they guard against overflow, which shows here as an
    estimate that is not finite.

    Parameters
    ----------
    product, adjoint : callable
        B and B^H times arrays of shape (order, 1).
    order : int
        The order of B.
    dtype : dtype
        Of what is multiplied.
    """
    if order <= EXACT_ORDER:
        return float(np.abs(product(np.eye(order, dtype=dtype))).sum(axis=0).max(initial=0.0))
    x = np.full((order, 1), 1.0 / order, dtype)
    best = 0.0
    for _ in range(MAX_STEPS):
        y = product(x)
        magnitude = np.abs(y)
        size = float(magnitude.sum(dtype=np.float64))
        if not np.isfinite(size):
            return size
        if size <= best:
            break
        best = size
        signs = np.where(magnitude > 0, y / np.where(magnitude > 0, magnitude, 1), 1)
        slopes = adjoint(signs.astype(dtype))
        j = int(np.abs(slopes).argmax())
        if not np.abs(slopes[j, 0]) > np.abs(np.vdot(slopes, x)):
            break
        x = np.zeros((order, 1), dtype)
        x[j] = 1
    # where cancellation deceives the search, alternating signs of growing size rarely do
    ramp = 1 + np.arange(order) / (order - 1)
    ramp[1::2] *= -1
    y = product(ramp[:, None].astype(dtype))
    return max(best, float(2 * np.abs(y).sum(dtype=np.float64) / (3 * order)))


def reciprocal_condition(norm: float, inverse_norm: float) -> float:
    """Return 1 / (||A|| ||A^-1||): 0 where that is not a number, as after an overflow."""
    condition = norm * inverse_norm
    return min(1.0, 1.0 / condition) if condition > 0 else 0.0


@lru_cache(maxsize=2)
def _normal_numbers(order: int) -> np.ndarray:
    """Return normal numbers, kept because a generator takes longer than a small solve."""
    numbers = np.random.default_rng(PROBE_SEED).standard_normal((order, 1), dtype=np.float32)
    numbers.setflags(write=False)
    return numbers


def probe_column(order: int, dtype: np.dtype) -> np.ndarray:
    """Return a column of normal numbers, always the same ones."""
    return _normal_numbers(order).astype(dtype)


def is_surely_regular(solution: np.ndarray, norm: float, ord: float = np.inf) -> bool:
    """Whether the condition number of A is far below 1 / eps, as one solution tells.

    An estimate takes some ten solves; this spares it to most matrices.

    Parameters
    ----------
    solution : ndarray of shape (n,)
        A^-1 times :func:`probe_column`.
    norm : float
        A norm of A that belongs to that of the solution, or a bound of it.
    ord : {2, np.inf}, default=np.inf
        Which norm of the solution.
    """
    with np.errstate(all="ignore"):
        condition = float(np.linalg.norm(solution, ord)) * norm
    eps = float(np.finfo(solution.dtype).eps)
    return condition * PROBE_MARGIN * sqrt(len(solution)) * eps < 1
