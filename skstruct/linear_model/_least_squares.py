"""Ordinary least squares that says how far it can be trusted."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.linalg import LinAlgWarning

from skstruct._estimator import user_stacklevel
from skstruct._parameters import check_bool, check_number, check_option
from skstruct.linalg import LeastSquares as LeastSquaresProblem
from skstruct.linalg import RidgeCoefficients, analysed
from skstruct.linear_model._linear import Design, LinearModel, rounding_error

SOLVERS = ("auto", "gram_cholesky", "extended_qr", "qr", "svd", "cg")

# A looser backward error than this is not asked for: scikit-learn's default of 1e-6 would accept
# coefficients without a correct digit for designs with a condition number of 1e6.
MAX_TOL = 1e-12


class LeastSquares(LinearModel):
    r"""Ordinary least squares linear regression.

    Minimises, for every target y,

    .. math:: \|W^{1/2}(y - X w - b)\|_2^2

    over the coefficients w and the intercept b; W holds the sample weights. A drop-in replacement
    for :class:`sklearn.linear_model.LinearRegression`: the same parameters, attributes and
    methods. The coefficients are refined on the data until the backward error is at the level
    of rounding; small data is solved in extended precision. Where the columns are dependent the
    solution of minimum norm is returned with a warning; the rank is decided with columns scaled
    to unit norm, so that no direction is dropped for its units.

    Parameters
    ----------
    fit_intercept : bool, default=True
        Whether to fit b.
    copy_X : bool, default=True
        Accepted for compatibility. X is never copied and never changed.
    tol : float, default=1e-6
        Backward error asked for. Values above 1e-12 count as 1e-12.
    n_jobs : int or None, default=None
        Accepted for compatibility: all targets are solved at once.
    positive : bool, default=False
        Whether coefficients must not be negative; solved by an active set method.
    solver : str, default='auto'
        ``'auto'`` takes ``'extended_qr'`` for small dense data and otherwise the one of lowest
        predicted cost, and goes on to the next if its answer is not accurate; ``plan_`` tells.
        ``'gram_cholesky'``: Cholesky factor of the Gram matrix with refinement, for scaled
        condition numbers up to about 1e7. ``'qr'``: up to about 1e13. ``'svd'``: any rank.
        ``'cg'``: conjugate gradients, for data too large for a factorisation.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients w.
    intercept_ : float or ndarray of shape (n_targets,)
        b; 0.0 if ``fit_intercept=False``.
    rank_ : int
        Numerical rank of the centred design with columns scaled to unit norm. Not set by ``'cg'``
        and with ``positive=True``, as the three after it.
    condition_ : float
        Condition number of that scaled design without its null space: in the 2-norm by
        ``'svd'``, otherwise in the 1-norm (by ``'extended_qr'`` with norms between 0.7 and 1.4).
    coef_std_error_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Standard errors of the coefficients, the square roots of the diagonal of
        sigma^2 (X'WX)^+ with X centred.
    sigma2_ : float or ndarray of shape (n_targets,)
        Unbiased estimate of the variance of an observation of weight 1: the weighted sum of
        squared residuals over n - rank - 1 (n - rank without an intercept), n counting the rows
        that have weight. NaN if no degree of freedom is left.
    singular_ : ndarray of shape (min(n_samples, n_features),)
        Singular values of the centred design, where the solver knows them (``'svd'`` and
        ``'extended_qr'``).
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if X has them.
    solver_ : str
        The solver that produced the answer, after any escalation.
    plan_ : skstruct.linalg.Plan
        What was considered, predicted and tried.
    certificate_ : skstruct.linalg.Certificate
        A bound of the backward error, measured on the data after the fit.

    Raises
    ------
    ValueError
        Bad input or parameters, or a requested solver that cannot answer.
    MemoryError
        No solver fits the memory limit.

    Warns
    -----
    scipy.linalg.LinAlgWarning
        The design is rank-deficient, or the requested solver broke down and another one was used.
    sklearn.exceptions.ConvergenceWarning
        The certificate does not hold; states the figure reached and the remedy.

    See Also
    --------
    sklearn.linear_model.LinearRegression : The counterpart.
    Tikhonov : With a penalty on the coefficients.

    References
    ----------
    A. Bjorck, "Numerical methods for least squares problems" (1996), sections 2.4, 2.9 and 6.6.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skstruct.linear_model import LeastSquares
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = LeastSquares().fit(X, y)
    >>> round(model.score(X, y), 4)
    0.5177
    >>> model.rank_, round(model.condition_)
    (10, 50)
    >>> model.coef_std_error_[:3].round()
    array([60., 61., 67.])
    >>> model.certificate_.holds
    True
    """

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        tol: float = 1e-6,
        n_jobs: int | None = None,
        positive: bool = False,
        solver: str = "auto",
    ) -> None:
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.tol = tol
        self.n_jobs = n_jobs
        self.positive = positive
        self.solver = solver

    _takes_sources = True
    _optional = ("rank_", "condition_", "singular_", "coef_std_error_", "sigma2_")

    def _check_parameters(self) -> None:
        for name in ("fit_intercept", "copy_X", "positive"):
            check_bool(self, name)
        check_number(self, "tol")
        if self.n_jobs is not None:
            check_number(self, "n_jobs", integer=True, minimum=-np.inf)
        check_option(self, "solver", SOLVERS)

    def _fit(self, design: Design) -> None:
        p, t = design.X.shape[1], design.n_targets
        problem = LeastSquaresProblem(
            analysed(design.operand, np.zeros(t)),
            design.operand,
            design.targets,
            np.zeros(t),
            lower=np.zeros((p, t)) if self.positive else None,
            tol=max(min(float(self.tol), MAX_TOL), rounding_error(design)),
            raw_targets=design.raw_targets,
        )
        requested = () if self.solver == "auto" else (self.solver,)
        answer = self._solve(problem, "solver", requested).answer
        self._record(design, answer.coef, answer.intercept)
        if answer.rank is not None:
            self._describe(design, answer)

    def _describe(self, design: Design, answer: RidgeCoefficients) -> None:
        """Set what follows from the rank, and warn if it is not full."""
        n, p = design.n_observations - bool(self.fit_intercept), design.X.shape[1]
        self.rank_, self.condition_ = answer.rank, answer.condition
        if answer.singular_values is not None:
            self.singular_ = answer.singular_values
        variance = design.residual_variance(answer.coef, answer.rank + bool(self.fit_intercept))
        errors = np.sqrt(np.outer(variance, answer.inverse_diagonal))
        self.coef_std_error_ = self._coef_of(errors, design)
        self.sigma2_ = float(variance[0]) if design.y.ndim == 1 else variance
        if answer.rank < min(n, p):
            warnings.warn(
                f"The design has rank {answer.rank} for {p} features and {n} degrees of freedom: "
                "the coefficients are not unique, those of minimum norm are returned. Remove "
                "dependent or constant features, or use Tikhonov.",
                LinAlgWarning,
                stacklevel=user_stacklevel(),
            )

    def _coef_of(self, rows: np.ndarray, design: Design) -> np.ndarray:
        return rows[0] if design.y.ndim == 1 else rows
