"""Errors and warnings of matrices that are singular, or nearly so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skstruct.linalg._solution import Breakdown

if TYPE_CHECKING:
    from skstruct.linalg.systems._problem import LinearSystem

# Columns of a sketch of the range: ranks below this are found, in the time of as many products.
SKETCH_COLUMNS = 64
SKETCH_SEED = 20240917


def singular(problem: LinearSystem, why: str) -> np.linalg.LinAlgError:
    """Return the error for a singular matrix; a row or column of zeros says more than `why`."""
    n = problem.structure.n
    return np.linalg.LinAlgError(
        f"the {n} x {n} matrix is singular: {zero_line(problem) or why}{low_rank_note(problem)}. "
        "For a least-squares solution of minimum norm use lstsq"
    )


def zero_line(problem: LinearSystem) -> str | None:
    """Name the first row or column that is zero, if one is."""
    nonzero = problem.matrix != 0
    for name, axis in (("row", 1), ("column", 0)):
        (zeros,) = np.nonzero(np.asarray(nonzero.sum(axis=axis)) == 0)
        if len(zeros):
            return f"{name} {zeros[0]} is zero"
    return None


def low_rank_note(problem: LinearSystem) -> str:
    """Return what to add to a message if the numerical rank is small, else nothing.

    The range is sketched with random vectors (Halko, Martinsson & Tropp, 2011); singular values
    of the sketch below n eps of the largest count as zero.
    """
    s = problem.structure
    if s.n <= SKETCH_COLUMNS or not s.is_dense:
        return ""
    probes = np.random.default_rng(SKETCH_SEED).standard_normal((s.n, SKETCH_COLUMNS))
    values = np.linalg.svd(problem.matrix @ probes.astype(s.dtype), compute_uv=False)
    rank = int(np.count_nonzero(values > s.n * s.eps * values[0])) if values[0] > 0 else 0
    return f" (its numerical rank is {rank})" if rank < SKETCH_COLUMNS else ""


def not_definite(problem: LinearSystem, order: int) -> Exception:
    """Return what to raise where the leading minor of this order is not positive.

    An error if the matrix was declared positive definite, else Breakdown: the plan goes on.
    """
    reordered = " after reordering" if problem.structure.reordered else ""
    why = f"not positive definite: the leading minor of order {order}{reordered} is not positive"
    if "positive_definite" in problem.structure.declared:
        return np.linalg.LinAlgError(f"the matrix was declared positive_definite, but is {why}")
    return Breakdown(why)
