"""What the caller gave, checked."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from skstruct.linalg.iterative_systems._facts import DECLARATIONS

DTYPES = ("float16", "float32", "float64", "complex64", "complex128")


def checked_matrix(a: object) -> np.ndarray | sparse.sparray | sparse.spmatrix | LinearOperator:
    """Return `a` as an array, a sparse matrix or a linear operator.

    Raises
    ------
    TypeError
        Its entries are no numbers.
    numpy.linalg.LinAlgError
        It is not square.
    """
    if not sparse.issparse(a) and not isinstance(a, LinearOperator):
        a = aslinearoperator(a) if hasattr(a, "matvec") else np.asarray(a)
    if len(a.shape) != 2 or a.shape[0] != a.shape[1]:
        raise np.linalg.LinAlgError(f"a must be a square matrix, got the shape {a.shape}")
    _check_numbers(a.dtype, "a")
    return a


def checked_columns(b: object, n: int, name: str) -> np.ndarray:
    """Return `b` with shape (n, k), in double precision.

    Raises
    ------
    TypeError
        Its entries are no numbers.
    ValueError
        It has another shape, or numbers that are not finite.
    """
    if sparse.issparse(b):
        raise TypeError(f"{name} is sparse, but the solution is not: give {name}.toarray()")
    b = np.asarray(b)
    _check_numbers(b.dtype, name)
    if b.ndim not in (1, 2) or b.shape[0] != n:
        raise ValueError(f"{name} must have the shape ({n},) or ({n}, k), got {b.shape}")
    if not np.isfinite(b).all():
        raise ValueError(f"{name} contains NaN or infinity")
    b = b[:, None] if b.ndim == 1 else b
    return b.astype(np.result_type(b.dtype, np.float64), copy=False)


def checked_option(value: object, names: Iterable[str], name: str) -> None:
    """Raise ValueError unless `value` is one of `names`."""
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"{name} must be one of {sorted(names)}, got {value!r}")


def checked_assumption(assume: str | None) -> str | None:
    """Return a declaration by its full name."""
    if assume is not None:
        checked_option(assume, DECLARATIONS, "assume")
        return DECLARATIONS[assume]
    return None


def checked_limits(tol: float, max_iter: int | None) -> None:
    """Raise ValueError unless these are a tolerance and a number of iterations or None."""
    if not isinstance(tol, Real) or not 0 <= tol < 1:
        raise ValueError(f"tol must be a number from 0 to less than 1, got {tol!r}")
    if max_iter is not None and not (isinstance(max_iter, Integral) and max_iter >= 1):
        raise ValueError(f"max_iter must be a positive number or None, got {max_iter!r}")


def solution_type(dtype: np.dtype | None) -> np.dtype:
    """Return the type of a solution for numbers of this type: integers count as float64."""
    dtype = np.dtype(np.float64 if dtype is None else dtype)
    return dtype if dtype.kind in "fc" else np.dtype(np.float64)


def _check_numbers(dtype: np.dtype | None, name: str) -> None:
    kept = dtype is None or dtype.kind in "biu" or np.dtype(dtype).name in DTYPES
    if not kept:
        raise TypeError(
            f"{name} must hold numbers in single or double precision, got {np.dtype(dtype)}"
        )
