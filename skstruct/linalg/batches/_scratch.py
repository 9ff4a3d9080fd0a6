"""Working memory that is kept from call to call."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod

import numpy as np

# Larger buffers are given back to the system. Fresh pages cost a virtual machine microseconds each:
# 100 000 systems of order 3 took 5.7 ms with new memory, 4.6 with memory that had been in use.
KEPT_BYTES = 16 * 2**20
_ALIGNMENT = 64  # bytes of a cache line

_idle: deque[np.ndarray] = deque(maxlen=4)


class Scratch:
    """Arrays carved out of one buffer, uninitialised."""

    def __init__(self) -> None:
        try:
            self._buffer = _idle.pop()
        except IndexError:
            self._buffer = np.empty(0, np.uint8)
        self._used = 0

    def array(self, shape: tuple[int, ...], dtype: np.dtype | type) -> np.ndarray:
        """Return an array that no other one of this scratch overlaps."""
        size = prod(shape) * np.dtype(dtype).itemsize
        start, self._used = self._used, self._used + -(-size // _ALIGNMENT) * _ALIGNMENT
        if self._used > len(self._buffer):
            # Arrays handed out keep the old buffer alive; the next call finds one large enough.
            self._buffer = np.empty(max(self._used, 2 * len(self._buffer)), np.uint8)
            start, self._used = 0, self._used - start
        return self._buffer[start : start + size].view(dtype).reshape(shape)

    def give_back(self) -> None:
        """Leave the buffer to the next call; the arrays must not be used any more."""
        if len(self._buffer) <= KEPT_BYTES:
            _idle.append(self._buffer)


@contextmanager
def borrowed_scratch() -> Iterator[Scratch]:
    """Lend working memory to one thread."""
    scratch = Scratch()
    try:
        yield scratch
    finally:
        scratch.give_back()
