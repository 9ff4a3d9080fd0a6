"""A'A of sparse data as a sparse matrix and a few corrections, and what it would cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from skstruct.linalg._fill import band_order, factor_entries
from skstruct.linalg._operand import Operand
from skstruct.linalg._penalty import Penalty
from skstruct.linalg._regression import Ridge
from skstruct.linalg._sparse_operand import SparseOperand
from skstruct.linalg._structure import Fill, Structure

# A row with more entries than this and than ten times the mean fills X'X with the square of them:
# at most so many rows are kept out of it and added as a correction of low rank.
MIN_DENSE_ROW = 50
DENSE_ROW_FACTOR = 10
MAX_DENSE_ROWS = 100

# X'X is looked at for at most so many multiply-adds an entry of X (14 ns each, an iteration takes
# 2.4 ns an entry), and for more columns than a dense Gram matrix is good for.
ANALYSIS_PRODUCTS = 5
ANALYSIS_COLUMNS = 2000
# Where alpha exceeds this share of the largest column's energy an iteration is short in any case.
NEGLIGIBLE_ALPHA = 0.1


class SparseGram:
    """A'A = K + U'U - W m m' with a sparse K and the few dense rows U of A.

    Parameters
    ----------
    operand : SparseOperand
        A.

    Attributes
    ----------
    matrix : csc_array of shape (p, p)
        K.
    corrections : ndarray of shape (k, p)
        The rows of U and sqrt(W) m'.
    signs : ndarray of shape (k,)
        1 for a row of U, -1 for the mean.
    """

    def __init__(self, operand: SparseOperand) -> None:
        scaled = operand.scaled
        dense = dense_rows(np.diff(scaled.indptr))
        self.corrections = scaled[dense].toarray()
        self.signs = np.ones(len(dense))
        if len(dense):
            keep = np.ones(scaled.shape[0], dtype=bool)
            keep[dense] = False
            scaled = scaled[keep]
        self.matrix = sparse.csc_array(scaled.T @ scaled)
        if operand.structure.centered:
            mean = np.sqrt(operand.total_weight) * operand.mean
            self.corrections = np.vstack([self.corrections, mean])
            self.signs = np.append(self.signs, -1.0)

    def shifted(self, penalty: Penalty, alpha: float) -> sparse.csc_array:
        """Return K + alpha P."""
        return sparse.csc_array(self.matrix + alpha * sparse.csc_array(penalty.sparse_matrix()))


def dense_rows(counts: np.ndarray) -> np.ndarray:
    """Return the rows with by far the most entries, given how many each has."""
    least = max(MIN_DENSE_ROW, DENSE_ROW_FACTOR * counts.mean())
    (rows,) = np.nonzero(counts > least)
    return rows if len(rows) <= MAX_DENSE_ROWS else rows[:0]


def gram_obstacle(problem: Ridge) -> str | None:
    """Return why A'A cannot be held as a sparse matrix, or None."""
    operand = problem.operand
    if not isinstance(operand, SparseOperand):
        return "it needs sparse data"
    if products(operand) > MAX_PRODUCTS:
        return f"the Gram matrix of these rows takes {products(operand):.1e} multiply-adds"
    return None


# Multiply-adds of X'X from which it is not formed for a preconditioner: 14 s and, if all of them
# give different entries, 12 GB.
MAX_PRODUCTS = 1e9


def products(operand: SparseOperand) -> float:
    """Return the multiply-adds of X'X without its dense rows."""
    counts = operand.row_counts
    squares = np.square(counts, dtype=np.float64)
    squares[dense_rows(counts)] = 0.0
    return float(squares.sum())


def analysed(operand: Operand, alphas: np.ndarray) -> Structure:
    """Return the structure of an operand with the fill of its Gram matrix, if that may be sparse.

    Parameters
    ----------
    operand : Operand
        A.
    alphas : ndarray of shape (t,)
        Penalties that will be asked for.
    """
    structure = operand.structure
    if not isinstance(operand, SparseOperand) or structure.n_columns <= ANALYSIS_COLUMNS:
        return structure
    if alphas.min(initial=np.inf) > NEGLIGIBLE_ALPHA * operand.column_sq_norms.max():
        return structure
    count = products(operand)
    if count > ANALYSIS_PRODUCTS * structure.nnz:
        return structure
    matrix = SparseGram(operand).matrix
    _, below, _ = band_order(sparse.csr_array(matrix))
    return replace(structure, fill=Fill(count, float(matrix.nnz), factor_entries(below)))
