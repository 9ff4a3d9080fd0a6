"""From what the caller gave to a problem: matrices and right-hand sides, checked."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator

from skstruct.linalg.matrices._arrays import real_columns
from skstruct.linalg.systems._declared import kind_named
from skstruct.linalg.systems._facts import facts_of
from skstruct.linalg.systems._matrix import Matrix, is_finite
from skstruct.linalg.systems._problem import LinearSystem

PRECISIONS = ("auto", "mixed", "full")
DTYPES = ("float32", "float64", "complex64", "complex128")


def as_matrix(a: object) -> Matrix | LinearOperator:
    """Return `a` as an array, a CSC matrix or a linear operator with numbers that LAPACK knows.

    Raises
    ------
    TypeError
        Its entries are no numbers, or extended precision.
    numpy.linalg.LinAlgError
        It is not square.
    """
    if isinstance(a, LinearOperator):
        _check_square(a.shape)
        return a
    if sparse.issparse(a):
        _check_square(a.shape)
        return _canonical(a)
    a = _dense(a)
    _check_square(a.shape)
    return a


def as_array(a: object) -> Matrix:
    """Return `a`, of any two dimensions, as an array or a CSC matrix of finite numbers."""
    a = _canonical(a) if sparse.issparse(a) else _dense(a)
    if not is_finite(a):
        raise ValueError("a contains NaN or infinity")
    return a


def _canonical(a: sparse.sparray | sparse.spmatrix) -> sparse.csc_array:
    """Return a CSC matrix with sorted columns, without duplicates and stored zeros."""
    given, a = a, sparse.csc_array(a, dtype=_working_dtype(a.dtype, "a"))
    if not a.has_canonical_format or not a.data.all():
        if np.may_share_memory(a.data, given.data):
            a = a.copy()
        a.sum_duplicates()
        a.eliminate_zeros()
    return a


def _dense(a: object) -> np.ndarray:
    if isinstance(a, np.ma.MaskedArray):
        raise TypeError("a is a masked array: fill its masked entries first")
    a = np.asarray(a)
    if a.ndim != 2:
        raise np.linalg.LinAlgError(f"a must be a matrix, got an array of {a.ndim} dimensions")
    a = a.astype(_working_dtype(a.dtype, "a"), copy=False)
    return a if a.flags.f_contiguous else np.ascontiguousarray(a)


def as_rhs(b: object, n: int) -> np.ndarray:
    """Return `b` of shape (n,) or (n, k) as an array of numbers that LAPACK knows, all finite."""
    if sparse.issparse(b):
        raise TypeError("b is sparse, but its solution is not: give b.toarray()")
    b = np.asarray(b)
    b = b.astype(_working_dtype(b.dtype, "b"), copy=False)
    if b.ndim not in (1, 2) or b.shape[0] != n:
        raise ValueError(f"b must have shape ({n},) or ({n}, k), got {b.shape}")
    if not np.isfinite(b).all():
        raise ValueError("b contains NaN or infinity")
    return b


def _check_square(shape: tuple[int, ...]) -> None:
    if shape[0] != shape[1]:
        raise np.linalg.LinAlgError(
            f"a must be square, got {shape[0]} x {shape[1]}; lstsq solves such systems"
        )


def _working_dtype(dtype: np.dtype, name: str) -> np.dtype:
    """Return the type in which these numbers are computed with: integers as float64."""
    if dtype.kind in "biu":
        return np.dtype(np.float64)
    if dtype == np.float16:
        return np.dtype(np.float32)
    if dtype.name not in DTYPES:
        raise TypeError(f"{name} must hold numbers in single or double precision, got {dtype}")
    return dtype


def check_precision(precision: str) -> None:
    """Raise ValueError for what is no precision."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}; got {precision!r}")


def system_of(
    matrix: Matrix | LinearOperator,
    rhs: np.ndarray,
    assume: str | None,
    precision: str,
    *,
    wants_factor: bool = False,
) -> LinearSystem:
    """Return the problem of a matrix and right-hand sides of shape (n,) or (n, k)."""
    check_precision(precision)
    columns = real_columns(rhs, matrix.dtype)
    dtype = np.result_type(matrix.dtype, columns.dtype)
    if hasattr(matrix, "astype") and dtype != matrix.dtype:
        matrix = matrix.astype(dtype)
    kind = None if assume is None else kind_named(assume)
    structure, reordering = facts_of(matrix, kind)
    columns = columns.astype(structure.dtype, copy=False)
    return LinearSystem(
        structure, matrix, columns, reordering, precision, columns.shape[1], wants_factor
    )
