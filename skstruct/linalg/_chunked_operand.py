"""Data that does not fit in memory as an operand: a stack of operands that do.

Every primitive is one read of the data. A chunk becomes an operand in memory, whose results are
stacked or summed in the order of the rows; nothing is multiplied here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from skstruct.linalg._centering import keeps_digits
from skstruct.linalg._config import get_config
from skstruct.linalg._operand import Operand
from skstruct.linalg._sources import MEMORY_SHARE, RowSource
from skstruct.linalg._threads import parallel_region

# Bytes of the rows that are kept as a dense panel while all others pass by: AA' of data of
# 10 GB takes 10 reads.
PANEL_BYTES = 2**30


class ChunkedOperand(Operand):
    """A = diag(sqrt(w)) (X - 1 m') for an X that is read in chunks of rows.

    Where the mean is not known, a Gram matrix is formed about a provisional one and corrected, so
    that both come from one read. If the correction would cost digits, because the first rows are
    unlike the others, a second read is made about the mean that the first one found.

    Parameters
    ----------
    source : RowSource
        Where the rows come from.
    in_memory : callable
        Makes the operand of a chunk, as :func:`make_operand` does.
    weights : ndarray of shape (n,), optional
        Non-negative row weights w.
    center : bool
        Whether to subtract the weighted column mean.
    mean : ndarray of shape (p,), optional
        A known vector to subtract instead.
    single : bool
        Whether chunks of float32 data are multiplied in float32.
    """

    def __init__(
        self,
        source: RowSource,
        in_memory: Callable[..., Operand],
        weights: np.ndarray | None = None,
        *,
        center: bool = False,
        mean: np.ndarray | None = None,
        single: bool = False,
    ) -> None:
        self._describe(
            source,
            weights,
            centered=center or mean is not None,
            nnz=source.nnz,
            out_of_core=True,
        )
        self.source = source
        self.single = single and source.dtype == np.float32 and source.nnz is None
        self._in_memory = in_memory
        self._local = threading.local()
        if mean is not None:
            self.mean = np.asarray(mean, dtype=np.float64)
        elif not center:
            self.mean = np.zeros(source.shape[1])

    def in_double(self) -> Operand:
        if not self.single:
            return self
        twin = ChunkedOperand(
            self.source, self._in_memory, self.weights, center=self.structure.centered
        )
        if self._mean_is_known:
            twin.mean = self.mean
        return twin

    # -- passes ---------------------------------------------------------------------------

    def _read(self, use: Callable[[slice, Operand], None], shift: _Shift | None = None) -> None:
        """Call ``use(rows, operand)`` for one chunk of A after the other.

        With a `shift` that is subtracted instead of the mean.
        """
        mean = self.mean if self.structure.centered and shift is None else None
        with parallel_region(), closing(self.source.chunks()) as chunks:
            for rows, block in chunks:
                if shift is not None:
                    if shift.value is None:
                        shift.value = self._mean_of(rows, block)
                    mean = shift.value
                use(rows, self._operand_of(rows, block, mean))

    def _operand_of(
        self, rows: slice, block: np.ndarray | sparse.csr_array, mean: np.ndarray | None
    ) -> Operand:
        weights = None if self.weights is None else self.weights[rows]
        return self._in_memory(block, weights, mean=mean, single=self.single)

    def _sum(
        self,
        part: Callable[[slice, Operand], np.ndarray],
        shape: tuple[int, ...],
        shift: _Shift | None = None,
    ) -> np.ndarray:
        """Return the sum of ``part(rows, operand)``, of this shape, over the chunks of A."""
        total = np.zeros(shape)

        def add(rows: slice, chunk: Operand) -> None:
            np.add(total, part(rows, chunk), out=total)

        self._read(add, shift)
        return total

    # -- the mean -------------------------------------------------------------------------

    @property
    def _mean_is_known(self) -> bool:
        return "mean" in vars(self)

    @cached_property
    def mean(self) -> np.ndarray:
        self._settle_moments()
        return self.mean

    @cached_property
    def column_sq_norms(self) -> np.ndarray:
        if self._mean_is_known:
            return self._sum(lambda _, chunk: chunk.column_sq_norms, (self.shape[1],))
        self._settle_moments()
        return self.column_sq_norms

    def _settle_moments(self) -> None:
        """Find the mean and the norms of the columns about it."""

        def moments(rows: slice, chunk: Operand) -> np.ndarray:
            sums = chunk.rmatmat(self._root(rows))[:, 0]
            return np.stack([chunk.column_sq_norms, sums])

        self._settle_mean(lambda shift: self._sum(moments, (2, self.shape[1]), shift))

    def _settle_mean(
        self, measure: Callable[[_Shift], Sequence[np.ndarray]]
    ) -> tuple[np.ndarray, Sequence[np.ndarray]]:
        """Set the mean and the norms of the columns.

        Parameters
        ----------
        measure : callable
            Makes a pass with a provisional mean s; returns the sums of w (x - s)^2 and of
            w (x - s), of shape (p,), and what else it found.

        Returns
        -------
        tuple
            The excess of the mean over s, and what `measure` returned.
        """
        shift = _Shift()
        for is_last in (False, True):
            found = measure(shift)
            sq_norms, sums = found[:2]
            excess = sums / (self.total_weight or 1.0)
            # A constant column equals s; sums of sparse products leave rounding errors of it.
            excess[sq_norms == 0] = 0.0
            correction = self.total_weight * excess**2
            if is_last or keeps_digits(correction, sq_norms - correction):
                break
            shift = _Shift(shift.value + excess)
        self.mean = shift.value + excess
        self.column_sq_norms = np.maximum(sq_norms - correction, 0.0)
        return excess, found

    def _mean_of(self, rows: slice, block: np.ndarray | sparse.csr_array) -> np.ndarray:
        # Of all its rows: the mean of a few would be far from that of a column of rare entries.
        weights = None if self.weights is None else self.weights[rows]
        if weights is not None and not weights.any():
            weights = None
        return self._in_memory(block, weights, center=True).mean

    def _root(self, rows: slice) -> np.ndarray:
        """Return sqrt(w) of some rows as a column."""
        if self.root_weights is None:
            return np.ones((rows.stop - rows.start, 1))
        return self.root_weights[rows, None]

    # -- products -------------------------------------------------------------------------

    def matmat(self, V: np.ndarray) -> np.ndarray:
        out = np.empty((self.shape[0], V.shape[1]))

        def fill(rows: slice, chunk: Operand) -> None:
            out[rows] = chunk.matmat(V)

        self._read(fill)
        return out

    def rmatmat(self, U: np.ndarray) -> np.ndarray:
        shape = self.shape[1], U.shape[1]
        return self._sum(lambda rows, chunk: chunk.rmatmat(U[rows]), shape)

    def normal_product(self, V: np.ndarray, rhs: np.ndarray | None = None) -> np.ndarray:
        def part(rows: slice, chunk: Operand) -> np.ndarray:
            return chunk.normal_product(V, None if rhs is None else rhs[rows])

        return self._sum(part, V.shape)

    def projected_gram(self, V: np.ndarray) -> np.ndarray:
        shape = V.shape[1], V.shape[1]
        return self._sum(lambda _, chunk: chunk.projected_gram(V), shape)

    def normal_equations(self, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self._mean_is_known:
            self.column_sq_norms, cross, gram = self._normal_equations(lambda rows: Y[rows])
            return gram, cross

        def measure(shift: _Shift) -> tuple[np.ndarray, ...]:
            # The sums of the columns, A'sqrt(w), are the products of one target more.
            sq_norms, cross, gram = self._normal_equations(
                lambda rows: np.column_stack([Y[rows], self._root(rows)]), shift
            )
            return sq_norms, cross[:, -1], cross[:, :-1], gram

        excess, (sq_norms, _, cross, gram) = self._settle_mean(measure)
        gram -= np.outer(self.total_weight * excess, excess)
        cross -= np.outer(excess, self._root(slice(0, self.shape[0])).T @ Y)
        constant = sq_norms == 0
        gram[constant], gram[:, constant], cross[constant] = 0.0, 0.0, 0.0
        return gram, cross

    def _normal_equations(
        self, targets: Callable[[slice], np.ndarray], shift: _Shift | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the squared norms of the columns, A'Y and A'A, of one pass."""
        p, t = self.shape[1], targets(slice(0, 1)).shape[1]
        sq_norms, cross, gram = np.zeros(p), np.zeros((p, t)), np.zeros((p, p))

        def add(rows: slice, chunk: Operand) -> None:
            part, products = chunk.normal_equations(targets(rows))
            np.add(gram, part, out=gram)
            np.add(cross, products, out=cross)
            np.add(sq_norms, chunk.column_sq_norms, out=sq_norms)  # known by now

        self._read(add, shift)
        return sq_norms, cross, gram

    def outer_gram(self) -> np.ndarray:
        """Return AA', of shape (n, n).

        A panel of the rows is kept in memory and multiplied by all rows that follow: the data is
        read once for every `PANEL_BYTES` of its dense float64 size.
        """
        n, p = self.shape
        out = np.empty((n, n))
        for panel in _panels(n, p):
            self._multiply_panel(panel, out)
        self.sq_norm = float(out.trace())
        return out

    def _multiply_panel(self, panel: slice, out: np.ndarray) -> None:
        """Write the products of the rows of a panel with each other and all that follow."""
        kept = np.empty((panel.stop - panel.start, self.shape[1]))

        def multiply(rows: slice, chunk: Operand) -> None:
            if rows.stop <= panel.start:
                return
            seen = slice(panel.start, min(rows.stop, panel.stop))
            new = slice(max(rows.start, panel.start), seen.stop)
            if new.start < new.stop:
                kept[_within(new, panel)] = chunk.dense_block(_within(new, rows))
            product = chunk.matmat(kept[_within(seen, panel)].T)
            if new.start < new.stop:  # rows with themselves: make it symmetric to the last bit
                square = product[_within(new, rows), _within(new, panel)]
                square[...] = 0.5 * (square + square.T)
            out[rows, seen] = product
            out[seen, rows] = product.T

        self._read(multiply)

    # -- rows -----------------------------------------------------------------------------

    def row_sq_norms(self) -> np.ndarray:
        out = np.empty(self.shape[0])

        def fill(rows: slice, chunk: Operand) -> None:
            out[rows] = chunk.row_sq_norms()

        self._read(fill)
        return out

    def to_dense(self) -> np.ndarray:
        out = np.empty(self.shape)

        def fill(rows: slice, chunk: Operand) -> None:
            out[rows] = chunk.to_dense()

        self._read(fill)
        return out

    def dense_block(self, rows: slice, buffer: np.ndarray | None = None) -> np.ndarray:
        """Return rows of A as a dense array; of blocks asked for in order, all in one read."""
        cursor = self._local.__dict__.pop("cursor", None)
        if cursor is None or rows.start < cursor.start:
            cursor = _Cursor(self._operands())
        block = cursor.dense(rows, self.shape[1])
        if rows.stop < self.shape[0]:
            self._local.cursor = cursor
        return block

    def _operands(self) -> Iterator[tuple[slice, Operand]]:
        # Without a thread that reads ahead: nobody would stop it if the last rows are never
        # asked for.
        mean = self.mean if self.structure.centered else None
        for rows, block in self.source.read():
            yield rows, self._operand_of(rows, block, mean)


@dataclass
class _Shift:
    """A vector near the mean; None until the first chunk is seen, whose mean it becomes."""

    value: np.ndarray | None = None


class _Cursor:
    """Rows of A in ascending order, from one pass over its chunks."""

    def __init__(self, chunks: Iterator[tuple[slice, Operand]]) -> None:
        self._chunks = chunks
        self._rows, self._chunk = next(chunks)

    @property
    def start(self) -> int:
        """The first row that can still be had."""
        return self._rows.start

    def dense(self, rows: slice, n_columns: int) -> np.ndarray:
        """Return rows, none of which is before `start`."""
        self._go_to(rows.start)
        if rows.stop <= self._rows.stop:
            return self._chunk.dense_block(_within(rows, self._rows))
        out = np.empty((rows.stop - rows.start, n_columns))
        done = rows.start
        while done < rows.stop:
            self._go_to(done)
            own = slice(done, min(rows.stop, self._rows.stop))
            out[_within(own, rows)] = self._chunk.dense_block(_within(own, self._rows))
            done = own.stop
        return out

    def _go_to(self, row: int) -> None:
        while row >= self._rows.stop:
            self._rows, self._chunk = next(self._chunks)


def _within(rows: slice, outer: slice) -> slice:
    """Return where rows are in a larger slice of rows."""
    return slice(rows.start - outer.start, rows.stop - outer.start)


def _panels(n: int, p: int) -> list[slice]:
    """Cut n rows of p numbers into panels of the size that may be kept in memory."""
    size, limit = PANEL_BYTES, get_config().memory_limit
    if limit is not None:
        size = min(size, int(limit) // MEMORY_SHARE)
    height = max(1, size // (8 * p))
    return [slice(start, min(start + height, n)) for start in range(0, n, height)]
