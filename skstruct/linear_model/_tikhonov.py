"""Ridge regression with Tikhonov regularisation."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.linalg import LinAlgWarning

from skstruct._estimator import user_stacklevel
from skstruct._parameters import check_bool, check_number, check_option, random_seed
from skstruct.linalg import Iteration, Ridge, RidgeCoefficients, analysed
from skstruct.linear_model._linear import Design, LinearModel, alphas_per_target, rounding_error
from skstruct.linear_model._penalties import penalty_of, prior_of

# What each value of `solver` allows. The names of scikit-learn's Ridge come first; all of its
# iterative solvers minimise the same function, which conjugate gradients do best.
SOLVERS = {
    "auto": (),
    "svd": ("svd",),
    "cholesky": ("gram_cholesky", "dual_cholesky", "sparse_cholesky"),
    "lsqr": ("cg",),
    "sparse_cg": ("cg",),
    "sag": ("cg",),
    "saga": ("cg",),
    "lbfgs": ("nonnegative",),
    "gram_cholesky": ("gram_cholesky",),
    "dual_cholesky": ("dual_cholesky",),
    "sparse_cholesky": ("sparse_cholesky",),
    "eigen": ("eigen",),
    "qr": ("qr",),
    "cg": ("cg",),
}

# A looser `tol` than this is not used: scikit-learn's default of 1e-4 leaves errors of
# several per cent in the fitted values of badly scaled designs.
MAX_TOL = 1e-8


class Tikhonov(LinearModel):
    r"""Linear least squares with Tikhonov regularisation (ridge regression).

    Minimises, for every target y,

    .. math:: \|W^{1/2}(y - X w - b)\|_2^2 + \alpha \|L (w - w_0)\|_2^2

    over the coefficients w and the intercept b, which is not penalised; W holds the sample
    weights, L is the identity and w0 zero unless given. A drop-in replacement for
    :class:`sklearn.linear_model.Ridge`: the same parameters, attributes and methods. Whatever the
    solver, coefficients are refined until the gradient, measured on the data, vanishes to
    rounding; ``certificate_`` tells what was reached.

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
        Relative gradient asked for, at which ``'cg'`` stops. Values above 1e-8 count as 1e-8,
        values below rounding errors (some 1e-14) as these.
    solver : str, default='auto'
        ``'auto'`` takes the one of lowest predicted cost; ``plan_`` shows the comparison.
        ``'cholesky'``: the cheaper of ``'gram_cholesky'``, of the p x p Gram matrix, and
        ``'dual_cholesky'``, of the n x n one, and ``'sparse_cholesky'``, of a sparse p x p one.
        ``'eigen'``: eigendecomposition of the Gram matrix,
        for many penalties; these two are for ``penalty=None``. ``'qr'``, ``'svd'``: for
        ill-conditioned X and small alpha. ``'cg'``: conjugate gradients with scaled columns, for
        data too large for a factorisation;
        ``'lsqr'``, ``'sparse_cg'``, ``'sag'`` and ``'saga'`` are other names for it.
        ``'lbfgs'`` is accepted with ``positive=True`` only.
    positive : bool, default=False
        Whether coefficients must not be negative; solved by an active set method.
    random_state : int, RandomState instance or None, default=None
        Accepted for compatibility: nothing here is random.
    penalty : None, 'difference', tuple or array-like, default=None
        L. None: the identity (ridge regression). ``'difference'``: differences of second order of
        neighbouring coefficients, ``('difference', q)`` of order q. ``('laplacian', adjacency)``:
        ||L w||^2 is the sum of a_ij (w_i - w_j)^2 over the edges of a graph with the symmetric
        matrix of edge weights a, dense or sparse; its diagonal does not count. An array of shape
        (n_features,): a factor for the penalty of each coefficient, zero for none. A dense, sparse
        or structured matrix (:class:`skstruct.linalg.Banded`, ...) of shape (q, n_features): L
        itself.
    coef_prior : None or array-like of shape (n_features,) or (n_targets, n_features), default=None
        Prior w0, towards which coefficients are drawn; None for zero.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients w.
    intercept_ : float or ndarray of shape (n_targets,)
        b; 0.0 if ``fit_intercept=False``.
    n_iter_ : ndarray of shape (n_targets,)
        Iterations of ``'cg'``; for the other solvers how often their factorisation was applied,
        1 and the refinement steps.
    edf_ : float or ndarray of shape (n_targets,)
        Effective degrees of freedom: the trace of the matrix that turns y into fitted values, the
        intercept included. Not set by ``'cg'`` and with ``positive=True``.
    dual_coef_ : ndarray of shape (n_samples,) or (n_samples, n_targets)
        c with w = w0 + X'W^(1/2) c for X centred; set by ``'dual_cholesky'``.
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
    TikhonovCV : Chooses alpha.
    LeastSquares : Without a penalty.

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
        penalty: object = None,
        coef_prior: object = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state
        self.penalty = penalty
        self.coef_prior = coef_prior

    _takes_sources = True
    _optional = ("edf_", "dual_coef_")

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

    def _fit(self, design: Design) -> None:
        operand, shape = design.operand, (design.operand.shape[1], design.n_targets)
        prior = prior_of(self, shape)
        design = design.about(prior)
        alphas = alphas_per_target(self, design.n_targets)
        problem = Ridge(
            analysed(operand, alphas),
            operand,
            design.targets,
            alphas,
            penalty_of(self, shape[0]),
            lower=-prior if self.positive else None,
            tol=max(min(float(self.tol), MAX_TOL), rounding_error(design)),
            iteration=Iteration(max_iter=self.max_iter),
        )
        answer = self._solve(problem, "solver", SOLVERS[self.solver]).answer
        self._warn_if_not_unique(answer, problem)
        self._record(design, answer.coef + prior)
        self.n_iter_ = np.full(design.n_targets, answer.n_iter, dtype=np.int32)
        if answer.edf is not None:
            edf = answer.edf + bool(self.fit_intercept)
            self.edf_ = float(edf[0]) if design.y.ndim == 1 else edf
        if answer.dual is not None:
            self.dual_coef_ = answer.dual[:, 0] if design.y.ndim == 1 else answer.dual

    def _warn_if_not_unique(self, answer: RidgeCoefficients, problem: Ridge) -> None:
        n_columns = problem.structure.n_columns
        if answer.rank is not None and answer.rank < n_columns:
            cause = (
                "the penalty does not act on a direction that the data does not determine"
                if np.all(problem.alphas)
                else f"alpha=0 and the data has rank {answer.rank} for {n_columns} features"
            )
            warnings.warn(
                f"{cause}: the coefficients are not unique, those of minimum norm are returned. "
                "Use alpha > 0 and a penalty on every coefficient, or remove dependent and "
                "constant features.",
                LinAlgWarning,
                stacklevel=user_stacklevel(),
            )
