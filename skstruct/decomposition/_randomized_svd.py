"""Truncated singular value decomposition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from skstruct._estimator import as_fitted, check_rows, check_sample_weight, result_dtype
from skstruct._parameters import check_bool, check_option, is_fraction, is_integer
from skstruct.decomposition._projection import LinearProjection
from skstruct.linalg import (
    Operand,
    PartialSVD,
    RowSource,
    RunningSummary,
    complete_triplets,
    make_operand,
    row_blocks,
    running_summary,
    score_variances,
)

if TYPE_CHECKING:
    import sklearn.decomposition

ALGORITHMS = ("auto", "block_krylov", "randomized", "arpack", "single_pass")

# With n_components='auto', the smallest relative error whose square float64 still sees.
SMALLEST_ERROR = 1e-6


class RandomizedSVD(LinearProjection):
    r"""Truncated SVD: the best approximation of given rank, or of given accuracy.

    .. math:: \min_{\mathrm{rank}(B) \le k} \|X - B\|_F, \qquad
              B = U_k \Sigma_k V_k^T, \qquad X^T X v_i = \sigma_i^2 v_i,

    of the data as it stands, or (with ``center``) about its mean. A drop-in replacement for
    :class:`sklearn.decomposition.TruncatedSVD` with the same parameters, attributes and methods,
    which finds the rank for an accuracy, certifies its answer and estimates its error.

    Parameters
    ----------
    n_components : int, float or 'auto', default=2
        Number of components k; a fraction in (0, 1): as many as hold more than this share of
        ``||X||_F^2``; ``'auto'``: as many as make ``||X - B||_F <= tol ||X||_F``.
    algorithm : str, default='auto'
        ``'auto'`` takes the solver of lowest predicted cost, among them the exact ones through a
        Gram matrix; ``plan_`` shows the comparison. ``'block_krylov'``: iteration with thin blocks.
        ``'randomized'``: a sketch with ``n_iter`` power iterations, a rough answer. ``'arpack'``:
        one Lanczos vector at a time. ``'single_pass'``: every row is read once, and
        a factor of twice the rank kept (up to 1000 features: the exact Gram matrix); X may then be
        an iterator of blocks of rows.
    n_iter : int or 'auto', default=5
        Power iterations of ``'randomized'``; ``'auto'``: until the residual is below ``tol``.
    n_oversamples : int, default=10
        Additional sketch columns of ``'randomized'``.
    power_iteration_normalizer : {'auto', 'QR', 'LU', 'none'}, default='auto'
        Normaliser of ``'randomized'``; ``'auto'`` is ``'LU'``.
    random_state : int, RandomState instance or None, default=None
        Seed of the iterations.
    tol : float, default=0.0
        Residual ``|A'u - s v|`` asked for, relative to ``s``; 0 for 1e-8 (1e-4 for float32 data,
        1e-2 for ``'randomized'`` with a given ``n_iter``). With ``n_components='auto'``: the
        relative error, at least 1e-6.
    center : bool, default=False
        Whether to subtract the mean of every feature first, without making a sparse matrix dense.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Right singular vectors, in rows; the entry of largest magnitude is positive.
    singular_values_ : ndarray of shape (n_components,)
        Singular values: the norms of the scores.
    explained_variance_ : ndarray of shape (n_components,)
        Variances of the scores.
    explained_variance_ratio_ : ndarray of shape (n_components,)
        The same as a share of the sum of the variances of the features.
    error_estimate_ : float
        Estimate of ``||X - X V V'||_F``, from above, within a factor of two.
    n_iter_ : int
        Multiplications of a block of vectors with X'X; 1 for direct solvers.
    converged_ : bool
        Whether the certificate holds.
    mean_ : ndarray of shape (n_features,)
        Means of the features, only with ``center``.
    n_components_ : int
        Number of components found.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if X has them.
    solver_ : str
        The solver that produced the answer, after any escalation.
    plan_ : skstruct.linalg.Plan
        What was considered, predicted and tried.
    certificate_ : skstruct.linalg.Certificate
        Residual measured on the data after the fit; with ``'single_pass'``, on what was kept of it.

    Raises
    ------
    ValueError
        Bad input or parameters.
    MemoryError
        No solver fits the memory limit.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        The certificate does not hold; states the figure reached and the remedy.

    See Also
    --------
    sklearn.decomposition.TruncatedSVD : The counterpart.
    PCA : The same about the mean, with the probabilistic model.

    References
    ----------
    N. Halko, P.-G. Martinsson and J. A. Tropp, "Finding structure with randomness" (2011).
    C. Musco and C. Musco, "Randomized block Krylov methods for stronger and faster approximate
    singular value decomposition" (2015). W. Yu, Y. Gu and Y. Li, "Efficient randomized algorithms
    for the fixed-precision low-rank matrix approximation" (2018).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skstruct.decomposition import RandomizedSVD
    >>> X = load_digits().data
    >>> svd = RandomizedSVD(n_components="auto", tol=0.2).fit(X)
    >>> svd.n_components_
    18
    >>> bool(svd.error_estimate_ <= 0.2 * (X**2).sum() ** 0.5)
    True
    """

    def __init__(
        self,
        n_components: int | float | str = 2,
        *,
        algorithm: str = "auto",
        n_iter: int | str = 5,
        n_oversamples: int = 10,
        power_iteration_normalizer: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        tol: float = 0.0,
        center: bool = False,
    ) -> None:
        self.n_components = n_components
        self.algorithm = algorithm
        self.n_iter = n_iter
        self.n_oversamples = n_oversamples
        self.power_iteration_normalizer = power_iteration_normalizer
        self.random_state = random_state
        self.tol = tol
        self.center = center

    def fit_transform(
        self, X: object, y: object = None, sample_weight: object = None
    ) -> np.ndarray:
        if _is_read_once(X):
            raise ValueError(
                "X is an iterator, which can be read only once, and its scores need a second time"
            )
        return super().fit_transform(X, y, sample_weight)

    def as_sklearn(self) -> sklearn.decomposition.TruncatedSVD:
        """Return the equivalent fitted :class:`sklearn.decomposition.TruncatedSVD`.

        Returns
        -------
        sklearn.decomposition.TruncatedSVD
            With copies of the fitted attributes.

        Raises
        ------
        ValueError
            With ``center``, which it does not know: `PCA` has a counterpart that does.
        """
        # Here, as it takes longer to import than all of this package.
        from sklearn.decomposition import TruncatedSVD

        check_is_fitted(self)
        if self.center:
            raise ValueError("TruncatedSVD does not centre; use skstruct.decomposition.PCA")
        return as_fitted(
            TruncatedSVD(n_components=self.n_components_),
            self,
            (
                "components_",
                "explained_variance_",
                "explained_variance_ratio_",
                "singular_values_",
            ),
        )

    def _fit(self, X: object, sample_weight: object) -> np.ndarray | sparse.sparray | RowSource:
        self._check_parameters()
        if _is_read_once(X):
            self._summarize(X, sample_weight)
            return X
        X = check_rows(self, X, reset=True)
        weights = check_sample_weight(sample_weight, X)
        dtype = result_dtype(X)
        if self.algorithm == "single_pass":
            seen = self._summary(X.shape[1])
            for rows, block in row_blocks(X):
                seen.add(block, None if weights is None else weights[rows])
            data: Operand | RunningSummary = seen
            operand = seen.operand()
        else:
            single = self._allows_single() and self.n_components != "auto"
            operand = data = make_operand(X, weights, center=self.center, single=single)
        self._decompose(operand, data, dtype, lambda: make_operand(X, weights, center=True))
        return X

    def _summarize(self, blocks: Iterator, sample_weight: object) -> None:
        """Find the components of rows that come in blocks, each of them once."""
        if self.algorithm != "single_pass":
            raise ValueError(
                "X is an iterator, which can be read only once: choose algorithm='single_pass', "
                "or pass a list of its blocks"
            )
        if sample_weight is not None:
            raise ValueError("sample_weight cannot be given for an iterator of blocks")
        seen, dtypes = None, []
        for block in blocks:
            block = check_rows(self, block, reset=seen is None)
            seen = seen or self._summary(block.shape[1])
            seen.add(block)
            dtypes.append(block.dtype)
        if seen is None:
            raise ValueError("X is an iterator without any block of rows")
        self._decompose(seen.operand(), seen, np.result_type(*dtypes), None)

    def _summary(self, n_features: int) -> RunningSummary:
        rank = self.n_components if isinstance(self.n_components, Integral) else None
        return running_summary(n_features, rank, center=self.center)

    def _decompose(
        self,
        operand: Operand,
        data: Operand | RunningSummary,
        dtype: np.dtype,
        centered: Callable[[], Operand] | None,
    ) -> None:
        """Find the components of `operand`, which has the Gram matrix of `data`."""
        problem = self._problem(operand)
        requested = () if self.algorithm in ("auto", "single_pass") else (self.algorithm,)
        triplets = self._solve(problem, "algorithm", requested).answer
        self.n_iter_ = triplets.n_iter
        self.converged_ = self.certificate_.holds
        self.error_estimate_ = problem.error_estimate(triplets)
        rank = isinstance(self.n_components, Integral)
        count = int(self.n_components) if rank else len(triplets.values)
        triplets = complete_triplets(triplets, count, data.shape[0])
        self.n_components_ = count
        self.components_ = triplets.right.astype(dtype, order="C", copy=False)
        self.singular_values_ = triplets.values.astype(dtype, copy=False)
        variances, total = score_variances(triplets, data, centered)
        self.explained_variance_ = variances.astype(dtype, copy=False)
        ratio = variances / total if total > 0 else np.zeros(count)
        self.explained_variance_ratio_ = ratio.astype(dtype, copy=False)
        vars(self).pop("mean_", None)
        if self.center:
            self.mean_ = data.mean

    def _problem(self, operand: Operand) -> PartialSVD:
        rank, energy, tol = None, None, float(self.tol)
        if isinstance(self.n_components, Integral):
            if self.n_components > operand.shape[1]:
                raise ValueError(
                    f"n_components({self.n_components}) must be <= n_features({operand.shape[1]})."
                )
            rank = min(int(self.n_components), operand.structure.shorter_side)
        elif self.n_components == "auto":
            energy, tol = 1.0 - tol**2, 0.0
        else:
            energy = float(self.n_components)
        is_rough = self.algorithm == "randomized" and self.n_iter != "auto"
        n_iter = int(self.n_iter) if is_rough else None
        return self._partial_svd(operand, rank=rank, energy=energy, tol=tol, n_iter=n_iter)

    def _check_parameters(self) -> None:
        check_option(self, "algorithm", ALGORITHMS)
        check_bool(self, "center")
        self._check_iteration_parameters("n_iter")
        k = self.n_components
        is_auto = isinstance(k, str) and k == "auto"
        if not (is_auto or (is_integer(k) and k >= 1) or is_fraction(k)):
            raise ValueError(
                "The 'n_components' parameter of RandomizedSVD must be a positive int, a float "
                f"in (0, 1) or 'auto'. Got {k!r} instead."
            )
        if is_auto and not SMALLEST_ERROR <= self.tol < 1:
            raise ValueError(
                "n_components='auto' needs tol, the relative error allowed, of at least "
                f"{SMALLEST_ERROR:g} and below 1; got {self.tol!r}"
            )


def _is_read_once(X: object) -> bool:
    return isinstance(X, Iterable) and iter(X) is X
