"""Linear models: the counterparts of :mod:`sklearn.linear_model`."""

from skstruct.linear_model._tikhonov import Tikhonov

__all__ = ["Tikhonov"]
