"""Factorisations of A + u v^H from one of A, in O(n^2) operations.

Neither is as stable as a new factorisation: what they give is certified, refined, or replaced.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from skstruct.linalg._solution import Breakdown
from skstruct.linalg.matrices._dense_factors import LowerFactor
from skstruct.linalg.matrices._determinants import sign_and_log
from skstruct.linalg.matrices._factor import Factor


class RankOneFactor(Factor):
    """A + u v^H by the formula of Sherman & Morrison (1950), on top of a factorisation of A.

    Parameters
    ----------
    factor : Factor
        Of A.
    u, v : ndarray of shape (n,)
        The two vectors.
    """

    max_refinements = 5

    def __init__(self, factor: Factor, u: np.ndarray, v: np.ndarray) -> None:
        self._factor, self._u, self._v = factor, u[:, None], v[:, None]
        self.depth = getattr(factor, "depth", 0) + 1
        self._inside = factor.solve(self._u)
        self._adjoint_inside = factor.solve_adjoint(self._v)
        self._capacitance = 1.0 + np.vdot(v, self._inside)
        if self._capacitance == 0 or not np.isfinite(self._capacitance):
            raise Breakdown("1 + v^H A^-1 u is zero")

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        x = self._factor.solve(rhs)
        return x - self._inside @ (self._v.conj().T @ x / self._capacitance)

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        x = self._factor.solve_adjoint(rhs)
        return x - self._adjoint_inside @ (self._u.conj().T @ x / np.conj(self._capacitance))

    def slogdet(self) -> tuple[complex, float]:
        sign, log = self._factor.slogdet()
        own, size = sign_and_log(np.array([self._capacitance]), sign)
        return own, log + size


class UpdatedCholesky(LowerFactor):
    """A + s u u^H = L L^H for s = 1 or -1, from A = L_0 L_0^H.

    With w = L_0^-1 u the factor is L_0 K, where K K^H = I + s w w^H has entries that follow from
    running sums of |w_i|^2 (method C1 of Gill, Golub, Murray & Saunders, Math. Comp. 28, 1974).

    Parameters
    ----------
    lower : ndarray of shape (n, n)
        L_0; its upper triangle is not read.
    u : ndarray of shape (n,)
        The vector.
    sign : {1, -1}
        s.
    """

    def __init__(self, lower: np.ndarray, u: np.ndarray, sign: int) -> None:
        (trtrs,) = lapack.get_lapack_funcs(("trtrs",), (lower, u))
        w = trtrs(lower, u[:, None], lower=1)[0][:, 0]
        sums = 1.0 + sign * np.concatenate([[0.0], np.cumsum(np.square(np.abs(w)))])
        if not sums[-1] > np.finfo(w.dtype).eps:
            raise Breakdown("the matrix is no longer positive definite")
        before, after = sums[:-1], sums[1:]
        scale = np.sqrt(after / before).astype(w.real.dtype)
        share = (sign * w.conj() / np.sqrt(before * after)).astype(w.dtype)
        # Column j of L_0 K: L_0[:, j] K_jj + share_j * sum of L_0[:, i] w_i over i > j.
        weighted = np.tril(lower) * w
        later = np.cumsum(weighted[:, ::-1], axis=1)[:, ::-1] - weighted
        super().__init__(np.asfortranarray(np.tril(lower) * scale + later * share))
