"""Stacks of matrices that are hard for one reason or another, and how good answers to them are."""

import numpy as np

DTYPES = ["float32", "float64", "complex64", "complex128"]
# Enough for the interleaved kernels, and few enough for numpy's loops.
MANY, FEW = 700, 5


def random_stack(dtype, shape, seed=0):
    rng = np.random.default_rng(seed)
    stack = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        stack = stack + 1j * rng.standard_normal(shape)
    return stack.astype(dtype)


def hermitian_stack(dtype, shape, seed=0):
    stack = random_stack(dtype, shape, seed)
    return stack + stack.conj().swapaxes(-1, -2)


def definite_stack(dtype, shape, seed=0):
    stack = random_stack(dtype, shape, seed)
    return stack @ stack.conj().swapaxes(-1, -2) + np.eye(shape[-1], dtype=dtype)


def hard_stacks(order, length=MANY):
    """Regular float64 matrices on which elimination without pivots or Cramer's rule go wrong."""
    rng = np.random.default_rng(order)
    plain = rng.standard_normal((length, order, order))
    scales = 10.0 ** rng.uniform(-8, 8, (length, order, 1))
    U, _, Vh = np.linalg.svd(plain)
    decay = np.logspace(0, -13, order) if order > 1 else np.ones(1)
    tiny_pivot = plain.copy()
    tiny_pivot[:, 0, 0] = 1e-18
    return {
        "rows of all scales": scales * plain,
        "columns of all scales": plain * scales.swapaxes(1, 2),
        "nearly singular": U * decay @ Vh,
        "zeros on the diagonal": plain * (1 - np.eye(order)) + np.eye(order)[::-1],
        "permutations": np.eye(order)[rng.permuted(np.tile(np.arange(order), (length, 1)), axis=1)],
        "a tiny first pivot": tiny_pivot if order > 1 else plain,
        "Hilbert": np.tile(
            1 / (1 + np.add.outer(np.arange(order), np.arange(order))), (length, 1, 1)
        ),
        "huge": plain * 1e150,
        "minute": plain * 1e-150,
    }


def backward_errors(a, x, b):
    """Return ||b - a x|| / (||a|| ||x|| + ||b||) of every slice, in extended precision."""
    wide = np.clongdouble if a.dtype.kind == "c" else np.longdouble
    a, x, b = (values.astype(wide) for values in (a, x, b))
    residual = np.abs(b - np.einsum("...ij,...jk->...ik", a, x)).max(axis=(-2, -1))
    norms = [np.abs(values).sum(axis=-1).max(axis=-1) for values in (a, x, b)]
    return (residual / (norms[0] * norms[1] + norms[2])).astype(float)
