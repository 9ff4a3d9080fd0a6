"""Exchanges of rows that happen in some slices of an interleaved chunk and not in others."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from skstruct.linalg.batches._scratch import Scratch

_INTEGERS = {4: np.int32, 8: np.int64}


def bits_of(lanes: np.ndarray) -> np.ndarray:
    """Return real lanes as integers, without a copy."""
    return lanes.view(_INTEGERS[lanes.itemsize])


def sign_step(lane: np.ndarray) -> partial:
    """Return the step that sets all bits of a lane where it is negative, and none elsewhere."""
    bits = bits_of(lane)
    return partial(np.right_shift, bits, 8 * bits.itemsize - 1, out=bits)


class Exchange:
    """Exchanges of rows of up to ``len(moved)`` entries.

    `moved` of shape (columns, chunk) is working memory of the type of the rows, which is free
    between exchanges.

    The mask is the sign of a difference, spread over all bits, and rows change places by exclusive
    or: exact for any numbers, and each step as fast as an addition. A masked assignment of numpy
    takes ten times as long.
    """

    def __init__(self, moved: np.ndarray, scratch: Scratch) -> None:
        real, chunk = moved.real.dtype, moved.shape[1]
        self._is_complex = moved.dtype.kind == "c"
        self._integer = _INTEGERS[real.itemsize]
        self._difference = scratch.array((chunk,), real)
        self._mask = bits_of(self._difference)
        self._moved = moved.view(self._integer)
        self._pairs = scratch.array((2 * chunk,), self._integer) if self._is_complex else None

    def steps(
        self, first: np.ndarray, second: np.ndarray, one: np.ndarray, other: np.ndarray
    ) -> Iterator[partial]:
        """Yield the steps that exchange two rows in the slices where ``first < second``."""
        mask, moved = self._mask, self._moved[: len(one)]
        one, other = one.view(self._integer), other.view(self._integer)
        yield partial(np.subtract, first, second, out=self._difference)
        yield sign_step(self._difference)
        if self._is_complex:  # real and imaginary parts lie side by side
            mask = self._pairs
            yield partial(np.copyto, mask.reshape(-1, 2), self._mask[:, None])
        yield partial(np.bitwise_xor, one, other, out=moved)
        yield partial(np.bitwise_and, moved, mask, out=moved)
        yield partial(np.bitwise_xor, one, moved, out=one)
        yield partial(np.bitwise_xor, other, moved, out=other)
