"""Thick-restarted block Krylov iteration on the short side of a matrix.

The Krylov space of the smaller of A'A and AA' is built block by block, each block by one fused
pass over the data, with full reorthogonalisation. The residuals of all wanted pairs come from
the last block's coefficients, at no cost; the iteration stops on them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skstruct.linalg._config import get_config
from skstruct.linalg._krylov_basis import KrylovBasis
from skstruct.linalg._machine import EIGH_FLOPS, NARROW_FACTOR, Cost
from skstruct.linalg._problems import PartialSVD, SingularTriplets, residual_scale
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._spectral import triplets_from_left, triplets_from_right

# Vectors in the basis before a restart: this many times the wanted rank, and at least so many.
BASIS_PER_WANTED = 6
MIN_BASIS = 300
# Products after which the iteration gives up and returns what it has.
MAX_BLOCKS = 400
# Blocks that the planner expects: this many, and one for every block of wanted components. With
# k = 5, 20 and 100 of 3000 x 3000, polynomial decay took 4-16 blocks, white noise 46-74.
EXPECTED_BLOCKS = 12
# A direction whose remainder is this small, relative to what was projected out of it, is
# orthogonalised again; below the second share nothing but rounding errors is left of it.
DOUBTFUL_SHARE = 1e-5
LOST_SHARE = 1e-13


def krylov_cost(problem: PartialSVD, block: int) -> Cost:
    """Predict the cost of :func:`krylov_triplets`."""
    s, k = problem.structure, problem.n_expected
    products = _expected_blocks(k, block)
    columns = min(products * block, max(s.shorter_side, k))
    basis = min(columns, _max_basis(k, s.shorter_side))
    if s.is_sparse:
        product = Cost(sparse=2.0 * s.nnz * columns)
    else:
        product = Cost(blas3=NARROW_FACTOR * 4.0 * s.n_rows * s.n_columns * columns)
    orthogonalise = Cost(blas3=8.0 * s.shorter_side * columns * basis / 2)
    ritz = Cost(lapack=EIGH_FLOPS * basis**3 * 3)
    read = Cost(traffic=products * s.stored_bytes, passes=products)
    finish = Cost(memory=8.0 * (s.shorter_side * (basis + 4 * block) + 2 * s.n_columns * k))
    return product + orthogonalise + ritz + read + finish


def krylov_triplets(problem: PartialSVD, block: int) -> SingularTriplets:
    """Return the leading singular triplets by iteration with blocks of so many columns."""
    operand = problem.operand
    wide = operand.shape[0] < operand.shape[1]
    product = operand.outer_product if wide else operand.normal_product
    values, vectors = leading_eigenpairs_of(product, min(operand.shape), problem, block)
    finish = triplets_from_left if wide else triplets_from_right
    return problem.truncate(finish(operand.in_double(), values, vectors, is_rough=operand.single))


@dataclass
class _Ritz:
    """Ritz pairs of a Krylov basis and the norms of their residuals."""

    values: np.ndarray
    coefficients: np.ndarray
    residuals: np.ndarray


def leading_eigenpairs_of(
    product: Callable[[np.ndarray], np.ndarray], order: int, problem: PartialSVD, block: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the leading eigenpairs of a positive semidefinite operator.

    As many as the problem wants, or, for an energy fraction, as many as turn out to hold it.
    Not converged pairs are returned too: the certificate tells.
    """
    rng = np.random.default_rng(problem.seed)
    wanted = problem.n_wanted if problem.energy is None else 1
    Q = np.linalg.qr(rng.standard_normal((order, min(block, order))))[0]
    space = KrylovBasis(order)
    H = np.empty((0, 0))
    next_check = 0
    history: list[tuple[int, float]] = []
    for count in range(1, MAX_BLOCKS + 1):
        space.append(Q)
        image = product(Q)
        columns = space.inner(image)
        H = _bordered(H, columns)
        Q, coupling = _next_block(space, image, columns, rng)
        size, width = space.size, Q.shape[1]
        full = size + width > _max_basis(wanted, order)
        if size < next_check and not full and width and count < MAX_BLOCKS:
            continue
        # The check costs size^3; at every tenth of growth it stays a small share.
        next_check = size + size // 10
        ritz = _ritz(H, coupling)
        wanted = _wanted_now(problem, ritz, wanted, order)
        excess = _excess_residual(problem, ritz, wanted)
        if excess <= 1.0 or not width:
            break
        history.append((count, excess))
        _check_patience(problem, history, wanted, block)
        if full:
            keep = wanted + max(width, wanted // 2)
            space.rotate(ritz.coefficients[:, :keep])
            H = np.diag(ritz.values[:keep])
            next_check = 0
    if not np.all(np.isfinite(ritz.values)):
        raise Breakdown("the Krylov space contains values that are not finite")
    vectors = space.combine(ritz.coefficients[:, :wanted])
    return np.maximum(ritz.values[:wanted], 0.0), vectors


def _wanted_now(problem: PartialSVD, ritz: _Ritz, wanted: int, order: int) -> int:
    """How many pairs are wanted, as far as the Ritz values tell."""
    if problem.energy is None:
        return wanted
    sufficient = problem.n_sufficient(np.sqrt(np.maximum(ritz.values, 0.0)))
    return min(max(sufficient, 1), order)


def _excess_residual(problem: PartialSVD, ritz: _Ritz, wanted: int) -> float:
    """Residual of the wanted pairs in units of what is asked; infinite if there are too few."""
    if len(ritz.values) < wanted:
        return np.inf
    largest = ritz.values[0]
    if not largest > 0:
        return 0.0
    s = np.sqrt(np.maximum(ritz.values[:wanted] / largest, 0.0))
    residuals = ritz.residuals[:wanted] / largest / residual_scale(s)
    # Half of what is asked, as the certificate measures with random probes.
    return float(np.linalg.norm(residuals)) / (0.5 * problem.tol)


def _check_patience(
    problem: PartialSVD, history: list[tuple[int, float]], wanted: int, block: int
) -> None:
    """Give up if, at the rate of the last checks, the next solver of the plan were faster."""
    expected = _expected_blocks(wanted, block)
    if len(history) < 3 or history[-1][0] < expected or not np.isfinite(history[-3][1]):
        return
    (first, before), (last, now) = history[-3], history[-1]
    rate = np.log(before / now) / (last - first)
    remaining = np.log(now) / rate if rate > 0 else np.inf
    per_block = get_config().machine.seconds(krylov_cost(problem, block)) / expected
    if remaining * per_block > problem.patience:
        raise Breakdown(
            f"slow convergence: after {last} blocks the residual is {now * problem.tol / 2:.0e}, "
            f"{remaining:.0f} more would take longer than the next solver"
        )


def _bordered(H: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the symmetric projection with new last rows and columns."""
    size, old = columns.shape[0], H.shape[0]
    grown = np.empty((size, size))
    grown[:old, :old] = H
    grown[:, old:] = columns
    grown[old:, :old] = columns[:old].T
    return grown


def _next_block(
    space: KrylovBasis, image: np.ndarray, columns: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormalise `image` against the basis; return the block and its coefficients.

    `columns` are its inner products with the basis. Directions lost to rounding are replaced
    by random ones, whose coefficients are zero, so that an invariant subspace does not hide
    further copies of an eigenvalue.
    """
    space.project_out(image, columns)
    space.project_out(image, space.inner(image))  # twice is enough
    Q, coupling = np.linalg.qr(image)
    scale = np.abs(coupling).max(initial=0.0)
    # What is left of a direction almost inside the basis is not orthogonal to it.
    doubtful = np.abs(np.diag(coupling)) <= DOUBTFUL_SHARE * np.abs(columns).max(initial=scale)
    if doubtful.any():
        lost = np.abs(np.diag(coupling)) <= LOST_SHARE * np.abs(columns).max(initial=scale)
        Q[:, lost] = rng.standard_normal((len(Q), int(lost.sum())))
        coupling[lost] = 0.0
        for _ in range(2):
            space.project_out(Q, space.inner(Q))
            Q, correction = np.linalg.qr(Q)
            coupling = correction @ coupling
    room = len(Q) - space.size
    return Q[:, :room], coupling[:room]


def _ritz(H: np.ndarray, coupling: np.ndarray) -> _Ritz:
    values, coefficients = np.linalg.eigh((H + H.T) / 2)
    values, coefficients = values[::-1], coefficients[:, ::-1]
    # Norms are taken in units of the largest value: squares of tiny data would underflow.
    unit = np.abs(values).max(initial=0.0) or 1.0
    last = coefficients[-coupling.shape[1] :]
    residuals = unit * np.linalg.norm((coupling / unit) @ last, axis=0)
    return _Ritz(values, coefficients, residuals)


def _expected_blocks(wanted: int, block: int) -> float:
    return EXPECTED_BLOCKS + wanted / block


def _max_basis(wanted: int, order: int) -> int:
    return min(order, max(MIN_BASIS, BASIS_PER_WANTED * wanted))
