"""What remains of rows that were read once: their moments, or a factor of them.

Batches are merged in any number and order. With few columns the centred Gram matrix is exact
(Chan, Golub & LeVeque, 1983). With many, a factor F of limited rank with F'F close to A'A is kept
instead: the batch is appended to it and the product truncated (Levy & Lindenbaum, 2000).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Self

import numpy as np
from scipy import sparse

from skstruct.linalg._engine import run
from skstruct.linalg._operand import Operand
from skstruct.linalg._operands import make_operand
from skstruct.linalg._problems import PartialSVD
from skstruct.linalg._structure import Structure

# Up to this many columns the Gram matrix is kept: 8 MB, and 0.08 s for its eigenvectors.
MAX_GRAM_COLUMNS = 1000
# Rows of the factor beyond twice the wanted rank: what is truncated in one batch may matter later.
SPARE_ROWS = 10


class MomentsOperand(Operand):
    """A matrix A of which only A'A is known.

    Parameters
    ----------
    gram : ndarray of shape (p, p)
        A'A.
    n_rows : int
        Number of rows of A.
    mean : ndarray of shape (p,)
        What was subtracted from the rows.
    total_weight : float
        Sum of the weights of the rows.
    centered : bool
        Whether that is their mean.
    """

    def __init__(
        self,
        gram: np.ndarray,
        n_rows: int,
        mean: np.ndarray,
        total_weight: float,
        *,
        centered: bool,
    ) -> None:
        p = len(gram)
        self._gram = gram
        self.shape = (max(n_rows, p), p)  # products are with A'A, whatever the rows
        self.mean, self.total_weight = mean, total_weight
        self.weights = self.root_weights = None
        self.structure = Structure(n_rows, p, centered=centered, has_rows=False)

    @cached_property
    def column_sq_norms(self) -> np.ndarray:
        return np.maximum(self._gram.diagonal(), 0.0)

    def gram(self) -> np.ndarray:
        return self._gram

    def normal_product(self, V: np.ndarray, rhs: np.ndarray | None = None) -> np.ndarray:
        if rhs is not None:
            self._refuse()
        return self._gram @ V

    def projected_gram(self, V: np.ndarray) -> np.ndarray:
        return V.T @ (self._gram @ V)

    def matmat(self, V: np.ndarray) -> np.ndarray:
        self._refuse()

    def rmatmat(self, U: np.ndarray) -> np.ndarray:
        self._refuse()

    def outer_gram(self) -> np.ndarray:
        self._refuse()

    def dense_block(self, rows: slice, buffer: np.ndarray | None = None) -> np.ndarray:
        self._refuse()

    def _refuse(self) -> None:
        raise TypeError("the rows of this matrix were not kept")


class RunningSummary(ABC):
    """What is kept of the rows seen so far, of the matrix A = diag(sqrt(w)) (X - 1 m').

    Attributes
    ----------
    shape : tuple of int
        (rows seen, p).
    mean : ndarray of shape (p,)
        Their weighted mean m; zero if they are not centred.
    total_weight : float
        Sum of their weights.
    sq_norm : float
        ||A||_F^2.
    """

    def __init__(self, n_columns: int, *, center: bool) -> None:
        self.shape = (0, n_columns)
        self.mean = np.zeros(n_columns)
        self.total_weight = 0.0
        self.sq_norm = 0.0
        self._center = center
        self._column_means = np.zeros(n_columns)

    def column_means(self) -> np.ndarray:
        """Return the weighted means of the columns of X, of shape (p,)."""
        return self.mean if self._center else self._column_means

    def add(
        self, X: np.ndarray | sparse.sparray | sparse.spmatrix, weights: np.ndarray | None = None
    ) -> None:
        """Merge a batch of rows."""
        batch = make_operand(X, weights, center=self._center)
        weight = self.total_weight + batch.total_weight
        step = batch.mean - self.mean
        # The distance of the means counts like one more row.
        share = self.total_weight * batch.total_weight / weight if weight > 0 else 0.0
        self._merge(batch, np.sqrt(share) * step)
        self.sq_norm += batch.sq_norm + share * float(step @ step)
        ratio = batch.total_weight / (weight or 1.0)
        self.mean = self.mean + ratio * step
        if not self._center:
            step = batch.column_means() - self._column_means
            self._column_means = self._column_means + ratio * step
        self.total_weight = weight
        self.shape = (self.shape[0] + X.shape[0], self.shape[1])

    def starting_from(
        self, factor: np.ndarray, n_rows: int, mean: np.ndarray, weight: float, sq_norm: float
    ) -> Self:
        """Take F with F'F close to A'A for the rows seen before."""
        self.shape = (n_rows, self.shape[1])
        self.mean, self.total_weight, self.sq_norm = mean.copy(), weight, sq_norm
        self._restore(factor)
        return self

    @property
    @abstractmethod
    def max_rank(self) -> int:
        """How many components can be asked for."""

    @abstractmethod
    def operand(self) -> Operand:
        """Return a matrix with the A'A that is kept."""

    @abstractmethod
    def _merge(self, batch: Operand, extra_row: np.ndarray) -> None:
        """Add the rows of a batch, which are centred, and one more."""

    @abstractmethod
    def _restore(self, factor: np.ndarray) -> None:
        """Replace what is kept by F'F."""


class RunningMoments(RunningSummary):
    """Exact: the p x p Gram matrix."""

    def __init__(self, n_columns: int, *, center: bool) -> None:
        super().__init__(n_columns, center=center)
        self._gram = np.zeros((n_columns, n_columns))

    @property
    def max_rank(self) -> int:
        return self.shape[1]

    def operand(self) -> Operand:
        operand = MomentsOperand(
            self._gram, self.shape[0], self.mean, self.total_weight, centered=self._center
        )
        operand.sq_norm = self.sq_norm  # with what a fit before had left out
        return operand

    def _merge(self, batch: Operand, extra_row: np.ndarray) -> None:
        self._gram = self._gram + batch.gram() + np.outer(extra_row, extra_row)

    def _restore(self, factor: np.ndarray) -> None:
        self._gram = factor.T @ factor


class RunningFactor(RunningSummary):
    """Of limited rank: F with F'F <= A'A, the difference being what was truncated.

    Parameters
    ----------
    n_columns : int
        Number of columns p.
    rank : int
        How many components are wanted of it; F has twice as many rows.
    center : bool
        Whether A is centred.
    """

    def __init__(self, n_columns: int, rank: int, *, center: bool) -> None:
        super().__init__(n_columns, center=center)
        self._n_kept = min(2 * rank + SPARE_ROWS, n_columns)
        self._factor = np.empty((0, n_columns))

    @property
    def max_rank(self) -> int:
        return self._n_kept

    def operand(self) -> Operand:
        operand = make_operand(self._factor)
        operand.sq_norm = self.sq_norm  # with what was truncated
        return operand

    def _merge(self, batch: Operand, extra_row: np.ndarray) -> None:
        self._factor = np.vstack([self._factor, extra_row])
        # Blocks as high as the factor: merging them costs no more than reading them.
        for rows in batch.dense_row_blocks(min_rows=self._n_kept):
            self._append(batch.dense_block(rows))

    def _append(self, rows: np.ndarray) -> None:
        stacked = make_operand(np.vstack([self._factor, rows]))
        rank = min(self._n_kept, *stacked.shape)
        answer = run(PartialSVD(stacked.structure, stacked, rank=rank)).answer
        self._factor = answer.values[:, None] * answer.right

    def _restore(self, factor: np.ndarray) -> None:
        self._factor = factor


def running_summary(n_columns: int, rank: int | None, *, center: bool) -> RunningSummary:
    """Return an empty summary: exact if there are few columns, else for about `rank` components.

    Parameters
    ----------
    n_columns : int
        Number of columns.
    rank : int or None
        Components that will be asked for; None for as many as possible.
    center : bool
        Whether the rows are centred about their mean.
    """
    if n_columns <= MAX_GRAM_COLUMNS:
        return RunningMoments(n_columns, center=center)
    return RunningFactor(n_columns, rank or MAX_GRAM_COLUMNS, center=center)
