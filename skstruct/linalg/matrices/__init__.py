"""Matrices of a declared structure: products, solutions, determinants and algebra by structure.

Each has a file of its own, with the factorisations that solve it beside it. They share
:class:`StructuredMatrix`, which says what a new one has to define.
"""

from skstruct.linalg.matrices._answer import CertifiedSolution
from skstruct.linalg.matrices._banded import Banded
from skstruct.linalg.matrices._block_diagonal import BlockDiagonal
from skstruct.linalg.matrices._circulant import Circulant
from skstruct.linalg.matrices._dense import Dense
from skstruct.linalg.matrices._diagonal import Diagonal
from skstruct.linalg.matrices._kronecker import Kronecker
from skstruct.linalg.matrices._low_rank import LowRankPlusDiagonal
from skstruct.linalg.matrices._shifted_kronecker import ShiftedKronecker
from skstruct.linalg.matrices._structured import StructuredMatrix
from skstruct.linalg.matrices._toeplitz import Toeplitz
from skstruct.linalg.matrices._triangular import Triangular

__all__ = [
    "Banded",
    "BlockDiagonal",
    "CertifiedSolution",
    "Circulant",
    "Dense",
    "Diagonal",
    "Kronecker",
    "LowRankPlusDiagonal",
    "ShiftedKronecker",
    "StructuredMatrix",
    "Toeplitz",
    "Triangular",
]
