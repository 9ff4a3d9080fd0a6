"""Singular value decompositions of an array, complete or leading."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import linalg, sparse
from scipy.linalg import LinAlgWarning

from skstruct.linalg._certificate import Certificate
from skstruct.linalg._engine import run
from skstruct.linalg._operands import make_operand
from skstruct.linalg._plan import Plan
from skstruct.linalg._problems import PartialSVD
from skstruct.linalg._warn import warn_caller
from skstruct.linalg.systems._inputs import as_array

# LAPACK's decompositions of random matrices reach 0.3 to 3 eps sqrt(n) in this quantity.
CERTIFIED = 10.0


@dataclass(frozen=True)
class SingularValueDecomposition:
    """A = U diag(s) V^H, or its leading part.

    Attributes
    ----------
    U : ndarray of shape (m, k)
        Left singular vectors, in columns.
    s : ndarray of shape (k,)
        Singular values, descending.
    Vh : ndarray of shape (k, n)
        Right singular vectors, conjugated, in rows.
    solver : str
        Name of the solver, after any escalation.
    plan : Plan or None
        What was considered, what was tried; None for a complete decomposition, which is LAPACK's.
    certificate : Certificate
        The residual measured on A, and what was asked.
    """

    U: np.ndarray = field(repr=False)
    s: np.ndarray
    Vh: np.ndarray = field(repr=False)
    solver: str
    plan: Plan | None = field(repr=False)
    certificate: Certificate


def svd(
    a: np.ndarray | sparse.sparray | sparse.spmatrix, *, rank: int | None = None, tol: float = 1e-8
) -> SingularValueDecomposition:
    r"""Decompose A into :math:`U \, \mathrm{diag}(s) \, V^H`.

    All min(m, n) triplets are found by LAPACK's divide and conquer (``gesdd``). A number of leading
    ones is found by the engine behind :class:`skstruct.decomposition.RandomizedSVD`, which chooses
    between eigenvalues of a Gram matrix, a block Krylov method and LAPACK.

    Parameters
    ----------
    a : ndarray or sparse matrix of shape (m, n), or ndarray of shape (..., m, n)
        A. A stack of matrices is decomposed by :func:`batched_svd`.
    rank : int, optional
        How many of the leading triplets; all by default. Real matrices only.
    tol : float, default=1e-8
        Residual \|A'u - s v\| asked for with a `rank`, relative to s.

    Returns
    -------
    SingularValueDecomposition

    Raises
    ------
    ValueError
        NaN or infinity in A, a rank out of range, or a rank with a complex matrix.

    Warns
    -----
    scipy.linalg.LinAlgWarning
        The residual asked for was not reached.

    Notes
    -----
    For the leading triplets see Musco & Musco (NeurIPS 2015).

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import svd
    >>> A = np.outer([3.0, 4.0], [0.6, 0.8])
    >>> svd(A, rank=1).s
    array([5.])
    """
    if np.ndim(a) > 2 and not sparse.issparse(a):
        from skstruct.linalg.batches import batched_svd

        return batched_svd(a)
    matrix = as_array(a)
    found = _complete(matrix) if rank is None else _leading(matrix, rank, tol)
    if not found.certificate.holds:
        warn_caller(
            f"the residual is {found.certificate.value:.1e}, asked were "
            f"{found.certificate.asked:.0e}: {found.certificate.remedy}",
            LinAlgWarning,
        )
    return found


def _complete(matrix: np.ndarray | sparse.sparray) -> SingularValueDecomposition:
    dense = matrix.toarray() if sparse.issparse(matrix) else matrix
    try:
        U, s, Vh = linalg.svd(dense, full_matrices=False, check_finite=False)
    except np.linalg.LinAlgError:  # divide and conquer did not converge
        U, s, Vh = linalg.svd(dense, full_matrices=False, check_finite=False, lapack_driver="gesvd")
    size = np.linalg.norm(s)
    residual = np.linalg.norm(dense @ Vh.conj().T - U * s)
    certificate = Certificate(
        "residual |A V - U S| / |A| in Frobenius norms",
        float(residual / size) if size > 0 else float(residual),
        float(CERTIFIED * np.finfo(s.dtype).eps * np.sqrt(max(dense.shape))),
        remedy="scale A to entries between 1e-150 and 1e150",
    )
    return SingularValueDecomposition(U, s, Vh, "gesdd", None, certificate)


def _leading(
    matrix: np.ndarray | sparse.sparray, rank: int, tol: float
) -> SingularValueDecomposition:
    if matrix.dtype.kind == "c":
        raise ValueError("leading triplets are for real matrices; leave out `rank`")
    if not 1 <= rank <= min(matrix.shape):
        raise ValueError(f"rank must be between 1 and {min(matrix.shape)}, got {rank!r}")
    operand = make_operand(matrix)
    solution = run(PartialSVD(operand.structure, operand, rank=rank, tol=tol))
    s, Vh = solution.answer.values, solution.answer.right
    images = operand.matmat(np.ascontiguousarray(Vh.T))
    # Orthonormal also where s is zero and an image is made of rounding errors.
    U, R = np.linalg.qr(images)
    U = U * np.where(np.diagonal(R) < 0, -1.0, 1.0)
    dtype = matrix.dtype
    return SingularValueDecomposition(
        U.astype(dtype),
        s.astype(dtype),
        Vh.astype(dtype),
        solution.solver,
        solution.plan,
        solution.certificate,
    )
