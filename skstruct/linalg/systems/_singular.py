"""Errors and warnings of matrices that are singular, or nearly so."""

from __future__ import annotations

import numpy as np

from skstruct.linalg._solution import Breakdown
from skstruct.linalg.systems._problem import LinearSystem

# Columns of a sketch of the range: ranks below this are found, in the time of as many products.
SKETCH_COLUMNS = 64
SKETCH_SEED = 20240917


def singular(problem: LinearSystem, why: str) -> np.linalg.LinAlgError:
    """Return the error for a singular matrix."""
    n = problem.structure.n
    return np.linalg.LinAlgError(
        f"the {n} x {n} matrix is singular: {why}{low_rank_note(problem)}. "
        "For a least-squares solution of minimum norm use lstsq"
    )


def low_rank_note(problem: LinearSystem) -> str:
    """Return what to add to a message if the numerical rank is small, else nothing.

    The range is sketched with random vectors (Halko, Martinsson & Tropp, 2011); singular values
    of the sketch below n eps of the largest count as zero.
    """
    s = problem.structure
    if s.n <= SKETCH_COLUMNS or problem.matrix is None:
        return ""
    probes = np.random.default_rng(SKETCH_SEED).standard_normal((s.n, SKETCH_COLUMNS))
    values = np.linalg.svd(problem.matrix @ probes.astype(s.dtype), compute_uv=False)
    rank = int(np.count_nonzero(values > s.n * s.eps * values[0])) if values[0] > 0 else 0
    return f" (its numerical rank is {rank})" if rank < SKETCH_COLUMNS else ""


def not_definite(problem: LinearSystem, order: int) -> Exception:
    """Return what to raise where the leading minor of this order is not positive.

    An error if the matrix was declared positive definite, else Breakdown: the plan goes on.
    """
    why = f"not positive definite: the leading minor of order {order} is not positive"
    if "positive_definite" in problem.structure.declared:
        return np.linalg.LinAlgError(f"the matrix was declared positive_definite, but is {why}")
    return Breakdown(why)
