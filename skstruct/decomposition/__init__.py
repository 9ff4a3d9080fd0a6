"""Matrix decompositions: the counterparts of :mod:`sklearn.decomposition`."""

from skstruct.decomposition._pca import PCA

__all__ = ["PCA"]
