"""GMRES with restarts, and LGMRES, by scipy: a leg is a cycle.

M stands to the right of A, so that the residuals of the recurrence are those of x.

Y. Saad and M. H. Schultz (1986); A. H. Baker, E. R. Jessup and T. Manteuffel (2005).
"""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import gmres, lgmres

from skstruct.linalg._machine import Cost
from skstruct.linalg.iterative_systems._facts import SystemFacts
from skstruct.linalg.iterative_systems._operator import Apply, SquareOperator
from skstruct.linalg.iterative_systems.methods._leg import Leg, Watch, as_scipy
from skstruct.linalg.iterative_systems.preconditioners import Preconditioner

# Vectors in a basis: 8 n bytes each, and as many inner products an iteration at the end of a cycle.
BASIS = 40
# Up to this order a basis is complete, and GMRES ends after n iterations at most: 2 MB.
SMALL_ORDER = 512
# Steps of earlier cycles that LGMRES keeps, as its authors advise.
KEPT = 3


class GMRES:
    """For any A; a cycle of iterations that each reduce the residual, as far as possible."""

    name = "gmres"
    products = 1

    def obstacle(self, facts: SystemFacts, preconditioner: Preconditioner) -> str | None:
        return None

    def work(self, facts: SystemFacts) -> Cost:
        # each vector of the basis is read three times, half of them on average
        return Cost(traffic=1.5 * BASIS * 8.0 * facts.n, memory=(BASIS + 6) * 8.0 * facts.n)

    def leg(
        self,
        operator: SquareOperator,
        apply: Apply,
        residual: np.ndarray,
        goal: float,
        watch: Watch,
    ) -> Leg:
        norm = float(np.linalg.norm(residual))
        at_the_end = False

        def on_step(size: float) -> None:
            nonlocal at_the_end
            at_the_end = size * norm <= goal
            watch(size * norm)  # a basis is of no use before the end of its cycle

        with np.errstate(all="ignore"):  # a basis that is complete; the residual tells
            y, _ = gmres(
                as_scipy(operator, lambda v: operator.times(apply(v))),
                residual[:, 0] / norm,
                rtol=0.0,
                atol=goal / norm,
                restart=_basis(operator, watch),
                maxiter=1,
                callback=on_step,
                callback_type="pr_norm",
            )
        return Leg(norm * apply(y[:, None]), is_cycle=not at_the_end)


class LGMRES(GMRES):
    """GMRES that remembers the steps of its last cycles, where restarts make it stagnate."""

    name = "lgmres"

    def __init__(self) -> None:
        self._steps: list = []

    def leg(
        self,
        operator: SquareOperator,
        apply: Apply,
        residual: np.ndarray,
        goal: float,
        watch: Watch,
    ) -> Leg:
        norm = float(np.linalg.norm(residual))
        count = 0

        def times(v: np.ndarray) -> np.ndarray:
            nonlocal count
            if count:  # the first product is that of scipy's start, which is zero
                watch()
            count += 1
            return operator.times(apply(v))

        with np.errstate(all="ignore"):
            y, _ = lgmres(
                as_scipy(operator, times),
                residual[:, 0] / norm,
                rtol=0.0,
                atol=goal / norm,
                inner_m=_basis(operator, watch),
                outer_k=KEPT,
                outer_v=self._steps,
                maxiter=1,
            )
        return Leg(norm * apply(y[:, None]), is_cycle=True)


def _basis(operator: SquareOperator, watch: Watch) -> int:
    wanted = operator.n if operator.n <= SMALL_ORDER else BASIS
    return max(1, min(wanted, watch.remaining))
