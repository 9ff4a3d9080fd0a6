"""Linear models."""

from skstruct.linear_model._least_squares import LeastSquares
from skstruct.linear_model._tikhonov import Tikhonov

__all__ = ["LeastSquares", "Tikhonov"]
