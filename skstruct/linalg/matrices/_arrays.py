"""What users pass, as arrays of a type that LAPACK has."""

from __future__ import annotations

import numpy as np

# Numbers that are read at once where a temporary copy is needed: of order 2000 sums of magnitudes
# take 5 ms, by blocks of a quarter of the size or four times the size 8 and 18.
BLOCK = 2**17
# Tiles that are compared with their mirror images: two of this order fit in the cache. At n = 3000
# strips of 64 rows took 34 ms, tiles 18.
TILE = 256

FLOATS = tuple(np.dtype(name) for name in ("float32", "float64", "complex64", "complex128"))


def floating(a: object, name: str, *, check_finite: bool = True) -> np.ndarray:
    """Return `a` as an array of float32, float64, complex64 or complex128.

    Integers become float64. An array that has one of these types already is not copied.
    """
    a = np.asarray(a)
    if a.dtype.kind in "biu":
        a = a.astype(np.float64)
    elif a.dtype == np.float16:
        a = a.astype(np.float32)
    if a.dtype not in FLOATS:
        raise TypeError(
            f"{name} has the type {a.dtype}; expected numbers of single or double precision, real "
            "or complex"
        )
    if check_finite and not np.isfinite(a).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(a))[0])
        raise ValueError(f"{name} must be finite: the entry {_index(where)} is {a[where]}")
    return a


def entries(a: object, name: str, ndim: int) -> np.ndarray:
    """Return the array of `ndim` dimensions that defines a matrix, read-only and not copied."""
    a = floating(a, name)
    if a.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} dimension(s), got the shape {a.shape}")
    a = a.view()
    a.flags.writeable = False
    return a


def common_type(*arrays: np.ndarray) -> list[np.ndarray]:
    """Return the arrays, all of the type that holds each of them."""
    dtype = np.result_type(*arrays)
    return [a.astype(dtype, copy=False) for a in arrays]


def right_hand_side(b: object, order: int, *, check_finite: bool = True) -> np.ndarray:
    """Return `b` of shape (order,) or (order, k)."""
    b = floating(b, "b", check_finite=check_finite)
    if b.ndim not in (1, 2) or b.shape[0] != order:
        raise ValueError(
            f"b has the shape {b.shape}; expected ({order},) or ({order}, k) for a matrix of "
            f"order {order}"
        )
    return b


def _index(where: tuple[int, ...]) -> str:
    return str(where[0]) if len(where) == 1 else str(where)


def magnitude_sums(a: np.ndarray, axis: int) -> np.ndarray:
    """Return ``np.abs(a).sum(axis)`` of a matrix, without another array of its size."""
    if a.flags.f_contiguous and not a.flags.c_contiguous:
        return magnitude_sums(a.T, 1 - axis)
    height = max(1, BLOCK // max(a.shape[1], 1))
    blocks = [np.abs(a[i : i + height]).sum(axis=axis) for i in range(0, len(a), height)]
    if axis == 1:
        return np.concatenate([np.zeros(0, a.real.dtype), *blocks])
    return sum(blocks, start=np.zeros(a.shape[1], a.real.dtype))


def constant_of(d: np.ndarray) -> complex | None:
    """Return the number that all entries of `d` are; None if they differ."""
    if not d.size:
        return 0.0
    return d[0] if np.all(d == d[0]) else None


def real_columns(rhs: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return right-hand sides in columns; of a real matrix first their real parts, then the others.

    Two real columns cost half as much as one with a matrix that is made complex.
    """
    columns = rhs[:, None] if rhs.ndim == 1 else rhs
    if np.iscomplexobj(rhs) and dtype.kind != "c":
        return np.hstack([columns.real, columns.imag])
    return columns


def complex_columns(x: np.ndarray) -> np.ndarray:
    """Put real and imaginary parts together, which :func:`real_columns` took apart."""
    real, imaginary = np.hsplit(x, 2)
    return real + 1j * imaginary


def is_symmetric(A: np.ndarray, probes: np.ndarray | None = None, *, conjugate: bool) -> bool:
    """Whether A equals its transpose, or its conjugate transpose."""
    conjugate = conjugate and np.iscomplexobj(A)

    def mirrored(block: np.ndarray) -> np.ndarray:
        return block.T.conj() if conjugate else block.T

    if probes is not None and not np.array_equal(A[probes], mirrored(A[:, probes])):
        return False
    for i in range(0, len(A), TILE):
        for j in range(0, i + 1, TILE):
            tile = A[i : i + TILE, j : j + TILE]
            if not np.array_equal(tile, mirrored(A[j : j + TILE, i : i + TILE])):
                return False
    return True
