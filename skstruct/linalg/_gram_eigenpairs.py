"""Leading eigenpairs of a Gram matrix of the data, by the method that suits its order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from skstruct.linalg._krylov import leading_eigenpairs_of
from skstruct.linalg._machine import EIGH_FLOPS, EIGH_SUBSET_FLOPS, NARROW_FACTOR
from skstruct.linalg._operand import Operand
from skstruct.linalg._operands import make_operand
from skstruct.linalg._problems import PartialSVD
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._spectral import GRAM_RESOLUTION, leading_eigenpairs, uses_subset
from skstruct.linalg._structure import Structure

# Eigenvalues from blocks multiplied in float32 have the four digits promised down to this share of
# the largest, with room: at 1.1e-3 they were off by 2e-7 to 5e-7, and V was orthonormal to 2e-7.
SINGLE_RESOLUTION = 1e-3
# Small eigenvalues are taken together with the next ones if no gap of this share of the largest is
# between them. The space of the wanted ones is known to some eps over the gap; it has to be known
# to 3e-5 for nine digits.
MIN_GAP = 1e-10

# Lanczos iteration on the Gram matrix from this order, for up to this share of the pairs. White
# noise, the slowest spectrum: 20 of 3000 pairs take 72 blocks, and with the Gram matrix 2.0 s of
# processor time instead of 3.2; 50 of 2000 take 100 blocks, as long as by LAPACK.
LANCZOS_MIN_ORDER = 1500
LANCZOS_MAX_SHARE = 0.03
LANCZOS_BLOCK = 8
# Columns it is expected to multiply: twice as many blocks as with a decaying spectrum.
LANCZOS_COLUMNS = 24 * LANCZOS_BLOCK


def eigh_flops(order: int, k: int) -> float:
    """Predict the cost of the leading eigenpairs in BLAS-3 operations."""
    if _uses_lanczos(order, k):
        return 2.0 * NARROW_FACTOR * order**2 * (LANCZOS_COLUMNS + k)
    return (EIGH_SUBSET_FLOPS if uses_subset(order, k) else EIGH_FLOPS) * order**3


def gram_eigenpairs(
    problem: PartialSVD, gram_of: Callable[[Operand], np.ndarray]
) -> tuple[Operand, np.ndarray, np.ndarray]:
    """Return leading eigenpairs of a Gram matrix of the data, enough to answer the problem.

    All of them where the wanted ones cannot be told from others. In double precision where
    single does not resolve them; the operand that was used is returned first.
    """
    operand = problem.operand
    gram = gram_of(operand)
    values, vectors = _leading(gram, min(problem.n_wanted + 1, len(gram)), problem)
    k = min(problem.n_sufficient(np.sqrt(values)), len(values))
    if operand.single and _share(values[:k]) < SINGLE_RESOLUTION:
        operand = operand.in_double()
        return gram_eigenpairs(replace(problem, operand=operand), gram_of)
    if k < len(gram) and _share(values[:k]) < GRAM_RESOLUTION:
        next_value = values[k] if k < len(values) else 0.0
        if values[k - 1] - next_value < MIN_GAP * values[0]:
            return operand, *leading_eigenpairs(gram, len(gram))
    return operand, values[:k], vectors[:, :k]


def _leading(gram: np.ndarray, k: int, problem: PartialSVD) -> tuple[np.ndarray, np.ndarray]:
    """Return the k leading eigenpairs: by iteration, or by LAPACK where that is faster."""
    order = len(gram)
    if not _uses_lanczos(order, k) or not np.isfinite(gram).all():
        return leading_eigenpairs(gram, k)
    question = replace(
        problem, structure=Structure(order, order), rank=k, energy=None, patience=np.inf
    )
    try:
        values, vectors, _ = leading_eigenpairs_of(
            make_operand(gram).matmat, order, question, LANCZOS_BLOCK
        )
    except Breakdown:
        return leading_eigenpairs(gram, k)
    return values, vectors


def _uses_lanczos(order: int, k: int) -> bool:
    return order >= LANCZOS_MIN_ORDER and k <= LANCZOS_MAX_SHARE * order


def _share(values: np.ndarray) -> float:
    """Return the smallest of descending eigenvalues relative to the largest; 1 if all are zero."""
    return values[-1] / values[0] if len(values) and values[0] > 0 else 1.0
