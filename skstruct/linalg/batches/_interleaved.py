"""Stacks of tiny matrices, computed entry by entry for thousands of them at once.

A call of LAPACK for one 3 x 3 matrix is all overhead: 200 ns for 30 operations. Here a chunk of the
stack is transposed into the *interleaved* layout (row, column, slice), in which entry (i, j) of all
slices is one contiguous vector. An algorithm that would loop over entries of a matrix then does so
with vectors, and its every operation serves the whole chunk.

An algorithm is a :class:`Kernel`: scratch arrays and the ufunc calls between them, made once and
replayed for every chunk. Without temporaries and new views a call costs half a microsecond.

All of it is the work of one thread. Two wait for Python's lock after each of these short calls:
100 000 systems of order 3 take them 8 to 12 ms, one 7; a million 60 to 72, one 70.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from skstruct.linalg.batches._scratch import Scratch, borrowed_scratch

# Making a kernel takes 0.1 to 0.3 ms. Orders 2, 3 and 5 break even with numpy at 1000, 1500 and
# 2000 systems, at 800, 1000 and 1500 Cholesky factors, at 500 to 2000 sets of eigenpairs.
MIN_SLICES = 1500
# Slices at once. 100 000 systems of order 3 took 7.4 ms in chunks of 2000, where calls cost as much
# as arithmetic, 6.3 of 4000, 5.1 of 12 500, 5.0 of 25 000 on a machine that is faster than that.
CHUNK = 12_500
# Slices whose transposed copy stays within the cache for all their entries: 10.7 ns a 3 x 3 matrix,
# 12-18 for a whole chunk.
LOADED = 4096
# Bytes of the inputs in the interleaved layout: wider systems are cut into smaller chunks.
CHUNK_BYTES = 4 * 2**20


@dataclass(frozen=True)
class Kernel:
    """An algorithm on one chunk.

    Attributes
    ----------
    inputs, outputs : sequence of ndarray of shape (rows, columns, chunk)
        Where it expects its data, and where its results are afterwards.
    steps : sequence of callable
        Calls that compute the outputs, one after the other; they may overwrite the inputs.
    """

    inputs: Sequence[np.ndarray]
    outputs: Sequence[np.ndarray]
    steps: Sequence[Callable[[], object]]


KernelMaker = Callable[[int, Scratch], Kernel]
"""Makes a kernel for chunks of so many slices."""


def pays(stack: np.ndarray) -> bool:
    """Return whether there are enough slices to gain from a kernel."""
    return len(stack) >= MIN_SLICES


def run_kernel(
    make: KernelMaker, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray]
) -> None:
    """Run the kernel of `make` over stacks of shape (slices, rows, columns).

    `outputs` are filled. Slices are computed independently of each other: the chunk that a slice is
    in does not change a bit of its result.
    """
    length = len(inputs[0])
    slice_bytes = sum(stack[0].size * stack.itemsize for stack in inputs)
    n_chunks = -(-length // min(CHUNK, CHUNK_BYTES // slice_bytes))
    chunk = -(-length // n_chunks)
    with borrowed_scratch() as scratch, np.errstate(all="ignore"):
        kernel = make(chunk, scratch)
        for k in range(n_chunks):
            # The last chunk begins earlier instead of being shorter, so that one kernel does.
            start = min(k * chunk, length - chunk)
            part = slice(start, start + chunk)
            for stack, lanes in zip(inputs, kernel.inputs, strict=True):
                _load(stack[part], lanes)
            for step in kernel.steps:
                step()
            for stack, lanes in zip(outputs, kernel.outputs, strict=True):
                _store(lanes, stack[part])


def _load(stack: np.ndarray, lanes: np.ndarray) -> None:
    for start in range(0, len(stack), LOADED):
        part = slice(start, start + LOADED)
        np.copyto(lanes[..., part], stack[part].transpose(1, 2, 0))


def _store(lanes: np.ndarray, stack: np.ndarray) -> None:
    # Entry by entry: numpy's own order of a transposed copy takes twice as long in this direction.
    for i, row in enumerate(lanes):
        for j, lane in enumerate(row):
            stack[:, i, j] = lane
