"""Quadratic penalties ||L w||^2 = w'P w on coefficients."""

from __future__ import annotations

from functools import cached_property
from math import comb

import numpy as np
from scipy import sparse


class Penalty:
    """||L w||^2 for a matrix L.

    Parameters
    ----------
    root : ndarray or sparse matrix of shape (q, p)
        L.
    """

    is_identity = False

    def __init__(self, root: np.ndarray | sparse.sparray) -> None:
        self.root = sparse.csr_array(root) if sparse.issparse(root) else np.asarray(root)

    @cached_property
    def matrix(self) -> np.ndarray | sparse.sparray:
        """P = L'L, of shape (p, p)."""
        return self.root.T @ self.root

    @cached_property
    def diagonal(self) -> np.ndarray:
        """The diagonal of P, of shape (p,)."""
        return np.asarray(self.matrix.diagonal(), dtype=np.float64)

    def apply(self, coef: np.ndarray) -> np.ndarray:
        """Return P w for the columns w of `coef`."""
        return self.root.T @ (self.root @ coef)

    @cached_property
    def norm(self) -> float:
        """The Frobenius norm of L."""
        return float(np.sqrt(self.diagonal.sum()))

    def magnitude(self, coef: np.ndarray) -> np.ndarray:
        """Return the sums of the magnitudes of what P w is summed from."""
        root = abs(self.root)
        return root.T @ (root @ np.abs(coef))

    def roots_times(self, coef: np.ndarray) -> np.ndarray:
        """Return L w for the columns w of `coef`."""
        return self.root @ coef

    def transposed_roots_times(self, rows: np.ndarray) -> np.ndarray:
        """Return L'r for the columns r of `rows`."""
        return self.root.T @ rows

    def shifted(self, gram: np.ndarray, alpha: float) -> np.ndarray:
        """Return a new matrix ``gram + alpha P``."""
        matrix = self.matrix
        return gram + alpha * (matrix.toarray() if sparse.issparse(matrix) else matrix)

    def sparse_matrix(self) -> sparse.sparray:
        """Return P as a sparse matrix."""
        return sparse.csr_array(self.matrix)

    def dense_root(self) -> np.ndarray:
        """Return a dense L with at most p rows."""
        root = self.root.toarray() if sparse.issparse(self.root) else self.root
        return root if root.shape[0] <= root.shape[1] else np.linalg.qr(root, mode="r")

    @cached_property
    def standard_form(self) -> tuple[np.ndarray | sparse.sparray, np.ndarray]:
        """T and an orthonormal N such that w = T v + N c has the penalty ||v||^2.

        T is the pseudo-inverse of L without its null columns, N a basis of the null space of L.
        """
        _, s, right = np.linalg.svd(self.dense_root(), full_matrices=True)
        cutoff = max(self.root.shape) * np.finfo(np.float64).eps * s.max(initial=0.0)
        rank = int(np.count_nonzero(s > cutoff))
        return right[:rank].T / s[:rank], right[rank:].T

    @property
    def is_definite(self) -> bool:
        """Whether no direction is free of a penalty."""
        return self.standard_form[1].shape[1] == 0

    def trace_with(self, root: np.ndarray) -> float:
        """Return trace(P K K') for K = `root`."""
        return float(np.sum(np.square(self.root @ root)))

    def __str__(self) -> str:
        return f"||L w||^2 with L of shape {self.root.shape}"


class DiagonalPenalty(Penalty):
    """The sum of f_j w_j^2.

    Parameters
    ----------
    factors : ndarray of shape (p,)
        f, not negative; zero for coefficients without a penalty.
    """

    def __init__(self, factors: np.ndarray) -> None:
        self._factors = factors

    @cached_property
    def root(self) -> sparse.sparray:
        """L = diag(sqrt(f))."""
        return sparse.csr_array(sparse.diags_array(np.sqrt(self._factors)))

    @property
    def diagonal(self) -> np.ndarray:
        return self._factors

    @property
    def is_definite(self) -> bool:
        return bool(np.all(self._factors > 0))

    @cached_property
    def standard_form(self) -> tuple[sparse.sparray, np.ndarray]:
        columns = sparse.eye_array(len(self._factors), format="csc")
        penalised = self._factors > 0
        T = columns[:, penalised] / np.sqrt(self._factors[penalised])
        return sparse.csr_array(T), columns[:, ~penalised].toarray()

    def __str__(self) -> str:
        return "a penalty factor for each coefficient"


class IdentityPenalty(DiagonalPenalty):
    """||w||^2, for p coefficients."""

    is_identity = True

    def __init__(self, n_columns: int) -> None:
        super().__init__(np.ones(n_columns))

    def magnitude(self, coef: np.ndarray) -> np.ndarray:
        return np.abs(coef)

    def apply(self, coef: np.ndarray) -> np.ndarray:
        return coef

    def roots_times(self, coef: np.ndarray) -> np.ndarray:
        return coef

    def transposed_roots_times(self, rows: np.ndarray) -> np.ndarray:
        return rows

    def shifted(self, gram: np.ndarray, alpha: float) -> np.ndarray:
        shifted = gram.copy()
        shifted.flat[:: len(gram) + 1] += alpha
        return shifted

    def trace_with(self, root: np.ndarray) -> float:
        return float(np.sum(np.square(root)))

    def __str__(self) -> str:
        return "||w||^2"


def difference_penalty(n_columns: int, order: int) -> Penalty:
    """Return the penalty on differences of neighbouring coefficients.

    L has the rows (1, -1), (1, -2, 1), (1, -3, 3, -1) and so on, shifted; polynomials of degree
    below `order` are free.
    """
    if not 1 <= order < n_columns:
        raise ValueError(
            f"differences of order {order} need more than {order} coefficients, got "
            f"n_features = {n_columns}"
        )
    row = [(-1.0) ** (order - k) * comb(order, k) for k in range(order + 1)]
    shape = (n_columns - order, n_columns)
    return Penalty(sparse.diags_array(row, offsets=list(range(order + 1)), shape=shape))


def laplacian_penalty(adjacency: np.ndarray | sparse.sparray) -> Penalty:
    """Return the penalty sum a_ij (w_i - w_j)^2 over the edges of an undirected graph.

    That is w'(D - A) w, with A the symmetric matrix of edge weights a_ij and D their row sums.
    L is the weighted incidence matrix.
    """
    edges = sparse.triu(sparse.coo_array(adjacency), 1).tocoo()
    edges.eliminate_zeros()
    rows = np.arange(edges.nnz)
    ends = np.sqrt(edges.data)
    i, j = edges.coords
    return Penalty(
        sparse.csr_array(
            (np.r_[ends, -ends], (np.r_[rows, rows], np.r_[i, j])),
            shape=(edges.nnz, adjacency.shape[1]),
        )
    )
