"""Large sparse and matrix-free linear systems, solved by iteration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.linalg import LinAlgWarning
from scipy.sparse.linalg import LinearOperator

from skstruct.linalg._certificate import Certificate
from skstruct.linalg._warn import warn_caller
from skstruct.linalg.iterative_systems import methods, preconditioners
from skstruct.linalg.iterative_systems._columns import Iterated, column_scales, iterate_columns
from skstruct.linalg.iterative_systems._facts import SystemFacts, facts_of
from skstruct.linalg.iterative_systems._inputs import (
    checked_limits,
    checked_option,
    solution_type,
)
from skstruct.linalg.iterative_systems._operator import SquareOperator
from skstruct.linalg.iterative_systems._routes import plan_routes
from skstruct.linalg.iterative_systems._run import Goal
from skstruct.linalg.iterative_systems._solution import IterativeSolution
from skstruct.linalg.iterative_systems._watch import IterationState
from skstruct.linalg.iterative_systems.preconditioners import Given
from skstruct.linalg.matrices._arrays import complex_columns, real_columns
from skstruct.linalg.systems._declared import kind_named
from skstruct.linalg.systems._inputs import as_matrix, as_rhs
from skstruct.linalg.systems._matrix import backward_errors, column_norms

# A backward error of so many rounding units is as good as that of a direct solver.
ROUNDING = 10.0

RESIDUAL = "residual |b - A x| / |b|"
REMEDY = "Give a preconditioner or a larger max_iter, or solve the system directly by solve"
BACKWARD_ERROR = "backward error |b - A x| / (|A| |x| + |b|)"


def solve_iteratively(
    a: np.ndarray | sparse.sparray | sparse.spmatrix | LinearOperator,
    b: np.ndarray,
    *,
    assume: str | None = None,
    method: str = "auto",
    preconditioner: str | LinearOperator | Callable[[np.ndarray], np.ndarray] = "auto",
    tol: float = 1e-10,
    max_iter: int | None = None,
    x0: np.ndarray | None = None,
    callback: Callable[[IterationState], bool] | None = None,
) -> IterativeSolution:
    r"""Solve A x = b by iteration, for a large sparse matrix or one known by its products.

    An iteration ends where

    .. math:: \|b - A x\|_2 \le \mathrm{tol}\, \|b\|_2

    for every column, or where the backward error
    :math:`\|b - A x\| / (\|A\| \|x\| + \|b\|)` is within ten rounding units, which is as good as
    a direct solver's: of an ill-conditioned system no x in this precision has a residual much
    smaller than that. Both are measured on the solution returned, not taken from a recurrence.

    With ``method='auto'`` conjugate gradients are tried on a self-adjoint matrix that may be
    positive definite, MINRES on one that is not, BiCGSTAB (GMRES, of products) on others, first
    with the diagonal as the preconditioner. Where the iterations so far tell that
    this takes longer than multigrid or incomplete factors are predicted to, those go on from
    there; then GMRES and LGMRES with incomplete LU factors follow. The plan tells what happened.

    Parameters
    ----------
    a : ndarray, sparse matrix or LinearOperator of shape (n, n)
        A, real or complex. Numbers in single precision are iterated in double precision.
    b : ndarray of shape (n,) or (n, k)
        One right-hand side or several.
    assume : {"general", "symmetric", "hermitian", "positive_definite"}, optional
        What is known of A, as for :func:`solve`. By default it is found out: from the entries, or
        from products with a few random vectors.
    method : {"auto", "cg", "minres", "bicgstab", "gmres", "lgmres"}, default="auto"
        How to iterate. One that is given is not replaced where it fails.
    preconditioner : str, LinearOperator or callable, default="auto"
        M, close to A and cheap to invert: ``"none"``, the diagonal (``"jacobi"``), the diagonal
        blocks of sixteen unknowns (``"block_jacobi"``), incomplete Cholesky or LU factors
        (``"ic"``, ``"ilu"``, and ``"ilu_fine"`` for nearly complete ones), algebraic multigrid
        (``"amg"``, needs pyamg); or what applies M^-1 to an array of shape (n, k).
    tol : float, default=1e-10
        Bound on the residual relative to b.
    max_iter : int, optional
        Bound on the iterations of a column; 10 000 by default.
    x0 : ndarray of the shape of `b`, optional
        Where to begin; zero by default.
    callback : callable, optional
        Is given an :class:`IterationState` after each iteration. If it returns True iteration
        stops there (GMRES and LGMRES: at the end of a cycle).

    Returns
    -------
    IterativeSolution
        With ``x`` of the shape of `b`.

    Raises
    ------
    numpy.linalg.LinAlgError
        A is not square, has a row or column of zeros, or was declared positive definite and is
        not.
    ValueError
        Shapes do not fit, numbers are not finite, entries contradict `assume`, or there is no such
        method.
    InapplicableSolver
        The method or preconditioner asked for cannot be used with this matrix; says why.

    Warns
    -----
    scipy.linalg.LinAlgWarning
        The solution is not as good as was asked: says how good it is, and what to do.

    References
    ----------
    Y. Saad, "Iterative Methods for Sparse Linear Systems", 2nd ed. (2003).

    Examples
    --------
    Heat in a plate of 100 x 100 cells:

    >>> import numpy as np
    >>> from scipy import sparse
    >>> from skstruct.linalg import solve_iteratively
    >>> second = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(100, 100))
    >>> one = sparse.eye_array(100)
    >>> a = sparse.kron(second, one) + sparse.kron(one, second)
    >>> solution = solve_iteratively(a, np.ones(10_000))
    >>> solution.converged, bool(np.linalg.norm(a @ solution.x - 1.0) <= 1e-10 * 100.0)
    (True, True)
    >>> solution.method
    'cg'
    """
    a = as_matrix(a)
    rhs = as_rhs(b, a.shape[0])
    start = None if x0 is None else as_rhs(x0, a.shape[0])
    if start is not None and start.shape != rhs.shape:
        raise ValueError(f"x0 must have the shape of b, {rhs.shape}, got {start.shape}")
    declared = None if assume is None else kind_named(assume)
    checked_limits(tol, max_iter)
    checked_option(method, ("auto", *methods.BY_NAME), "method")
    if isinstance(preconditioner, str):
        checked_option(preconditioner, ("auto", *preconditioners.BY_NAME), "preconditioner")
    else:
        preconditioner = Given(preconditioner)
    dtype = solution_type(a.dtype, rhs.dtype)
    operator = SquareOperator(a)
    facts = facts_of(operator, declared)
    eps = max(operator.eps, float(np.finfo(dtype).eps))
    goal = Goal(tol, ROUNDING * eps, operator.norm)
    n_rhs = 1 if rhs.ndim == 1 else rhs.shape[1]
    routes, plan = plan_routes(facts, n_rhs, method, preconditioner, _question(n_rhs, facts))
    columns = real_columns(rhs, operator.dtype).astype(operator.dtype, copy=False)
    if start is not None:
        start = real_columns(start.astype(rhs.dtype, copy=False), operator.dtype)
    found = iterate_columns(
        operator, facts, columns, routes, goal, start=start, max_iter=max_iter, callback=callback
    )
    if columns.shape[1] > n_rhs:
        found = _joined(found, n_rhs)
    x = found.x.astype(dtype, copy=False)
    certificate = _certificate(operator, rhs.reshape(x.shape), x, goal)
    if not certificate.holds:
        _warn(certificate, found)
    flat = rhs.ndim == 1
    return IterativeSolution(
        x[:, 0] if flat else x,
        certificate.holds,
        int(found.n_iter[0]) if flat else found.n_iter,
        found.residuals[:, 0] if flat else found.residuals,
        found.route.method,
        found.route.preconditioner.name,
        plan.completed(found.attempts, certificate),
        certificate,
    )


def _question(n_rhs: int, facts: SystemFacts) -> str:
    sides = "1 right-hand side" if n_rhs == 1 else f"{n_rhs} right-hand sides"
    return f"linear system with {sides}, {facts}"


def _joined(found: Iterated, k: int) -> Iterated:
    """Put real and imaginary parts together, which a real matrix acts on apart."""
    return replace(
        found,
        x=complex_columns(found.x),
        n_iter=np.maximum(found.n_iter[:k], found.n_iter[k:]),
        residuals=np.fmax(found.residuals[:, :k], found.residuals[:, k:]),
    )


def _certificate(
    operator: SquareOperator, rhs: np.ndarray, x: np.ndarray, goal: Goal
) -> Certificate:
    """Measure the solution as it is returned."""
    with np.errstate(all="ignore"):
        scales = column_scales(rhs)
        rhs, x = rhs / scales, x / scales
        residual = rhs - operator.times(x)
        backward = backward_errors(goal.norm, x, rhs, residual)
        sizes, norms = column_norms(residual), column_norms(rhs)
        relative = np.where(norms > 0, sizes / norms, sizes)
    small = relative <= goal.tol
    allowed = np.array([goal.size(column, norm) for column, norm in zip(x.T, norms, strict=True)])
    if not small.all() and (sizes <= allowed).all():
        return Certificate(BACKWARD_ERROR, float(backward[~small].max()), goal.rounding, REMEDY)
    return Certificate(RESIDUAL, float(relative.max(initial=0.0)), goal.tol, REMEDY)


def _warn(certificate: Certificate, found: Iterated) -> None:
    tried = "; ".join(f"{attempt.solver}: {attempt.outcome}" for attempt in found.attempts)
    why = "the callback stopped the iteration" if found.stopped else tried
    warn_caller(
        f"the solution is not as good as was asked: {certificate.quantity} is "
        f"{certificate.value:.1e}, asked were {certificate.asked:.0e}, after "
        f"{found.n_iter.max()} iterations ({why}). {certificate.remedy}",
        LinAlgWarning,
    )
