"""Block Krylov iteration with thin blocks: for large, sparse, slowly decaying.

Musco & Musco (2015); small blocks are near-optimal: Chen, Epperly, Meyer, Musco & Rao (2025).
"""

from __future__ import annotations

from skstruct.linalg._krylov import krylov_cost, krylov_triplets
from skstruct.linalg._machine import Cost
from skstruct.linalg._problems import PartialSVD, SingularTriplets

NAME = "block_krylov"
ROBUSTNESS = 1
ON_REQUEST = False

# Columns per block, as a share of the wanted rank. Wider blocks use BLAS-3 and the memory
# bandwidth better, narrower ones need fewer products in all.
BLOCK_SHARE = 0.4
MIN_BLOCK, MAX_BLOCK = 8, 64
# A sparse product costs the same for every column: the narrowest block is best. TF-IDF 172 000 x
# 60 000, 100 wanted pairs to 1e-6, blocks of 4, 8, 16, 40: 348, 416, 528, 760 columns in all and
# 8.4, 7.6, 9.6, 14.5 s of processor time.
SPARSE_BLOCK = 8


def applies(problem: PartialSVD) -> str | None:
    return None


def cost(problem: PartialSVD) -> Cost:
    return krylov_cost(problem, _block_size(problem))


def memory_use(problem: PartialSVD) -> str:
    return "the Krylov basis"


def reason(problem: PartialSVD) -> str:
    return "few components, so products with thin blocks cost less than any Gram matrix"


def solve(problem: PartialSVD) -> SingularTriplets:
    return krylov_triplets(problem, _block_size(problem))


def _block_size(problem: PartialSVD) -> int:
    if problem.structure.is_sparse:
        return SPARSE_BLOCK
    wanted = 1 if problem.energy is not None else problem.n_wanted
    return int(min(max(MIN_BLOCK, BLOCK_SHARE * wanted), MAX_BLOCK))
