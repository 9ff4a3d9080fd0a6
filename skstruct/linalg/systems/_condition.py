"""How near a matrix is to a singular one, from a factorisation of it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from skstruct.linalg.systems._factor import Factor

# Steps after which the estimate has stopped growing in nearly all cases (Higham 1988: "rarely
# more than 3"); each costs two solves.
MAX_STEPS = 4


# The norm of A^-1 s for random signs s is more than so many times below that of A^-1 with a
# probability of 1 in 1000 (of about 0.8 / PROBE_MARGIN, as for a normal variable).
PROBE_MARGIN = 1e3
PROBE_SEED = 20240917


def is_surely_regular(norm: float, factor: Factor, n: int, dtype: np.dtype) -> bool:
    """Whether the condition number is far below 1 / eps, as one solve tells.

    It spares the estimate, some six solves, to all matrices but those near that limit.

    Parameters
    ----------
    norm : float
        A bound of ||A||_2.
    factor : Factor
        A factorisation of A.
    n : int
        Order of A.
    dtype : dtype
        Type of its entries.
    """
    with np.errstate(all="ignore"):
        size = np.linalg.norm(factor.solve(random_signs(n).astype(dtype)[:, None]))
        return bool(norm * size * PROBE_MARGIN * np.sqrt(n) < 1.0 / np.finfo(dtype).eps)


@lru_cache(maxsize=8)
def random_signs(n: int) -> np.ndarray:
    """Return n times 1 or -1, always the same ones; a generator takes longer than a small solve."""
    signs = np.random.default_rng(PROBE_SEED).integers(0, 2, n, dtype=np.int8) * 2 - 1
    signs.setflags(write=False)
    return signs


def reciprocal_condition(norm: float, factor: Factor, n: int, dtype: np.dtype) -> float:
    """Estimate 1 / (||A||_1 ||A^-1||_1), from above.

    Parameters
    ----------
    norm : float
        ||A||_1.
    factor : Factor
        A factorisation of A.
    n : int
        Order of A.
    dtype : dtype
        Type of its entries.
    """
    if n == 0:
        return 1.0
    with np.errstate(all="ignore"):
        inverse = factor.inverse_norm(n, dtype)
        product = float(norm) * inverse
        return 0.0 if not np.isfinite(product) or product == 0 else min(1.0, 1.0 / product)


def estimated_inverse_norm(factor: Factor, n: int, dtype: np.dtype) -> float:
    """Estimate ||A^-1||_1 from below, by solves with A and its adjoint.

    Hager's ascent on ||A^-1 x||_1 over the unit ball, with Higham's alternating vector, which
    catches the matrices that hide from it (Higham, ACM Trans. Math. Softw. 14, 1988). One vector
    at a time: LAPACK's routines take ten times as long, because they guard against overflow
    that shows here as an estimate that is not finite.
    """
    x = np.full((n, 1), 1.0 / n, dtype=dtype, order="F")
    best = 0.0
    for _ in range(MAX_STEPS):
        y = factor.solve(x)
        moduli = np.abs(y)
        size = float(moduli.sum(dtype=np.float64))
        if not np.isfinite(size):
            return np.inf
        if size <= best:
            break
        best = size
        signs = np.where(moduli > 0, y / np.where(moduli > 0, moduli, 1), 1)
        gains = factor.solve_adjoint(signs.astype(dtype, order="F"))
        j = int(np.argmax(np.abs(gains)))
        if not np.abs(gains[j, 0]) > np.abs(np.vdot(gains, x)):
            break
        x = np.zeros((n, 1), dtype=dtype, order="F")
        x[j] = 1.0
    alternating = 1.0 + np.arange(n) / max(n - 1, 1)
    alternating[1::2] *= -1.0
    y = factor.solve(alternating.astype(dtype)[:, None])
    return max(best, float(2.0 * np.abs(y).sum(dtype=np.float64) / (3.0 * n)))
