"""BiCGSTAB by scipy (van der Vorst, 1992)."""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import bicgstab

from skstruct.linalg._machine import Cost
from skstruct.linalg.iterative_systems._facts import SystemFacts
from skstruct.linalg.iterative_systems._operator import Apply, SquareOperator
from skstruct.linalg.iterative_systems.methods._leg import (
    Leg,
    Measured,
    Stopped,
    Watch,
    as_scipy,
    of_unit_norm,
)
from skstruct.linalg.iterative_systems.preconditioners import Preconditioner


class BiCGSTAB:
    """For any A, in little memory; its residuals go up and down."""

    name = "bicgstab"
    products = 2

    def obstacle(self, facts: SystemFacts, preconditioner: Preconditioner) -> str | None:
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
        rhs = residual[:, 0] / norm
        A, M = (as_scipy(operator, times) for times in of_unit_norm(operator, apply))
        measured = Measured(lambda x: rhs - A @ x, norm, goal, watch)
        try:
            with np.errstate(all="ignore"):  # a breakdown divides by zero; the residual tells
                x, _ = bicgstab(
                    A,
                    rhs,
                    M=M,
                    rtol=0.0,
                    atol=goal / norm,
                    maxiter=watch.remaining,
                    callback=measured,
                )
                measured.measure(x)
        except Stopped:
            pass
        if measured.best is None:
            return Leg(np.zeros_like(residual))
        return Leg(norm * measured.best[:, None] / operator.scale)
