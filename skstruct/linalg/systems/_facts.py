"""The facts about a matrix: found in it, or declared by the caller and checked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator

from skstruct.linalg.matrices._structured import StructuredMatrix
from skstruct.linalg.systems._declared import declared_structure
from skstruct.linalg.systems._dense_detection import dense_structure
from skstruct.linalg.systems._matrix import Matrix
from skstruct.linalg.systems._problem import Reordering
from skstruct.linalg.systems._sparse_detection import sparse_structure
from skstruct.linalg.systems._structure import MatrixStructure


def facts_of(
    matrix: Matrix | LinearOperator, assume: str | None = None
) -> tuple[MatrixStructure, Reordering | None]:
    """Return the facts about a matrix, and the orders in which it shows its structure.

    Parameters
    ----------
    matrix : ndarray, csc_array or LinearOperator of shape (n, n)
        As :func:`~skstruct.linalg.systems._inputs.as_matrix` returns it.
    assume : str or None
        What the caller vouches for; None to look for everything.
    """
    if isinstance(matrix, LinearOperator):
        return _operator_structure(matrix, assume), None
    if assume is not None:
        facts, reordering = declared_structure(matrix, assume)
    elif sparse.issparse(matrix):
        facts, reordering = sparse_structure(matrix)
    else:
        facts, reordering = dense_structure(matrix)
    return (facts if reordering is None else replace(facts, reordered=True)), reordering


def _operator_structure(matrix: LinearOperator, assume: str | None) -> MatrixStructure:
    declared = frozenset() if assume is None else frozenset([assume])
    storage = "structured" if isinstance(matrix, StructuredMatrix) else "matrix_free"
    dtype = np.result_type(matrix.dtype, np.float32).name
    return MatrixStructure(matrix.shape[0], dtype, storage, declared=declared)
