"""Other implementations of PCA, each where it is installed and applies.

A peer is a function of the data and the number of components that returns a fit without arguments,
or None where the peer does not apply. What a fit returns has ``explained_variance_``.
"""

import os
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version
from types import SimpleNamespace

import numpy as np
from scipy import sparse
from threadpoolctl import ThreadpoolController

Fit = Callable[[], object]


def available(names: list[str], threads: int | None) -> dict[str, Callable]:
    """Return the peers that import, by name; of the others say that they are left out."""
    found = {}
    for name in names:
        try:
            with warnings.catch_warnings(action="ignore"):
                found[name] = PEERS[name](threads or os.cpu_count())
        except Exception as error:  # whatever an import may raise beside a newer numpy
            print(f"left out: {name}: {type(error).__name__}: {error}", file=sys.stderr)
        else:
            print(f"peer: {name} {version(DISTRIBUTIONS[name])}", file=sys.stderr)
    return found


def quiet(fit: Fit) -> Fit:
    """Return the fit without its warnings, which are errors in the benchmarks."""

    def silent():
        with warnings.catch_warnings(action="ignore"):
            return fit()

    return silent


def _fbpca(threads):
    """Randomised, with its default of two power iterations: a rough answer."""
    import fbpca

    def peer(X, k):
        if k is None or sparse.issparse(X):
            return None  # everything it would pass to LAPACK; of sparse data it copies the mean

        def fit():
            np.random.seed(0)  # noqa: NPY002 - it draws from numpy's global generator
            values = fbpca.pca(X, k, raw=False)[1]
            return SimpleNamespace(explained_variance_=values**2 / (X.shape[0] - 1))

        return fit

    return peer


def _sklearnex(threads):
    """Intel's library through its own estimators, unpatched, by the faster of its two solvers.

    Its automatic choice would be scikit-learn's randomised solver for most shapes, and a p x p
    covariance for wide data. threadpoolctl does not know its threads. Not of more than 50 000
    columns, where version 2026.2 returned wrong numbers without a word: of 100 x 60 000 the
    variances of another matrix, of 100 x 100 000 in float32 zeros.
    """
    from daal4py import daalinit
    from sklearnex.decomposition import PCA

    daalinit(threads)

    def peer(X, k):
        if sparse.issparse(X) or X.shape[1] > 50_000:
            return None
        solver = "covariance_eigh" if X.shape[0] >= X.shape[1] else "full"
        return lambda: PCA(k, svd_solver=solver).fit(X)

    return peer


def _dask_ml(threads):
    """Blocks of rows, two per thread, through its exact solver.

    Its automatic choice, a sketch without power iterations, is tens of per cent off. BLAS has one
    thread while dask's threads run, which is faster for it than two.
    """
    import dask
    import dask.array as da
    from dask_ml.decomposition import PCA

    controller = ThreadpoolController()
    dask.config.set(scheduler="threads", num_workers=threads)

    def peer(X, k):
        n, p = X.shape
        n_blocks = 2 * threads
        if sparse.issparse(X) or n < n_blocks * p:
            return None  # blocks must be tall
        blocks = da.from_array(X, chunks=(-(-n // n_blocks), p), name=False)

        def fit():
            with controller.limit(limits=1, user_api="blas"):
                return PCA(k, svd_solver="full").fit(blocks)

        return fit

    return peer


PEERS = {"fbpca": _fbpca, "sklearnex": _sklearnex, "dask-ml": _dask_ml}
DISTRIBUTIONS = {"fbpca": "fbpca", "sklearnex": "scikit-learn-intelex", "dask-ml": "dask-ml"}
