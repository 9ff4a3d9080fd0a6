"""Operand: a data matrix, centred and weighted without being copied, behind a few primitives.

Every solver sees A = diag(sqrt(w)) (X - 1 m') through this interface. A subclass reads X in
blocks; centring and weights are applied to a block when it is used, so that no centred copy of
X ever exists and no digit is lost to an offset. Blocks are cut by the shape alone and their sums
are added in a fixed order, so the number of block threads does not change a bit; only products
that BLAS threads itself may round differently. All arithmetic is float64, whatever the data, unless
the operand is asked for single precision.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property, partial
from itertools import pairwise

import numpy as np

from skstruct.linalg._structure import Structure
from skstruct.linalg._threads import run_all, threaded_blas

# Sums over blocks run in at most this many independent lanes (one thread each at a time), as
# long as the lanes' partial sums together stay below LANE_BYTES. 8 lanes keep 8 cores busy.
MAX_LANES = 8
LANE_BYTES = 64 * 2**20

# Bytes of a dense row block in float64. Centring 200 000 x 100 and multiplying it by 4 columns
# and back takes 21-25 ms with blocks of 0.4-1.6 MB and 36 ms with 4 MB, which leave the 1 MB
# L2 cache.
DENSE_BLOCK_BYTES = 2**20


class Operand(ABC):
    """The n x p matrix A = diag(sqrt(w)) (X - 1 m').

    Attributes
    ----------
    shape : tuple of int
        (n, p).
    mean : ndarray of shape (p,)
        The weighted column mean m, zero where A is not centred.
    weights : ndarray of shape (n,) or None
        w; None for unit weights.
    root_weights : ndarray of shape (n,) or None
        sqrt(w).
    total_weight : float
        Sum of w: the number of observations that the rows stand for.
    structure : Structure
        The facts that plans are made from.
    """

    shape: tuple[int, int]
    mean: np.ndarray
    weights: np.ndarray | None
    root_weights: np.ndarray | None
    total_weight: float
    structure: Structure

    def _describe(
        self,
        X: object,
        weights: np.ndarray | None,
        *,
        centered: bool,
        nnz: int | None = None,
        out_of_core: bool = False,
        matrix_free: bool = False,
    ) -> None:
        """Record the facts known of X, which has a shape and a dtype, and its weights."""
        self.shape = X.shape
        self.weights = weights
        self.root_weights, self.total_weight = root_and_total(weights, X.shape[0])
        self.structure = Structure(
            n_rows=X.shape[0],
            n_columns=X.shape[1],
            dtype=np.dtype(X.dtype).name,
            nnz=nnz,
            centered=centered,
            weighted=weights is not None,
            out_of_core=out_of_core,
            matrix_free=matrix_free,
        )

    # -- what a subclass provides ---------------------------------------------------------

    @abstractmethod
    def matmat(self, V: np.ndarray) -> np.ndarray:
        """Return A V, of shape (n, k), for V of shape (p, k)."""

    @abstractmethod
    def rmatmat(self, U: np.ndarray) -> np.ndarray:
        """Return A'U, of shape (p, k), for U of shape (n, k)."""

    @abstractmethod
    def outer_gram(self) -> np.ndarray:
        """Return AA', of shape (n, n)."""

    @abstractmethod
    def dense_block(self, rows: slice, buffer: np.ndarray | None = None) -> np.ndarray:
        """Return rows of A as a dense array, which the caller must not change."""

    @property
    def n_observations(self) -> int:
        """Number of rows that have weight."""
        return self.shape[0] if self.weights is None else int(np.count_nonzero(self.weights))

    def buffers(self) -> tuple[np.ndarray, ...]:
        """Return the arrays that hold X, if they are in memory; nothing if they are not."""
        return ()

    def new_buffer(self, n_rows: int) -> np.ndarray | None:
        """Return scratch space in which ``dense_block`` may place its result."""
        return None

    @cached_property
    @abstractmethod
    def column_sq_norms(self) -> np.ndarray:
        """Squared norms of the columns of A, of shape (p,)."""

    # -- what follows from it -------------------------------------------------------------

    single: bool = False
    """Whether blocks are multiplied in float32."""

    def in_double(self) -> Operand:
        """Return the same matrix, multiplied in float64."""
        return self

    def column_means(self) -> np.ndarray:
        """Return the weighted means of the columns of X, of shape (p,)."""
        if self.structure.centered or self.total_weight == 0:
            return self.mean
        root = np.ones(self.shape[0]) if self.root_weights is None else self.root_weights
        return self.rmatmat(root[:, None])[:, 0] / self.total_weight

    def projected_gram(self, V: np.ndarray) -> np.ndarray:
        """Return V'A'A V in float64, of shape (k, k), for V of shape (p, k)."""
        image = self.matmat(V)
        return image.T @ image

    @cached_property
    def sq_norm(self) -> float:
        """The squared Frobenius norm of A: its total energy."""
        return float(self.column_sq_norms.sum())

    def normal_product(self, V: np.ndarray, rhs: np.ndarray | None = None) -> np.ndarray:
        """Return A'(A V - rhs), of shape (p, k).

        With a right-hand side this is the gradient of ||A V - rhs||^2 / 2.
        """
        product = self.matmat(V)
        if rhs is not None:
            product -= rhs
        return self.rmatmat(product)

    def row_sq_norms(self) -> np.ndarray:
        """Return the squared norms of the rows of A, of shape (n,)."""
        out = np.empty(self.shape[0])
        for rows in self.dense_row_blocks(min_rows=1):
            block = self.dense_block(rows)
            out[rows] = np.einsum("ij,ij->i", block, block)
        return out

    def outer_product(self, U: np.ndarray) -> np.ndarray:
        """Return A A'U, of shape (n, k), for U of shape (n, k)."""
        return self.matmat(self.rmatmat(U))

    def gram(self) -> np.ndarray:
        """Return A'A, of shape (p, p)."""
        return self.normal_equations(np.empty((self.shape[0], 0)))[0]

    def normal_equations(self, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return A'A and A'Y, of shapes (p, p) and (p, t), in one pass over the data."""
        p = self.shape[1]

        def lane(blocks: list[slice]) -> np.ndarray:
            total = np.zeros((p, p + Y.shape[1]))
            buffer = self.new_buffer(longest(blocks))
            for rows in blocks:
                block = self.dense_block(rows, buffer)
                total[:, :p] += block.T @ block
                total[:, p:] += (Y[rows].T @ block).T
            return total

        # At least 2 p rows a block: numpy mirrors the triangle of every block's product,
        # which costs p^2 beside the b p^2 of the product itself.
        total = sum_in_lanes(lane, self.dense_row_blocks(min_rows=2 * p), (p, p + Y.shape[1]))
        gram = np.ascontiguousarray(total[:, :p])
        self.column_sq_norms = gram.diagonal().copy()
        return gram, total[:, p:]

    def to_dense(self) -> np.ndarray:
        """Return A as a dense float64 array that the caller owns."""
        out = np.empty(self.shape)
        for rows in self.dense_row_blocks(min_rows=1):
            out[rows] = self.dense_block(rows)
        return out

    def dense_row_blocks(self, min_rows: int) -> list[slice]:
        """Return slices of at least `min_rows` rows (if there are) for ``dense_block``."""
        n, p = self.shape
        return even_slices(n, max(DENSE_BLOCK_BYTES // (8 * max(p, 1)), min_rows, 1))

    def prepare_targets(self, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return diag(sqrt(w)) (Y - 1 c'), of shape (n, t), and c, centred as X is."""
        Y = Y.astype(np.float64)
        offset = np.zeros(Y.shape[1])
        if self.structure.centered and self.total_weight > 0:
            weights = None if self.root_weights is None else np.square(self.root_weights)
            # Relative to the first row, as the sum of large offsets would lose digits.
            first = Y[0].copy()
            offset = first + np.average(Y - first, axis=0, weights=weights)
            Y -= offset
        if self.root_weights is not None:
            Y *= self.root_weights[:, None]
        return Y, offset


def run_in_lanes(lane: Callable[[list[slice]], None], blocks: list[slice]) -> None:
    """Call `lane` on disjoint shares of the blocks, in parallel."""
    run_all([partial(lane, dealt) for dealt in _deal(blocks, MAX_LANES)])


def sum_in_lanes(
    lane: Callable[[list[slice]], np.ndarray], blocks: list[slice], shape: tuple[int, int]
) -> np.ndarray:
    """Return the sum of `lane`, whose results have this shape, over all blocks.

    In lanes that run in parallel; in a single lane, if there is one block or the result is
    large, whose products then have the BLAS threads.
    """
    n_lanes = min(MAX_LANES, max(1, LANE_BYTES // (8 * max(shape[0] * shape[1], 1))))
    shares = _deal(blocks, n_lanes)
    if len(shares) == 1:
        with threaded_blas(min(shape)):
            return lane(shares[0])
    partial_sums = run_all([partial(lane, share) for share in shares])
    total = partial_sums[0]
    for partial_sum in partial_sums[1:]:
        total += partial_sum
    return total


def _deal(blocks: list[slice], n_lanes: int) -> list[list[slice]]:
    """Deal blocks round to lanes, none of them empty."""
    return [blocks[i::n_lanes] for i in range(min(n_lanes, len(blocks)))]


def longest(blocks: list[slice]) -> int:
    """Return the length of the longest slice."""
    return max(rows.stop - rows.start for rows in blocks)


def even_slices(length: int, size: int) -> list[slice]:
    """Cut ``range(length)`` into slices of about `size`, all nearly equal.

    Their number is a power of two or a multiple of eight, so that lanes are equally long on
    two, four or eight cores; that may halve them.
    """
    n_slices = max(1, -(-length // size))
    if n_slices < MAX_LANES:
        n_slices = 1 << (n_slices - 1).bit_length()
    else:
        n_slices = -(-n_slices // MAX_LANES) * MAX_LANES
    n_slices = min(n_slices, length)
    bounds = [length * i // n_slices for i in range(n_slices + 1)]
    return [slice(start, stop) for start, stop in pairwise(bounds)]


def root_and_total(weights: np.ndarray | None, n_rows: int) -> tuple[np.ndarray | None, float]:
    """Return sqrt(w) as float64, or None for unit weights, and the sum of w."""
    if weights is None:
        return None, float(n_rows)
    weights = np.asarray(weights, dtype=np.float64)
    return np.sqrt(weights), float(weights.sum())
