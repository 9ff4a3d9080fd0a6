"""Block diagonal matrices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, pairwise
from typing import Self

import numpy as np
from scipy import sparse

from skstruct.linalg.matrices._dense import structured
from skstruct.linalg.matrices._determinants import product_of
from skstruct.linalg.matrices._factor import Factor, SingularMatrixError
from skstruct.linalg.matrices._stack import Stack
from skstruct.linalg.matrices._structured import StructuredMatrix

# Blocks up to this order are solved in one call, which factors them anew, larger ones each with a
# factorisation that is kept. Of 4096 unknowns, a first and a later solve take 3 and 0.7 ms in one
# call for order 16, 19 and 1.9 one by one; for order 64 9 and 2.5 against 8 and 1.0.
MAX_STACKED_ORDER = 32


class BlockByBlock(Factor):
    """Each block has a factorisation of its own."""

    name = "by_blocks"

    def __init__(self, matrix: BlockDiagonal) -> None:
        self._dtype, self._parts, starts = matrix.dtype, [], [0]
        for part, block in zip(matrix.parts, matrix.numbers, strict=True):
            if not any(part.shape):
                continue
            what = "" if isinstance(part, Stack) else f"block {block}: "
            if part.shape[0] != part.shape[1]:
                raise SingularMatrixError(f"block {block} is not square")
            try:
                self._parts.append(part.factor())
            except np.linalg.LinAlgError as failure:
                raise SingularMatrixError(f"{what}{failure}") from failure
            starts.append(starts[-1] + part.shape[0])
        self._rows = [slice(*ends) for ends in pairwise(starts)]

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return self._by_parts((part.solve for part in self._parts), rhs)

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        return self._by_parts((part.solve_adjoint for part in self._parts), rhs)

    def _by_parts(self, solves: Iterable[Callable], rhs: np.ndarray) -> np.ndarray:
        x = np.empty(rhs.shape, self._dtype)
        for solve, rows in zip(solves, self._rows, strict=True):
            x[rows] = solve(rhs[rows])
        return x

    def slogdet(self) -> tuple[float | complex, float]:
        return product_of(part.slogdet() for part in self._parts)

    def inverse_norm(self, n: int, dtype: np.dtype) -> float:
        parts = zip(self._parts, self._rows, strict=True)
        return max(part.inverse_norm(rows.stop - rows.start, dtype) for part, rows in parts)


class BlockDiagonal(StructuredMatrix):
    """A matrix of square or rectangular blocks along its diagonal, zero elsewhere.

    Multiplied and solved block by block. Successive blocks of one small size are handled together,
    so that many thousands of them are no burden.

    Parameters
    ----------
    blocks : array-like of shape (m, r, c), or sequence of array-like or StructuredMatrix
        The blocks, from the upper left on.

    Attributes
    ----------
    parts : tuple of StructuredMatrix
        The blocks, those that are handled together as one.

    Raises
    ------
    ValueError
        A block is not a matrix of finite numbers.

    See Also
    --------
    StructuredMatrix : What all of these matrices can do.

    Examples
    --------
    >>> from skstruct.linalg import BlockDiagonal
    >>> M = BlockDiagonal([[[2.0]], [[0.0, 1.0], [1.0, 0.0]]])
    >>> M.to_dense()
    array([[2., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]])
    >>> M.solve([4.0, 5.0, 6.0])
    array([2., 6., 5.])
    >>> M.logdet()[0]
    -1.0
    """

    routes = (BlockByBlock,)

    def __init__(self, blocks: object) -> None:
        parts, numbers, number = [], [], 0
        for _, group in groupby(_listed(blocks), key=_kind):
            for part in _parts_of(list(group), number):
                parts.append(part)
                numbers.append(number)
                number += len(part.blocks) if isinstance(part, Stack) else 1
        self._set(parts, numbers)

    def _set(self, parts: Sequence[StructuredMatrix], numbers: Sequence[int]) -> None:
        dtype = np.result_type(*(part.dtype for part in parts)) if parts else np.float64
        self.parts = tuple(part.astype(dtype) for part in parts)
        self.numbers = tuple(numbers)  # of the first block of each part
        shape = tuple(sum(part.shape[i] for part in parts) for i in (0, 1))
        super().__init__(dtype, shape)

    def _with_parts(self, parts: Sequence[StructuredMatrix]) -> Self:
        matrix = type(self).__new__(type(self))
        matrix._set(parts, self.numbers)
        return matrix

    def _changed(self, change: Callable[[StructuredMatrix], StructuredMatrix]) -> Self:
        return self._with_parts([change(part) for part in self.parts])

    def _pieces(self, v: np.ndarray, side: int) -> list[np.ndarray]:
        """Return the pieces of `v` that belong to the rows (0) or columns (1) of each part."""
        ends = np.cumsum([part.shape[side] for part in self.parts])
        return np.split(v, ends[:-1]) if len(ends) else []

    def _matmat(self, X: np.ndarray) -> np.ndarray:
        products = [part.matmat(x) for part, x in zip(self.parts, self._pieces(X, 1), strict=True)]
        return np.concatenate(products) if products else np.zeros((0, X.shape[1]), X.dtype)

    def _transposed(self) -> BlockDiagonal:
        return self._changed(lambda part: part.T)

    def _map(self, function: Callable[[np.ndarray], np.ndarray]) -> Self:
        return self._changed(lambda part: part._map(function))

    @property
    def _blas_order(self) -> int:
        return max((part._blas_order for part in self.parts), default=0)

    def _magnitude_sums(self, axis: int) -> np.ndarray:
        return np.concatenate([[], *(part._magnitude_sums(axis) for part in self.parts)])

    def explicit(self) -> sparse.sparray:
        if not self.parts:
            return sparse.csr_array(self.shape, dtype=self.dtype)
        explicit = [sparse.csr_array(part.explicit()) for part in self.parts]
        return sparse.csr_array(sparse.block_diag(explicit, format="csr"))

    # -- algebra ---------------------------------------------------------------------------

    def _scaled(self, c: complex) -> BlockDiagonal:
        return self._changed(lambda part: part._scaled(c))

    def _combined(self, others: Sequence, combine: Callable) -> BlockDiagonal:
        """Return the matrix of the combinations of each part and its other."""
        parts = [combine(part, other) for part, other in zip(self.parts, others, strict=True)]
        if any(not isinstance(part, StructuredMatrix) for part in parts):
            return NotImplemented
        return self._with_parts(parts)

    def _plus(self, other: StructuredMatrix) -> BlockDiagonal:
        if not self._is_alike(other, (0, 1), (0, 1)):
            return NotImplemented
        return self._combined(other.parts, lambda a, b: a + b)

    def _times(self, other: StructuredMatrix) -> BlockDiagonal:
        if not self._is_alike(other, (1,), (0,)):
            return NotImplemented
        return self._combined(other.parts, lambda a, b: a @ b)

    def _is_alike(self, other: StructuredMatrix, own: tuple, its: tuple) -> bool:
        """Whether `other` has parts of the same sizes: this one's sides `own`, its sides `its`."""
        return isinstance(other, BlockDiagonal) and [
            [part.shape[i] for i in own] for part in self.parts
        ] == [[part.shape[i] for i in its] for part in other.parts]

    def _plus_diagonal(self, d: np.ndarray) -> BlockDiagonal:
        if any(part.shape[0] != part.shape[1] for part in self.parts):
            return NotImplemented
        return self._combined(self._pieces(d, 0), lambda part, v: part._plus_diagonal(v))

    def _scaled_rows(self, d: np.ndarray) -> BlockDiagonal:
        return self._combined(self._pieces(d, 0), lambda part, v: part._scaled_rows(v))

    def _scaled_columns(self, d: np.ndarray) -> BlockDiagonal:
        return self._combined(self._pieces(d, 1), lambda part, v: part._scaled_columns(v))


def _listed(blocks: object) -> list:
    if isinstance(blocks, np.ndarray) and blocks.ndim != 3:
        raise ValueError(
            f"blocks must be a sequence of matrices or of shape (m, r, c), got {blocks.shape}"
        )
    return [b if isinstance(b, StructuredMatrix) else np.asarray(b) for b in blocks]


def _kind(block: StructuredMatrix | np.ndarray) -> tuple[int, ...] | None:
    """Return the shape of a block that is handled with its neighbours of that shape."""
    if isinstance(block, StructuredMatrix) or block.ndim != 2 or not block.size:
        return None
    return block.shape if max(block.shape) <= MAX_STACKED_ORDER else None


def _parts_of(group: list, number: int) -> list[StructuredMatrix]:
    if _kind(group[0]) is None:
        return [structured(block, f"block {number + i}") for i, block in enumerate(group)]
    return [Stack(np.stack(group), first=number)]
