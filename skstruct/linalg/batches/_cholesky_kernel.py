"""Cholesky factorisation, interleaved: LAPACK's potrf for thousands of matrices at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from skstruct.linalg.batches._interleaved import Kernel, KernelMaker
from skstruct.linalg.batches._scratch import Scratch


def cholesky_kernel(order: int, dtype: np.dtype) -> KernelMaker:
    """Return the maker of a kernel A -> (L, definite), which reads the lower triangle of A.

    ``definite`` of shape (1, 1, chunk) is False where a pivot is not positive.
    """

    def make(chunk: int, scratch: Scratch) -> Kernel:
        work = scratch.array((order, order, chunk), dtype)
        product = scratch.array((2 * order, chunk), dtype)
        least = scratch.array((chunk,), work.real.dtype)
        definite = scratch.array((1, 1, chunk), bool)
        steps = [*_factor(work, product, least), partial(np.greater, least, 0, out=definite[0, 0])]
        return Kernel((work,), (work, definite), steps)

    return make


def _factor(work: np.ndarray, product: np.ndarray, least: np.ndarray) -> Iterator[partial]:
    order = len(work)
    conjugate, product = product[order], product[:order]
    yield partial(np.copyto, least, np.inf)
    for k in range(order):
        pivot, below = work[k, k].real, work[k + 1 :, k]
        yield partial(np.minimum, least, pivot, out=least)  # NaN where a pivot is
        yield partial(np.sqrt, pivot, out=pivot)
        if work.dtype.kind == "c":
            yield partial(np.copyto, work[k, k].imag, 0)
        yield partial(np.divide, below, pivot, out=below)
        for j in range(k + 1, order):
            factor = work[j, k]
            if work.dtype.kind == "c":
                yield partial(np.conj, factor, out=conjugate)
                factor = conjugate
            rest, part = work[j:, j], product[: order - j]
            yield partial(np.multiply, work[j:, k], factor, out=part)
            yield partial(np.subtract, rest, part, out=rest)
        yield partial(np.copyto, work[k, k + 1 :], 0)
