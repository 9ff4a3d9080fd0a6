"""Stacks ``(..., m, n)`` of small matrices: every slice answered by one call.

Tiny matrices are computed entry by entry for thousands of slices at once (``_interleaved``), larger ones
by LAPACK on blocks of slices in threads (``_stacked``).
"""

from skstruct.linalg.batches._solve import batched_solve

__all__ = ["batched_solve"]
