"""Least squares of an array by the routine that it deserves."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from scipy.linalg import LinAlgWarning

from skstruct.linalg._certificate import Certificate
from skstruct.linalg._engine import run
from skstruct.linalg._operands import make_operand
from skstruct.linalg._plan import Plan
from skstruct.linalg._regression import LeastSquares, MixedLeastSquares
from skstruct.linalg._warn import warn_caller
from skstruct.linalg.systems._inputs import as_array, as_rhs, check_precision

# As for square systems: so many eps sqrt(n), in double precision, in which all is computed.
CERTIFIED = 10.0


@dataclass(frozen=True)
class LeastSquaresSolution:
    """The solution of min ||A x - b||, how it was found, and the evidence for it.

    Attributes
    ----------
    x : ndarray of shape (n,) or (n, k)
        Of all minimisers the one of least norm.
    residual_norms : ndarray of shape () or (k,)
        ||A x - b||_2 of each column.
    rank : int or None
        Numerical rank of A with columns of unit norm, where the solver knows it.
    condition : float or None
        Condition number of A with columns of unit norm, where the solver knows it.
    solver : str
        Name of the solver, after any escalation.
    plan : Plan
        What was considered, what was tried.
    certificate : Certificate
        The backward error measured on A and b, and what was asked.
    """

    x: np.ndarray = field(repr=False)
    residual_norms: np.ndarray
    rank: int | None
    condition: float | None
    solver: str
    plan: Plan = field(repr=False)
    certificate: Certificate


def lstsq(
    a: np.ndarray | sparse.sparray | sparse.spmatrix,
    b: np.ndarray,
    *,
    precision: str = "auto",
    solver: str | None = None,
) -> LeastSquaresSolution:
    r"""Minimise :math:`\|A x - b\|_2`; of several minimisers return the one of least norm.

    The engine behind :class:`skstruct.linear_model.LeastSquares`: a Cholesky factor of A'A that is
    refined on the data where its condition number allows it, else QR, else the singular value
    decomposition, which decides the rank with columns of unit norm. Small dense matrices are
    solved in extended precision.

    Parameters
    ----------
    a : ndarray or sparse matrix of shape (m, n), or ndarray of shape (..., m, n)
        A. A stack of matrices is solved by :func:`batched_lstsq`.
    b : ndarray of shape (m,) or (m, k)
        One target, or k.
    precision : {"auto", "mixed", "full"}, default="auto"
        ``"mixed"`` forms the Gram matrix of dense float64 data in single precision and refines
        to the same backward error. ``"auto"`` is ``"full"``: at best the other was faster by a
        factor of 1.3, and with condition numbers above 1e3 its time is lost.
    solver : str, optional
        A solver of the plan to be tried first, such as ``"qr"`` or ``"svd"``.

    Returns
    -------
    LeastSquaresSolution
        x has the precision of A and b together; what is on the way is computed in float64.

    Raises
    ------
    ValueError
        NaN or infinity in A or b, or shapes that do not match.
    skstruct.linalg.InapplicableSolver
        The solver asked for cannot answer.

    Warns
    -----
    scipy.linalg.LinAlgWarning
        The columns of A depend on each other, so that there are many minimisers; or the backward
        error asked for was not reached.

    Notes
    -----
    The backward error is that of Stewart (1977), or as Karlson & Walden estimate it (1997).

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import lstsq
    >>> t = np.arange(5.0)
    >>> fit = lstsq(np.column_stack([np.ones(5), t]), 2 + 3 * t)
    >>> fit.x, fit.rank
    (array([2., 3.]), 2)
    """
    if np.ndim(a) > 2 and not sparse.issparse(a):
        from skstruct.linalg.batches import batched_lstsq

        return batched_lstsq(a, b)
    check_precision(precision)
    matrix = as_array(a)
    rhs = as_rhs(b, matrix.shape[0])
    dtype = np.result_type(matrix.dtype, rhs.dtype)
    columns = rhs.reshape(len(rhs), -1)
    if dtype.kind == "c":
        matrix, columns = _as_real(matrix, columns)
    k = columns.shape[1]
    if 0 in (*matrix.shape, k):
        raise ValueError(f"there is nothing to fit: a is {matrix.shape}, b {rhs.shape}")
    operand = make_operand(matrix)
    targets, _ = operand.prepare_targets(columns)
    tol = CERTIFIED * np.finfo(np.float64).eps * np.sqrt(max(matrix.shape))
    kind = MixedLeastSquares if precision == "mixed" else LeastSquares
    problem = kind(
        operand.structure, operand, targets, np.zeros(k), tol=float(tol), raw_targets=columns
    )
    solution = run(problem, () if solver is None else (solver,))
    coef, rank = solution.answer.coef, solution.answer.rank
    residual = targets - operand.matmat(coef)
    if dtype.kind == "c":
        coef, residual = _as_complex(coef), _as_complex(residual)
        rank = None if rank is None else rank // 2
    _warn(solution.certificate, rank, len(coef))
    return LeastSquaresSolution(
        coef.astype(dtype).reshape(-1, *rhs.shape[1:]),
        np.linalg.norm(residual, axis=0).reshape(rhs.shape[1:]),
        rank,
        solution.answer.condition,
        solution.solver,
        solution.plan,
        solution.certificate,
    )


def _warn(certificate: Certificate, rank: int | None, n: int) -> None:
    if not certificate.holds:
        warn_caller(
            f"the backward error is {certificate.value:.1e}, asked were {certificate.asked:.0e}: "
            f"{certificate.remedy}",
            LinAlgWarning,
        )
    if rank is not None and rank < n:
        warn_caller(
            f"the {n} columns have a numerical rank of {rank}: of many minimisers this is the one "
            "of least norm",
            LinAlgWarning,
        )


def _as_real(
    A: np.ndarray | sparse.sparray, B: np.ndarray
) -> tuple[np.ndarray | sparse.sparray, np.ndarray]:
    """Return the real system whose minimisers are the real and the imaginary parts."""
    stack = sparse.block_array if sparse.issparse(A) else np.block
    matrix = stack([[A.real, -A.imag], [A.imag, A.real]])
    return (sparse.csc_array(matrix) if sparse.issparse(A) else matrix), np.vstack([B.real, B.imag])


def _as_complex(V: np.ndarray) -> np.ndarray:
    real, imaginary = np.vsplit(V, 2)
    return real + 1j * imaginary
