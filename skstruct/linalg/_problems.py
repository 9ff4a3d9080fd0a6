"""What can be asked of an operand: its leading singular triplets.

A problem is the data, the question, and the measurement by which an answer to it is judged.
It knows nothing of the solvers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from skstruct.linalg._certificate import Certificate
from skstruct.linalg._operand import Operand
from skstruct.linalg._structure import Structure

# Gaussian test vectors with which a residual matrix is measured in one narrow pass. That all
# four underestimate its Frobenius norm tenfold has probability 4e-5 even if it has rank one.
N_PROBES = 4
PROBE_SEED = 20240917


# V is orthonormal to some eps, hence A v known to eps s_1 and u = A v / s to eps s_1 / s. Below
# this share of s_1 (or below 100 eps / tol, if that is more) residuals are measured as if s were
# this share. With values that fall to 1e-5 the route through a Gram matrix reaches 2e-10, to 1e-7
# and less 2e-9 to 8e-9; LAPACK's SVD a tenth to a thirtieth of that.
MIN_LEFT_VECTOR = 1e-5

# Sums of squares are right to this share, with room: in single precision they were off by 2e-10 to
# 9e-9, and the singular values, of float32 numbers, by 1e-7. The energy that an answer misses is
# their difference as long as it is so many times more.
ENERGY_ROUNDING = 1e-14
SINGLE_ENERGY_ROUNDING = 1e-6
MIN_MISSING = 100.0
# Otherwise it is estimated by this many Gaussian vectors: 10 000 estimates of an error of rank one,
# the worst case, were 0.63 to 1.39 times the truth, all but 20 of them 0.70 to 1.32; the margin
# makes that 0.85 to 1.87 and 0.95 to 1.78.
N_ERROR_PROBES = 48
ERROR_MARGIN = 1.35

NEEDS_ROWS = "needs the rows, of which only A'A was kept"

# Rank that an energy fraction is expected to need, as a share of the shorter side.
EXPECTED_ENERGY_SHARE = 0.25


@dataclass(frozen=True)
class SingularTriplets:
    """Leading singular values and right singular vectors.

    Attributes
    ----------
    values : ndarray of shape (k,)
        Singular values, descending.
    right : ndarray of shape (k, p)
        Right singular vectors, in rows.
    n_iter : int
        Iterations of an iterative solver, each of which multiplies a block of vectors by A'A; 1
        of a direct one.
    """

    values: np.ndarray
    right: np.ndarray
    n_iter: int = 1


@dataclass(frozen=True)
class RangeFinder:
    """Settings of the randomized range finder (Halko, Martinsson & Tropp, 2011).

    Parameters
    ----------
    n_oversamples : int
        Columns of the sketch beyond the wanted rank.
    n_iter : int or None
        Power iterations; None for as many as the residual asked for takes.
    normalizer : {"qr", "lu", "none"}
        How the sketch is kept well conditioned between iterations.
    """

    n_oversamples: int = 10
    n_iter: int | None = None
    normalizer: str = "lu"


@dataclass(frozen=True)
class PartialSVD:
    """The leading singular values and right singular vectors of an operand.

    Parameters
    ----------
    structure : Structure
        The facts known of the operand.
    operand : Operand or None
        The matrix A; None in a problem that is only planned.
    rank : int or None
        How many triplets; None for all min(n, p).
    energy : float or None
        Instead of a rank: as many triplets as capture this fraction of ||A||_F^2.
    tol : float
        Residual ``|A'u - s v|`` asked for, relative to s, over all triplets: see `certify`.
    seed : int
        Of every random number that a solver draws.
    range_finder : RangeFinder
        Settings of the solver `randomized`.
    patience : float
        Predicted seconds of the solver that follows in the plan; an iteration that would need
        longer gives up. Set by the engine.
    """

    structure: Structure
    operand: Operand | None = None
    rank: int | None = None
    energy: float | None = None
    tol: float = 1e-8
    seed: int = 0
    range_finder: RangeFinder = RangeFinder()
    patience: float = np.inf

    kind: ClassVar[str] = "partial_svd"
    # Solvers that the plan takes before cheaper ones.
    preferred: ClassVar[tuple[str, ...]] = ()

    @property
    def n_wanted(self) -> int:
        """How many triplets the answer has at the most."""
        return self.structure.shorter_side if self.rank is None else self.rank

    @property
    def n_expected(self) -> int:
        """How many triplets costs are predicted for."""
        if self.energy is None:
            return self.n_wanted
        return max(1, int(EXPECTED_ENERGY_SHARE * self.structure.shorter_side))

    @property
    def wants_all(self) -> bool:
        """Whether the whole spectrum has to be known."""
        return self.n_wanted == self.structure.shorter_side

    def truncate(self, triplets: SingularTriplets) -> SingularTriplets:
        """Cut an answer that holds more triplets than were asked for."""
        k = self.n_sufficient(triplets.values)
        return replace(triplets, values=triplets.values[:k], right=triplets.right[:k])

    def n_sufficient(self, values: np.ndarray) -> int:
        """How many of the leading singular `values` answer the question.

        With an energy fraction: the first count whose share exceeds it; one more than there
        are values if all of them together do not.
        """
        if self.energy is None:
            return min(self.n_wanted, len(values))
        # Rounded as the published shares are, so that one of them asks for what exceeds it.
        captured = np.cumsum(np.square(values) / (self.operand.sq_norm or 1.0))
        return int(np.searchsorted(captured, self.energy, "right")) + 1

    def certify(self, triplets: SingularTriplets) -> Certificate:
        """Measure how far A'U is from V diag(s), with U = A V / s, in one pass over the data.

        Outside the space of V each A'u is compared with its own s; within, U'U with the
        identity. Random test vectors estimate the Frobenius norms of both.
        """
        V, s = triplets.right.T, triplets.values
        k = len(s)
        largest = (s[0] if k else 0.0) or np.sqrt(self.operand.sq_norm)
        value = 0.0
        if k and largest != 0:
            probes = np.eye(k)
            if k > N_PROBES:
                rng = np.random.default_rng(PROBE_SEED)
                probes = rng.standard_normal((k, N_PROBES)) / np.sqrt(N_PROBES)
            s = s[:, None]
            rounding = 100 * np.finfo(np.float64).eps / self.tol
            # A'A itself is known to eps s_1^2 where it was all that was kept.
            share = rounding if self.structure.has_rows else np.sqrt(rounding)
            share = max(share, MIN_LEFT_VECTOR)
            scale = np.maximum(s, share * largest)
            tested = np.hstack([probes / scale, probes])
            image = self.operand.in_double().normal_product(V @ (tested / scale))
            within = V.T @ image
            outside = (image - V @ within)[:, : probes.shape[1]]
            within = within[:, probes.shape[1] :] / scale - (s / scale) ** 2 * probes
            value = float(np.hypot(np.linalg.norm(outside), np.linalg.norm(within)))
        return Certificate(
            "residual |A'u - s v| relative to s",
            value,
            self.tol,
            remedy="choose an exact solver (as 'auto' does) or more iterations, or raise tol if "
            "this accuracy is enough",
        )

    def error_estimate(self, triplets: SingularTriplets) -> float:
        """Estimate ||A - A V V'||_F, from above.

        It is the energy of A that V does not capture, where rounding leaves digits of that
        difference; else it is measured with random vectors in one pass over the data.
        """
        total = self.operand.sq_norm
        missing = total - float(np.sum(np.square(triplets.values)))
        rounding = SINGLE_ENERGY_ROUNDING if self.operand.single else ENERGY_ROUNDING
        if missing > MIN_MISSING * rounding * total or not self.structure.has_rows:
            return float(np.sqrt(max(missing, 0.0) + rounding * total))
        V = triplets.right.T
        probes = np.random.default_rng(PROBE_SEED).standard_normal((len(V), N_ERROR_PROBES))
        for _ in range(2):  # twice is enough
            probes -= V @ (V.T @ probes)
        size = np.linalg.norm(self.operand.in_double().matmat(probes)) / np.sqrt(N_ERROR_PROBES)
        return float(ERROR_MARGIN * size)

    def __str__(self) -> str:
        if self.energy is not None:
            what = f"components holding {self.energy:.4g} of the energy"
        elif self.wants_all:
            what = "all components"
        else:
            what = f"{self.n_wanted} leading components"
        return f"{what} of a {self.structure}"
