"""A triangular factor of a sketch of A: for tall matrices, however ill-conditioned."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.linalg import solve_triangular

from skstruct.linalg._operand import Operand
from skstruct.linalg._refine import by_penalty
from skstruct.linalg._regression import Ridge
from skstruct.linalg._sparse_operand import SparseOperand

# The sketch has so many rows a column of A, each row of A goes to so many of them (sparse sign
# embedding, Cohen 2016): the condition of A R^-1 is then about (1 + s) / (1 - s) = 3 with
# s = sqrt(1 / 4), and conjugate gradients gain a digit every 4 iterations.
OVERSAMPLING = 4
SIGNS_PER_ROW = 8
# A matrix with fewer rows is hardly larger than its sketch.
MIN_ASPECT = 2 * OVERSAMPLING


class SketchPreconditioner:
    """M = R'R with R from a QR factorisation of [S A; sqrt(alpha) L], S a random sparse matrix.

    Parameters
    ----------
    problem : Ridge
        The problem, with many more rows than columns.

    References
    ----------
    H. Avron, P. Maymounkov and S. Toledo, "Blendenpik" (2010).
    """

    name = "sketch"

    def __init__(self, problem: Ridge) -> None:
        sketch = _sketch(problem.operand, OVERSAMPLING * problem.structure.n_columns)
        self._sketch = np.linalg.qr(sketch, mode="r")

    @staticmethod
    def obstacle(problem: Ridge) -> str | None:
        """Return why it cannot be made, or None."""
        s = problem.structure
        if s.matrix_free:
            return "it needs the entries of X"
        if s.n_rows < MIN_ASPECT * s.n_columns:
            return f"a sketch needs {MIN_ASPECT} times as many rows as columns"
        return None

    def bind(self, problem: Ridge) -> Callable[[np.ndarray], np.ndarray]:
        def factorize(alpha: float) -> Callable[[np.ndarray], np.ndarray]:
            root = np.sqrt(alpha) * problem.penalty.dense_root()
            R = np.linalg.qr(np.vstack([self._sketch, root]), mode="r")
            # Dependent columns leave a zero, which must not divide.
            least = np.finfo(np.float64).eps * np.linalg.norm(R, axis=0)
            diagonal = R.diagonal()
            small = np.abs(diagonal) <= least
            R.flat[:: len(R) + 1] = np.where(small, np.where(least > 0, least, 1.0), diagonal)
            return lambda rhs: solve_triangular(R, solve_triangular(R, rhs, trans=1))

        return by_penalty(problem.alphas, factorize)


def _sketch(operand: Operand, size: int) -> np.ndarray:
    """Return S A, of shape (size, p)."""
    n, p = operand.shape
    rng = np.random.default_rng(0)
    ones = operand.root_weights if operand.root_weights is not None else np.ones(n)
    total = np.zeros((size, p))
    for rows in operand.dense_row_blocks(min_rows=max(1, size // SIGNS_PER_ROW)):
        count = rows.stop - rows.start
        to = rng.integers(0, size, (count, SIGNS_PER_ROW)).ravel()
        signs = rng.choice([-1.0, 1.0], count * SIGNS_PER_ROW) / np.sqrt(SIGNS_PER_ROW)
        by = np.repeat(np.arange(count), SIGNS_PER_ROW)
        S = sparse.csr_array((signs, (to, by)), shape=(size, count))
        if isinstance(operand, SparseOperand):
            part = sparse.csr_array(S * ones[rows])
            total += (part @ operand.X[rows]).toarray()
            if operand.structure.centered:
                total -= np.outer(part.sum(axis=1), operand.mean)
        else:
            total += S @ operand.dense_block(rows)
    return total
