"""Ridge regression with Tikhonov regularisation."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
from scipy.linalg import LinAlgWarning
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skstruct._compat import with_callbacks
from skstruct._estimator import (
    StructuredEstimator,
    check_sample_weight,
    result_dtype,
    user_stacklevel,
)
from skstruct._parameters import check_bool, check_number, check_option, random_seed
from skstruct.linalg import Operand, Ridge, RidgeCoefficients, make_operand

# What each value of `solver` allows. The names of scikit-learn's Ridge come first; all of its
# iterative solvers minimise the same function, which conjugate gradients do best.
SOLVERS = {
    "auto": (),
    "svd": ("svd",),
    "cholesky": ("gram_cholesky", "dual_cholesky"),
    "lsqr": ("cg",),
    "sparse_cg": ("cg",),
    "sag": ("cg",),
    "saga": ("cg",),
    "lbfgs": ("nonnegative",),
    "gram_cholesky": ("gram_cholesky",),
    "dual_cholesky": ("dual_cholesky",),
    "eigen": ("eigen",),
    "qr": ("qr",),
    "cg": ("cg",),
}

# A looser `tol` than this is not used: scikit-learn's default of 1e-4 leaves errors of
# several per cent in the fitted values of badly scaled designs.
MAX_TOL = 1e-8


class Tikhonov(MultiOutputMixin, RegressorMixin, StructuredEstimator):
    r"""Linear least squares with Tikhonov regularisation (ridge regression).

    Minimises, for every target y,

    .. math:: \|W^{1/2}(y - X w - b)\|_2^2 + \alpha \|w\|_2^2

    over the coefficients w and the intercept b, which is not penalised; W holds the sample
    weights. A drop-in replacement for :class:`sklearn.linear_model.Ridge`: the same parameters,
    attributes and methods. Whatever the solver, coefficients are refined until the gradient,
    measured on the data, vanishes to rounding; ``certificate_`` tells what was reached.

    Parameters
    ----------
    alpha : float or array-like of shape (n_targets,), default=1.0
        Penalty, in units of X squared. 0 asks for ordinary least squares (of minimum norm, with a
        warning, if the columns are dependent).
    fit_intercept : bool, default=True
        Whether to fit b.
    copy_X : bool, default=True
        Accepted for compatibility. X is never copied and never changed.
    max_iter : int or None, default=None
        Bound on the iterations of ``'cg'``; None for 2000.
    tol : float, default=1e-4
        Relative gradient at which ``'cg'`` stops. Values above 1e-8 count as 1e-8. No effect on
        the other solvers.
    solver : str, default='auto'
        ``'auto'`` takes the one of lowest predicted cost; ``plan_`` shows the comparison.
        ``'cholesky'``: the cheaper of ``'gram_cholesky'``, of the p x p Gram matrix, and
        ``'dual_cholesky'``, of the n x n one. ``'eigen'``: eigendecomposition of the Gram matrix,
        for many penalties. ``'qr'``, ``'svd'``: for ill-conditioned X and small alpha. ``'cg'``:
        conjugate gradients with scaled columns, for data too large for a factorisation;
        ``'lsqr'``, ``'sparse_cg'``, ``'sag'`` and ``'saga'`` are other names for it.
        ``'lbfgs'`` is accepted with ``positive=True`` only.
    positive : bool, default=False
        Whether coefficients must not be negative; solved by an active set method.
    random_state : int, RandomState instance or None, default=None
        Accepted for compatibility: nothing here is random.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients w.
    intercept_ : float or ndarray of shape (n_targets,)
        b; 0.0 if ``fit_intercept=False``.
    n_iter_ : ndarray of shape (n_targets,)
        Iterations of ``'cg'``; for the other solvers how often their factorisation was applied,
        1 and the refinement steps.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if X has them.
    solver_ : str
        The solver that produced the answer, after any escalation.
    plan_ : skstruct.linalg.Plan
        What was considered, predicted and tried.
    certificate_ : skstruct.linalg.Certificate
        Relative gradient measured on the data after the fit.

    Raises
    ------
    ValueError
        Bad input or parameters, or a requested solver that cannot answer.
    MemoryError
        No solver fits the memory limit.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        The certificate does not hold; states the figure reached and the remedy.
    scipy.linalg.LinAlgWarning
        The requested solver broke down and another one was used, or the columns are dependent
        and nothing penalises them.

    See Also
    --------
    sklearn.linear_model.Ridge : The counterpart.

    References
    ----------
    A. N. Tikhonov (1963); A. E. Hoerl and R. W. Kennard, "Ridge regression" (1970);
    A. Bjorck, "Numerical methods for least squares problems" (1996).

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skstruct.linear_model import Tikhonov
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = Tikhonov(alpha=0.1).fit(X, y)
    >>> round(model.score(X, y), 3)
    0.513
    >>> model.solver_
    'gram_cholesky'
    >>> model.certificate_.holds
    True
    """

    def __init__(
        self,
        alpha: float | np.ndarray = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = None,
        tol: float = 1e-4,
        solver: str = "auto",
        positive: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state

    @with_callbacks
    def fit(self, X: object, y: object, sample_weight: object = None) -> Self:
        """Fit coefficients and intercept.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), optional
            Weight of each row's squared residual.

        Returns
        -------
        Tikhonov
            The estimator itself.
        """
        with self._fitting(X, y):
            self._fit(X, y, sample_weight)
        return self

    def _fit(self, X: object, y: object, sample_weight: object) -> None:
        self._check_parameters()
        X, y = validate_data(
            self,
            X,
            y,
            dtype=[np.float64, np.float32],
            accept_sparse=("csr", "csc"),
            multi_output=True,
            y_numeric=True,
        )
        weights = check_sample_weight(sample_weight, X)
        operand = make_operand(X, weights, center=bool(self.fit_intercept))
        targets, offset = operand.prepare_targets(y.reshape(len(y), -1))
        problem = Ridge(
            operand.structure,
            operand,
            targets,
            self._penalties(targets.shape[1]),
            positive=bool(self.positive),
            tol=min(float(self.tol), MAX_TOL) or np.finfo(np.float64).eps,
            max_iter=self.max_iter,
        )
        answer = self._solve(problem, "solver", SOLVERS[self.solver]).answer
        self._warn_if_not_unique(answer, problem)
        self._record(answer, operand, offset, y.ndim, result_dtype(X))

    def _check_parameters(self) -> None:
        for name in ("fit_intercept", "copy_X", "positive"):
            check_bool(self, name)
        check_option(self, "solver", tuple(SOLVERS))
        check_number(self, "tol")
        if self.max_iter is not None:
            check_number(self, "max_iter", integer=True, minimum=1)
        random_seed(self.random_state)
        if self.solver == "lbfgs" and not self.positive:
            raise ValueError("solver='lbfgs' can be used only with positive=True")

    def _penalties(self, n_targets: int) -> np.ndarray:
        alphas = np.asarray(self.alpha)
        if alphas.dtype.kind not in "fiu" or alphas.ndim > 1:
            raise TypeError(
                f"The 'alpha' parameter of {type(self).__name__} must be a float or an array of "
                f"shape (n_targets,). Got {self.alpha!r} instead."
            )
        alphas = alphas.astype(np.float64).ravel()
        if not (np.all(np.isfinite(alphas)) and np.all(alphas >= 0)):
            raise ValueError(
                f"The 'alpha' parameter of {type(self).__name__} must be finite and not "
                f"negative. Got {self.alpha!r} instead."
            )
        if len(alphas) not in (1, n_targets):
            raise ValueError(
                "Number of targets and number of penalties do not correspond: "
                f"{len(alphas)} != {n_targets}"
            )
        return np.broadcast_to(alphas, n_targets).copy()

    def _warn_if_not_unique(self, answer: RidgeCoefficients, problem: Ridge) -> None:
        n_columns = problem.structure.n_columns
        if answer.rank is not None and answer.rank < n_columns and not np.all(problem.alphas):
            warnings.warn(
                f"alpha=0 and the data has rank {answer.rank} for {n_columns} features: the "
                "coefficients are not unique, those of minimum norm are returned. Use alpha > 0 "
                "or remove dependent and constant features.",
                LinAlgWarning,
                stacklevel=user_stacklevel(),
            )

    def _record(
        self,
        answer: RidgeCoefficients,
        operand: Operand,
        offset: np.ndarray,
        y_ndim: int,
        dtype: np.dtype,
    ) -> None:
        coef = answer.coef.T
        intercept = offset - coef @ operand.mean if self.fit_intercept else 0.0
        # As Ridge: one target gives one vector, even if y is a column.
        self.coef_ = (coef[0] if len(coef) == 1 else coef).astype(dtype)
        self.n_iter_ = np.full(len(coef), answer.n_iter, dtype=np.int32)
        if not self.fit_intercept:
            self.intercept_ = 0.0
        elif y_ndim == 1:
            self.intercept_ = dtype.type(intercept[0])
        else:
            self.intercept_ = intercept.astype(dtype)

    def predict(self, X: object) -> np.ndarray:
        """Return X w + b.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predictions.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=("csr", "csc", "coo"), reset=False)
        return X @ self.coef_.T + self.intercept_

    def __sklearn_tags__(self) -> object:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
