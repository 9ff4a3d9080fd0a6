"""Stacks of matrices of middle size: numpy's loops over LAPACK, on blocks of slices in threads.

A stack needs no BLAS threads, which would split one small matrix after the other: it has slices
enough for every core. Only a few large matrices are left to BLAS.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from skstruct.linalg._config import get_config
from skstruct.linalg._threads import (
    MIN_THREADED_ORDER,
    allowed_threads,
    parallel_region,
    run_shared,
    threaded_blas,
)

# Operations in a block: threads that start late find blocks left.
BLOCK_FLOPS = 2e6
# At least so many slices in a block if there are enough, or threads wait for Python's lock: two
# solve 500 systems of order 128 in 147 ms by two at a time, in 74 by four, in 66 by eight; one
# takes 92.
BLOCK_SLICES = 4


def run_stacked(
    function: Callable[..., Sequence[np.ndarray]], stacks: Sequence[np.ndarray], flops: float
) -> tuple[np.ndarray, ...]:
    """Return the stacks that ``function(*stacks)`` returns, computed in blocks of slices.

    `flops` is the count of operations for one slice. Results do not depend on the blocks.
    """
    length, order = len(stacks[0]), min(stacks[0].shape[1:])
    n_threads = allowed_threads()
    least = min(BLOCK_SLICES, -(-length // n_threads))
    size = max(least, int(BLOCK_FLOPS // max(flops, 1)))
    if order >= MIN_THREADED_ORDER and length < 2 * n_threads:
        with parallel_region(), threaded_blas(order):
            return tuple(function(*stacks))
    # A single block pays for the region only where a limit must be kept.
    if length <= size and get_config().blas_threads is None:
        return tuple(function(*stacks))
    blocks = [slice(start, start + size) for start in range(0, length, size)]
    waiting, results = deque(range(len(blocks))), [()] * len(blocks)

    def work() -> None:
        while True:
            try:
                number = waiting.popleft()
            except IndexError:  # other threads took the rest
                return
            results[number] = function(*(stack[blocks[number]] for stack in stacks))

    with parallel_region():
        run_shared(work, min(n_threads, len(blocks)))
    return tuple(np.concatenate(parts) for parts in zip(*results, strict=True))
