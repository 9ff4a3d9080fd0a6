"""Eigenpairs of symmetric matrices by cyclic Jacobi rotations, interleaved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import combinations

import numpy as np

from skstruct.linalg.batches._exchange import Exchange, bits_of, sign_step
from skstruct.linalg.batches._interleaved import Kernel, KernelMaker
from skstruct.linalg.batches._rotation import Rotation, scaling_steps
from skstruct.linalg.batches._scratch import Scratch

# Sweeps over all pairs before a slice is left to LAPACK. Convergence is quadratic: random matrices
# of order 2, 3, 6 took 1, 4-5, 6 sweeps.
MAX_SWEEPS = 12


def jacobi_eigh(order: int, dtype: np.dtype) -> KernelMaker:
    """Return the maker of a kernel A -> (eigenvalues, eigenvectors, converged) for real A.

    It reads the lower triangle. ``converged`` has shape (1, 1, chunk).
    """

    def make(chunk: int, scratch: Scratch) -> Kernel:
        work = scratch.array((order, order, chunk), dtype)
        # Row p: the p-th eigenvalue and its vector.
        pairs = scratch.array((order, order + 1, chunk), dtype)
        scale, *lanes = scratch.array((4, chunk), dtype)
        converged = scratch.array((1, 1, chunk), bool)
        rotation = Rotation(order, chunk, dtype, scratch)
        exchange = Exchange(scratch.array((order + 1, chunk), dtype), scratch)
        sweep = [*_sweep(work, pairs, rotation, lanes)]
        values, vectors = pairs[:, :1], pairs[:, 1:].transpose(1, 0, 2)
        steps = [
            *scaling_steps(work, scale, lanes[0]),
            partial(np.copyto, pairs[:, 0], np.einsum("iic->ic", work)),
            partial(np.copyto, pairs[:, 1:], np.eye(order, dtype=dtype)[:, :, None]),
            partial(_sweep_until_done, sweep, partial(_judge, work, lanes[0], converged[0, 0])),
            *sorting_steps(pairs, exchange, descending=False),
            partial(np.multiply, values, scale, out=values),
        ]
        return Kernel((work,), (values, vectors, converged), steps)

    return make


def _sweep(
    work: np.ndarray, pairs: np.ndarray, rotation: Rotation, lanes: Sequence[np.ndarray]
) -> Iterator[partial]:
    spare, twice, size = lanes
    order, tolerance = len(work), np.finfo(work.dtype).eps
    for p, q in combinations(range(order), 2):
        coupling = work[q, p]
        yield partial(np.subtract, pairs[q, 0], pairs[p, 0], out=spare)
        yield partial(np.add, coupling, coupling, out=twice)
        # Slices that need no rotation stay bit for bit, however long others of the chunk take.
        yield partial(np.abs, coupling, out=size)
        yield partial(np.subtract, tolerance, size, out=size)
        yield sign_step(size)
        yield partial(np.bitwise_and, bits_of(twice), bits_of(size), out=bits_of(twice))
        yield from rotation.angle_steps(spare, twice)
        yield partial(np.multiply, rotation.tangent, coupling, out=spare)
        yield partial(np.subtract, pairs[p, 0], spare, out=pairs[p, 0])
        yield partial(np.add, pairs[q, 0], spare, out=pairs[q, 0])
        yield partial(np.copyto, coupling, 0)
        for r in set(range(order)) - {p, q}:
            yield from rotation.steps(work[max(r, p), min(r, p)], work[max(r, q), min(r, q)])
        yield from rotation.steps(pairs[p, 1:], pairs[q, 1:])


def _judge(work: np.ndarray, largest: np.ndarray, converged: np.ndarray) -> bool:
    """Mark the slices that are diagonal to rounding; return whether all are."""
    tolerance = np.finfo(work.dtype).eps
    np.copyto(largest, 0)
    for p, q in combinations(range(len(work)), 2):
        np.maximum(largest, np.abs(work[q, p]), out=largest)
    np.less_equal(largest, tolerance, out=converged)
    return not (largest > tolerance).any()  # NaN does not become better by waiting


def _sweep_until_done(sweep: Sequence[partial], is_done: Callable[[], bool]) -> None:
    for _ in range(MAX_SWEEPS):
        for step in sweep:
            step()
        if is_done():
            return


def sorting_steps(rows: np.ndarray, exchange: Exchange, *, descending: bool) -> Iterator[partial]:
    """Yield the steps that sort `rows` (order, columns, chunk) by their first entries."""
    order = len(rows)
    for last in range(order - 1, 0, -1):
        for i in range(last):
            keys = (rows[i, 0], rows[i + 1, 0])
            yield from exchange.steps(*(keys if descending else keys[::-1]), rows[i], rows[i + 1])
