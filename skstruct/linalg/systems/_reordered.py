"""Factorisations of a matrix in another order of its rows and columns."""

from __future__ import annotations

import numpy as np

from skstruct.linalg.matrices._factor import Factor
from skstruct.linalg.systems._problem import Reordering


class ReorderedFactor(Factor):
    """A factorisation of A in another order of its rows and columns.

    Parameters
    ----------
    factor : Factor
        Of ``A[rows][:, columns]``.
    order : Reordering
        The rows and columns.
    """

    def __init__(self, factor: Factor, order: Reordering) -> None:
        self._factor, self._order = factor, order
        self.proves = factor.proves
        self.max_refinements, self.goal = factor.max_refinements, factor.goal

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        x = np.empty_like(rhs)
        x[self._order.columns] = self._factor.solve(rhs[self._order.rows])
        return x

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        x = np.empty_like(rhs)
        x[self._order.rows] = self._factor.solve_adjoint(rhs[self._order.columns])
        return x

    def slogdet(self) -> tuple[float | complex, float]:
        sign, log = self._factor.slogdet()
        return sign * self._order.sign, log


def in_given_order(factor: Factor, order: Reordering | None) -> Factor:
    """Return the factorisation of A from that of the reordered matrix, if it was reordered."""
    return factor if order is None else ReorderedFactor(factor, order)
