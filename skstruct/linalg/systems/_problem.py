"""What can be asked of a square matrix: the solution of a linear system."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from skstruct.linalg._certificate import Certificate
from skstruct.linalg.matrices._determinants import permutation_sign
from skstruct.linalg.systems._answer import SystemAnswer
from skstruct.linalg.systems._matrix import (
    Matrix,
    backward_errors,
    column_norms,
    norm_bound,
    product,
)
from skstruct.linalg.systems._structure import MatrixStructure

# A backward error of so many eps sqrt(n) is asked for; refinement begins far below it.
CERTIFIED = 10.0

# With more right-hand sides than this share of the order, a residual of all of them costs as much
# as the solve: it is then measured in so many random combinations.
MANY_SHARE = 0.05
N_PROBES = 4
PROBE_SEED = 20240917


@dataclass(frozen=True)
class Reordering:
    """Orders of rows and columns in which a matrix shows its structure.

    Attributes
    ----------
    rows, columns : ndarray of shape (n,)
        ``A[rows][:, columns]`` is triangular, banded or block diagonal.
    ends : ndarray or None
        Where each diagonal block ends, for block diagonal matrices.
    """

    rows: np.ndarray
    columns: np.ndarray
    ends: np.ndarray | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """Orders of the diagonal blocks, in descending order."""
        return tuple(sorted(np.diff(self.ends, prepend=0).tolist(), reverse=True))

    @property
    def sign(self) -> float:
        """The determinant of both permutations together."""
        if self.rows is self.columns:
            return 1.0
        return permutation_sign(self.rows) * permutation_sign(self.columns)


@dataclass(frozen=True)
class LinearSystem:
    """Find X with A X = B.

    Parameters
    ----------
    structure : MatrixStructure
        The facts known of A.
    matrix : ndarray, sparse matrix or LinearOperator of shape (n, n), or None
        A; None in a problem that is only planned.
    rhs : ndarray of shape (n, k) or None
        B.
    reordering : Reordering or None
        The orders in which A has the structure that was found.
    precision : {"auto", "mixed", "full"}
        Whether factors may be in half the precision of A, and the answer refined.
    n_rhs : int
        k.
    wants_factor : bool
        Whether a factorisation is wanted, not only X.
    """

    structure: MatrixStructure
    matrix: Matrix | None = None
    rhs: np.ndarray | None = None
    reordering: Reordering | None = None
    precision: str = "auto"
    n_rhs: int = 1
    wants_factor: bool = False

    kind: ClassVar[str] = "linear_system"

    @property
    def preferred(self) -> tuple[str, ...]:
        """Solvers that the plan takes before cheaper ones."""
        return ("mixed_cholesky", "mixed_lu") if self.precision == "mixed" else ()

    def with_rhs(self, rhs: np.ndarray) -> LinearSystem:
        """Return the same system for other right-hand sides, of shape (n, k)."""
        rhs = rhs.astype(self.structure.dtype, copy=False)
        other = replace(self, rhs=rhs, n_rhs=rhs.shape[1])
        other.__dict__["norm"] = self.norm
        return other

    def without_data(self) -> LinearSystem:
        """Return all that a plan is made of."""
        return replace(self, matrix=None, rhs=None, reordering=None)

    @cached_property
    def norm(self) -> float:
        """A bound of ||A||_2: ||A||_F if A is dense, the root of ||A||_1 ||A||_inf if not."""
        return norm_bound(self.matrix)

    @property
    def tol(self) -> float:
        """The backward error asked for."""
        return float(CERTIFIED * self.structure.eps * np.sqrt(max(self.structure.n, 1)))

    def backward_error(self, x: np.ndarray, residual: np.ndarray) -> float:
        """Return the largest ||b - A x|| / (||A|| ||x|| + ||b||) of the columns.

        In 2-norms, with the bound of ||A||.
        """
        return float(np.max(backward_errors(self.norm, x, self.rhs, residual), initial=0.0))

    def residual(self, x: np.ndarray) -> np.ndarray:
        """Return B - A X."""
        return self.rhs - product(self.matrix, x)

    @property
    def has_many_rhs(self) -> bool:
        """Whether measuring every column costs a good part of solving."""
        return self.n_rhs > max(2 * N_PROBES, MANY_SHARE * self.structure.n)

    def probed_error(self, x: np.ndarray) -> float:
        """Estimate the root of the sum of the squares of all columns' backward errors.

        The residuals, each relative to its own scale, are measured in a few combinations with
        random signs: (B - A X) D S costs as much as a few columns.
        """
        with np.errstate(all="ignore"):
            scale = self.norm * column_norms(x) + column_norms(self.rhs)
        rng = np.random.default_rng(PROBE_SEED)
        signs = rng.integers(0, 2, (self.n_rhs, N_PROBES)) * 2.0 - 1.0
        mixing = (signs / np.where(scale > 0, scale, 1.0)[:, None]).astype(x.real.dtype)
        combined = self.rhs @ mixing - product(self.matrix, x @ mixing)
        return float(np.sqrt(np.mean(np.square(column_norms(combined)))))

    def certify(self, answer: SystemAnswer) -> Certificate:
        """Return the backward error of an answer, and what was asked."""
        return Certificate(
            "backward error |b - A x| / (|A| |x| + |b|)",
            answer.backward_error,
            self.tol,
            remedy="scale the rows and columns of A to similar norms",
        )

    def __str__(self) -> str:
        sides = "1 right-hand side" if self.n_rhs == 1 else f"{self.n_rhs} right-hand sides"
        return f"linear system with {sides}, {self.structure}"
