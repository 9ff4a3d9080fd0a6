"""Norm and residual of a matrix, however it is stored."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.linalg import blas, lapack

from skstruct.linalg.matrices._dense_factors import fortran_view
from skstruct.linalg.matrices._structured import StructuredMatrix

# Up to this size inner products are numpy's, which has no threads for them; scipy's take 3 us to
# look up.
SMALL = 10_000
# Steps of the power iteration that bounds the norm of a matrix known by its products.
NORM_STEPS = 6
NORM_SEED = 20150711

Matrix = np.ndarray | sparse.sparray | sparse.spmatrix


def norm_bound(A: Matrix | StructuredMatrix) -> float:
    """Return a bound of ||A||_2 that takes one pass over the entries.

    ||A||_F of a dense matrix; the root of ||A||_1 ||A||_inf of a sparse one, for which that is
    much smaller; ||A||_1 of a matrix that is declared by a class. Of a matrix known by its products
    it is a lower bound, by a few steps of a power iteration.
    """
    if isinstance(A, np.ndarray):
        return vector_norm(A.ravel(order="K"))
    if isinstance(A, StructuredMatrix):
        return A.norm(1)
    if not sparse.issparse(A):
        return probed_norm(A.matmat, A.shape[0], 2)
    sizes = abs(A)
    columns, rows = (np.asarray(sizes.sum(axis=axis, dtype=np.float64)) for axis in (0, 1))
    return float(np.sqrt(columns.max(initial=0.0)) * np.sqrt(rows.max(initial=0.0)))


def product(A: Matrix | StructuredMatrix, X: np.ndarray) -> np.ndarray:
    """Return A X; of dense matrices by scipy's BLAS, as the factorisations.

    Numpy's has threads of its own, which spin for a while after a product and keep the cores from
    those of the next factorisation.
    """
    if not isinstance(A, np.ndarray) or not X.size:
        return A @ X
    view, transposed = fortran_view(A)
    gemv, gemm = blas.get_blas_funcs(("gemv", "gemm"), (view, X))
    if X.shape[1] == 1:
        return gemv(1.0, view, X[:, 0], trans=int(transposed))[:, None]
    return gemm(1.0, view, X, trans_a=int(transposed))


def _inner(v: np.ndarray, w: np.ndarray) -> complex:
    """Return v^H w."""
    if v.size < SMALL:
        return np.vdot(v, w)
    name = "dotc" if np.iscomplexobj(v) else "dot"
    (dot,) = blas.get_blas_funcs((name,), (v,))
    return dot(v, w)


def vector_norm(v: np.ndarray) -> float:
    """Return ||v||_2; at four times the speed of a sum of magnitudes where nothing overflows."""
    with np.errstate(all="ignore"):
        squares = float(_inner(v, v).real)
        if np.isfinite(squares) and (squares > np.finfo(v.dtype).tiny or not v.any()):
            return float(np.sqrt(squares))
        largest = float(np.abs(v).max(initial=0.0))
        return largest * float(np.linalg.norm(v / largest))


def one_norm(A: Matrix | StructuredMatrix) -> float:
    """Return ||A||_1, the largest sum of a column's magnitudes."""
    if not isinstance(A, np.ndarray) and not sparse.issparse(A):
        return A.norm(1)
    if A.shape[0] == 0:
        return 0.0
    if sparse.issparse(A):
        return float(np.asarray(abs(A).sum(axis=0, dtype=np.float64)).max())
    view, transposed = fortran_view(A)
    (lange,) = lapack.get_lapack_funcs(("lange",), (view,))
    return float(lange("I" if transposed else "1", view))


def probed_norm(times: Callable[[np.ndarray], np.ndarray], n: int, ord: int) -> float:
    """Return the largest ||A v|| / ||v|| of the steps of a power iteration: a lower bound of ||A||.

    Infinite or NaN if a product is. `times` takes arrays of shape (n, 1).
    """
    v = np.random.default_rng(NORM_SEED).standard_normal((n, 1))
    norm = 0.0
    for step in range(NORM_STEPS + 1):
        largest = float(np.abs(v).max(initial=0.0))
        if not 0 < largest < np.inf:
            return norm if largest == 0 else largest
        v = v / largest  # squares of what is representable may not be
        length = float(np.linalg.norm(v[:, 0], ord))
        if step:
            norm = max(norm, largest * length)
        v = np.asarray(times(v / length))
    return norm


def is_finite(A: Matrix) -> bool:
    """Whether A holds no NaN and no infinity."""
    return bool(np.isfinite(A.data if sparse.issparse(A) else A).all())


def backward_errors(
    norm: float, x: np.ndarray, rhs: np.ndarray, residual: np.ndarray
) -> np.ndarray:
    """Return ||b - A x|| / (||A|| ||x|| + ||b||) of each column, in 2-norms.

    How much A and b have to change, relative to their norms, for x to be exact (Rigal & Gaches,
    1967). Zero if all of it is.
    """
    with np.errstate(all="ignore"):
        scale = norm * column_norms(x) + column_norms(rhs)
        size = column_norms(residual)
        return np.where(scale > 0, size / scale, size)


def column_norms(V: np.ndarray) -> np.ndarray:
    """Return the 2-norm of each column, in double precision."""
    if V.shape[1] == 1:
        return np.array([vector_norm(V[:, 0])])
    return np.linalg.norm(V, axis=0).astype(np.float64)
