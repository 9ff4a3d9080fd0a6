"""Stacks ``(..., m, n)`` of small matrices: every slice answered by one call.

Tiny matrices are computed entry by entry for thousands of slices at once (``_interleaved``),
larger ones by LAPACK on blocks of slices in threads (``_stacked``).
"""

from skstruct.linalg.batches._cholesky import batched_cholesky
from skstruct.linalg.batches._eigh import Eigenpairs, batched_eigh
from skstruct.linalg.batches._lstsq import BatchedLeastSquares, batched_lstsq
from skstruct.linalg.batches._solve import batched_solve
from skstruct.linalg.batches._svd import SVDs, batched_svd

__all__ = [
    "BatchedLeastSquares",
    "Eigenpairs",
    "SVDs",
    "batched_cholesky",
    "batched_eigh",
    "batched_lstsq",
    "batched_solve",
    "batched_svd",
]
