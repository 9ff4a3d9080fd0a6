"""What structure a sparse matrix has: band, blocks, symmetry, and how full its factors will be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from skstruct.linalg._fill import band_order, factor_entries, reach
from skstruct.linalg.systems._dense_detection import band_kinds
from skstruct.linalg.systems._problem import Reordering
from skstruct.linalg.systems._structure import MatrixStructure


def sparse_structure(A: sparse.csc_array) -> tuple[MatrixStructure, Reordering | None]:
    """Return the facts about A, and an order in which it is banded or block diagonal.

    Parameters
    ----------
    A : csc_array of shape (n, n)
        Without duplicate entries.
    """
    n = A.shape[0]
    facts = MatrixStructure(n, A.dtype.name, "sparse", nnz=A.nnz)
    rows, columns = A.tocoo().coords
    below = int(np.max(rows - columns, initial=0))
    above = int(np.max(columns - rows, initial=0))
    if n <= 1 or below == above == 0:
        facts = facts.with_found("diagonal")
        return replace(facts, bandwidths=(0, 0), factor_nnz=float(A.nnz)), None
    facts = replace(facts.with_found(*band_kinds(n, below, above)), bandwidths=(below, above))
    if facts.has("lower_triangular", "upper_triangular"):
        return replace(facts, factor_nnz=float(A.nnz)), None
    facts = _symmetric(facts, A)
    # The pattern of A + A', as rows and columns are ordered alike.
    pattern = sparse.csr_array((np.ones(A.nnz, dtype=np.int8), A.indices, A.indptr), A.shape)
    if not facts.has("symmetric", "hermitian"):
        pattern = sparse.csr_array(pattern + pattern.T)
    count, label = connected_components(pattern, directed=False)
    if count > 1:
        facts = facts.with_found("block_diagonal")
        order = np.argsort(label, kind="stable")
        blocks = Reordering(order, order, np.cumsum(np.bincount(label)))
        widths, _ = reach(pattern, order)
        facts = replace(facts, block_sizes=blocks.sizes, factor_nnz=factor_entries(widths))
        return facts, blocks
    order, widths, _ = band_order(pattern)
    facts = replace(facts, factor_nnz=factor_entries(widths))
    return _reordered(facts, A, order)


def _reordered(
    facts: MatrixStructure, A: sparse.csc_array, order: np.ndarray
) -> tuple[MatrixStructure, Reordering | None]:
    """Take the order if it makes the band of A narrower."""
    below, above = (int(widths.max()) for widths in reach(sparse.csr_array(A), order))
    if below + above >= sum(facts.bandwidths):
        return facts, None
    kinds = [kind for kind in band_kinds(facts.n, below, above) if "triangular" not in kind]
    kept = facts.found - {"tridiagonal", "banded"}
    facts = replace(facts, found=kept.union(kinds), bandwidths=(below, above))
    return facts, Reordering(order, order)


def _symmetric(facts: MatrixStructure, A: sparse.csc_array) -> MatrixStructure:
    """Add whether A is symmetric or Hermitian, and whether its diagonal is positive."""
    transposed = sparse.csc_array(A.T)
    transposed.sort_indices()
    same_pattern = np.array_equal(A.indptr, transposed.indptr) and np.array_equal(
        A.indices, transposed.indices
    )
    if not same_pattern:
        return facts
    if np.array_equal(A.data, transposed.data.conj()):
        facts = facts.with_found("hermitian" if facts.is_complex else "symmetric")
        if np.all(A.diagonal().real > 0):
            facts = facts.with_found("positive_diagonal")
    elif np.array_equal(A.data, transposed.data):
        facts = facts.with_found("symmetric")
    return facts
