"""What the steps cost that several solvers share."""

from __future__ import annotations

from skstruct.linalg._machine import Cost
from skstruct.linalg._regression import Ridge
from skstruct.linalg._sparse_operand import SPARSE_PRODUCT_DENSITY
from skstruct.linalg._structure import Structure

# Iterations that the planner expects: text at alpha = 1 took 60 to a gradient of 1e-6, at
# alpha = 0.01 240.
EXPECTED_ITERATIONS = 150


def gram_cost(structure: Structure, order: int) -> Cost:
    """Cost of A'A (order p) or AA' (order n), with its matrix and the lanes' partial sums."""
    if not structure.has_rows:
        return Cost(traffic=8.0 * order**2)
    other = structure.n_rows + structure.n_columns - order
    common = Cost(traffic=structure.pass_traffic, memory=3 * 8.0 * order**2, passes=1)
    if structure.is_sparse and structure.density <= SPARSE_PRODUCT_DENSITY:
        # Every pair of entries in a row (column) is one multiply-add. Counts of entries vary:
        # a Zipf distribution as in text triples the square of the mean.
        pairs = 3.0 * structure.nnz**2 / max(other, 1)
        pairs = min(pairs, float(other) * order**2)
        return common + Cost(sparse_product=pairs, memory=12.0 * min(pairs, order**2))
    return common + Cost(blas3=float(other) * order**2)


def gradient_cost(problem: Ridge, n_gradients: int) -> Cost:
    """Cost of measuring gradients on the data."""
    s, t = problem.structure, problem.n_targets
    work = 4.0 * t * n_gradients * (s.nnz if s.is_sparse else s.n_rows * s.n_columns)
    product = Cost(sparse=work / 2) if s.is_sparse else Cost(blas3=work)
    return product + Cost(
        traffic=n_gradients * s.pass_traffic,
        memory=8.0 * (s.n_rows + 4 * s.n_columns) * t,
        passes=n_gradients,
    )
