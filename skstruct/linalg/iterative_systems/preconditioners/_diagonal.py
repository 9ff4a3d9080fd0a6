"""No preconditioner, the diagonal, and what the user gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse.linalg import LinearOperator

from skstruct.linalg._machine import Cost
from skstruct.linalg.iterative_systems._facts import SystemFacts
from skstruct.linalg.iterative_systems._operator import Apply, SquareOperator
from skstruct.linalg.preconditioners._diagonal import application_of

# Ten digits take so many iterations for each level of the matrix: grids of 100^2, 300^2 and 50^3
# with 100, 300 and 67 levels take 360, 1030 and 220. At least so many; and without the levels.
PER_LEVEL = 3.4
LEAST_ITERATIONS = 30.0
EXPECTED_ITERATIONS = 300.0
EXPECTED_GAIN = 1e-10


def expected_iterations(facts: SystemFacts) -> float:
    """Return how many iterations a matrix like that of a grid takes."""
    if not facts.levels:
        return EXPECTED_ITERATIONS
    return max(LEAST_ITERATIONS, PER_LEVEL * facts.levels)


class Identity:
    """M = I."""

    name = "none"

    def is_definite(self, facts: SystemFacts) -> bool:
        return True

    def obstacle(self, facts: SystemFacts) -> str | None:
        return None

    def setup(self, facts: SystemFacts) -> Cost:
        return Cost()

    def work(self, facts: SystemFacts) -> Cost:
        return Cost(traffic=16.0 * facts.n)

    def iterations(self, facts: SystemFacts) -> float:
        return expected_iterations(facts)

    def make(self, operator: SquareOperator) -> Apply:
        return np.copy


class Jacobi:
    """M = diag(|a_11|, ..., |a_nn|), 1 in the place of zeros."""

    name = "jacobi"

    def is_definite(self, facts: SystemFacts) -> bool:
        return True

    def obstacle(self, facts: SystemFacts) -> str | None:
        return "the diagonal is not known" if facts.storage == "products" else None

    def setup(self, facts: SystemFacts) -> Cost:
        return Cost(traffic=24.0 * facts.n)

    def work(self, facts: SystemFacts) -> Cost:
        return Cost(traffic=24.0 * facts.n)

    def iterations(self, facts: SystemFacts) -> float:
        """Bound them by Gershgorin's circles where the diagonal dominates.

        The eigenvalues of M^-1 A lie within 1 -+ 1/dominance, and k iterations reduce the error
        to 2 exp(-2 k / sqrt(condition)).
        """
        expected = expected_iterations(facts)
        if facts.dominance <= 1:
            return expected
        radius = 1.0 / facts.dominance
        condition = (1 + radius) / (1 - radius)
        bound = 0.5 * np.sqrt(condition) * np.log(2.0 / EXPECTED_GAIN)
        return float(min(expected, np.ceil(bound)))

    def make(self, operator: SquareOperator) -> Apply:
        sizes = np.abs(operator.diagonal())
        inverse = (1.0 / np.where(sizes > 0, sizes, 1.0))[:, None]
        return lambda residual: inverse * residual


class Given:
    """M^-1 as a callable or linear operator, which must be right for the method."""

    name = "given"

    def __init__(self, inverse: LinearOperator | Callable[[np.ndarray], np.ndarray]) -> None:
        self._inverse = inverse

    def is_definite(self, facts: SystemFacts) -> bool:
        return True  # the caller's word; conjugate gradients notice where it is wrong

    def obstacle(self, facts: SystemFacts) -> str | None:
        return None

    def setup(self, facts: SystemFacts) -> Cost:
        return Cost()

    def work(self, facts: SystemFacts) -> Cost:
        return Cost(traffic=12.0 * facts.nnz)  # as much as a product: nothing is known of it

    def iterations(self, facts: SystemFacts) -> float:
        return expected_iterations(facts)

    def make(self, operator: SquareOperator) -> Apply:
        return application_of(self._inverse, operator.dtype)
