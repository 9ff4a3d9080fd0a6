"""Matrices of a declared structure: products, solutions, determinants and algebra by structure."""

from skstruct.linalg.matrices._answer import CertifiedSolution
from skstruct.linalg.matrices._banded import Banded
from skstruct.linalg.matrices._diagonal import Diagonal
from skstruct.linalg.matrices._structured import StructuredMatrix

__all__ = ["Banded", "CertifiedSolution", "Diagonal", "StructuredMatrix"]
