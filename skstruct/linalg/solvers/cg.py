"""Conjugate gradients on the normal equations, with columns scaled to unit norm.

For data too large for any Gram matrix. All targets share each pass over the data. The gradient
by which it stops is recomputed from the data at exit.
"""

from __future__ import annotations

import numpy as np

from skstruct.linalg._machine import Cost
from skstruct.linalg._regression import Ridge, RidgeCoefficients
from skstruct.linalg.solvers._costs import gradient_cost

NAME = "cg"
ROBUSTNESS = 0
ON_REQUEST = False

# Iterations that the planner expects: text at alpha = 1 took 57 to a gradient of 1e-6, at
# alpha = 0.01 165.
EXPECTED_ITERATIONS = 150
DEFAULT_MAX_ITER = 2000
# Restarts from a freshly measured gradient, to undo what the recurrences have drifted.
MAX_RESTARTS = 3


def applies(problem: Ridge) -> str | None:
    if problem.is_bounded:
        return "it knows no bounds on the coefficients"
    return None


def cost(problem: Ridge) -> Cost:
    return gradient_cost(problem, n_gradients=EXPECTED_ITERATIONS)


def memory_use(problem: Ridge) -> str:
    return "a few vectors"


def reason(problem: Ridge) -> str:
    return "products with the data are cheaper than any factorisation"


def solve(problem: Ridge) -> RidgeCoefficients:
    scales = _scales(problem)
    coef = np.zeros((problem.operand.shape[1], problem.n_targets))
    gradient = -problem.correlations
    budget = DEFAULT_MAX_ITER if problem.max_iter is None else problem.max_iter
    used = 0
    for _ in range(MAX_RESTARTS):
        if np.all(problem.relative_size(gradient) <= problem.tol) or used >= budget:
            break
        step, n_iter = _minimize(problem, gradient, scales, budget - used)
        coef, used = coef + step, used + n_iter
        gradient = problem.gradient(coef)
    return RidgeCoefficients(coef, gradient, n_iter=used)


def _scales(problem: Ridge) -> np.ndarray:
    """Return the units in which coefficients are iterated: column norms.

    Where the minimiser is not unique iteration from zero ends at that of least norm in these units:
    columns are left as they are then.
    """
    weak = problem.alphas <= np.finfo(np.float64).eps * problem.operand.column_sq_norms.max()
    if problem.max_rank < problem.structure.n_columns and weak.any():
        return np.ones_like(problem.scales)
    return problem.scales


def _minimize(
    problem: Ridge, gradient: np.ndarray, scales: np.ndarray, budget: int
) -> tuple[np.ndarray, int]:
    """Return the step from a point with this gradient to the minimum, and the iterations."""
    residual = -gradient / scales
    step, direction = np.zeros_like(residual), residual.copy()
    energy = _column_dots(residual, residual)
    # Half of what is asked: the measured gradient differs from the recurrence's.
    count = 0
    while count < budget:
        count += 1
        image = problem.operand.normal_product(direction / scales)
        image += problem.alphas * problem.penalty.apply(direction / scales)
        image /= scales
        length = _ratio(energy, _column_dots(direction, image))
        step += length * direction
        residual -= length * image
        previous, energy = energy, _column_dots(residual, residual)
        if np.all(problem.relative_size(residual * scales) <= 0.5 * problem.tol):
            break
        direction = residual + _ratio(energy, previous) * direction
    return step / scales, count


def _column_dots(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->j", A, B)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide; zero where a target is already solved exactly."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
