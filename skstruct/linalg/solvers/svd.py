"""Singular value decomposition: any penalty, any rank.

With the penalty ||w||^2 one decomposition serves every alpha: w = V (s / (s^2 + alpha)) U'y. All
else is least squares with the matrix [A; sqrt(alpha) L], whose columns are scaled to unit norm;
singular values below max(n, p) eps of the largest are zero, and of all minimisers that of least
||L w||, then of least ||w||, is returned.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skstruct.linalg._costs import gradient_cost
from skstruct.linalg._machine import QR_FLOPS, SVD_FLOPS, Cost
from skstruct.linalg._refine import by_penalty, refine
from skstruct.linalg._regression import Ridge, RidgeCoefficients
from skstruct.linalg._spectral import svd, tall_r_factor

NAME = "svd"
ROBUSTNESS = 3
ON_REQUEST = False

EPS = np.finfo(np.float64).eps


def applies(problem: Ridge) -> str | None:
    if problem.is_bounded:
        return "it knows no bounds on the coefficients"
    return None


def cost(problem: Ridge) -> Cost:
    s = problem.structure
    short, long = s.shorter_side, max(s.n_rows, s.n_columns)
    work = Cost(
        lapack=SVD_FLOPS * short**3 + 2 * QR_FLOPS * 2.0 * long * short**2,
        memory=8.0 * 10 * short**2 if s.n_rows > s.n_columns else 3 * s.dense_bytes,
        passes=1,
    )
    return work + gradient_cost(problem, n_gradients=2)


def memory_use(problem: Ridge) -> str:
    return "the dense matrix and its singular vectors"


def reason(problem: Ridge) -> str:
    return "the singular values decide the rank"


def solve(problem: Ridge) -> RidgeCoefficients:
    A, y = _reduced(problem)
    if problem.penalty.is_identity and np.all(problem.alphas > 0):
        return _filtered(problem, A, y)
    factors = {a: _Factor(problem, A, a) for a in set(problem.alphas.tolist())}
    start = np.column_stack(
        [factors[a].minimizer(y[:, [i]])[:, 0] for i, a in enumerate(problem.alphas.tolist())]
    )
    answer = refine(problem, by_penalty(problem.alphas, lambda a: factors[a].solve), start)
    # trace(A H^+ A')
    edf = {a: float(np.sum(np.square(A @ factor.inverse_root))) for a, factor in factors.items()}
    answer = replace(answer, edf=np.array([edf[alpha] for alpha in problem.alphas.tolist()]))
    if problem.alphas.any():
        ranks = [factor.rank for factor in factors.values()]
        return replace(answer, rank=min(ranks))
    (factor,) = factors.values()
    return replace(
        answer,
        rank=factor.rank,
        condition=factor.condition,
        root=A,
        singular_values=np.linalg.svd(A, compute_uv=False),
        inverse_diagonal=np.einsum("ij,ij->i", factor.inverse_root, factor.inverse_root),
    )


def _reduced(problem: Ridge) -> tuple[np.ndarray, np.ndarray]:
    """Return A and y, reduced by a QR factorisation if there are more rows than columns."""
    operand, p = problem.operand, problem.operand.shape[1]
    if operand.shape[0] <= p:
        return operand.to_dense(), problem.targets
    reduced = tall_r_factor(operand, rhs=problem.targets)
    return reduced[:, :p], reduced[:, p:]


def _filtered(problem: Ridge, A: np.ndarray, y: np.ndarray) -> RidgeCoefficients:
    U, s, right = svd(A)
    s = s[:, None]
    shifted = s**2 + problem.alphas
    coef = right.T @ (s / shifted * (U.T @ y))

    def apply_inverse(rhs: np.ndarray) -> np.ndarray:
        return right.T @ ((right @ rhs) / shifted)

    return refine(problem, apply_inverse, coef, edf=np.sum(s**2 / shifted, axis=0))


class _Factor:
    """Pseudo-inverse of [A; sqrt(alpha) L] with columns scaled to unit norm."""

    def __init__(self, problem: Ridge, A: np.ndarray, alpha: float) -> None:
        self._penalty, (self._n_rows, self._n_columns) = problem.penalty, A.shape
        stacked = np.vstack([A, np.sqrt(alpha) * problem.penalty.dense_root()]) if alpha else A
        scale = np.linalg.norm(stacked, axis=0)
        scale[scale == 0] = 1.0
        # Null vectors are all needed only where a penalty chooses among them.
        U, s, right = np.linalg.svd(
            stacked / scale,
            full_matrices=len(stacked) < len(scale) and not problem.penalty.is_identity,
        )
        cutoff = max(problem.operand.shape) * EPS * s.max(initial=0.0)
        self.rank = int(np.count_nonzero(s > cutoff))
        if not alpha:  # rounding hides that centred rows add up to zero
            self.rank = min(self.rank, problem.max_rank)
        self.condition = float(s[0] / s[self.rank - 1]) if self.rank else 1.0
        self._left = U[:, : self.rank]
        inverse_root = right[: self.rank].T / scale[:, None] / s[: self.rank]
        if self.rank < len(scale) and problem.penalty.is_identity:
            # In the space of the rows of A there is the minimiser of least norm.
            rows = np.linalg.qr(right[: self.rank].T * scale[:, None])[0]
            inverse_root = rows @ (rows.T @ inverse_root)
        elif self.rank < len(scale):
            null = np.linalg.qr(right[self.rank :].T / scale[:, None])[0]
            inverse_root = self._least(inverse_root, null)
        self.inverse_root = inverse_root

    def minimizer(self, y: np.ndarray) -> np.ndarray:
        """Return the minimiser for the target y."""
        return self.inverse_root @ (self._left[: self._n_rows].T @ y)

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        """Apply the pseudo-inverse of A'A + alpha P."""
        return self.inverse_root @ (self.inverse_root.T @ rhs)

    def _least(self, coef: np.ndarray, null: np.ndarray) -> np.ndarray:
        """Add null vectors so that ||L w||, and then ||w||, is least."""
        coef = coef - null @ (null.T @ coef)
        # What the penalty does not see of the null space is left as it is.
        U, s, right = np.linalg.svd(self._penalty.roots_times(null), full_matrices=False)
        seen = s > max(self._n_columns, len(U)) * EPS * self._penalty.norm
        inside = U[:, seen].T @ self._penalty.roots_times(coef)
        return coef - null @ (right[seen].T @ (inside / s[seen, None]))
