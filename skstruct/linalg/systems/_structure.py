"""MatrixStructure: the facts about a square matrix from which a plan is made."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

KINDS = (
    "diagonal",
    "lower_triangular",
    "upper_triangular",
    "permuted_triangular",
    "tridiagonal",
    "banded",
    "block_diagonal",
    "circulant",
    "toeplitz",
    "symmetric",
    "hermitian",
    "positive_definite",
    "general",
)
"""What can be found in a matrix or declared of it."""


@dataclass(frozen=True, slots=True)
class MatrixStructure:
    """Facts about a square matrix A.

    Planning looks at nothing else. Facts that were read off the entries are in `found`, facts
    that the caller vouches for in `declared`.

    Attributes
    ----------
    n : int
        Order of A.
    dtype : str
        Type of its numbers.
    storage : {"dense", "sparse", "structured", "matrix_free"}
        How A is given: all entries, the nonzero ones, a class for its structure, or products.
    nnz : int or None
        Stored entries of a sparse matrix.
    found : frozenset of str
        What the entries show: names of :data:`KINDS`, and ``"positive_diagonal"``.
    declared : frozenset of str
        What the caller said.
    reordered : bool
        Whether the structure shows in another order of rows and columns.
    bandwidths : tuple of two int or None
        Diagonals below and above the main one that hold nonzeros, in that order; None if that was
        not looked at as it would not help.
    block_sizes : tuple of int
        Orders of the diagonal blocks, in descending order; empty if there is one block.
    factor_nnz : float or None
        Entries that a sparse triangular factor would have, an estimate.

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import structure_of
    >>> facts = structure_of(np.diag([1.0, 2.0, 3.0]))
    >>> sorted(facts.found), sorted(facts.declared)
    (['diagonal'], [])
    """

    n: int
    dtype: str = "float64"
    storage: str = "dense"
    nnz: int | None = None
    found: frozenset[str] = frozenset()
    declared: frozenset[str] = frozenset()
    reordered: bool = False
    bandwidths: tuple[int, int] | None = None
    block_sizes: tuple[int, ...] = ()
    factor_nnz: float | None = None

    def has(self, *kinds: str) -> bool:
        """Whether any of these was found or declared."""
        return any(kind in self.found or kind in self.declared for kind in kinds)

    def with_found(self, *kinds: str) -> MatrixStructure:
        """Return these facts and some more."""
        return replace(self, found=self.found.union(kinds))

    @property
    def is_dense(self) -> bool:
        """Whether all entries are stored."""
        return self.storage == "dense"

    @property
    def is_sparse(self) -> bool:
        """Whether the nonzero entries are stored."""
        return self.storage == "sparse"

    @property
    def matrix_free(self) -> bool:
        """Whether A is known by its products only."""
        return self.storage == "matrix_free"

    @property
    def is_complex(self) -> bool:
        """Whether entries are complex."""
        return self.dtype.startswith("complex")

    @property
    def is_single(self) -> bool:
        """Whether entries are in single precision."""
        return self.dtype in ("float32", "complex64")

    @property
    def is_self_adjoint(self) -> bool:
        """Whether A equals its conjugate transpose."""
        if self.has("hermitian", "positive_definite"):
            return True
        return self.has("symmetric") and not self.is_complex

    @property
    def may_be_definite(self) -> bool:
        """Whether A is self-adjoint and nothing that is known says it is not definite."""
        if not self.is_self_adjoint:
            return False
        return self.has("positive_diagonal", "positive_definite")

    @property
    def eps(self) -> float:
        """Rounding unit of the entries."""
        return float(np.finfo(self.dtype).eps)

    @property
    def item_bytes(self) -> int:
        """Bytes of an entry."""
        return np.dtype(self.dtype).itemsize

    @property
    def stored_bytes(self) -> float:
        """Bytes of A as it is given."""
        if self.nnz is not None:
            return (self.item_bytes + 4.0) * self.nnz
        return float(self.item_bytes) * self.n**2

    @property
    def arithmetic(self) -> float:
        """Time of an operation on these numbers, relative to float64."""
        return (4.0 if self.is_complex else 1.0) * (0.5 if self.is_single else 1.0)

    def __str__(self) -> str:
        words = [kind for kind in KINDS if kind in self.found]
        if "positive_diagonal" in self.found and "positive_definite" not in self.found:
            words.append("positive diagonal")
        words += [f"declared {kind}" for kind in KINDS if kind in self.declared]
        if self.bandwidths is not None and self.has("banded"):
            words.append("{} and {} diagonals".format(*self.bandwidths))
        if self.block_sizes:
            words.append(f"{len(self.block_sizes)} blocks of up to {self.block_sizes[0]}")
        if self.nnz is not None:
            words.append(f"{self.nnz} entries")
        storage = self.storage.replace("_", "-")
        about = ", ".join(word.replace("_", " ") for word in words)
        return f"{storage} {self.n} x {self.n} {self.dtype} matrix" + (
            f" ({about})" if about else ""
        )
