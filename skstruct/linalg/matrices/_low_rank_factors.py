"""Routes to the solution of a system with a diagonal plus a matrix of low rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from skstruct.linalg._solution import Breakdown
from skstruct.linalg.matrices._dense_factors import DenseLU
from skstruct.linalg.matrices._determinants import product_of, sign_and_log
from skstruct.linalg.matrices._factor import Factor, SingularMatrixError

if TYPE_CHECKING:
    from skstruct.linalg.matrices._low_rank import LowRankPlusDiagonal

# Rows of one panel of the reduction, at least: of order 2000 and rank 10 it takes 14 ms, with
# panels of 16 rows 19, of 128 rows 26.
MIN_PANEL = 32


class OrthogonalSplit(Factor):
    """The inverse on the range of the low rank, and on its complement.

    With S = |D|^(1/2) and D = S F S, A = S F (I + W Y^H) S. In an orthonormal basis Q of the ranges
    of W and Y, I + W Y^H = Q (I + K) Q^H + (I - Q Q^H): a small matrix and an identity.
    """

    name = "orthogonal_split"

    def __init__(self, matrix: LowRankPlusDiagonal) -> None:
        d, order = matrix.diagonal, matrix.shape[0]
        size = np.abs(d)
        if not matrix.C.size:
            raise Breakdown("there is nothing but a diagonal")
        if not size.all():
            raise Breakdown(f"entry {int(size.argmin())} of the diagonal is zero")
        self._root = np.sqrt(size)[:, None]
        self._phase = (d / size)[:, None]
        left = matrix.U @ matrix.C / (self._root * self._phase)
        right = matrix.V / self._root
        same = matrix.V is matrix.U
        both = right if same and np.all(self._phase == 1) else np.hstack([left, right])
        if not np.isfinite(both).all() or both.shape[1] > order:
            raise Breakdown("the diagonal is too small for a division, or the rank is no low one")
        # columns of very different sizes would hide each other
        norms = np.linalg.norm(both, axis=0)
        self._basis = linalg.qr(both / np.where(norms > 0, norms, 1), mode="economic")[0]
        adjoint = self._basis.conj().T
        core = (adjoint @ left) @ (right.conj().T @ self._basis)
        core.flat[:: len(core) + 1] += 1
        try:
            self._core = DenseLU(core)
        except SingularMatrixError as failure:
            raise Breakdown("the part of low rank cancels the diagonal") from failure
        self._slogdet = product_of([self._core.slogdet(), sign_and_log(d)])

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        return self._split(rhs / (self._root * self._phase), self._core.solve) / self._root

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        found = self._split(rhs / self._root, self._core.solve_adjoint)
        return found / (self._root * self._phase.conj())

    def _split(self, z: np.ndarray, solve: object) -> np.ndarray:
        Q, adjoint = self._basis, self._basis.conj().T
        inside = adjoint @ z
        outside = z - Q @ inside
        # once more: where z lies almost inside, what is left of it points anywhere
        again = adjoint @ outside
        return Q @ solve(inside + again) + (outside - Q @ again)

    def slogdet(self) -> tuple[float | complex, float]:
        return self._slogdet


@dataclass(frozen=True, slots=True)
class _Panel:
    """What the reduction keeps of a few rows: R x + F s + E y = g, with g from the right-hand side.

    `s` is the sum of Q_j^H x_j over the panels j that follow.
    """

    rows: slice
    transform: np.ndarray
    triangle: np.ndarray
    later: np.ndarray
    border: np.ndarray


class AugmentedQR(Factor):
    """QR of the augmented system D x + P M y = b, m (Q^H x - y) = 0, panel by panel.

    P and Q are orthonormal, U C V^H = P M Q^H, and m is the norm of M, so that no part of the
    system is larger than A and nothing is divided by D. Each panel of rows is reduced together with
    the k rows of the second equation, in which the unknowns to come keep their low-rank form.
    """

    name = "augmented_qr"

    def __init__(self, matrix: LowRankPlusDiagonal) -> None:
        n, self._dtype = matrix.shape[0], matrix.dtype
        zeros, rank = np.flatnonzero(matrix.diagonal == 0), min(matrix.C.shape)
        if len(zeros) > rank:
            raise SingularMatrixError(
                f"its diagonal has {len(zeros)} zeros, the first at entry "
                f"{zeros[0]}, and a matrix of rank {rank} cannot make up for them"
            )
        P, left = linalg.qr(matrix.U, mode="economic")
        self._Q, right = linalg.qr(matrix.V, mode="economic")
        core = left @ matrix.C @ right.conj().T
        k = self._k = self._Q.shape[1]
        self._weight = float(np.linalg.norm(core, 2)) if core.size else 0.0
        self._weight = self._weight or 1.0
        coupling = P @ core
        later = self._weight * np.eye(k, dtype=self._dtype)  # times Q^H x of all rows to come
        border = -later
        self._panels = []
        height = max(MIN_PANEL, 2 * k)
        for start in range(0, n, height):
            rows = slice(start, min(start + height, n))
            m = rows.stop - rows.start
            panel = np.vstack([np.diag(matrix.diagonal[rows]), later @ self._Q[rows].conj().T])
            transform, triangle = linalg.qr(panel)
            adjoint = transform.conj().T
            later = adjoint[:, m:] @ later
            border = adjoint @ np.vstack([coupling[rows], border])
            self._panels.append(_Panel(rows, adjoint, triangle[:m], later[:m], border[:m]))
            later, border = later[m:], border[m:]
            zeros = np.flatnonzero(triangle.diagonal() == 0)
            if len(zeros):
                raise SingularMatrixError(f"column {start + zeros[0]} depends on others")
        try:
            self._border = DenseLU(border) if k else None
        except SingularMatrixError as failure:
            raise SingularMatrixError(
                "its part of low rank does not make up for the zeros of its diagonal, or cancels it"
            ) from failure

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        k = self._k
        reduced, carried = [], np.zeros((k, rhs.shape[1]), self._dtype)
        for panel in self._panels:
            g = panel.transform @ np.vstack([rhs[panel.rows], carried])
            m = len(panel.triangle)
            reduced.append(g[:m])
            carried = g[m:]
        y = self._border.solve(carried) if k else carried
        x, following = np.empty_like(rhs), np.zeros((k, rhs.shape[1]), self._dtype)
        for panel, g in zip(reversed(self._panels), reversed(reduced), strict=True):
            g = g - panel.later @ following - panel.border @ y
            own = linalg.solve_triangular(panel.triangle, g, check_finite=False)
            x[panel.rows] = own
            following += self._Q[panel.rows].conj().T @ own
        return x

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        k = self._k
        # the transpose of what solve does, in the opposite order
        parts, following = [], np.zeros((k, rhs.shape[1]), self._dtype)
        total = np.zeros((k, rhs.shape[1]), self._dtype)
        for panel in self._panels:
            own = rhs[panel.rows] - self._Q[panel.rows] @ following
            part = linalg.solve_triangular(panel.triangle, own, trans="C", check_finite=False)
            parts.append(part)
            following = following + panel.later.conj().T @ part
            total -= panel.border.conj().T @ part
        carried = self._border.solve_adjoint(total) if k else total
        x = np.empty_like(rhs)
        for panel, part in zip(reversed(self._panels), reversed(parts), strict=True):
            both = panel.transform.conj().T @ np.vstack([part, carried])
            m = len(panel.triangle)
            x[panel.rows], carried = both[:m], both[m:]
        return x

    def slogdet(self) -> tuple[float | complex, float]:
        parts = [self._border.slogdet()] if self._k else []
        for panel in self._panels:
            own = np.linalg.slogdet(panel.transform.conj().T)[0], 0.0
            parts += [own, sign_and_log(panel.triangle.diagonal())]
        # the augmented matrix has the determinant of A times that of -m I
        sign, log = product_of(parts)
        return sign * (-1.0) ** self._k, log - self._k * float(np.log(self._weight))
