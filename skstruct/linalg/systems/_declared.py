"""Facts that the caller vouches for, checked against the entries where that is cheap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.linalg import bandwidth

from skstruct.linalg.matrices._arrays import is_symmetric
from skstruct.linalg.systems._dense_detection import is_toeplitz
from skstruct.linalg.systems._matrix import Matrix
from skstruct.linalg.systems._patterns import Pattern
from skstruct.linalg.systems._problem import Reordering
from skstruct.linalg.systems._sparse_detection import sparse_structure
from skstruct.linalg.systems._structure import KINDS, MatrixStructure

# scipy.linalg.solve's names for the same.
SHORT_NAMES = {
    "gen": "general",
    "sym": "symmetric",
    "her": "hermitian",
    "pos": "positive_definite",
}


def kind_named(assume: str) -> str:
    """Return the kind of matrix that a caller means."""
    name = assume.replace(" ", "_") if isinstance(assume, str) else assume
    name = SHORT_NAMES.get(name, name)
    if name not in KINDS:
        raise ValueError(f"assume must be one of {', '.join(KINDS)}, or None; got {assume!r}")
    return name


def declared_structure(matrix: Matrix, assume: str) -> tuple[MatrixStructure, Reordering | None]:
    """Return the facts about a matrix that is said to be of one kind.

    Raises
    ------
    ValueError
        The entries contradict it.
    """
    if sparse.issparse(matrix):
        return _declared_sparse(matrix, assume)
    facts = MatrixStructure(len(matrix), matrix.dtype.name, declared=frozenset([assume]))
    if len(matrix) == 0:
        return facts, None
    return CHECKS[assume](facts, matrix, assume)


def _declared_sparse(A: sparse.csc_array, assume: str) -> tuple[MatrixStructure, Reordering | None]:
    facts, reordering = sparse_structure(A)
    declared = frozenset([assume])
    if assume == "general":
        bare = replace(facts, found=frozenset(), bandwidths=None, block_sizes=())
        return replace(bare, declared=declared), None
    needed = {"positive_definite": "hermitian"}.get(assume, assume)
    implied = facts.found.union(["hermitian"] if facts.is_self_adjoint else [])
    if facts.has("diagonal"):
        implied = implied.union(KINDS)
    if facts.bandwidths is not None and max(facts.bandwidths) <= 1:
        implied = implied.union(["tridiagonal", "banded"])
    if needed not in implied:
        raise ValueError(f"the matrix was declared {assume}, but its entries are not: {facts}")
    return replace(facts, declared=declared), reordering


Facts = tuple[MatrixStructure, Reordering | None]


def _general(facts: MatrixStructure, A: np.ndarray, assume: str) -> Facts:
    return facts, None


def _band(facts: MatrixStructure, A: np.ndarray, assume: str) -> Facts:
    below, above = (int(width) for width in bandwidth(A))
    allowed = {
        "diagonal": (0, 0),
        "tridiagonal": (1, 1),
        "lower_triangular": (len(A), 0),
        "upper_triangular": (0, len(A)),
        "banded": (len(A), len(A)),
    }[assume]
    if below > allowed[0] or above > allowed[1]:
        raise ValueError(
            f"the matrix was declared {assume}, but it has nonzeros on {below} diagonals below "
            f"and {above} above the main one"
        )
    return replace(facts, bandwidths=(below, above)), None


def _symmetric(facts: MatrixStructure, A: np.ndarray, assume: str) -> Facts:
    if not is_symmetric(A, conjugate=assume != "symmetric"):
        mirrored = A.T if assume == "symmetric" else A.conj().T
        i, j = (int(index) for index in np.argwhere(mirrored != A)[0])
        raise ValueError(
            f"the matrix was declared {assume}, but A[{i}, {j}] = {A[i, j]:.17g} and "
            f"A[{j}, {i}] = {A[j, i]:.17g}"
        )
    if np.all(A.diagonal().real > 0):
        facts = facts.with_found("positive_diagonal")
    return facts, None


def _toeplitz(facts: MatrixStructure, A: np.ndarray, assume: str) -> Facts:
    constant = is_toeplitz(A)
    if not constant or (assume == "circulant" and not np.array_equal(A[0, 1:], A[:0:-1, 0])):
        raise ValueError(f"the matrix was declared {assume}, but its entries are not")
    return facts, None


def _permuted(facts: MatrixStructure, A: np.ndarray, assume: str) -> Facts:
    order = Pattern(A).triangular_order()
    if order is None:
        raise ValueError(
            "the matrix was declared permuted_triangular, but no order of its rows and columns "
            "makes it triangular with a diagonal without zeros"
        )
    return facts, order


def _blocks(facts: MatrixStructure, A: np.ndarray, assume: str) -> Facts:
    order = Pattern(A).diagonal_blocks()
    if order is None:
        raise ValueError(
            "the matrix was declared block_diagonal, but its nonzeros join all rows and columns, "
            "or a block of them is not square"
        )
    return replace(facts, block_sizes=order.sizes), order


CHECKS: dict[str, Callable[[MatrixStructure, np.ndarray, str], Facts]] = {
    "diagonal": _band,
    "lower_triangular": _band,
    "upper_triangular": _band,
    "tridiagonal": _band,
    "banded": _band,
    "permuted_triangular": _permuted,
    "block_diagonal": _blocks,
    "circulant": _toeplitz,
    "toeplitz": _toeplitz,
    "symmetric": _symmetric,
    "hermitian": _symmetric,
    "positive_definite": _symmetric,
    "general": _general,
}
"""How each kind is checked."""
