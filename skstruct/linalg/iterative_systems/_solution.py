"""IterativeSolution: the solution of a linear system, how it was found, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from skstruct.linalg._certificate import Certificate
from skstruct.linalg._plan import Plan


@dataclass(frozen=True)
class IterativeSolution:
    """What :func:`solve_iteratively` returns.

    Attributes
    ----------
    x : ndarray of shape (n,) or (n, k)
        The solution, in the type of `a` and `b`.
    converged : bool
        Whether every column is as good as was asked.
    n_iter : int or ndarray of shape (k,)
        Iterations of each column, of all methods together.
    residuals : ndarray of shape (m,) or (m, k)
        ||b - A x|| / ||b|| after each iteration as far as its method tells: NaN where it does
        not, and after the last iteration of a column.
    method : str
        What found the solution.
    preconditioner : str
        What it was helped by.
    plan : Plan
        What was considered, and what happened.
    certificate : Certificate
        The largest true residual, measured on the solution as it is returned.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from skstruct.linalg import solve_iteratively
    >>> a = sparse.diags_array([-1.0, 2.5, -1.0], offsets=[-1, 0, 1], shape=(1000, 1000))
    >>> solution = solve_iteratively(a, np.ones(1000))
    >>> solution.method, solution.preconditioner, solution.n_iter == len(solution.residuals)
    ('cg', 'jacobi', True)
    """

    x: np.ndarray
    converged: bool
    n_iter: int | np.ndarray
    residuals: np.ndarray = field(repr=False)
    method: str
    preconditioner: str
    plan: Plan = field(repr=False)
    certificate: Certificate
