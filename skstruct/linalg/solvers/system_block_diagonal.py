"""Blocks that have nothing to do with each other, found in the order that shows them."""

from __future__ import annotations

import numpy as np

from skstruct.linalg._machine import LU_FLOPS, Cost
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.matrices._dense_factors import DenseLU
from skstruct.linalg.matrices._determinants import product_of
from skstruct.linalg.matrices._factor import SingularMatrixError
from skstruct.linalg.systems import Factor, LinearSystem, SystemAnswer, answered
from skstruct.linalg.systems._costs import certificate_cost, substitution_cost

NAME = "block_diagonal"
ROBUSTNESS = 1
ON_REQUEST = False

# Blocks up to this order are inverted as a stack, larger ones are factorised one by one: LAPACK's
# LU of order 32 takes 20 us, as much as the Python around it.
MAX_STACKED = 32
# Entries whose places are computed at once.
GATHERED = 2**16
# numpy's inverses of stacks cost so much more than LU of one large matrix, for each order^3:
# 3 x 3 takes 0.25 us, 10 x 10 2 us, 32 x 32 25 us.
STACKED_FLOPS = 150.0
STACKED_BLOCK = 20_000.0


def applies(problem: LinearSystem) -> str | None:
    if not problem.structure.has("block_diagonal"):
        return "a chain of nonzeros joins all rows and columns"
    return None


def cost(problem: LinearSystem) -> Cost:
    s = problem.structure
    sizes = np.array(s.block_sizes, dtype=np.float64)
    each = np.where(
        sizes <= MAX_STACKED, STACKED_FLOPS * sizes**2 + STACKED_BLOCK, LU_FLOPS * sizes**3 + 2e6
    )
    entries = float(np.sum(sizes**2))
    factorise = Cost(
        lapack=float(each.sum()) * s.arithmetic,
        traffic=3.0 * s.stored_bytes,
        memory=2.0 * s.item_bytes * entries,
    )
    return factorise + substitution_cost(problem, 2.0 * entries) + certificate_cost(problem)


def memory_use(problem: LinearSystem) -> str:
    return "the blocks and their factors"


def reason(problem: LinearSystem) -> str:
    sizes = problem.structure.block_sizes
    return f"it falls into {len(sizes)} blocks, the largest of order {sizes[0]}"


def solve(problem: LinearSystem) -> SystemAnswer:
    return answered(problem, BlockFactors)


class BlockFactors(Factor):
    """LU factors or inverses of the blocks, which are grouped by their orders."""

    def __init__(self, problem: LinearSystem) -> None:
        order = problem.reordering
        sizes = np.diff(order.ends, prepend=0)
        starts = order.ends - sizes
        self._order = order
        self._groups = []
        entries = _SparseBlocks(problem) if problem.structure.is_sparse else None
        for size in np.unique(sizes):
            begins = starts[sizes == size]
            places = begins[:, None] + np.arange(size)
            rows, columns = order.rows[places], order.columns[places]
            if entries is not None:
                blocks = entries.stacked(begins, size)
            else:
                blocks = _gathered(problem.matrix, rows, columns)
            kind = _Stack if size <= MAX_STACKED else _Loop
            self._groups.append((rows, columns, kind(blocks, rows)))

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        x = np.empty_like(rhs)
        for rows, columns, blocks in self._groups:
            x[columns] = blocks.solve(rhs[rows], adjoint=False)
        return x

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        x = np.empty_like(rhs)
        for rows, columns, blocks in self._groups:
            x[rows] = blocks.solve(rhs[columns], adjoint=True)
        return x

    def slogdet(self) -> tuple[complex, float]:
        parts = [blocks.slogdet() for _, _, blocks in self._groups]
        return product_of([(self._order.sign, 0.0), *parts])


def _gathered(A: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the blocks of a matrix that is stored without gaps: A[rows[i]][:, columns[i]].

    Places in one dimension are three times as fast as pairs of indices.
    """
    count, size = rows.shape
    by_rows, entries = A.flags.c_contiguous, A.ravel(order="K")
    blocks = np.empty((count, size, size), A.dtype)
    step = max(1, GATHERED // size**2)
    for start in range(0, count, step):
        i, j = rows[start : start + step, :, None], columns[start : start + step, None, :]
        blocks[start : start + step] = entries.take(i * len(A) + j if by_rows else j * len(A) + i)
    return blocks


class _SparseBlocks:
    """The blocks of a sparse matrix, as dense stacks."""

    def __init__(self, problem: LinearSystem) -> None:
        entries = problem.matrix.tocoo()
        row_places = np.argsort(problem.reordering.rows)
        column_places = np.argsort(problem.reordering.columns)
        self._rows, self._columns = row_places[entries.coords[0]], column_places[entries.coords[1]]
        ends = problem.reordering.ends
        self._starts = (ends - np.diff(ends, prepend=0))[np.searchsorted(ends, self._rows, "right")]
        self._data = entries.data

    def stacked(self, begins: np.ndarray, size: int) -> np.ndarray:
        """Return the blocks of one order that begin at these places."""
        where = np.searchsorted(begins, self._starts)
        where = np.minimum(where, len(begins) - 1)
        mine = begins[where] == self._starts
        blocks = np.zeros((len(begins), size, size), dtype=self._data.dtype)
        start, block = self._starts[mine], where[mine]
        rows, columns = self._rows[mine] - start, self._columns[mine] - start
        blocks[block, rows, columns] = self._data[mine]
        return blocks


class _Stack:
    """Inverses of small blocks; refinement makes up for what they lack in accuracy."""

    def __init__(self, blocks: np.ndarray, rows: np.ndarray) -> None:
        try:
            self._inverses = np.linalg.inv(blocks)
        except np.linalg.LinAlgError as failure:
            zero = np.flatnonzero(np.linalg.slogdet(blocks)[0] == 0)
            if not len(zero):
                raise Breakdown("a block is singular to rounding") from failure
            raise SingularMatrixError(_which(rows[zero[0]])) from failure
        self._blocks = blocks

    def solve(self, rhs: np.ndarray, adjoint: bool) -> np.ndarray:
        inverses = self._inverses.conj().swapaxes(1, 2) if adjoint else self._inverses
        return inverses @ rhs

    def slogdet(self) -> tuple[complex, float]:
        signs, logs = np.linalg.slogdet(self._blocks)
        return np.prod(signs).item(), float(logs.sum())


class _Loop:
    """LU factors of larger blocks."""

    def __init__(self, blocks: np.ndarray, rows: np.ndarray) -> None:
        self._factors = []
        for block, its_rows in zip(blocks, rows, strict=True):
            try:
                self._factors.append(DenseLU(block))
            except SingularMatrixError as failure:
                raise SingularMatrixError(_which(its_rows)) from failure

    def solve(self, rhs: np.ndarray, adjoint: bool) -> np.ndarray:
        solved = np.empty_like(rhs)
        for i, factor in enumerate(self._factors):
            solved[i] = (factor.solve_adjoint if adjoint else factor.solve)(rhs[i])
        return solved

    def slogdet(self) -> tuple[float | complex, float]:
        return product_of(factor.slogdet() for factor in self._factors)


def _which(rows: np.ndarray) -> str:
    return f"the diagonal block of row {rows.min()}, of order {len(rows)}, is singular"
