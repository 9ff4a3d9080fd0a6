"""What is known of a square matrix before it is iterated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from skstruct.linalg._fill import band_order, factor_entries
from skstruct.linalg.iterative_systems._operator import SquareOperator

# A matrix that is known by its products is multiplied by so many random vectors v. That (u, A v)
# and (A u, v) differ by more than this many rounding units of its norm shows that it is not
# self-adjoint: of matrices that are they differ by 0.2 (grids, dense ones of order 1500).
N_PROBES = 3
ASYMMETRY = 20.0
PROBE_SEED = 20150711
# Entries that differ from their mirror image by so many rounding units come from a sum in
# another order, as in the assembly of finite elements.
MIRROR = 4.0

SELF_ADJOINT = ("hermitian", "positive_definite")


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """Facts about A, of order n.

    Attributes
    ----------
    n : int
        Order.
    storage : {"sparse", "dense", "products"}
        What is known of A.
    is_real : bool
        Whether A is real.
    nnz : int
        Stored entries; n of a matrix of which only products are known.
    self_adjoint : bool
        Whether A equals its conjugate transpose, found or declared.
    positive : bool or None
        False if a diagonal entry or a Rayleigh quotient is not positive, True if A was declared
        positive definite, else None.
    declared : str or None
        What the caller said, one of :data:`skstruct.linalg.systems._structure.KINDS`.
    dominance : float
        The smallest |a_ii| / sum of |a_ij| over the other entries of a row; 0 if unknown.
    factor_nnz : float
        Entries that a triangular factor would have, an estimate; infinite if unknown.
    levels : float
        About how many steps from unknown to unknown lead through the matrix: its order over its
        bandwidth in reverse Cuthill-McKee order; 0 if unknown. An iteration carries information
        by one step.
    """

    n: int
    storage: str = "sparse"
    is_real: bool = True
    nnz: int = 0
    self_adjoint: bool = False
    positive: bool | None = None
    declared: str | None = None
    dominance: float = 0.0
    factor_nnz: float = np.inf
    levels: float = 0.0

    @property
    def may_be_definite(self) -> bool:
        """Whether A is self-adjoint and nothing says that it is not positive definite."""
        return self.self_adjoint and self.positive is not False

    def __str__(self) -> str:
        words = {"sparse": f"sparse, {self.nnz} entries", "dense": "dense"}
        about = [words.get(self.storage, "known by its products")]
        if self.declared is not None:
            about.append(f"declared {self.declared.replace('_', ' ')}")
        elif self.self_adjoint:
            about.append("symmetric" if self.is_real else "Hermitian")
        if self.positive is False and self.self_adjoint:
            about.append("not positive definite")
        if self.dominance > 1:
            about.append("diagonally dominant")
        field = "real" if self.is_real else "complex"
        return f"{field} {self.n} x {self.n} matrix ({', '.join(about)})"


def facts_of(operator: SquareOperator, declared: str | None = None) -> SystemFacts:
    """Return the facts about a matrix, found and declared.

    Parameters
    ----------
    operator : SquareOperator
        A.
    declared : str or None
        What the caller vouches for; what is not about symmetry is of no use to an iteration.

    Raises
    ------
    numpy.linalg.LinAlgError
        A was declared positive definite and is not, or a row or column holds nothing but zeros.
    ValueError
        The entries are not symmetric as declared, or NaN or infinite.
    """
    if operator.entries is None:
        return _probed(operator, declared)
    return _read(operator, declared)


def _read(operator: SquareOperator, declared: str | None) -> SystemFacts:
    A, n = operator.entries, operator.n
    is_sparse = sparse.issparse(A)
    if not np.isfinite(A.data if is_sparse else A).all():
        raise ValueError("a contains NaN or infinity")
    sizes = abs(A)
    for name, norms in zip(("row", "column"), operator.sizes, strict=True):
        if not norms.all():
            raise np.linalg.LinAlgError(
                f"a is singular: {name} {int(np.argmin(norms))} holds nothing but zeros"
            )
    self_adjoint = _is_mirrored(A, operator.eps, conjugate=True)
    diagonal = operator.diagonal()
    positive = bool((diagonal.real > 0).all())
    if declared in SELF_ADJOINT and not self_adjoint:
        raise ValueError(f"a was declared {declared}, but is not equal to its adjoint")
    if declared == "symmetric" and not _is_mirrored(A, operator.eps, conjugate=False):
        raise ValueError("a was declared symmetric, but is not equal to its transpose")
    if declared == "positive_definite" and not positive:
        raise np.linalg.LinAlgError(
            "a was declared positive definite, but diagonal entry "
            f"{int(np.argmin(diagonal.real))} is {diagonal.real.min():.2g}"
        )
    others = sizes @ np.ones(n) - np.abs(diagonal)
    with np.errstate(divide="ignore"):
        dominance = np.abs(diagonal) / np.maximum(others, 0.0)
    levels, factor_nnz = 1.0, 0.5 * n * n
    if is_sparse and n:
        _, below, _ = band_order(A if self_adjoint else sparse.csr_array(sizes + sizes.T))
        levels, factor_nnz = n / max(int(below.max()), 1), factor_entries(below)
    return SystemFacts(
        n,
        "sparse" if is_sparse else "dense",
        operator.is_real,
        A.nnz if is_sparse else n * n,
        self_adjoint=self_adjoint and declared != "general",
        positive=True if declared == "positive_definite" else None if positive else False,
        declared=declared,
        dominance=float(dominance.min(initial=np.inf)),
        factor_nnz=factor_nnz,
        levels=levels,
    )


def _probed(operator: SquareOperator, declared: str | None) -> SystemFacts:
    rng = np.random.default_rng(PROBE_SEED)
    V = rng.standard_normal((operator.n, N_PROBES)).astype(operator.dtype)
    if not operator.is_real:
        V += 1j * rng.standard_normal(V.shape)
    V /= np.linalg.norm(V, axis=0)
    image = operator.times(V)
    if not np.isfinite(image).all():
        raise ValueError("the products with a contain NaN or infinity")
    gram = V.conj().T @ image
    asymmetry = np.abs(gram - gram.conj().T).max()
    bound = ASYMMETRY * operator.eps * operator.norm
    if declared in SELF_ADJOINT and asymmetry > bound:
        raise ValueError(
            f"a was declared {declared}, but (u, A v) and (A u, v) differ by {asymmetry:.1e}"
        )
    positive = bool((gram.diagonal().real > -bound).all())
    if declared == "positive_definite" and not positive:
        raise np.linalg.LinAlgError(
            "a was declared positive definite, but (v, A v) is "
            f"{gram.diagonal().real.min():.2g} for a vector v of unit norm"
        )
    return SystemFacts(
        operator.n,
        "products",
        operator.is_real,
        operator.n,
        self_adjoint=bool(asymmetry <= bound) and declared != "general",
        positive=True if declared == "positive_definite" else None if positive else False,
        declared=declared,
    )


def _is_mirrored(A: np.ndarray | sparse.csr_array, eps: float, *, conjugate: bool) -> bool:
    """Whether A equals its (conjugate) transpose to rounding, entry by entry."""
    mirror = A.T.conj() if conjugate else A.T
    if sparse.issparse(A):
        mirror = sparse.csr_array(mirror)
        mirror.sort_indices()
        same_pattern = np.array_equal(mirror.indptr, A.indptr)
        if same_pattern and np.array_equal(mirror.indices, A.indices):
            gap, size = np.abs(A.data - mirror.data), np.abs(A.data)
            return bool((gap <= MIRROR * eps * size).all())
        excess = abs(A - mirror) - MIRROR * eps * abs(A)
        return bool(excess.max() <= 0)
    return bool((np.abs(A - mirror) <= MIRROR * eps * np.abs(A)).all())
