"""Structure: the facts about a data matrix from which a plan is made."""

from __future__ import annotations

from dataclasses import dataclass

# Reading a file that the system holds in its cache takes so much longer than reading memory (1 GB
# in 0.3 s, at 25 GB/s 0.04); from a disk it takes longer still.
OUT_OF_CORE_FACTOR = 8.0


@dataclass(frozen=True, slots=True)
class Fill:
    """Estimates for the sparse matrix X'X, without the rows that would fill it.

    Attributes
    ----------
    products : float
        Multiply-adds that form it.
    gram_nnz : float
        Its stored entries.
    factor_nnz : float
        Stored entries of its Cholesky factor.
    """

    products: float
    gram_nnz: float
    factor_nnz: float


@dataclass(frozen=True, slots=True)
class Structure:
    """Facts about the n x p matrix A = diag(sqrt(w)) (X - 1 m').

    Planning looks at nothing else, so a plan can be made, and tested, without any data.

    Attributes
    ----------
    n_rows, n_columns : int
        Shape of X.
    dtype : str
        Type of the stored numbers.
    nnz : int or None
        Number of stored entries of a sparse X; None for a dense one.
    centered : bool
        Whether a column mean m is subtracted.
    weighted : bool
        Whether rows carry weights w.
    has_rows : bool
        Whether the rows can be read; otherwise only A'A is known.
    out_of_core : bool
        Whether the rows are read anew in every pass, from a file or the like.
    matrix_free : bool
        Whether X is known by its products only.
    fill : Fill or None
        What is known of the sparse matrix X'X.
    """

    n_rows: int
    n_columns: int
    dtype: str = "float64"
    nnz: int | None = None
    centered: bool = False
    weighted: bool = False
    has_rows: bool = True
    out_of_core: bool = False
    matrix_free: bool = False
    fill: Fill | None = None

    @property
    def is_sparse(self) -> bool:
        """Whether X is stored as a sparse matrix."""
        return self.nnz is not None

    @property
    def shorter_side(self) -> int:
        """The smaller dimension: the order of the smallest Gram matrix."""
        return min(self.n_rows, self.n_columns)

    @property
    def stored_bytes(self) -> float:
        """Bytes read by one pass over X."""
        item = 4 if self.dtype == "float32" else 8
        if self.nnz is None:
            return item * self.n_rows * self.n_columns
        return (item + 4) * self.nnz

    @property
    def pass_traffic(self) -> float:
        """Bytes moved by one pass over X, as if all came from memory."""
        return self.stored_bytes * (OUT_OF_CORE_FACTOR if self.out_of_core else 1.0)

    @property
    def dense_bytes(self) -> float:
        """Bytes of A as a dense float64 matrix."""
        return 8.0 * self.n_rows * self.n_columns

    @property
    def density(self) -> float:
        """Fraction of entries that is stored."""
        if self.nnz is None:
            return 1.0
        return self.nnz / (self.n_rows * self.n_columns)

    def __str__(self) -> str:
        words = ["centered"] * self.centered + ["weighted"] * self.weighted
        if not self.has_rows:
            lead = "centered " if self.centered else ""
            return f"{lead}{self.n_rows} x {self.n_columns} matrix of which A'A is known"
        storage = f"sparse, {self.density:.2%} stored" if self.is_sparse else "dense"
        if self.matrix_free:
            storage = "known by its products"
        if self.out_of_core:
            storage += ", read in chunks"
        if self.n_rows >= 2 * self.n_columns:
            storage += ", tall"
        elif self.n_columns >= 2 * self.n_rows:
            storage += ", wide"
        lead = " ".join(words) + " " if words else ""
        return f"{lead}{self.n_rows} x {self.n_columns} {self.dtype} matrix ({storage})"
