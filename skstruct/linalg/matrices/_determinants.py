"""Determinants of what factorisations consist of."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components


def sign_and_log(values: np.ndarray, sign: float | complex = 1.0) -> tuple[float | complex, float]:
    """Return `sign` times the sign of the product of `values`, and the logarithm of its magnitude.

    ``(0, -inf)`` if one of them is zero, as :func:`numpy.linalg.slogdet` has it.
    """
    values = np.asarray(values)
    magnitude = np.abs(values)
    if not magnitude.all():
        return 0.0, -np.inf
    log = float(np.log(magnitude.astype(np.float64, copy=False)).sum())
    if values.dtype.kind != "c":
        return -sign if np.count_nonzero(values < 0) % 2 else sign, log
    # a product of many unit numbers drifts off the circle, the sum of their angles does not
    return complex(sign * np.exp(1j * np.angle(values).astype(np.float64).sum())), log


def product_of(
    determinants: Iterable[tuple[float | complex, float]],
) -> tuple[float | complex, float]:
    """Return the sign and the logarithm of a product of determinants."""
    sign, log = 1.0, 0.0
    for own_sign, own_log in determinants:
        sign, log = sign * own_sign, log + own_log
    return sign, log


def interchanges_sign(pivots: np.ndarray, first: int = 0) -> float:
    """Return the determinant of LAPACK's interchanges of rows, numbered from `first` on."""
    swapped = np.count_nonzero(pivots != np.arange(first, first + len(pivots)))
    return -1.0 if swapped % 2 else 1.0


def permutation_sign(order: np.ndarray) -> float:
    """Return the determinant of a permutation matrix, given the order of its rows."""
    n, order = len(order), np.ascontiguousarray(order)  # as scipy 1.14 needs it
    cycles = sparse.csr_array((np.ones(n, dtype=np.int8), order, np.arange(n + 1)), shape=(n, n))
    n_cycles = connected_components(cycles, directed=False)[0] if n else 0
    return -1.0 if (n - n_cycles) % 2 else 1.0
