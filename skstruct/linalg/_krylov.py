"""Thick-restarted block Krylov iteration on the short side of a matrix.

The Krylov space of the smaller of A'A and AA' is built block by block, each block by one fused
pass over the data, and kept as orthogonal to the others as the answer needs. The residuals of all
wanted pairs come from the last block's coefficients, at no cost; the iteration stops on them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from skstruct.linalg._config import get_config
from skstruct.linalg._krylov_basis import KrylovBasis
from skstruct.linalg._machine import EIGH_FLOPS, NARROW_FACTOR, Cost
from skstruct.linalg._orthogonality import OrthogonalityLoss
from skstruct.linalg._problems import PartialSVD, SingularTriplets
from skstruct.linalg._solution import Breakdown
from skstruct.linalg._spectral import null_share, triplets_from_left, triplets_from_right

# Vectors in the basis before a restart: this many times the wanted rank, and at least so many.
BASIS_PER_WANTED = 6
MIN_BASIS = 300
# Products after which the iteration gives up and returns what it has.
MAX_BLOCKS = 400
# Blocks that the planner expects: this many, and some for every block of wanted components. With
# k = 5, 20 and 100 of 3000 x 3000, polynomial decay took 4-16 blocks, white noise 46-74. TF-IDF
# with k = 20 and 100 took 22 and 52 of 8 columns, 12 and 19 of 40.
EXPECTED_BLOCKS = 12
EXPECTED_BLOCKS_PER_WANTED = 3
# Eigenvalues above this share of the largest are found together, with residuals relative to their
# own size: rounding errors of a few times eps, relative to the largest, allow 1e-8 down to 1e-7
# and leave room. With a tighter tolerance the share is that of rounding errors over it, and no
# residual is asked to be smaller than these.
RESOLVED_SHARE = 1e-4
ROUNDING_SHARE = 1e-13
# A direction whose remainder is this small, relative to what was projected out of it, is
# orthogonalised again: it would be orthogonal to eps over the share. Below the second share nothing
# but rounding errors is left of it. Of a 400 x 350 matrix of rank 58 the null vectors were found to
# 2e-15; with 1e-13, which takes part of the range for rounding errors, to 6e-13.
DOUBTFUL_SHARE = 1e-3
LOST_SHARE = 1e-15
# Orthogonality that may be lost, as a share of the tolerance, and at most: the projection on a
# basis that is orthonormal to the square root of eps has eigenvalues right to eps (Simon 1984).
# With a tenth of the tolerance the certificates of text (k = 20, 50, 100, tolerance 1e-6) were as
# with full orthogonalisation to three digits: 9e-8, 2e-7 and 2e-7.
LOSS_SHARE = 0.1
MAX_LOSS = 1e-8


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
    orthogonalise = Cost(blas3=4.0 * s.shorter_side * columns * basis / 2)
    ritz = Cost(lapack=EIGH_FLOPS * basis**3 * 3)
    read = Cost(traffic=products * s.pass_traffic, passes=products)
    finish = Cost(memory=8.0 * (s.shorter_side * (basis + 4 * block) + 2 * s.n_columns * k))
    return product + orthogonalise + ritz + read + finish


def krylov_triplets(
    problem: PartialSVD, block: int, start: np.ndarray | None = None
) -> SingularTriplets:
    """Return the leading singular triplets by iteration with blocks of so many columns.

    `start` has columns on the short side that are near the wanted ones; random by default.
    """
    operand = problem.operand
    wide = operand.shape[0] < operand.shape[1]
    product = operand.outer_product if wide else operand.normal_product
    values, vectors, n_iter = leading_eigenpairs_of(
        product, min(operand.shape), problem, block, start
    )
    finish = triplets_from_left if wide else triplets_from_right
    answer = finish(operand.in_double(), values, vectors, is_rough=operand.single)
    return problem.truncate(replace(answer, n_iter=n_iter))


def leading_eigenpairs_of(
    product: Callable[[np.ndarray], np.ndarray],
    order: int,
    problem: PartialSVD,
    block: int,
    start: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the leading eigenpairs of a positive semidefinite operator, and the blocks it took.

    As many as the problem wants, or, for an energy fraction, as many as turn out to hold it.
    Not converged pairs are returned too: the certificate tells.

    The rounding errors of a product are relative to the largest eigenvalue. Pairs far below it
    are found in a later stage, in the space orthogonal to the pairs found before, where the
    largest eigenvalue is smaller.
    """
    rng = np.random.default_rng(problem.seed)
    found, vectors = np.empty(0), np.empty((order, 0))
    start = np.empty((order, 0)) if start is None else start
    n_iter = 0
    while True:
        missing = min(block, order - len(found)) - start.shape[1]
        start = np.hstack([start, rng.standard_normal((order, max(missing, 0)))])
        stage = _Stage(product, found, vectors, problem, block, rng)
        stage.iterate(start)
        n_iter += stage.n_iter
        n = stage.n_resolved if stage.has_converged else stage.n_wanted
        found = np.concatenate([found, stage.ritz.values[:n]])
        vectors = np.hstack([vectors, stage.ritz_vectors(0, n)])
        null = null_share(order) * found.max(initial=0.0)
        if n == stage.n_wanted or not stage.ritz.values[n] > null:
            vectors = np.hstack([vectors, stage.ritz_vectors(n, stage.n_wanted)])
            found = np.concatenate([found, stage.ritz.values[n : stage.n_wanted]])
            return np.maximum(found, 0.0), vectors, n_iter
        start = stage.ritz_vectors(n, n + block)


@dataclass
class _Ritz:
    """Ritz pairs of a Krylov basis and the norms of their residuals."""

    values: np.ndarray
    coefficients: np.ndarray
    residuals: np.ndarray


class _Stage:
    """Iteration in the space orthogonal to the vectors found so far."""

    def __init__(
        self,
        product: Callable[[np.ndarray], np.ndarray],
        found: np.ndarray,
        vectors: np.ndarray,
        problem: PartialSVD,
        block: int,
        rng: np.random.Generator,
    ) -> None:
        self._product, self._problem, self._block, self._rng = product, problem, block, rng
        self._found = found
        self._order, self._n_found = vectors.shape
        self.n_wanted = 1 if problem.energy is not None else problem.n_wanted - self._n_found
        self._space = KrylovBasis(self._order, self._n_found + self._max_basis())
        self._space.append(vectors)
        self.n_resolved = 0
        self.n_iter = 0
        self.has_converged = False
        self.ritz = _Ritz(np.empty(0), np.empty((0, 0)), np.empty(0))

    def ritz_vectors(self, start: int, stop: int) -> np.ndarray:
        """Return some of the Ritz vectors, in columns."""
        return self._space.combine(self._padded(self.ritz.coefficients[:, start:stop]))

    def iterate(self, start: np.ndarray) -> None:
        """Find the leading pairs that can be told apart from rounding errors here."""
        space, loss = self._space, OrthogonalityLoss(self._rng)
        space.project_out(start, space.inner(start))
        Q = np.linalg.qr(start)[0]
        space.project_out(Q, space.inner(Q))
        Q = np.linalg.qr(Q)[0]
        H = np.empty((0, 0))
        next_check = recent = 0
        history: list[tuple[int, float]] = []
        while self.n_iter < MAX_BLOCKS:
            self.n_iter += 1
            last = len(H)
            space.append(Q)
            if recent == 0:
                loss.begin(last + Q.shape[1], Q.shape[1])
            image = self._product(Q)
            columns = _orthogonalize(space, image, self._n_found, self._n_found + recent)
            recent = last
            Q, coupling = _next_block(space, image, columns, self._rng)
            grown = _bordered(H, columns[self._n_found :])
            full = len(grown) + Q.shape[1] > self._max_basis()
            if (
                loss.exceeds(self._allowed_loss(), grown, columns[self._n_found :], coupling)
                or full
            ):
                Q, coupling, inner = _made_orthogonal(space, Q, coupling)
                columns += inner @ coupling
                loss.settle(inner[self._n_found :])
                grown = _bordered(H, columns[self._n_found :])
            H = grown
            size, width = len(H), Q.shape[1]
            if size < next_check and not full and width and self.n_iter < MAX_BLOCKS:
                continue
            # The check costs size^3; at every twentieth of growth it stays a small share.
            next_check = size + size // 20
            self.ritz = _ritz(H, coupling)
            if not np.all(np.isfinite(self.ritz.values)):
                raise Breakdown("the Krylov space contains values that are not finite")
            self.n_wanted = self._wanted_now()
            excess = self._excess_residual()
            self.has_converged = excess <= 1.0
            if self.has_converged or not width:
                return
            history.append((self.n_iter, excess))
            _check_patience(self._problem, history, self.n_wanted, self._block)
            if full:
                keep = self.n_wanted + max(width, self.n_wanted // 2)
                kept = self._padded(self.ritz.coefficients[:, :keep])
                found = np.eye(len(kept), self._n_found)
                space.rotate(np.hstack([found, kept]))
                H = np.diag(self.ritz.values[:keep])
                next_check = recent = 0

    def _allowed_loss(self) -> float:
        """Inner product of two basis vectors that leaves the wanted pairs as accurate as asked.

        What is lost points to the leading vectors, and counts by the ratio of the values.
        """
        values = self.ritz.values
        share = RESOLVED_SHARE
        if len(values) > self.n_wanted:
            share = max(values[self.n_wanted - 1] / values[0], share)
        return min(LOSS_SHARE * self._problem.tol * share, MAX_LOSS)

    def _padded(self, coefficients: np.ndarray) -> np.ndarray:
        """Return coefficients of the whole basis, the vectors found before included."""
        return np.vstack([np.zeros((self._n_found, coefficients.shape[1])), coefficients])

    def _max_basis(self) -> int:
        return min(_max_basis(self.n_wanted, self._order), self._order - self._n_found)

    def _wanted_now(self) -> int:
        """How many pairs are wanted, as far as the Ritz values tell."""
        if self._problem.energy is None:
            return self.n_wanted
        values = np.concatenate([self._found, np.maximum(self.ritz.values, 0.0)])
        sufficient = self._problem.n_sufficient(np.sqrt(values)) - self._n_found
        return min(max(sufficient, 1), self._order - self._n_found)

    def _excess_residual(self) -> float:
        """Residual of the pairs resolved here, in units of what is asked.

        Infinite if there are too few pairs.
        """
        values, tol = self.ritz.values, self._problem.tol
        if len(values) < self.n_wanted:
            return np.inf
        largest = values[0]
        if not largest > 0:
            return 0.0
        share = min(max(RESOLVED_SHARE, ROUNDING_SHARE / tol), 0.5)
        self.n_resolved = int(np.count_nonzero(values[: self.n_wanted] >= share * largest))
        residuals = self.ritz.residuals[: self.n_resolved] / values[: self.n_resolved]
        # An error of the pairs found here is seen in the later ones by the ratio of their values.
        smallest = max(values[self.n_wanted - 1], 0.0)
        if self.n_resolved < self.n_wanted:
            tol = min(tol, max(tol * np.sqrt(smallest / largest), ROUNDING_SHARE))
        # Half of what is asked, as the certificate measures with random probes.
        return float(np.linalg.norm(residuals)) / (0.5 * tol)


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


def _orthogonalize(space: KrylovBasis, image: np.ndarray, n_found: int, recent: int) -> np.ndarray:
    """Make `image` orthogonal to what it meets, in place; return its inner products with the basis.

    In exact arithmetic it meets only the vectors from `recent` on: those of the last two blocks,
    and after a restart all. In that of the computer also the `n_found` first ones, whose values
    are so much larger that rounding errors in their directions grow with every product.
    """
    columns = np.zeros((space.size, image.shape[1]))
    for _ in range(2):  # twice is enough
        for part in (slice(recent, space.size), slice(0, n_found)):
            if part.start == part.stop:
                continue
            inner = space.inner(image, part)
            space.project_out(image, inner, part)
            columns[part] += inner
    return columns


def _next_block(
    space: KrylovBasis, image: np.ndarray, columns: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormalise what is left of a product; return it and its coefficients.

    `columns` are the inner products that it had with the basis. Directions lost to rounding are
    replaced by random ones, whose coefficients are zero, so that an invariant subspace does not
    hide further copies of an eigenvalue.
    """
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


def _made_orthogonal(
    space: KrylovBasis, Q: np.ndarray, coupling: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a block orthogonal to the whole basis, its coefficients, and what it had in it."""
    inner = space.inner(Q)
    space.project_out(Q, inner)
    if np.abs(inner).max(initial=0.0) > MAX_LOSS:  # otherwise it is still orthonormal to eps
        Q, correction = np.linalg.qr(Q)
        coupling = correction @ coupling
    return Q, coupling, inner


def _ritz(H: np.ndarray, coupling: np.ndarray) -> _Ritz:
    values, coefficients = np.linalg.eigh((H + H.T) / 2)
    values, coefficients = values[::-1], coefficients[:, ::-1]
    # Norms are taken in units of the largest value: squares of tiny data would underflow.
    unit = np.abs(values).max(initial=0.0) or 1.0
    last = coefficients[-coupling.shape[1] :]
    residuals = unit * np.linalg.norm((coupling / unit) @ last, axis=0)
    return _Ritz(values, coefficients, residuals)


def _expected_blocks(wanted: int, block: int) -> float:
    return EXPECTED_BLOCKS + EXPECTED_BLOCKS_PER_WANTED * wanted / block


def _max_basis(wanted: int, order: int) -> int:
    return min(order, max(MIN_BASIS, BASIS_PER_WANTED * wanted))
