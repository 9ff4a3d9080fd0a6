"""What structure a dense matrix has, read off its entries.

A few rows and columns are probed first; only what they do not rule out is confirmed on all
entries. Equality is exact: one entry that is off by a rounding error is a different structure, for
which the answer would be wrong in that digit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.linalg import bandwidth

from skstruct.linalg.matrices._arrays import is_symmetric
from skstruct.linalg.systems._patterns import Pattern
from skstruct.linalg.systems._problem import Reordering
from skstruct.linalg.systems._structure import MatrixStructure

# Rows and columns that are looked at first, at most one of which may lie about zeros: a triangular
# matrix has one full row.
N_PROBES = 4
# Rows compared at a time: 64 rows of 2000 numbers fit in the cache, and an early difference ends
# the comparison.
BLOCK_ROWS = 64
# Bands are worth their own routine up to this share of the order. At n = 2000, one thread, LAPACK's
# band LU takes 0.48 of dense LU with kl + ku = n / 4 and 0.14 with n / 8.
MAX_BAND_SHARE = 0.125


def dense_structure(A: np.ndarray) -> tuple[MatrixStructure, Reordering | None]:
    """Return the facts about A, and the orders in which it is triangular or block diagonal.

    Parameters
    ----------
    A : ndarray of shape (n, n)
        In single or double precision, real or complex.
    """
    n = len(A)
    facts = MatrixStructure(n, A.dtype.name)
    if n <= 1:
        return _banded(facts.with_found("diagonal"), 0, 0), None
    probes = np.unique(np.linspace(0, n - 1, N_PROBES).astype(np.intp))
    if is_toeplitz(A, probes):
        facts = facts.with_found("toeplitz")
        if np.array_equal(A[0, 1:], A[:0:-1, 0]):
            facts = facts.with_found("circulant")
    reordering = None
    if _has_zeros(A, probes):
        below, above = (int(width) for width in bandwidth(A))
        facts = _banded(facts, below, above)
        if facts.has("diagonal", "lower_triangular", "upper_triangular"):
            return facts, None
        if facts.bandwidths is None and not facts.has("toeplitz"):
            facts, reordering = _permuted(facts, A)
            if facts.has("permuted_triangular"):
                return facts, reordering
    return _symmetric(facts, A, probes), reordering


def _has_zeros(A: np.ndarray, probes: np.ndarray) -> bool:
    """Whether all but one of the probed rows hold a zero."""
    with_zeros = np.count_nonzero(A[probes] == 0, axis=1) > 0
    return bool(np.count_nonzero(with_zeros) >= max(1, len(probes) - 1))


def _banded(facts: MatrixStructure, below: int, above: int) -> MatrixStructure:
    """Add what follows from the bandwidths."""
    kinds = band_kinds(facts.n, below, above)
    if not kinds:
        return facts
    return replace(facts.with_found(*kinds), bandwidths=(below, above))


def band_kinds(n: int, below: int, above: int) -> list[str]:
    """Return the kinds that a matrix with these bandwidths is of."""
    if below == above == 0:
        return ["diagonal"]
    if above == 0 or below == 0:
        kinds = ["lower_triangular" if above == 0 else "upper_triangular"]
    elif below == above == 1:
        kinds = ["tridiagonal"]
    else:
        kinds = []
    return [*kinds, "banded"] if below + above <= MAX_BAND_SHARE * n else kinds


def _permuted(facts: MatrixStructure, A: np.ndarray) -> tuple[MatrixStructure, Reordering | None]:
    """Look for orders of rows and columns in which A is triangular or block diagonal."""
    pattern = Pattern(A)
    order = pattern.triangular_order()
    if order is not None:
        return facts.with_found("permuted_triangular"), order
    order = pattern.diagonal_blocks()
    if order is None:
        return facts, None
    return replace(facts.with_found("block_diagonal"), block_sizes=order.sizes), order


def _symmetric(facts: MatrixStructure, A: np.ndarray, probes: np.ndarray) -> MatrixStructure:
    """Add whether A is symmetric or Hermitian, and whether its diagonal is positive."""
    hermitian = is_symmetric(A, probes, conjugate=True)
    if hermitian:
        facts = facts.with_found("hermitian" if facts.is_complex else "symmetric")
        if np.all(A.diagonal().real > 0):
            facts = facts.with_found("positive_diagonal")
    elif facts.is_complex and is_symmetric(A, probes, conjugate=False):
        facts = facts.with_found("symmetric")
    return facts


def is_toeplitz(A: np.ndarray, probes: np.ndarray | None = None) -> bool:
    """Whether all diagonals of A are constant."""
    if probes is not None:
        rows = probes[probes > 0]
        if not np.array_equal(A[rows, 1:], A[rows - 1, :-1]):
            return False
    for start in range(1, len(A), BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, len(A))
        if not np.array_equal(A[start:stop, 1:], A[start - 1 : stop - 1, :-1]):
            return False
    return True
