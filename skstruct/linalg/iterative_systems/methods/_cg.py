"""Conjugate gradients (Hestenes & Stiefel, 1952).

Its own, as scipy's does not tell residuals, and goes on where A turns out not to be definite.
"""

from __future__ import annotations

import numpy as np

from skstruct.linalg._machine import Cost
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.iterative_systems._facts import SystemFacts
from skstruct.linalg.iterative_systems._operator import Apply, SquareOperator
from skstruct.linalg.iterative_systems.methods._leg import Leg, NotDefinite, Watch
from skstruct.linalg.iterative_systems.preconditioners import Preconditioner

# A Rayleigh quotient below minus so many rounding units of the norm of A is no rounding error.
NEGATIVE = 100.0


class ConjugateGradients:
    """For Hermitian positive definite A and M."""

    name = "cg"
    products = 1

    def obstacle(self, facts: SystemFacts, preconditioner: Preconditioner) -> str | None:
        if not facts.self_adjoint:
            return "the matrix is not self-adjoint"
        if not facts.may_be_definite:
            return "the matrix is not positive definite"
        if not preconditioner.is_definite(facts):
            return f"{preconditioner.name!r} is not positive definite"
        return None

    def work(self, facts: SystemFacts) -> Cost:
        return Cost(traffic=13 * 8.0 * facts.n, memory=6 * 8.0 * facts.n)

    def leg(
        self,
        operator: SquareOperator,
        apply: Apply,
        residual: np.ndarray,
        goal: float,
        watch: Watch,
    ) -> Leg:
        r, x = residual.copy(), np.zeros_like(residual)
        p, energy = None, 0.0
        scratch = np.empty_like(r)
        while True:
            z = apply(r)
            previous, energy = energy, _dot(r, z)
            if not 0 <= energy < np.inf:
                raise Breakdown("the preconditioner is not positive definite")
            if energy == 0:
                return Leg(x)
            if p is None:
                p = np.array(z)
            else:
                p *= energy / previous
                p += z
            q = operator.times(p)
            curvature = _dot(p, q)
            if curvature <= 0 or not np.isfinite(curvature):
                _check(operator, curvature / _dot(p, p))
                return Leg(x)  # no more than rounding errors are left
            np.multiply(p, energy / curvature, out=scratch)
            x += scratch
            np.multiply(q, energy / curvature, out=scratch)
            r -= scratch
            size = float(np.linalg.norm(r[:, 0]))
            if watch(size) or size <= goal:
                return Leg(x)


def _check(operator: SquareOperator, quotient: float) -> None:
    """Judge a matrix by a Rayleigh quotient that is not positive."""
    if not np.isfinite(quotient):
        raise Breakdown("a product with the matrix is not finite")
    if quotient < -NEGATIVE * operator.eps * operator.norm:
        raise NotDefinite(
            f"the matrix is not positive definite: (p, A p) is {quotient:.1e} (p, p) for a search "
            "direction p"
        )


def _dot(u: np.ndarray, v: np.ndarray) -> float:
    """Return the real part of the inner product of two columns."""
    return float(np.vdot(u, v).real)
