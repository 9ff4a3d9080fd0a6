"""MINRES by scipy (Paige & Saunders, 1975)."""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import LinearOperator, minres

from skstruct.linalg._machine import Cost
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.iterative_systems._facts import SystemFacts
from skstruct.linalg.iterative_systems._operator import Apply, SquareOperator
from skstruct.linalg.iterative_systems.methods._leg import MEASURE_EVERY, Leg, Stopped, Watch
from skstruct.linalg.iterative_systems.preconditioners import Preconditioner


class MINRES:
    """For self-adjoint A, definite or not, and positive definite M.

    scipy's inner products do not conjugate: a complex A acts on real and imaginary parts side by
    side, which is a real symmetric matrix of order 2 n with the same Krylov spaces.
    """

    name = "minres"
    at_a_time = 1
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
        goal: np.ndarray,
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

        A, M = widened(operator.times), widened(apply)
        best = np.zeros_like(rhs)
        count, smallest = 0, 1.0

        def on_step(x: np.ndarray) -> None:
            nonlocal best, count, smallest
            count += 1
            if count % MEASURE_EVERY and watch.remaining > 1:
                stop = watch()
            else:
                size = float(np.linalg.norm(rhs - A @ x))
                if size <= smallest:
                    best, smallest = x.copy(), size
                stop = watch(np.array([size * norm])) or size * norm <= goal[0]
            if stop:
                best = best if smallest < 1.0 else x.copy()
                raise Stopped

        try:
            # With this tolerance its own tests end it where rounding does.
            best, _ = minres(
                A,
                rhs,
                M=M,
                rtol=np.finfo(np.float64).eps,
                maxiter=watch.remaining,
                callback=on_step,
            )
        except Stopped:
            pass
        except ValueError as failure:
            raise Breakdown(f"the matrix or the preconditioner is not as needed: {failure}") from (
                failure
            )
        return Leg(norm * best.view(operator.dtype).reshape(-1, 1))
