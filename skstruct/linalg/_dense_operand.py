"""Dense data as an operand: C- or Fortran-ordered, float32 or float64, read in blocks of rows.

The mean is found in the same pass as the first Gram matrix, or in a pass of its own. Products with
few columns split it: A = diag(sqrt(w)) ((X - 1 s') - 1 d') with s subtracted from the data and d
from the product. Where the mean is small s is nothing and the data is multiplied as it stands
(500 x 50 000 times 8 columns: 18 ms instead of 35); where it is large s is the mean, and d only
what float32 cannot hold of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from scipy.linalg import blas

from skstruct.linalg._centering import keeps_digits, provisional_mean, sample_of_rows
from skstruct.linalg._operand import (
    Operand,
    longest,
    run_in_lanes,
    sum_in_lanes,
)

# Blocks have at least this many rows (or columns), else their products degenerate to BLAS-2.
MIN_BLOCK = 64

# The mean is left in the data of a narrow product if it has at most this share of the energy of
# A: the rounding errors of the product then grow by a factor of two at the most.
MAX_MEAN_ENERGY = 4.0


def times(block: np.ndarray, V: np.ndarray) -> np.ndarray:
    """Return ``block @ V``.

    OpenBLAS multiplies a few long rows by a matrix faster than the matrix by a few columns: for
    3000 x 3000 and 20 columns V'X takes 11 ms on one thread, X'V 22 ms, X V 16 ms.
    """
    return (V.T @ block.T).T


def transpose_times(block: np.ndarray, U: np.ndarray) -> np.ndarray:
    """Return ``block.T @ U``, as :func:`times`."""
    return (U.T @ block).T


class DenseOperand(Operand):
    """A = diag(sqrt(w)) (X - 1 m') for a dense X.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        float32 or float64, in any memory order.
    weights : ndarray of shape (n,), optional
        Non-negative row weights w.
    center : bool
        Whether to subtract the weighted column mean.
    mean : ndarray of shape (p,), optional
        A known vector to subtract instead.
    single : bool
        Whether blocks of float32 data are multiplied in float32. Their results are summed in
        float64 all the same.
    """

    def __init__(
        self,
        X: np.ndarray,
        weights: np.ndarray | None = None,
        *,
        center: bool = False,
        mean: np.ndarray | None = None,
        single: bool = False,
    ) -> None:
        self._describe(X, weights, centered=center or mean is not None)
        self.X = X
        self.single = single and X.dtype == np.float32
        self._dtype = np.dtype(np.float32 if self.single else np.float64)
        self._mean_is_given = mean is not None
        if mean is not None:
            self.mean = np.asarray(mean, dtype=np.float64)
        elif not center:
            self.mean = np.zeros(X.shape[1])

    def buffers(self) -> tuple[np.ndarray, ...]:
        return (self.X,)

    def in_double(self) -> DenseOperand:
        if not self.single:
            return self
        twin = type(self)(self.X, self.weights, center=self.structure.centered)
        twin._mean_is_given = self._mean_is_given
        if self._mean_is_known:
            twin.mean = self.mean
        if not {"column_sq_norms", "sq_norm"}.isdisjoint(vars(self)):
            # Whether the mean is small needs no pass of its own in float64.
            subtracts = self._split_mean[0] is not None
            twin._split_mean = (twin.mean, None) if subtracts else (None, self._split_mean[1])
        return twin

    @cached_property
    def mean(self) -> np.ndarray:
        self._settle_moments()
        return self.mean

    @cached_property
    def column_sq_norms(self) -> np.ndarray:
        self._settle_moments()
        return self.column_sq_norms

    @property
    def _mean_is_known(self) -> bool:
        return "mean" in vars(self)

    def _settle_moments(self, about: np.ndarray | None = None) -> None:
        """Find the mean, unless it is known, and the column norms about it, in one pass.

        `about` is a mean found in a pass before, that is to be improved.
        """
        shift = self._shift(about)

        def lane(blocks: list[slice]) -> np.ndarray:
            sums = np.zeros((2, self.shape[1]))
            for block, rows in self._read(blocks, shift):
                weights = ones_or(self.weights, rows, self._dtype)
                sums[0] += weights @ block
                sums[1] += weights @ np.square(block, out=block)  # in the pass's own buffer
            return sums

        sums, squares = sum_in_lanes(lane, self._row_blocks(), (2, self.shape[1]))
        excess, is_final = self._excess(shift, sums, about)
        correction = excess * (2 * sums - self.total_weight * excess)
        norms = np.maximum(squares - correction, 0.0)
        if is_final or keeps_digits(correction, norms):
            self.mean, self.column_sq_norms = shift + excess, norms
        else:
            self._settle_moments(about=shift + excess)

    def _shift(self, about: np.ndarray | None) -> np.ndarray:
        """Return what a pass subtracts: the mean, or something near it, in the type of blocks."""
        if about is None:
            about = self.mean if self._mean_is_known else provisional_mean(sample_of_rows(self.X))
        return about.astype(self._dtype)

    def _excess(
        self, shift: np.ndarray, sums: np.ndarray, about: np.ndarray | None
    ) -> tuple[np.ndarray, bool]:
        """Return what the mean has beyond `shift`, from the weighted sums about that.

        And whether that is final: a mean that was known, or found in a second pass.
        """
        if self._mean_is_known:
            return self.mean - shift, True
        return sums / (self.total_weight or 1.0), about is not None

    @cached_property
    def _split_mean(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """The mean as a part s to subtract from the data and a part d from products."""
        if not self.structure.centered:
            return None, None
        if not self._mean_is_given:
            energy = self.total_weight * float(self.mean @ self.mean)
            if energy <= MAX_MEAN_ENERGY * self.sq_norm:
                return None, self.mean
        shift = self.mean.astype(self._dtype)
        rest = self.mean - shift
        return shift, rest if rest.any() else None

    def dense_block(self, rows: slice, buffer: np.ndarray | None = None) -> np.ndarray:
        if not self.structure.centered:
            block = self.X[rows].astype(np.float64, copy=False)
        else:
            out = None if buffer is None else buffer[: rows.stop - rows.start]
            block = np.subtract(self.X[rows], self.mean, out=out, dtype=np.float64)
        return block if self.root_weights is None else block * self.root_weights[rows, None]

    def new_buffer(self, n_rows: int) -> np.ndarray | None:
        return np.empty((n_rows, self.shape[1]), order=self._order)

    def matmat(self, V: np.ndarray) -> np.ndarray:
        shift, rest = self._split_mean
        V, from_rest = V.astype(self._dtype, copy=False), row_times(rest, V)
        out = np.empty((self.shape[0], V.shape[1]))

        def lane(blocks: list[slice]) -> None:
            for block, rows in self._read(blocks, shift):
                product = out[rows]
                product[...] = times(block, V)
                if rest is not None:
                    product -= from_rest
                if self.root_weights is not None:
                    product *= self.root_weights[rows, None]

        run_in_lanes(lane, self._row_blocks())
        return out

    def rmatmat(self, U: np.ndarray) -> np.ndarray:
        shift, rest = self._split_mean
        if self.root_weights is not None:
            U = self.root_weights[:, None] * U
        narrow = U.astype(self._dtype, copy=False)

        def lane(blocks: list[slice]) -> np.ndarray:
            return total(
                transpose_times(block, narrow[rows]) for block, rows in self._read(blocks, shift)
            )

        product = sum_in_lanes(lane, self._row_blocks(), (self.shape[1], U.shape[1]))
        if rest is not None:
            product -= np.outer(rest, U.sum(axis=0))
        return product

    def normal_product(self, V: np.ndarray, rhs: np.ndarray | None = None) -> np.ndarray:
        shift, rest = self._split_mean
        V, from_rest = V.astype(self._dtype, copy=False), row_times(rest, V)

        def lane(blocks: list[slice]) -> np.ndarray:
            sums = np.zeros(V.shape[1])

            def parts() -> Iterator[np.ndarray]:
                for block, rows in self._read(blocks, shift):
                    product = times(block, V)
                    if rest is not None:
                        product -= from_rest
                    if self.weights is not None:
                        product *= self.weights[rows, None]
                    if rhs is not None:
                        product -= rhs[rows] * ones_or(self.root_weights, rows)[:, None]
                    if rest is not None:
                        sums[...] += product.sum(axis=0)
                    yield transpose_times(block, product)

            lane_total = total(parts())
            if rest is not None:
                lane_total -= np.outer(rest, sums)
            return lane_total

        return sum_in_lanes(lane, self._row_blocks(), (self.shape[1], V.shape[1]))

    def normal_equations(self, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._normal_equations(Y, about=None)

    def _normal_equations(
        self, Y: np.ndarray, about: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        p, t = self.shape[1], Y.shape[1]
        shift = self._shift(about) if self.structure.centered else None

        def lane(blocks: list[slice]) -> np.ndarray:
            sums = np.zeros((p + 1 + t, p))
            for block, rows in self._read(blocks, shift, weighted=True):
                add_gram(block, sums[:p], is_first=rows.start == blocks[0].start)
                sums[p] += ones_or(self.root_weights, rows, self._dtype) @ block
                sums[p + 1 :] += Y[rows].T @ block
            return sums

        # At least 2 p rows a block: numpy mirrors the triangle of every block's product,
        # which costs p^2 beside the b p^2 of the product itself.
        sums = sum_in_lanes(lane, self.dense_row_blocks(min_rows=2 * p), (p + 1 + t, p))
        gram, cross = sums[:p], sums[p + 1 :].T
        if self.structure.centered:
            excess, is_final = self._excess(shift, sums[p], about)
            if excess.any():
                half = sums[p] - 0.5 * self.total_weight * excess
                subtract_outer(gram, half, excess)
                subtract_outer(gram, excess, half)
                root = ones_or(self.root_weights, slice(0, len(Y)))
                cross = cross - np.outer(excess, root @ Y)
            if not (is_final or keeps_digits(self.total_weight * excess**2, gram.diagonal())):
                return self._normal_equations(Y, about=shift + excess)
            self.mean = shift + excess
        self.column_sq_norms = np.maximum(gram.diagonal(), 0.0)
        return gram, cross

    def projected_gram(self, V: np.ndarray) -> np.ndarray:
        def lane(blocks: list[slice]) -> np.ndarray:
            buffer = self.new_buffer(longest(blocks))

            def parts() -> Iterator[np.ndarray]:
                for rows in blocks:
                    image = self.dense_block(rows, buffer) @ V
                    yield image.T @ image

            return total(parts())

        k = V.shape[1]
        return sum_in_lanes(lane, self.dense_row_blocks(min_rows=2 * k), (k, k))

    def outer_gram(self) -> np.ndarray:
        dense = self.to_dense()
        return dense @ dense.T

    def _row_blocks(self) -> list[slice]:
        return self.dense_row_blocks(min_rows=MIN_BLOCK)

    def _read(
        self, blocks: list[slice], shift: np.ndarray | None, *, weighted: bool = False
    ) -> Iterator[tuple[np.ndarray, slice]]:
        """Yield the rows of X - 1 s' in each slice, in one buffer: use a block before the next.

        With `weighted` they are multiplied by sqrt(w).
        """
        weighted = weighted and self.root_weights is not None
        if shift is None and not weighted and self.X.dtype == self._dtype:
            for rows in blocks:
                yield self.X[rows], rows
            return
        buffer = np.empty((longest(blocks), self.shape[1]), self._dtype, order=self._order)
        for rows in blocks:
            block = buffer[: rows.stop - rows.start]
            if shift is None:
                block[...] = self.X[rows]
            else:
                np.subtract(self.X[rows], shift, out=block, dtype=self._dtype)
            if weighted:
                block *= self.root_weights[rows, None]
            yield block, rows

    @property
    def _order(self) -> str:
        return "F" if self.X.flags.f_contiguous and not self.X.flags.c_contiguous else "C"


def add_gram(block: np.ndarray, gram: np.ndarray, *, is_first: bool) -> None:
    """Add ``block.T @ block`` to `gram`, which is zero if it is the first.

    Of 1000 columns zeros, product and sum take 15 ms longer than the product alone.
    """
    if is_first and block.dtype == gram.dtype:
        np.matmul(block.T, block, out=gram)
    else:
        gram += block.T @ block


def subtract_outer(matrix: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Subtract the outer product x y' from a C-contiguous float64 matrix, in place."""
    blas.dger(-1.0, y, x, a=matrix.T, overwrite_a=True)


def total(parts: Iterator[np.ndarray]) -> np.ndarray:
    """Return the float64 sum of at least one array, in the memory order of the first."""
    sums = next(parts).astype(np.float64, copy=False)
    for part in parts:
        sums += part
    return sums


def ones_or(
    weights: np.ndarray | None, rows: slice, dtype: np.dtype | type = np.float64
) -> np.ndarray:
    """Return the weights of some rows."""
    if weights is None:
        return np.ones(rows.stop - (rows.start or 0), dtype)
    return weights[rows].astype(dtype, copy=False)


def row_times(row: np.ndarray | None, V: np.ndarray) -> np.ndarray | None:
    """Return row V, not by BLAS, which would sum by its threads."""
    return None if row is None else np.einsum("i,ij->j", row, V)
