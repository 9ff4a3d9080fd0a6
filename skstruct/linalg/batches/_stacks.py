"""Stacks of matrices as the caller gives them: checked, and flattened to one batch axis."""

from __future__ import annotations

from math import prod

import numpy as np

_PRECISIONS = "fdFD"


def numeric(name: str, values: object, like: np.ndarray | None = None) -> np.ndarray:
    """Return `values` in one of the four types of LAPACK, that of `like` if it needs more."""
    array = np.asarray(values)
    if array.dtype.kind in "biu":
        array = array.astype(np.float64)
    if array.dtype.char not in _PRECISIONS:
        raise TypeError(
            f"{name} has dtype {array.dtype}; stacks are float32, float64, complex64, complex128 "
            "or integers"
        )
    # result_type also turns the bytes of foreign files into the order of this machine
    return array.astype(np.result_type(array, array if like is None else like), copy=False)


def matrices(name: str, values: object, like: np.ndarray | None = None) -> np.ndarray:
    """Return `values` as a stack of matrices of shape (..., m, n)."""
    array = numeric(name, values, like)
    if array.ndim < 2:
        raise ValueError(f"{name} must have at least two dimensions, got shape {array.shape}")
    return array


def square(name: str, values: object, like: np.ndarray | None = None) -> np.ndarray:
    """Return `values` as a stack of square matrices."""
    array = matrices(name, values, like)
    if array.shape[-1] != array.shape[-2]:
        raise ValueError(f"{name} must be a stack of square matrices, got shape {array.shape}")
    return array


def right_hand_sides(values: object, stack: np.ndarray) -> np.ndarray:
    """Return `values` of shape (m,) or (..., m, k) as (..., m, k), for the rows of `stack`."""
    array = numeric("b", values, stack)
    if array.ndim == 0:
        raise ValueError("b must have at least one dimension, got a number")
    if array.ndim == 1:
        array = array[:, None]
    if array.shape[-2] != stack.shape[-2]:
        raise ValueError(
            f"b must have {stack.shape[-2]} rows for a of shape {stack.shape}, got shape "
            f"{np.shape(values)}. Vectors that differ from slice to slice are matrices of one "
            "column: b[..., None]"
        )
    return array


def flattened(stack: np.ndarray, batch: tuple[int, ...] | None = None) -> np.ndarray:
    """Return `stack`, broadcast to the batch shape, as (slices, m, n)."""
    if batch is not None and stack.shape[:-2] != batch:
        stack = np.broadcast_to(stack, batch + stack.shape[-2:])
    return stack.reshape(prod(stack.shape[:-2]), *stack.shape[-2:])


def require_finite(name: str, found: np.ndarray, slices: np.ndarray, batch: tuple) -> None:
    """Raise an error that names the first of `slices` whose numbers, `found`, are not finite."""
    bad = ~np.isfinite(found).all(axis=(1, 2))
    if bad.any():
        raise ValueError(
            f"{name} contains NaN or infinity, first in slice {index_text(slices[bad][0], batch)}"
        )


def all_finite(stack: np.ndarray) -> bool:
    """Return whether no entry is NaN or infinite."""
    with np.errstate(all="ignore"):  # a sum takes a fifth of the time, if it is finite
        return bool(np.isfinite(stack.sum()) or np.isfinite(stack).all())


def index_text(position: int, batch: tuple[int, ...]) -> str:
    """Return the index of a slice as one would write it."""
    indices = ", ".join(str(int(i)) for i in np.unravel_index(position, batch))
    return f"[{indices}]" if batch else "[()]"


def slices_text(positions: np.ndarray, batch: tuple[int, ...]) -> str:
    """Name a few slices and count the others."""
    named = ", ".join(index_text(position, batch) for position in positions[:3])
    others = f" and {len(positions) - 3} more" if len(positions) > 3 else ""
    return f"{'slice' if len(positions) == 1 else 'slices'} {named}{others}"
