"""Linear models."""

from skstruct.linear_model._iterative_least_squares import IterativeLeastSquares
from skstruct.linear_model._least_squares import LeastSquares
from skstruct.linear_model._tikhonov import Tikhonov
from skstruct.linear_model._tikhonov_cv import TikhonovCV

__all__ = ["IterativeLeastSquares", "LeastSquares", "Tikhonov", "TikhonovCV"]
