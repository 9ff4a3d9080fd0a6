"""Square linear systems by the routine that the matrix deserves."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from scipy.linalg import LinAlgWarning
from scipy.sparse.linalg import LinearOperator

from skstruct.linalg._certificate import Certificate
from skstruct.linalg._engine import plan_for, run
from skstruct.linalg._plan import Plan
from skstruct.linalg._solution import Solution
from skstruct.linalg._warn import warn_caller
from skstruct.linalg.matrices._arrays import complex_columns
from skstruct.linalg.systems import LinearSystem, MatrixStructure
from skstruct.linalg.systems._answer import estimated_rcond
from skstruct.linalg.systems._inputs import as_matrix, as_rhs, system_of
from skstruct.linalg.systems._matrix import is_finite
from skstruct.linalg.systems._singular import low_rank_note

MatrixLike = np.ndarray | sparse.sparray | sparse.spmatrix | LinearOperator


@dataclass(frozen=True)
class SystemSolution:
    """The solution of A X = B, how it was found, and the evidence for it.

    Attributes
    ----------
    x : ndarray of shape (n,) or (n, k)
        The solution.
    solver : str
        Name of the solver that produced it, after any escalation.
    plan : Plan
        What was considered, what was tried.
    certificate : Certificate
        The backward error measured on A and B, and what was asked.
    rcond : float or None
        Estimate of 1 / (||A||_1 ||A^-1||_1); at or below the rounding unit no digit is certain.
        None where the solver keeps no factorisation.
    structure : MatrixStructure
        The facts known of A, those that were proven on the way among them.
    """

    x: np.ndarray = field(repr=False)
    solver: str
    plan: Plan = field(repr=False)
    certificate: Certificate
    rcond: float | None
    structure: MatrixStructure


def solve(
    a: MatrixLike, b: np.ndarray, *, assume: str | None = None, precision: str = "auto"
) -> np.ndarray:
    r"""Solve A x = b, by the routine that A deserves.

    The structure of A is found by looking at its entries, the cheapest algorithm for it solves the
    system, and the backward error

    .. math:: \omega = \frac{\|b - A x\|_2}{\|A\| \|x\|_2 + \|b\|_2}

    is measured, with :math:`\|A\|_F` of a dense and :math:`\sqrt{\|A\|_1 \|A\|_\infty}` of a
    sparse matrix. If it exceeds :math:`10 \, \epsilon \sqrt n`, the answer is refined, and then the
    next algorithm of the plan takes over. :func:`certified_solve` returns all of that along with x.

    Parameters
    ----------
    a : ndarray, sparse matrix or structured matrix of shape (n, n), or ndarray (..., n, n)
        A. Integers count as float64, float16 as float32. A stack of matrices is solved by
        :func:`batched_solve`.
    b : ndarray of shape (n,) or (n, k)
        One right-hand side, or k.
    assume : str, optional
        What A is, for a matrix whose structure need not be looked for: ``"diagonal"``,
        ``"lower_triangular"``, ``"upper_triangular"``, ``"permuted_triangular"``,
        ``"tridiagonal"``, ``"banded"``, ``"block_diagonal"``, ``"circulant"``, ``"toeplitz"``,
        ``"symmetric"``, ``"hermitian"``, ``"positive_definite"``, ``"general"``, or scipy's
        ``"gen"``, ``"sym"``, ``"her"`` and ``"pos"``. It is checked. None finds out.
    precision : {"auto", "mixed", "full"}, default="auto"
        ``"mixed"`` factorises in half the precision of A and refines to the same backward
        error; ``"auto"`` does so where it is predicted to be faster.

    Returns
    -------
    ndarray of the shape of b
        x, in the precision of A and b together.

    Raises
    ------
    ValueError
        NaN or infinity in A or b, shapes that do not match, or entries that contradict `assume`.
    numpy.linalg.LinAlgError
        A is not square, or singular (the message names the pivot, the entry or the block), or
        it was declared positive definite and is not.

    Warns
    -----
    scipy.linalg.LinAlgWarning
        A is singular to working precision, or the backward error asked for was not reached.

    Notes
    -----
    The backward error is that of Rigal & Gaches (J. ACM 14, 1967), the condition estimate that of
    Hager and Higham (ACM Trans. Math. Softw. 14, 1988). How structures are found and which
    algorithms solve them is in the user guide.

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import solve
    >>> A = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 2.0]])
    >>> solve(A, [5.0, 5.0, 3.0])
    array([1., 1., 1.])
    """
    if np.ndim(a) > 2 and not sparse.issparse(a):
        from skstruct.linalg.batches import batched_solve

        return batched_solve(a, b)
    matrix = as_matrix(a)
    rhs = as_rhs(b, matrix.shape[0])
    problem = system_of(matrix, rhs, assume, precision)
    return shaped(problem, answer_to(problem).answer.x, rhs)


def certified_solve(
    a: MatrixLike, b: np.ndarray, *, assume: str | None = None, precision: str = "auto"
) -> SystemSolution:
    """Solve A x = b as :func:`solve` does, and return the evidence along with x.

    Parameters
    ----------
    a : ndarray, sparse matrix or structured matrix of shape (n, n)
        A.
    b : ndarray of shape (n,) or (n, k)
        Right-hand sides.
    assume, precision
        As for :func:`solve`, which also lists errors and warnings.

    Returns
    -------
    SystemSolution

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import certified_solve
    >>> solution = certified_solve(np.diag([2.0, 4.0]), [2.0, 2.0])
    >>> solution.x, solution.solver, solution.rcond
    (array([1. , 0.5]), 'diagonal', 0.5)
    """
    matrix = as_matrix(a)
    rhs = as_rhs(b, matrix.shape[0])
    problem = system_of(matrix, rhs, assume, precision)
    solution = answer_to(problem)
    return solution_of(problem, solution, rhs)


def explain(
    a: MatrixLike,
    b: np.ndarray | None = None,
    *,
    assume: str | None = None,
    precision: str = "auto",
) -> Plan:
    """Return the plan by which :func:`solve` would go, without solving.

    Parameters
    ----------
    a : ndarray, sparse matrix or structured matrix of shape (n, n)
        A.
    b : ndarray of shape (n,) or (n, k), optional
        Right-hand sides; without it the plan is for one.
    assume, precision
        As for :func:`solve`.

    Returns
    -------
    Plan
        Every solver with its predicted time and memory, or why it may not run.

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import explain
    >>> explain(np.triu(np.ones((300, 300)))).chosen
    'triangular'
    """
    matrix = as_matrix(a)
    rhs = _zeros(matrix) if b is None else as_rhs(b, matrix.shape[0])
    return plan_for(system_of(matrix, rhs, assume, precision))


def structure_of(a: MatrixLike, *, assume: str | None = None) -> MatrixStructure:
    """Return the facts about a matrix that :func:`solve` goes by.

    Parameters
    ----------
    a : ndarray, sparse matrix or structured matrix of shape (n, n)
        The matrix. Each entry of it is read a few times at most.
    assume : str, optional
        What the caller vouches for, as in :func:`solve`.

    Returns
    -------
    MatrixStructure

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import structure_of
    >>> A = np.ones((6, 6))
    >>> A[3, 4] = A[4, 3] = 2.0
    >>> print(structure_of(A))
    dense 6 x 6 float64 matrix (symmetric, positive diagonal)
    """
    matrix = as_matrix(a)
    return system_of(matrix, _zeros(matrix), assume, "auto").structure


def _zeros(matrix: MatrixLike) -> np.ndarray:
    """Return a right-hand side in the precision of a matrix."""
    return np.zeros(matrix.shape[0], dtype=np.result_type(matrix.dtype, np.float32))


def answer_to(problem: LinearSystem) -> Solution:
    """Run the engine; say what is wrong with a matrix that it cannot answer for, or warn."""
    try:
        solution = run(problem)
    except np.linalg.LinAlgError as error:
        # A residual shows every entry that is not finite, so nothing has looked for it before.
        matrix = problem.matrix
        if not isinstance(matrix, LinearOperator) and not is_finite(matrix):
            raise ValueError("a contains NaN or infinity") from error
        raise
    warn_of(problem, solution)
    return solution


def solution_of(problem: LinearSystem, solution: Solution, rhs: np.ndarray) -> SystemSolution:
    """Return what the engine found in the shape of the right-hand sides as they were given."""
    answer = solution.answer
    rcond = answer.rcond
    if rcond is None and answer.factor is not None:
        rcond = estimated_rcond(problem, answer.factor)
    return SystemSolution(
        shaped(problem, answer.x, rhs),
        solution.solver,
        solution.plan,
        solution.certificate,
        rcond,
        proven(problem, solution),
    )


def shaped(problem: LinearSystem, x: np.ndarray, rhs: np.ndarray) -> np.ndarray:
    """Return the solution in the shape of the right-hand sides as they were given."""
    if np.iscomplexobj(rhs) and not problem.structure.is_complex:
        x = complex_columns(x)
    return np.ascontiguousarray(x).reshape(rhs.shape)


def proven(problem: LinearSystem, solution: Solution) -> MatrixStructure:
    """Return the facts about a matrix and what its factorisation has proven."""
    factor = solution.answer.factor
    return problem.structure.with_found(*(factor.proves if factor is not None else ()))


def warn_of(problem: LinearSystem, solution: Solution) -> None:
    """Warn of an answer without a certificate, and of a matrix that is singular to rounding."""
    if problem.structure.storage == "structured":
        return  # its own class has warned
    certificate, rcond = solution.certificate, solution.answer.rcond
    if not certificate.holds:
        warn_caller(
            f"the backward error is {certificate.value:.1e}, asked were {certificate.asked:.0e}: "
            f"{certificate.remedy}",
            LinAlgWarning,
        )
    if rcond is not None and rcond < problem.structure.eps:
        warn_caller(
            f"the matrix is singular to working precision{low_rank_note(problem)}: rcond is "
            f"{rcond:.1e}, and no digit of the solution is certain. Use lstsq for the solution of "
            "minimum norm, or regularise",
            LinAlgWarning,
        )
