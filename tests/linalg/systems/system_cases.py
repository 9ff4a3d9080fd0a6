"""Matrices with every structure that is looked for, and an oracle for their systems."""

import numpy as np
from scipy import linalg

DTYPES = ("float32", "float64", "complex64", "complex128")


def random(rng, n, dtype):
    A = rng.standard_normal((n, n))
    if np.dtype(dtype).kind == "c":
        A = A + 1j * rng.standard_normal((n, n))
    return A.astype(dtype)


def permuted(A, rng):
    return A[rng.permutation(len(A))][:, rng.permutation(len(A))]


def blocks_of(A, size):
    starts = range(0, len(A), size)
    return linalg.block_diag(*[A[i : i + size, i : i + size] for i in starts])


def hermitian(A):
    return A + A.conj().T


def definite(A):
    product = A @ A.conj().T / len(A) + np.eye(len(A), dtype=A.dtype)
    return (product + product.conj().T) / 2


def toeplitz(A):
    column, row = A[:, 0].copy(), A[0].copy()
    column[0] = row[0] = 3 * np.abs(column).sum()
    return linalg.toeplitz(column, row)


def banded(A, below, above):
    return np.triu(np.tril(A, above), -below)


# Name: how it is made of a random matrix, and what is found in it from order 40 on.
KINDS = {
    "general": (lambda A, rng: A, set()),
    "diagonal": (lambda A, rng: np.diag(np.diag(A)), {"diagonal"}),
    "lower": (
        lambda A, rng: np.tril(A) + len(A) * np.eye(len(A), dtype=A.dtype),
        {"lower_triangular"},
    ),
    "upper": (
        lambda A, rng: np.triu(A) + len(A) * np.eye(len(A), dtype=A.dtype),
        {"upper_triangular"},
    ),
    "permuted": (
        lambda A, rng: permuted(np.tril(A) + len(A) * np.eye(len(A), dtype=A.dtype), rng),
        {"permuted_triangular"},
    ),
    "tridiagonal": (lambda A, rng: banded(A, 1, 1), {"tridiagonal", "banded"}),
    "banded": (lambda A, rng: banded(A + 9 * np.eye(len(A)), 3, 1), {"banded"}),
    "blocks": (lambda A, rng: permuted(blocks_of(A, 7), rng), {"block_diagonal"}),
    "toeplitz": (lambda A, rng: toeplitz(A), {"toeplitz"}),
    "circulant": (lambda A, rng: linalg.circulant(A[0]), {"toeplitz", "circulant"}),
    "hermitian": (lambda A, rng: hermitian(A), {"hermitian"}),
    "symmetric": (lambda A, rng: A + A.T, {"symmetric"}),
    "definite": (lambda A, rng: definite(A), {"hermitian", "positive_diagonal"}),
}


def matrix(kind, n, dtype, seed=0):
    """Return a matrix of a kind, in double precision but with numbers that `dtype` holds."""
    rng = np.random.default_rng(seed)
    make, _ = KINDS[kind]
    return make(random(rng, n, dtype), rng).astype(dtype)


def expected(kind, dtype):
    """Return what is to be found in a matrix of that kind."""
    found = KINDS[kind][1]
    if np.dtype(dtype).kind != "c":  # of a real matrix it is the same
        found = {"symmetric" if fact == "hermitian" else fact for fact in found}
    return found


def backward_error(A, x, b):
    """Return the largest backward error of the columns, in double precision and the 2-norm."""
    wide = np.complex128 if np.iscomplexobj(A) or np.iscomplexobj(b) else np.float64
    A, x, b = (np.asarray(v).astype(wide) for v in (A, x, b))
    if not x.size:
        return 0.0
    size = np.linalg.norm(A, 2)
    x, b = x.reshape(len(x), -1), b.reshape(len(b), -1)
    residual = np.linalg.norm(b - A @ x, axis=0)
    return np.max(residual / (size * np.linalg.norm(x, axis=0) + np.linalg.norm(b, axis=0)))


def bound(A):
    """Return the backward error that is asked for."""
    return 10 * np.finfo(A.dtype).eps * np.sqrt(len(A))
