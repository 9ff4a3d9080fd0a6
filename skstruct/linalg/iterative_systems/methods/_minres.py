"""MINRES by scipy (Paige & Saunders, 1975)."""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import LinearOperator, minres

from skstruct.linalg._machine import Cost
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.iterative_systems._facts import SystemFacts
from skstruct.linalg.iterative_systems._operator import Apply, SquareOperator
from skstruct.linalg.iterative_systems.methods._leg import (
    Leg,
    Measured,
    Stopped,
    Watch,
    of_unit_norm,
)
from skstruct.linalg.iterative_systems.preconditioners import Preconditioner

# What scipy says of a matrix or a preconditioner that MINRES is not for.
COMPLAINTS = (
    "indefinite preconditioner",
    "non-symmetric matrix",
    "non-symmetric preconditioner",
)


class MINRES:
    """For self-adjoint A, definite or not, and positive definite M.

    scipy's inner products do not conjugate: a complex A acts on real and imaginary parts side by
    side, which is a real symmetric matrix of order 2 n with the same Krylov spaces.
    """

    name = "minres"
    products = 1

    def obstacle(self, facts: SystemFacts, preconditioner: Preconditioner) -> str | None:
        if not facts.self_adjoint:
            return "the matrix is not self-adjoint"
        if not preconditioner.is_definite(facts):
            return f"{preconditioner.name!r} is not positive definite"
        return None

    def work(self, facts: SystemFacts) -> Cost:
        return Cost(traffic=30 * 8.0 * facts.n, memory=9 * 8.0 * facts.n)

    def leg(
        self,
        operator: SquareOperator,
        apply: Apply,
        residual: np.ndarray,
        goal: float,
        watch: Watch,
    ) -> Leg:
        norm = float(np.linalg.norm(residual))
        rhs = np.ascontiguousarray(residual[:, 0] / norm).view(np.float64)
        order = (len(rhs), len(rhs))

        def widened(times: Apply) -> LinearOperator:
            def matvec(v: np.ndarray) -> np.ndarray:
                V = np.ascontiguousarray(v).view(operator.dtype).reshape(-1, 1)
                return np.ascontiguousarray(times(V)[:, 0]).view(np.float64)

            return LinearOperator(order, matvec=matvec, dtype=np.float64)

        A, M = (widened(times) for times in of_unit_norm(operator, apply))
        measured = Measured(lambda x: rhs - A @ x, norm, goal, watch)
        eps = np.finfo(np.float64).eps
        try:
            # With this tolerance its own tests end it where rounding does.
            x, _ = minres(A, rhs, M=M, rtol=eps, maxiter=watch.remaining, callback=measured)
            measured.measure(x)
        except Stopped:
            pass
        except ValueError as failure:
            if str(failure) not in COMPLAINTS:
                raise
            raise Breakdown(f"MINRES found a {failure}") from failure
        if measured.best is None:
            return Leg(np.zeros_like(residual))
        x = measured.best.view(operator.dtype).reshape(-1, 1) / operator.scale
        return Leg(norm * x)
