"""One table of structured matrices, each with its entries written down without its class.

To test a new kind, add a row; the tests of products, algebra and solutions then run on it.
"""

import numpy as np
from scipy import linalg

from skstruct.linalg import (
    Banded,
    BlockDiagonal,
    Circulant,
    Diagonal,
    Kronecker,
    LowRankPlusDiagonal,
    ShiftedKronecker,
    Toeplitz,
    Triangular,
)
from skstruct.linalg.matrices import Dense

TYPES = ("float32", "float64", "complex64", "complex128")


def noise(dtype, *shape, seed=0):
    rng = np.random.default_rng([seed, *shape])
    values = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def dominant(dtype, n, seed=0):
    """Return a matrix that is well conditioned and has no structure."""
    return noise(dtype, n, n, seed=seed) / max(n, 1) ** 0.5 + 3 * np.eye(n, dtype=dtype)


def definite(dtype, n, seed=0):
    """Return a Hermitian positive definite matrix."""
    A = dominant(dtype, n, seed)
    return (A + A.conj().T) / 2


def banded_entries(bandwidths, bands, n_rows):
    lower, upper = bandwidths
    n = bands.shape[1]
    dense = np.zeros((n_rows, n), bands.dtype)
    for i in range(n_rows):
        for j in range(max(0, i - lower), min(n, i + upper + 1)):
            dense[i, j] = bands[upper + i - j, j]
    return dense


def _banded(bandwidths, extra_rows=0, hermitian=False):
    def make(dtype, n):
        lower, upper = bandwidths
        bands = noise(dtype, lower + upper + 1, n)
        bands[upper] = 2 * (lower + upper) + 1
        dense = banded_entries(bandwidths, bands, max(n + extra_rows, 0))
        if hermitian:
            dense = (dense + dense.conj().T) / 2
            return Banded.from_matrix(dense), dense
        return Banded(bandwidths, bands, n_rows=len(dense)), dense

    return make


def _triangular(lower):
    def make(dtype, n):
        A = dominant(dtype, n)
        return Triangular(A, lower=lower), (np.tril if lower else np.triu)(A)

    return make


def _diagonal(dtype, n):
    d = noise(dtype, n) + 3
    return Diagonal(d), np.diag(d)


def _circulant(dtype, n):
    c = noise(dtype, n)
    c[:1] += 3 * max(n, 1)
    return Circulant(c), np.array([[c[(i - j) % n] for j in range(n)] for i in range(n)]).reshape(
        n, n
    ).astype(dtype)


def toeplitz_entries(column, row):
    return np.array(
        [
            [column[i - j] if i >= j else row[j - i] for j in range(len(row))]
            for i in range(len(column))
        ],
        column.dtype,
    ).reshape(len(column), len(row))


def _toeplitz(extra_rows=0, hermitian=False):
    def make(dtype, n):
        column, row = noise(dtype, max(n + extra_rows, 0)), noise(dtype, n, seed=1)
        column[:1] = 2 * n + 1
        if hermitian:
            row = column.conj()
        return Toeplitz(column, None if hermitian else row), toeplitz_entries(column, row)

    return make


def _kronecker(*sizes):
    def make(dtype, n):
        factors = [dominant(dtype, size or n, seed=i) for i, size in enumerate(sizes)]
        dense = np.ones((1, 1), dtype)
        for factor in factors:
            dense = np.kron(dense, factor)
        return Kronecker(*factors), dense

    return make


def _kronecker_of_structures(dtype, n):
    (D, d), (C, c), (B, b) = (make(dtype, m) for make, m in _PARTS(n))
    return Kronecker(D, C, B), np.kron(np.kron(d, c), b)


def _PARTS(n):
    return ((_diagonal, 2), (_circulant, n), (_banded((1, 0)), 3))


def _rectangular_kronecker(dtype, n):
    A, B = noise(dtype, n, 4), noise(dtype, 3, 2)
    return Kronecker(A, B), np.kron(A, B)


def _shifted(c, make_factor, *others):
    def make(dtype, n):
        factors = [make_factor(dtype, n), *(other(dtype) for other in others)]
        dense = np.ones((1, 1), dtype)
        for factor in factors:
            entries = factor if isinstance(factor, np.ndarray) else factor.to_dense()
            dense = np.kron(dense, entries)
        return ShiftedKronecker(Kronecker(*factors), c), dense + c * np.eye(len(dense), dtype=dtype)

    return make


def _blocks(*sizes):
    def make(dtype, n):
        blocks = [dominant(dtype, size or n, seed=i) for i, size in enumerate(sizes)]
        return BlockDiagonal(blocks), linalg.block_diag(*blocks).astype(dtype)

    return make


def _stacked(dtype, n):
    blocks = np.stack([dominant(dtype, 3, seed=i) for i in range(max(n, 1))])
    return BlockDiagonal(blocks), linalg.block_diag(*blocks)


def _blocks_of_structures(dtype, n):
    parts = [make(dtype, m) for make, m in _PARTS(n)]
    dense = linalg.block_diag(*(part for _, part in parts)).astype(dtype)
    return BlockDiagonal([matrix for matrix, _ in parts]), dense


def _rectangular_blocks(dtype, n):
    blocks = [noise(dtype, 2, 3), noise(dtype, n, 1), noise(dtype, 2, 3)]
    return BlockDiagonal(blocks), linalg.block_diag(*blocks).astype(dtype)


def _low_rank(kind, zeros=0):
    def make(dtype, n):
        d, U, V = noise(dtype, n) + 4, noise(dtype, n, 2, seed=1), noise(dtype, n, 3, seed=2)
        if kind == "positive":
            d = np.abs(d).astype(dtype)
            return LowRankPlusDiagonal(d, U), np.diag(d) + U @ U.conj().T
        d[: min(zeros, n)] = 0
        C = noise(dtype, 2, 3, seed=3)
        return LowRankPlusDiagonal(d, U, C, V), np.diag(d) + U @ C @ V.conj().T

    return make


def _dense(make):
    def wrapped(dtype, n):
        A = make(dtype, n)
        return Dense(A), A

    return wrapped


# name -> function of a type and an order that returns the matrix and its entries
SQUARE = {
    "diagonal": _diagonal,
    "dense": _dense(dominant),
    "dense definite": _dense(definite),
    "diagonal, as a band": _banded((0, 0)),
    "tridiagonal": _banded((1, 1)),
    "banded": _banded((2, 1)),
    "lower band": _banded((3, 0)),
    "upper band": _banded((0, 2)),
    "definite band": _banded((2, 2), hermitian=True),
    "lower triangular": _triangular(lower=True),
    "upper triangular": _triangular(lower=False),
    "circulant": _circulant,
    "toeplitz": _toeplitz(),
    "hermitian toeplitz": _toeplitz(hermitian=True),
    "kronecker": _kronecker(None, 3),
    "kronecker of three": _kronecker(2, None, 3),
    "kronecker of structures": _kronecker_of_structures,
    "shifted, definite": _shifted(1.0, definite, lambda dtype: definite(dtype, 3, seed=1)),
    "shifted, normal": _shifted(
        30.0,
        lambda dtype, n: _circulant(dtype, n)[0],
        lambda dtype: Diagonal(noise(dtype, 2)),
        lambda dtype: definite(dtype, 2),
    ),
    "shifted, general": _shifted(5.0, dominant, lambda dtype: dominant(dtype, 3, seed=1)),
    "shifted, general of three": _shifted(
        9.0,
        lambda dtype, n: definite(dtype, 2),
        lambda dtype: dominant(dtype, 3),
        lambda dtype: dominant(dtype, 2, seed=1),
    ),
    "blocks": _blocks(2, None, 40),
    "stacked blocks": _stacked,
    "blocks of structures": _blocks_of_structures,
    "low rank, positive": _low_rank("positive"),
    "low rank": _low_rank("general"),
    "low rank, zeros": _low_rank("general", zeros=1),
}
RECTANGULAR = {
    "tall band": _banded((2, 1), extra_rows=2),
    "wide band": _banded((0, 2), extra_rows=-2),
    "tall toeplitz": _toeplitz(extra_rows=3),
    "wide toeplitz": _toeplitz(extra_rows=-2),
    "rectangular kronecker": _rectangular_kronecker,
    "rectangular blocks": _rectangular_blocks,
}
ALL = SQUARE | RECTANGULAR


def tolerance(dtype, scale=1.0):
    """Return what rounding may amount to in products of small matrices."""
    return {"rtol": 0, "atol": float(200 * np.finfo(dtype).eps * max(scale, 1.0))}
