"""Matrix decompositions: the counterparts of :mod:`sklearn.decomposition`."""

from skstruct.decomposition._pca import PCA
from skstruct.decomposition._randomized_svd import RandomizedSVD

__all__ = ["PCA", "RandomizedSVD"]
