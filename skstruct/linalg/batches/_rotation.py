"""Jacobi rotations of pairs of rows, interleaved."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from skstruct.linalg.batches._scratch import Scratch


class Rotation:
    """Rotations by angles that differ from slice to slice.

    Attributes
    ----------
    tangent, cosine, sine : ndarray of shape (chunk,)
        Those of the current angles.
    """

    def __init__(self, rows: int, chunk: int, dtype: np.dtype, scratch: Scratch) -> None:
        self.tangent, self.cosine, self.sine, self._length = scratch.array((4, chunk), dtype)
        self._products = scratch.array((2, rows, chunk), dtype)

    def angle_steps(self, difference: np.ndarray, twice: np.ndarray) -> Iterator[partial]:
        """Yield the steps that find the smaller angle which makes the coupling of two rows zero.

        `difference` is a_qq - a_pp, `twice` is 2 a_pq; both are of a matrix whose largest entries
        are of order one, and `difference` is overwritten. Rutishauser's formula:
        t = 2 a_pq / (d + sign(d) sqrt(d^2 + (2 a_pq)^2)).
        """
        tangent, cosine, length = self.tangent, self.cosine, self._length
        one = length.dtype.type(1)
        # Where both vanish the angle is zero, not 0 / 0. Squares that underflow are below it, too.
        least = np.sqrt(np.finfo(length.dtype).tiny)
        yield partial(np.multiply, difference, difference, out=length)
        yield partial(np.multiply, twice, twice, out=tangent)
        yield partial(np.add, length, tangent, out=length)
        yield partial(np.sqrt, length, out=length)
        yield partial(np.add, length, least, out=length)
        yield partial(np.copysign, length, difference, out=length)
        yield partial(np.add, difference, length, out=length)
        yield partial(np.divide, twice, length, out=tangent)
        yield partial(np.multiply, tangent, tangent, out=cosine)
        yield partial(np.add, cosine, one, out=cosine)
        yield partial(np.sqrt, cosine, out=cosine)
        yield partial(np.divide, one, cosine, out=cosine)
        yield partial(np.multiply, tangent, cosine, out=self.sine)

    def steps(self, one: np.ndarray, other: np.ndarray) -> Iterator[partial]:
        """Yield the steps (p, q) -> (c p - s q, s p + c q) for rows of shape (..., chunk)."""
        rows = 1 if one.ndim == 1 else len(one)
        first, second = (product[:rows].reshape(one.shape) for product in self._products)
        yield partial(np.multiply, one, self.sine, out=first)
        yield partial(np.multiply, other, self.sine, out=second)
        yield partial(np.multiply, one, self.cosine, out=one)
        yield partial(np.subtract, one, second, out=one)
        yield partial(np.multiply, other, self.cosine, out=other)
        yield partial(np.add, other, first, out=other)


def scaling_steps(work: np.ndarray, scale: np.ndarray, spare: np.ndarray) -> Iterator[partial]:
    """Yield the steps that divide slices by their largest entries, which `scale` receives.

    `work` has shape (rows, columns, chunk). Squares then neither overflow nor, for what matters,
    underflow.
    """
    yield partial(np.copyto, scale, np.finfo(work.dtype).tiny)
    for row in work:
        for lane in row:
            yield partial(np.abs, lane, out=spare)
            yield partial(np.maximum, scale, spare, out=scale)
    yield partial(np.divide, work, scale, out=work)
