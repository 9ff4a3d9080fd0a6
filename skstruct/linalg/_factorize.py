"""A factorisation of a square matrix that is kept for many right-hand sides."""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import LinearOperator

from skstruct.linalg._certificate import Certificate
from skstruct.linalg._condition import probe_column
from skstruct.linalg._plan import Attempt, Plan
from skstruct.linalg._solution import Breakdown, Solution
from skstruct.linalg._solve import (
    MatrixLike,
    SystemSolution,
    answer_to,
    proven,
    solution_of,
    warn_of,
)
from skstruct.linalg.matrices._arrays import real_columns
from skstruct.linalg.systems import Factor, LinearSystem, MatrixStructure, answered
from skstruct.linalg.systems._answer import estimated_rcond
from skstruct.linalg.systems._inputs import as_matrix, as_rhs, system_of
from skstruct.linalg.systems._matrix import Matrix
from skstruct.linalg.systems._rank_one import RankOneFactor, UpdatedCholesky

# Corrections of rank one on top of each other; a solve with ten of them costs twice that with the
# triangular factors of n = 1000.
MAX_DEPTH = 10


def factorize(
    a: MatrixLike, *, assume: str | None = None, precision: str = "auto"
) -> Factorization:
    """Factorise A by the routine it deserves, for many right-hand sides.

    The factorisation is certified by solving A x = A z for a random vector z, and each
    solve with it is certified on its own.

    Parameters
    ----------
    a : ndarray, sparse matrix or structured matrix of shape (n, n)
        A. It is not copied and must not be changed afterwards.
    assume, precision
        As for :func:`solve`, which also lists errors and warnings.

    Returns
    -------
    Factorization

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import factorize
    >>> F = factorize(np.array([[4.0, 2.0], [2.0, 3.0]]))
    >>> F.solver, F.solve([8.0, 7.0])
    ('cholesky', array([1.25, 1.5 ]))
    >>> sign, log_det = F.logdet()
    >>> print(f"{sign * np.exp(log_det):.6f}")
    8.000000
    >>> F.update([0.0, 1.0]).solve([8.0, 8.0])
    array([1.33333333, 1.33333333])
    """
    matrix = as_matrix(a)
    problem = _probed(matrix, assume, precision)
    if problem.structure.matrix_free:
        raise TypeError("a matrix known by its products has no factorisation: use solve")
    solution = answer_to(problem)
    if solution.answer.factor is None:
        raise TypeError(f"{solution.solver} keeps no factorisation of a {problem.structure}")
    return Factorization(problem, solution)


def _probed(matrix: Matrix | LinearOperator, assume: str | None, precision: str) -> LinearSystem:
    """Return the system whose solution is a random vector."""
    probe = probe_column(matrix.shape[0], np.result_type(matrix.dtype, np.float32))
    with np.errstate(all="ignore"):  # system_of finds NaN and infinity
        rhs = matrix @ probe[:, 0]
    return system_of(matrix, rhs, assume, precision, wants_factor=True)


class Factorization:
    """A factorisation of a square matrix A; see :func:`factorize`.

    Parameters
    ----------
    problem : LinearSystem
        A, and the right-hand side by which the factorisation was certified.
    solution : Solution
        What the engine found.

    Attributes
    ----------
    shape : tuple of int
        (n, n).
    dtype : dtype
        Type of the entries of A.
    solver : str
        Name of the algorithm, after any escalation.
    structure : MatrixStructure
        The facts known of A, those that the factorisation has proven among them.
    plan : Plan
        What was considered and tried.
    certificate : Certificate
        The backward error for a random solution.

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import factorize
    >>> F = factorize(np.tril(np.ones((4, 4))))
    >>> F
    Factorization(triangular of a dense 4 x 4 float64 matrix (lower triangular, toeplitz))
    >>> F.solve(np.arange(1.0, 5.0))
    array([1., 1., 1., 1.])
    """

    def __init__(self, problem: LinearSystem, solution: Solution) -> None:
        self._problem = problem
        self._factor: Factor = solution.answer.factor
        self._rcond: float | None = solution.answer.rcond
        self.shape = (problem.structure.n,) * 2
        self.dtype = np.dtype(problem.structure.dtype)
        self.solver: str = solution.solver
        self.plan: Plan = solution.plan
        self.certificate: Certificate = solution.certificate
        self.structure: MatrixStructure = proven(problem, solution)

    def solve(self, b: np.ndarray) -> np.ndarray:
        """Return x with A x = b.

        Parameters
        ----------
        b : ndarray of shape (n,) or (n, k)
            Right-hand sides.

        Returns
        -------
        ndarray of the shape of b

        Raises
        ------
        ValueError
            b has another shape, NaN or infinity.

        Warns
        -----
        scipy.linalg.LinAlgWarning
            The backward error asked for was not reached; rcond, where it is below eps.
        """
        return self.certified_solve(b).x

    def certified_solve(self, b: np.ndarray) -> SystemSolution:
        """Return x with A x = b, its certificate, and the rest of a :class:`SystemSolution`."""
        rhs = as_rhs(b, self.shape[0])
        problem = self._problem.with_rhs(real_columns(rhs, self.dtype))
        answer = answered(problem, lambda _: self._factor, rcond=self.rcond())
        solution = Solution(answer, self.solver, self.plan, problem.certify(answer))
        warn_of(problem, solution)
        return solution_of(problem, solution, rhs)

    def logdet(self) -> tuple[complex, float]:
        """Return the sign of det A (complex: a number of modulus 1) and the log of its size."""
        return self._factor.slogdet()

    def rcond(self) -> float:
        """Return the estimate of 1 / (||A||_1 ||A^-1||_1)."""
        if self._rcond is None:
            self._rcond = estimated_rcond(self._problem, self._factor)
        return self._rcond

    def update(self, u: np.ndarray, v: np.ndarray | None = None) -> Factorization:
        """Return the factorisation of A + u v^H, in O(n^2) operations.

        A Cholesky factor is updated (v = u), others are corrected by the formula of Sherman and
        Morrison. The result is certified as a new one is; where it is not good enough the matrix
        is factorised anew, which the plan then says.

        Parameters
        ----------
        u : ndarray of shape (n,)
            A column.
        v : ndarray of shape (n,), optional
            Another; u by default.

        Returns
        -------
        Factorization
            Another object: this one stays as it is.

        Raises
        ------
        TypeError
            A is not dense.
        ValueError
            u or v has another shape, NaN or infinity.
        numpy.linalg.LinAlgError
            A + u v^H is singular.
        """
        return self._changed(u, v, 1)

    def downdate(self, u: np.ndarray, v: np.ndarray | None = None) -> Factorization:
        """Return the factorisation of A - u v^H; see :meth:`update`."""
        return self._changed(u, v, -1)

    def _changed(self, u: np.ndarray, v: np.ndarray | None, sign: int) -> Factorization:
        if not self.structure.is_dense:
            raise TypeError(
                f"update and downdate are for dense matrices, not a {self.structure}; "
                "factorize the changed matrix"
            )
        symmetric = v is None
        u = self._vector(u, "u")
        v = u if symmetric else self._vector(v, "v")
        matrix = self._problem.matrix + sign * np.outer(u, v.conj())
        problem = _probed(matrix, None, self._problem.precision)
        try:
            factor = self._corrected(u, v, sign, symmetric)
            answer = answered(problem, lambda _: factor)
        except Breakdown:
            return Factorization(problem, answer_to(problem))
        certificate = problem.certify(answer)
        if not certificate.holds or answer.rcond is not None:
            return Factorization(problem, answer_to(problem))
        attempts = (Attempt(self.solver, "corrected by a matrix of rank one"),)
        plan = self.plan.completed(attempts, certificate)
        return Factorization(problem, Solution(answer, self.solver, plan, certificate))

    def _corrected(self, u: np.ndarray, v: np.ndarray, sign: int, symmetric: bool) -> Factor:
        lower = getattr(self._factor, "lower", None)
        if symmetric and lower is not None:
            return UpdatedCholesky(lower, u, sign)
        if getattr(self._factor, "depth", 0) >= MAX_DEPTH:
            raise Breakdown("many corrections of rank one")
        return RankOneFactor(self._factor, sign * u, v)

    def _vector(self, u: np.ndarray, name: str) -> np.ndarray:
        u = np.asarray(u)
        if u.shape != self.shape[:1]:
            raise ValueError(f"{name} must have shape ({self.shape[0]},), got {u.shape}")
        if np.iscomplexobj(u) and self.dtype.kind != "c":
            raise ValueError(f"{name} is complex, but the matrix is real")
        u = u.astype(self.dtype)
        if not np.isfinite(u).all():
            raise ValueError(f"{name} contains NaN or infinity")
        return u

    def __repr__(self) -> str:
        return f"Factorization({self.solver} of a {self.structure})"
