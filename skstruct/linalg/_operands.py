"""Which operand a data matrix becomes."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator

from skstruct.linalg._chunked_operand import ChunkedOperand
from skstruct.linalg._dense_operand import DenseOperand
from skstruct.linalg._matrix_free_operand import MatrixFreeOperand
from skstruct.linalg._operand import DENSE_BLOCK_BYTES, Operand
from skstruct.linalg._small_operand import SmallDenseOperand
from skstruct.linalg._sources import RowSource, row_source
from skstruct.linalg._sparse_operand import SparseOperand
from skstruct.linalg._wide_operand import WideDenseOperand


def make_operand(
    X: np.ndarray | sparse.sparray | sparse.spmatrix | LinearOperator | RowSource,
    weights: np.ndarray | None = None,
    *,
    center: bool = False,
    mean: np.ndarray | None = None,
    single: bool = False,
) -> Operand:
    """Return A = diag(sqrt(w)) (X - 1 m') as an operand, without copying X.

    Parameters
    ----------
    X : ndarray, sparse matrix, LinearOperator or source of shape (n, p)
        float32 or float64. Whatever :func:`row_source` makes a source of is read in chunks.
    weights : ndarray of shape (n,), optional
        Non-negative row weights w; ones by default.
    center : bool
        Whether m is the weighted mean of the rows; otherwise it is zero.
    mean : ndarray of shape (p,), optional
        Another m, for data that is to be centred as earlier data was.
    single : bool
        Whether blocks of dense float32 data may be multiplied in float32: twice as fast, and
        right to about six digits of the largest singular value.

    Returns
    -------
    Operand

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import make_operand
    >>> A = make_operand(np.array([[1.0, 5.0], [3.0, 5.0]]), center=True)
    >>> A.gram()
    array([[2., 0.],
           [0., 0.]])
    """
    if isinstance(X, LinearOperator):
        return MatrixFreeOperand(X, weights, center=center, mean=mean)
    source = row_source(X)
    if source is not None:
        return ChunkedOperand(
            source, make_operand, weights, center=center, mean=mean, single=single
        )
    if sparse.issparse(X):
        return SparseOperand(X, weights, center=center, mean=mean)
    if 8 * X.size <= DENSE_BLOCK_BYTES:
        return SmallDenseOperand(X, weights, center=center, mean=mean)
    kind = DenseOperand if X.shape[0] >= X.shape[1] else WideDenseOperand
    return kind(X, weights, center=center, mean=mean, single=single)
