"""Singular value decomposition by one-sided Jacobi rotations, interleaved."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import combinations

import numpy as np

from skstruct.linalg.batches._exchange import Exchange, bits_of, sign_step
from skstruct.linalg.batches._interleaved import Kernel, KernelMaker
from skstruct.linalg.batches._jacobi_eigh import sorting_steps
from skstruct.linalg.batches._rotation import Rotation, scaling_steps
from skstruct.linalg.batches._scratch import Scratch

# Sweeps before a slice is left to LAPACK; random matrices of order 3 took 4-5, of order 6 6-7.
MAX_SWEEPS = 12


def jacobi_svd(n_rows: int, n_columns: int, dtype: np.dtype) -> KernelMaker:
    """Return the maker of a kernel A -> (U, s, Vh, reliable), for at least as many rows as columns.

    Columns are rotated until they are orthogonal to rounding, each to the scale of its own norm, so
    that small singular values are as accurate as the data determine them. ``reliable`` of shape
    (1, 1, chunk) is False where that was not reached or a column vanished, which leaves its
    direction open.
    """

    def make(chunk: int, scratch: Scratch) -> Kernel:
        # Row p: the p-th singular value, left and right singular vector.
        width = 1 + n_rows + n_columns
        triplets = scratch.array((n_columns, width, chunk), dtype)
        values, left, right = np.split(triplets, (1, 1 + n_rows), axis=1)
        squares = scratch.array((n_rows, chunk), dtype)
        scale, *lanes = scratch.array((6, chunk), dtype)
        state = _State(*lanes)
        reliable = scratch.array((1, 1, chunk), bool)
        rotation = Rotation(width - 1, chunk, dtype, scratch)
        exchange = Exchange(scratch.array((width, chunk), dtype), scratch)
        refresh = [*_norms(left, values, squares)]
        sweep = [*_sweep(triplets, left, squares, state, rotation)]
        steps = [
            *scaling_steps(left, scale, state.twice),
            partial(np.copyto, right, np.eye(n_columns, dtype=dtype)[:, :, None]),
            partial(_sweep_until_done, refresh, sweep, state),
            partial(np.sqrt, values, out=values),
            *sorting_steps(triplets, exchange, descending=True),
            partial(np.greater, values[-1, 0], np.finfo(dtype).eps ** 2, out=reliable[0, 0]),
            partial(np.invert, state.moving, out=state.moving),
            partial(np.logical_and, reliable[0, 0], state.moving, out=reliable[0, 0]),
            partial(np.divide, left, values, out=left),
            partial(np.multiply, values, scale, out=values),
        ]
        columns = left.transpose(1, 0, 2)
        return Kernel((columns,), (columns, values, right, reliable), steps)

    return make


class _State:
    """Working memory of a sweep, and which slices it still moves: not zero there."""

    def __init__(self, *lanes: np.ndarray) -> None:
        self.inner, self.twice, self.difference, self.bound, moving = lanes
        self.moving = bits_of(moving)


def _norms(left: np.ndarray, values: np.ndarray, squares: np.ndarray) -> Iterator[partial]:
    """Yield the steps that leave the squared norms of the columns in `values`."""
    for column, value in zip(left, values, strict=True):
        yield partial(np.multiply, column, column, out=squares)
        yield partial(np.add.reduce, squares, axis=0, out=value[0])


def _sweep(
    triplets: np.ndarray, left: np.ndarray, squares: np.ndarray, state: _State, rotation: Rotation
) -> Iterator[partial]:
    n_columns, n_rows = left.shape[:2]
    # A cosine of so many units counts as orthogonal: the rounding of a sum of n_rows products.
    tolerance = squares.dtype.type((max(n_rows, 4) * np.finfo(squares.dtype).eps) ** 2)
    inner, twice, difference, bound = state.inner, state.twice, state.difference, state.bound
    for p, q in combinations(range(n_columns), 2):
        one, other = triplets[p, 0], triplets[q, 0]
        yield partial(np.multiply, left[p], left[q], out=squares)
        yield partial(np.add.reduce, squares, axis=0, out=inner)
        yield partial(np.multiply, one, other, out=bound)
        yield partial(np.multiply, bound, tolerance, out=bound)
        yield partial(np.multiply, inner, inner, out=twice)
        # Slices that need no rotation stay bit for bit, however long others of the chunk take.
        yield partial(np.subtract, bound, twice, out=bound)
        yield sign_step(bound)
        yield partial(np.bitwise_or, state.moving, bits_of(bound), out=state.moving)
        yield partial(np.bitwise_and, bits_of(inner), bits_of(bound), out=bits_of(inner))
        yield partial(np.subtract, other, one, out=difference)
        yield partial(np.add, inner, inner, out=twice)
        yield from rotation.angle_steps(difference, twice)
        yield partial(np.multiply, rotation.tangent, inner, out=inner)
        yield partial(np.subtract, one, inner, out=one)
        yield partial(np.add, other, inner, out=other)
        yield from rotation.steps(triplets[p, 1:], triplets[q, 1:])


def _sweep_until_done(refresh: list, sweep: list, state: _State) -> None:
    for _ in range(MAX_SWEEPS):
        state.moving[...] = 0
        for step in refresh:
            step()
        for step in sweep:
            step()
        if not state.moving.any():
            break
    for step in refresh:
        step()
