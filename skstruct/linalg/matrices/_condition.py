"""How large an inverse is, from products with it.

Hager's estimate with Higham's safeguard, as in LAPACK's xLACN2: a lower bound that is rarely off
by more than a factor of 3.

References
----------
W. W. Hager, "Condition estimates" (1984); N. J. Higham, "FORTRAN codes for estimating the one-norm
of a real or complex matrix" (1988).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Product = Callable[[np.ndarray], np.ndarray]

MAX_STEPS = 5
# Up to here all columns at once cost no more than the calls of an estimate do.
EXACT_ORDER = 32
# A vector of normal numbers sees the norm of an inverse too small by a factor of about sqrt(n), and
# by 1000 more with a probability of about 1 in 1000. (Signs may be orthogonal to what matters.)
PROBE_MARGIN = 1e3


def one_norm(product: Product, adjoint: Product, order: int, dtype: np.dtype) -> float:
    """Return an estimate of the 1-norm of a square matrix that is known by its products.

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
    best, visited = 0.0, -1
    for _ in range(MAX_STEPS):
        y = product(x)
        estimate = _sum_of_magnitudes(y)
        if not estimate > best:  # NaN ends it, too
            break
        best = estimate
        magnitude = np.abs(y)
        signs = np.where(magnitude > 0, y / np.where(magnitude > 0, magnitude, 1), 1)
        slopes = np.abs(adjoint(signs.astype(dtype)))[:, 0]
        j = int(slopes.argmax())
        if j == visited:
            break
        visited = j
        x = np.zeros((order, 1), dtype)
        x[j] = 1
    # where cancellation deceives the search, alternating signs of growing size rarely do
    ramp = 1 + np.arange(order) / max(order - 1, 1)
    ramp[1::2] *= -1
    return max(best, 2 * _sum_of_magnitudes(product(ramp[:, None].astype(dtype))) / (3 * order))


def probe_column(order: int, dtype: np.dtype) -> np.ndarray:
    """Return a column of normal numbers, always the same ones."""
    return np.random.default_rng(0).standard_normal((order, 1)).astype(dtype)


def is_surely_regular(solution: np.ndarray, norm: float) -> bool:
    """Whether the condition number of A is far below 1 / eps, as a solution tells.

    An estimate takes some ten solves; this spares it to most matrices.

    Parameters
    ----------
    solution : ndarray of shape (n,)
        A^-1 times :func:`probe_column`.
    norm : float
        The maximum norm of A.
    """
    condition = float(np.abs(solution).max(initial=0.0)) * norm
    eps = np.finfo(solution.dtype).eps
    return bool(condition * PROBE_MARGIN * np.sqrt(len(solution)) * eps < 1)


def _sum_of_magnitudes(y: np.ndarray) -> float:
    return float(np.abs(y).sum(dtype=np.float64))
