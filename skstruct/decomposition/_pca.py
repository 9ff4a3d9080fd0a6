"""Principal component analysis."""

from __future__ import annotations

from copy import copy
from numbers import Integral
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from skstruct._compat import with_callbacks
from skstruct._estimator import as_fitted, check_rows, check_sample_weight, result_dtype
from skstruct._parameters import check_bool, check_option, is_fraction, is_integer
from skstruct.decomposition import _probabilistic
from skstruct.decomposition._projection import LinearProjection
from skstruct.linalg import (
    Operand,
    PartialSVD,
    RowSource,
    RunningSummary,
    SingularTriplets,
    complete_triplets,
    make_operand,
    minka_rank,
    row_blocks,
    running_summary,
)

if TYPE_CHECKING:
    import sklearn.decomposition

SOLVERS = (
    "auto",
    "full",
    "covariance_eigh",
    "gram_eigh",
    "block_krylov",
    "randomized",
    "arpack",
)


class PCA(LinearProjection):
    r"""Principal component analysis, by the routine that the matrix deserves.

    Finds orthonormal directions :math:`v_1, \dots, v_k` of largest variance,

    .. math:: (X - 1\bar x^T)^T W (X - 1\bar x^T)\, v_i = \sigma_i^2 v_i,

    for weights :math:`W = \mathrm{diag}(w)` that count observations, and the weighted mean
    :math:`\bar x`. A drop-in replacement for :class:`sklearn.decomposition.PCA`: the same
    parameters, attributes and methods, dense and sparse input with every solver, and an answer
    that carries its plan and its certificate.

    Parameters
    ----------
    n_components : int, float, 'mle' or None, default=None
        Number of components k; a fraction in (0, 1): as many as explain more than this share of
        the variance; ``'mle'``: Minka's choice (needs n_samples >= n_features); None: all
        min(n_samples, n_features), and one less with ``'arpack'``.
    copy : bool, default=True
        Accepted for compatibility. X is never copied and never changed.
    whiten : bool, default=False
        Whether `transform` divides each score by its standard deviation. Directions without
        variance become zero.
    svd_solver : str, default='auto'
        ``'auto'`` takes the solver of lowest predicted cost among the first four that follow;
        ``plan_`` shows the comparison. ``'full'``: LAPACK's SVD, of the
        triangular factor for tall data. ``'covariance_eigh'``: eigendecomposition of the p x p
        Gram matrix. ``'gram_eigh'``: of the n x n one. ``'block_krylov'``: few components of data
        large both ways. ``'randomized'``: a sketch, iterated.
        ``'arpack'``: one Lanczos vector at a time.
    tol : float, default=0.0
        Residual ``|A'u - s v|`` asked for, relative to ``s``; 0 for 1e-8 (1e-4 for float32 data,
        1e-2 for ``'randomized'`` with a given ``iterated_power``).
    iterated_power : int or 'auto', default='auto'
        Power iterations of ``'randomized'``; ``'auto'``: until the residual is below ``tol``.
    n_oversamples : int, default=10
        Additional sketch columns of ``'randomized'``.
    power_iteration_normalizer : {'auto', 'QR', 'LU', 'none'}, default='auto'
        Normaliser of ``'randomized'``; ``'auto'`` is ``'LU'``.
    random_state : int, RandomState instance or None, default=None
        Seed of ``'block_krylov'``, ``'randomized'`` and ``'arpack'``.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Directions of largest variance, in rows; the entry of largest magnitude is positive.
    explained_variance_ : ndarray of shape (n_components,)
        Variance along each, sigma^2 / (sum(w) - 1).
    explained_variance_ratio_ : ndarray of shape (n_components,)
        The same as a share of the total variance.
    singular_values_ : ndarray of shape (n_components,)
        sigma.
    mean_ : ndarray of shape (n_features,)
        Weighted mean of the rows. float64 even for float32 data: rounding the mean of data with
        an offset would shift every score.
    n_components_ : int
        Number of components found.
    n_samples_ : int
        Number of rows.
    noise_variance_ : float
        Mean variance of the directions left out.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if X has them.
    solver_ : str
        The solver that produced the answer, after any escalation.
    plan_ : skstruct.linalg.Plan
        What was considered, predicted and tried.
    certificate_ : skstruct.linalg.Certificate
        Residual measured on the data after the fit.

    Raises
    ------
    ValueError
        Bad input or parameters, a requested solver that cannot answer, or weights that sum to
        no more than 1: they count observations.
    MemoryError
        No solver fits the memory limit.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        The certificate does not hold; states the figure reached and the remedy.
    scipy.linalg.LinAlgWarning
        The requested solver broke down and another one was used.

    See Also
    --------
    sklearn.decomposition.PCA : The counterpart.

    References
    ----------
    C. Musco and C. Musco, "Randomized block Krylov methods for stronger and faster approximate
    singular value decomposition" (2015). T. P. Minka, "Automatic choice of dimensionality for
    PCA" (2000). M. E. Tipping and C. M. Bishop, "Probabilistic principal component analysis"
    (1999).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skstruct.decomposition import PCA
    >>> X = load_digits().data
    >>> pca = PCA(n_components=2).fit(X)
    >>> pca.explained_variance_ratio_.round(3)
    array([0.149, 0.136])
    >>> pca.solver_
    'covariance_eigh'
    >>> pca.certificate_.holds
    True
    """

    def __init__(
        self,
        n_components: int | float | str | None = None,
        *,
        copy: bool = True,
        whiten: bool = False,
        svd_solver: str = "auto",
        tol: float = 0.0,
        iterated_power: int | str = "auto",
        n_oversamples: int = 10,
        power_iteration_normalizer: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_components = n_components
        self.copy = copy
        self.whiten = whiten
        self.svd_solver = svd_solver
        self.tol = tol
        self.iterated_power = iterated_power
        self.n_oversamples = n_oversamples
        self.power_iteration_normalizer = power_iteration_normalizer
        self.random_state = random_state

    @with_callbacks
    def partial_fit(self, X: object, y: object = None, sample_weight: object = None) -> Self:
        """Update the components with another batch of rows.

        Batches may have any size and come in any order. With up to 1000 features the result is
        that of `fit` on all rows together, to rounding: the p x p Gram matrix about the mean is
        kept. With more, a factor of twice the rank wanted is kept, and what each batch leaves
        outside of it is lost. After `fit` the components found there are updated. ``svd_solver``
        is for `fit` only: here it is always chosen.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The next rows.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), optional
            As in `fit`.

        Returns
        -------
        PCA
            The estimator itself. Its certificate is about the Gram matrix or factor that is kept.
        """
        with self._fitting(X, y):
            self._check_parameters()
            is_first = not hasattr(self, "components_") and not hasattr(self, "_seen")
            X = check_rows(self, X, reset=is_first)
            seen = copy(self._seen) if hasattr(self, "_seen") else self._summary(X.shape[1])
            k = self.n_components
            if isinstance(k, Integral) and seen.max_rank < k <= X.shape[1]:
                raise ValueError(
                    f"n_components={k} is more than the {seen.max_rank} directions "
                    "kept of the rows seen so far; start again with a new estimator"
                )
            seen.add(X, check_sample_weight(sample_weight, X))
            self._seen = seen
            self.n_samples_seen_ = seen.shape[0]
            self.mean_ = seen.mean
            if seen.total_weight > 1:
                earlier = [self.components_] if hasattr(self, "components_") else []
                self._decompose(seen.operand(), seen, result_dtype(X, *earlier), ())
        return self

    def _summary(self, n_features: int) -> RunningSummary:
        """Return an empty summary, or that of the rows of the last `fit`."""
        rank = self.n_components if isinstance(self.n_components, Integral) else None
        seen = running_summary(n_features, rank, center=True)
        if hasattr(self, "components_"):
            values = self.singular_values_.astype(np.float64)
            factor = values[:, None] * self.components_
            seen.starting_from(
                factor, self.n_samples_, self.mean_, self._total_weight, self._sq_norm
            )
        return seen

    def _fit(self, X: object, sample_weight: object) -> np.ndarray | sparse.sparray | RowSource:
        self._check_parameters()
        X = check_rows(self, X, reset=True)
        weights = check_sample_weight(sample_weight, X)
        # The smallest variances need float64, whatever the data.
        single = self._allows_single() and self.n_components not in (None, "mle")
        operand = make_operand(X, weights, center=True, single=single)
        if operand.total_weight <= 1:
            raise ValueError(
                "n_samples=1: a variance needs more than one observation"
                if weights is None
                else f"sample_weight sums to {operand.total_weight:.4g}: the weights count "
                "observations and must sum to more than 1. Multiply them."
            )
        vars(self).pop("_seen", None)
        vars(self).pop("n_samples_seen_", None)
        requested = () if self.svd_solver == "auto" else (self.svd_solver,)
        self._decompose(operand, operand, result_dtype(X), requested)
        return X

    def _decompose(
        self,
        operand: Operand,
        data: Operand | RunningSummary,
        dtype: np.dtype,
        requested: tuple[str, ...],
    ) -> None:
        """Find the components of `operand`, which has the covariance of `data`."""
        n_available = min(int(data.total_weight), data.shape[1])
        problem = self._problem(operand, n_available)
        triplets = self._solve(problem, "svd_solver", requested).answer
        self._record(triplets, data, n_available, dtype)

    def _check_parameters(self) -> None:
        check_bool(self, "copy")
        check_bool(self, "whiten")
        check_option(self, "svd_solver", SOLVERS)
        self._check_iteration_parameters("iterated_power")
        k = self.n_components
        known = k is None or (isinstance(k, str) and k == "mle")
        if not (known or is_integer(k) or is_fraction(k)):
            raise ValueError(
                "The 'n_components' parameter of PCA must be an int, a float in (0, 1), 'mle' "
                f"or None. Got {k!r} instead."
            )

    def _problem(self, operand: Operand, n_available: int) -> PartialSVD:
        n_columns = operand.shape[1]
        rank, energy = None, None
        if isinstance(self.n_components, Integral):
            smallest = 1 if self.svd_solver in ("arpack", "randomized") else 0
            if not smallest <= self.n_components <= n_available:
                raise ValueError(
                    f"n_components={self.n_components} must be between {smallest} and "
                    f"min(n_samples, n_features)={n_available} with "
                    f"svd_solver={self.svd_solver!r}"
                )
            # Weights can stand for more observations than there are rows.
            rank = min(max(int(self.n_components), 1), operand.structure.shorter_side)
        elif self.n_components == "mle":
            if n_available < n_columns:
                raise ValueError("n_components='mle' is only supported if n_samples >= n_features")
        elif self.n_components is not None:
            energy = float(self.n_components)
        elif self.svd_solver == "arpack":
            rank = min(max(n_available - 1, 1), operand.structure.shorter_side)
        is_rough = self.svd_solver == "randomized" and self.iterated_power != "auto"
        n_iter = int(self.iterated_power) if is_rough else None
        return self._partial_svd(
            operand, rank=rank, energy=energy, tol=float(self.tol), n_iter=n_iter
        )

    def _record(
        self,
        triplets: SingularTriplets,
        data: Operand | RunningSummary,
        n_available: int,
        dtype: np.dtype,
    ) -> None:
        n_observations, sq_norm = data.total_weight, data.sq_norm
        count = self._n_components_found(triplets, n_observations, n_available)
        triplets = complete_triplets(triplets, count, data.shape[0])
        k, energies = len(triplets.values), np.square(triplets.values)
        left_out = max(sq_norm - energies.sum(), 0.0) / (n_observations - 1)
        self.mean_ = data.mean
        self.n_samples_ = data.shape[0]
        self.n_components_ = k
        self.components_ = triplets.right.astype(dtype, order="C", copy=False)
        self.singular_values_ = triplets.values.astype(dtype, copy=False)
        self.explained_variance_ = (energies / (n_observations - 1)).astype(dtype, copy=False)
        ratio = energies / sq_norm if sq_norm > 0 else np.zeros(k)
        self.explained_variance_ratio_ = ratio.astype(dtype, copy=False)
        self.noise_variance_ = left_out / (n_available - k) if k < n_available else 0.0
        self._total_weight, self._sq_norm = n_observations, sq_norm

    def _n_components_found(
        self, triplets: SingularTriplets, n_observations: float, n_available: int
    ) -> int:
        """How many components the fitted model has.

        Weights can stand for more observations than there are rows; components beyond the rows
        exist then, without variance, as they would if the rows were repeated.
        """
        if isinstance(self.n_components, Integral):
            return int(self.n_components)
        if self.n_components == "mle":
            return minka_rank(triplets.values**2 / (n_observations - 1), n_observations)
        if self.n_components is None:
            return n_available if self.svd_solver != "arpack" else max(n_available - 1, 1)
        return len(triplets.values)

    def _score_scale(self) -> np.ndarray | None:
        if not self.whiten:
            return None
        return _probabilistic.deviations(
            self.explained_variance_, max(self.n_samples_, self.components_.shape[1])
        )

    def get_covariance(self) -> np.ndarray:
        """Return the covariance of the probabilistic model.

        ``components_.T * S2 * components_ + noise_variance_ * eye``, with S2 the explained less
        the noise variance.

        Returns
        -------
        ndarray of shape (n_features, n_features)
            Covariance.
        """
        check_is_fitted(self)
        return _probabilistic.covariance(
            self.components_, self.explained_variance_, self.noise_variance_
        )

    def get_precision(self) -> np.ndarray:
        """Return the inverse of `get_covariance`, from the components.

        Returns
        -------
        ndarray of shape (n_features, n_features)
            Precision.

        Warns
        -----
        scipy.linalg.LinAlgWarning
            Some direction has no variance: the pseudo-inverse is returned.
        """
        check_is_fitted(self)
        return _probabilistic.precision(
            self.components_, self.explained_variance_, self.noise_variance_
        )

    def score_samples(self, X: object) -> np.ndarray:
        """Return the log-likelihood of each sample under the probabilistic model.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.

        Returns
        -------
        ndarray of shape (n_samples,)
            Log-likelihoods.
        """
        check_is_fitted(self)
        X = check_rows(self, X, reset=False)
        components = self.components_.astype(np.float64, copy=False)
        densities = np.empty(X.shape[0])
        for rows, block in row_blocks(X):
            centered = make_operand(block, mean=self.mean_)
            densities[rows] = _probabilistic.log_density(
                centered.matmat(components.T),
                centered.row_sq_norms(),
                self.explained_variance_.astype(np.float64),
                self.noise_variance_,
                X.shape[1],
            )
        return densities

    def score(self, X: object, y: object = None) -> float:
        """Return the mean log-likelihood of the samples.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.
        y : None
            Ignored.

        Returns
        -------
        float
            Mean of `score_samples`.
        """
        return float(np.mean(self.score_samples(X)))

    def as_sklearn(self) -> sklearn.decomposition.PCA:
        """Return the equivalent fitted :class:`sklearn.decomposition.PCA`.

        For whatever looks at the class: export to ONNX, for example. Directions without variance
        are divided by scikit-learn's smallest number if ``whiten``, where this class returns zero.

        Returns
        -------
        sklearn.decomposition.PCA
            With copies of the fitted attributes.
        """
        # Here, as it takes longer to import than all of this package.
        from sklearn.decomposition import PCA as SklearnPCA  # noqa: N811 - of the same name

        check_is_fitted(self)
        return as_fitted(
            SklearnPCA(n_components=self.n_components_, whiten=self.whiten, svd_solver="full"),
            self,
            (
                "components_",
                "explained_variance_",
                "explained_variance_ratio_",
                "singular_values_",
                "mean_",
                "n_components_",
                "n_samples_",
                "noise_variance_",
            ),
        )
