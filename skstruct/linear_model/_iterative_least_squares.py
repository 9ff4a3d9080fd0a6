"""Sparse, matrix-free and very large least squares by preconditioned iteration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Self

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator
from sklearn.utils import check_random_state

from skstruct._compat import with_callbacks
from skstruct._estimator import Report, result_dtype
from skstruct._parameters import check_bool, check_number, check_option, is_fraction
from skstruct.linalg import (
    HeldOut,
    Iteration,
    Progress,
    Ridge,
    RidgeCoefficients,
    analysed,
    make_operand,
)
from skstruct.linalg.preconditioners import NAMES
from skstruct.linear_model._linear import Design, LinearModel, alphas_per_target, rounding_error
from skstruct.linear_model._penalties import alphas_of, penalty_of

SOLVERS = {
    "auto": (),
    "lsmr": ("lsmr",),
    "lsqr": ("lsqr",),
    "cg": ("cg",),
    "direct": ("gram_cholesky", "dual_cholesky", "sparse_cholesky", "qr", "svd"),
}
ITERATIVE = ("lsmr", "lsqr", "cg")


class IterativeLeastSquares(LinearModel):
    r"""Least squares for sparse, matrix-free and very large data, by preconditioned iteration.

    Minimises, for every target y,

    .. math:: \|W^{1/2}(y - X w - b)\|_2^2 + \alpha \|L w\|_2^2

    over the coefficients w and the intercept b, which is not penalised; W holds the sample
    weights, L is the identity unless given. X is only multiplied by blocks of vectors: its mean is
    subtracted implicitly, nothing is densified, and all targets share each pass. Iteration stops by
    the gradient of this function, which is measured on the data at the end: ``certificate_``
    tells what was reached, and a warning if that is not what was asked.

    Parameters
    ----------
    alpha : float or array-like of shape (n_targets,), default=1.0
        Penalty, in units of X squared. With 0 and more columns than rows the solution of least
        norm is approached, without a preconditioner unless one is named; among dependent columns of
        data with more rows the one of least norm in the coordinates of the preconditioner.
    fit_intercept : bool, default=True
        Whether to fit b.
    solver : {'auto', 'lsmr', 'lsqr', 'cg', 'direct'}, default='auto'
        ``'auto'`` takes what is predicted to be fastest: iteration, a dense factorisation of the
        Gram matrix, or a sparse one where that has few entries; ``plan_`` shows the comparison.
        ``'cg'``: conjugate gradients on the normal equations, one pass over the data an
        iteration. ``'lsqr'``, ``'lsmr'``: bidiagonalisation, two passes and smaller rounding
        errors; the gradient falls monotonically with ``'lsmr'``. ``'direct'``: the cheapest
        factorisation. If an iteration is named, or `max_iter` given, no other one takes over
        unless it breaks down.
    preconditioner : str, callable or LinearOperator, default='auto'
        What is iterated is M^-1 (X'WX + alpha L'L). ``'jacobi'``: M is the diagonal, so that
        columns have unit norm. ``'block'``: diagonal blocks for groups of similar columns, which
        occur in nearly the same rows, and of frequent ones. ``'ilu'``: incomplete factors of
        the sparse Gram matrix. ``'amg'``: algebraic multigrid on it, by pyamg if that is
        installed. ``'sketch'``: a QR factorisation of a random sketch, for tall ill-conditioned
        data. ``'none'``: M = I. ``'auto'``: begins with ``'jacobi'`` and goes on with
        ``'block'`` where that is slow. A callable or LinearOperator applies M^-1 to arrays of
        shape (n_features, n_columns); M must be symmetric and positive definite.
    penalty : None, 'difference', tuple or array-like, default=None
        L, as of :class:`Tikhonov`.
    alphas : array-like of shape (n_alphas,), default=None
        Penalties for a whole path, besides `alpha`: ``coef_path_`` and ``intercept_path_`` are set.
        Iteration for each of them begins at the best combination of the solutions known already.
    tol : float, default=1e-6
        Gradient asked for: its norm with columns scaled to unit norm, relative to that at w = 0.
    max_iter : int or None, default=None
        Bound on the iterations; None for 2000, after which a factorisation takes over if it fits in
        memory.
    warm_start : bool, default=False
        Whether to begin at the coefficients of the previous fit.
    early_stopping : bool, default=False
        Whether to stop when the squared error on held-out rows has not fallen for
        `n_iter_no_change` iterations, and to return the coefficients of least error: few
        iterations regularise as a penalty does. ``'auto'`` is ``'lsmr'`` then.
    validation_fraction : float, default=0.1
        Share of the rows held out for `early_stopping`.
    n_iter_no_change : int, default=10
        See `early_stopping`.
    random_state : int, RandomState instance or None, default=None
        Chooses the rows held out.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients w.
    intercept_ : float or ndarray of shape (n_targets,)
        b; 0.0 if ``fit_intercept=False``.
    n_iter_ : ndarray of shape (n_targets,)
        Iterations; of a direct solver, how often its factorisation was applied.
    converged_ : ndarray of shape (n_targets,)
        Whether the gradient measured at the end is as small as asked.
    gradient_norm_ : ndarray of shape (n_targets,)
        That gradient, in the norm that `tol` is for.
    convergence_ : ndarray of shape (n_iterations, n_targets)
        The gradient after each iteration as the recurrence has it; NaN for a target that was done
        before. Empty for direct solvers.
    preconditioner_ : str or None
        The preconditioner in use at the end; None for direct solvers.
    alphas_ : ndarray of shape (n_alphas,)
        The penalties of the path.
    coef_path_ : ndarray of shape (n_alphas, n_features) or (n_alphas, n_targets, n_features)
        Coefficients for each of `alphas`.
    intercept_path_ : ndarray of shape (n_alphas,) or (n_alphas, n_targets)
        Intercepts for each of `alphas`.
    validation_errors_ : ndarray of shape (n_iterations, n_targets)
        Mean squared errors on the rows held out, with `early_stopping`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if X has them.
    solver_ : str
        The solver that produced the answer, after any escalation.
    plan_ : skstruct.linalg.Plan
        What was considered, predicted and tried.
    certificate_ : skstruct.linalg.Certificate
        Largest relative gradient measured on the data after the fit.

    Raises
    ------
    ValueError
        Bad input or parameters, or a solver or preconditioner that cannot be used.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        The gradient is larger than asked; states the figure reached and the remedy.

    See Also
    --------
    Tikhonov : By any solver, to rounding errors.
    scipy.sparse.linalg.lsmr : A single target, without a preconditioner.

    Notes
    -----
    X may also be a :class:`scipy.sparse.linalg.LinearOperator`, whose column norms are
    estimated from 16 products, or data read in chunks (see
    :func:`skstruct.linalg.row_source`). Callbacks of scikit-learn are called after every
    iteration; one that returns True stops the fit.

    References
    ----------
    M. R. Hestenes and E. Stiefel (1952); C. C. Paige and M. A. Saunders, "LSQR" (1982);
    D. C.-L. Fong and M. Saunders, "LSMR" (2011).

    Examples
    --------
    >>> from scipy import sparse
    >>> from skstruct.linear_model import IterativeLeastSquares
    >>> X = sparse.random(2000, 5000, 0.01, "csr", random_state=0)
    >>> y = X @ sparse.random(5000, 1, 0.1, random_state=1).toarray().ravel()
    >>> model = IterativeLeastSquares(alpha=0.1, solver="cg").fit(X, y)
    >>> model.converged_
    array([ True])
    >>> model.certificate_.value < 1e-6
    True
    """

    def __init__(
        self,
        alpha: float | np.ndarray = 1.0,
        *,
        fit_intercept: bool = True,
        solver: str = "auto",
        preconditioner: str | LinearOperator | Callable = "auto",
        penalty: object = None,
        alphas: np.ndarray | None = None,
        tol: float = 1e-6,
        max_iter: int | None = None,
        warm_start: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.preconditioner = preconditioner
        self.penalty = penalty
        self.alphas = alphas
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    _takes_sources = True
    _optional = ("alphas_", "coef_path_", "intercept_path_", "validation_errors_")

    @with_callbacks
    def fit(self, X: object, y: object, sample_weight: object = None) -> Self:
        """Fit coefficients and intercept.

        Parameters
        ----------
        X : array-like, sparse matrix, LinearOperator or source of shape (n_samples, n_features)
            Data.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), optional
            Weight of each row's squared residual.

        Returns
        -------
        IterativeLeastSquares
            The estimator itself.
        """
        with self._fitting(X, y, n_steps=None) as report:
            self._forget()
            self._check_parameters()
            design = self._design(X, y, sample_weight)
            if self.early_stopping:
                self._fit_until_held_out_error_rises(design, report)
            else:
                self._fit(design, report)
        return self

    def _check_parameters(self) -> None:
        for name in ("fit_intercept", "warm_start", "early_stopping"):
            check_bool(self, name)
        check_option(self, "solver", tuple(SOLVERS))
        if isinstance(self.preconditioner, str):
            check_option(self, "preconditioner", NAMES)
        elif not callable(self.preconditioner) and not hasattr(self.preconditioner, "matmat"):
            raise ValueError(
                "The 'preconditioner' parameter must be a string, a callable or a LinearOperator. "
                f"Got {self.preconditioner!r} instead."
            )
        check_number(self, "tol")
        if self.max_iter is not None:
            check_number(self, "max_iter", integer=True, minimum=1)
        check_number(self, "n_iter_no_change", integer=True, minimum=1)
        check_random_state(self.random_state)
        if not is_fraction(self.validation_fraction):
            raise ValueError(
                "The 'validation_fraction' parameter must be a float between 0 and 1. "
                f"Got {self.validation_fraction!r} instead."
            )
        if self.early_stopping and (self.alphas is not None or self.solver == "direct"):
            other = "solver='direct'" if self.solver == "direct" else "alphas"
            raise ValueError(f"early_stopping=True cannot be used with {other}")

    def _fit(self, design: Design, report: Report | None = None) -> None:
        problem = self._problem(design, report)
        answer = self._solve(problem, "solver", self._requested()).answer
        t = design.n_targets
        if self.alphas is not None:
            self._record_path(design, answer.coef)
        own = answer.only(slice(0, t))
        self._record(design, own.coef)
        self._record_convergence(problem.only(np.arange(t)), own)

    def _problem(self, design: Design, report: Report | None) -> Ridge:
        alphas = alphas_per_target(self, design.n_targets)
        # What is asked for by name is made possible, however short an iteration would be.
        structure = analysed(design.operand, 0 * alphas if self.solver == "direct" else alphas)
        penalty = penalty_of(self, structure.n_columns)
        problem = Ridge(
            structure,
            design.operand,
            design.targets,
            alphas,
            penalty,
            tol=max(float(self.tol), rounding_error(design)),
            iteration=Iteration(
                self.preconditioner,
                self.max_iter,
                self._start(design),
                None if report is None else _Reporter(self, design, report),
                is_final=self.max_iter is not None or self.solver in ITERATIVE,
            ),
            with_edf=False,
        )
        if self.alphas is None:
            return problem
        self.alphas_ = alphas_of(self, positive=False, automatic=False)
        return problem.with_path(self.alphas_)

    def _start(self, design: Design) -> np.ndarray | None:
        """Return the coefficients of the previous fit in columns, if they are to be used."""
        if not (self.warm_start and hasattr(self, "coef_")):
            return None
        start = self.coef_.reshape(-1, self.coef_.shape[-1]).T.astype(np.float64)
        expected = (design.operand.shape[1], design.n_targets)
        if start.shape != expected:
            raise ValueError(
                f"warm_start=True: the previous fit had {start.shape[0]} features and "
                f"{start.shape[1]} targets, now there are {expected[0]} and {expected[1]}"
            )
        return start

    def _requested(self) -> tuple[str, ...]:
        if self.solver == "auto" and self.early_stopping:
            return ("lsmr",)
        if self.solver == "auto" and self.preconditioner != "auto":
            return ("cg",)
        return SOLVERS[self.solver]

    def _fit_until_held_out_error_rises(self, design: Design, report: Report | None) -> None:
        fitted, held_out = self._split(design)
        watch = HeldOut(*held_out, self.n_iter_no_change)
        problem = self._problem(fitted, report)
        reporter = problem.iteration.on_step

        def on_step(progress: Progress) -> bool:
            asked = reporter is not None and reporter(progress)
            return watch(progress) or asked

        problem = replace(
            problem, iteration=replace(problem.iteration, on_step=on_step, is_final=True)
        )
        solution = self._run(problem, "solver", self._requested())
        answer = replace(
            solution.answer,
            coef=watch.coef,
            gradient=problem.gradient(watch.coef),
            n_iter=watch.n_iter,
            stopped=True,
        )
        self._certify(problem.certify(answer))
        self._record(fitted, answer.coef)
        self._record_convergence(problem, answer)
        self.validation_errors_ = np.array(watch.errors).reshape(-1, design.n_targets)

    def _split(self, design: Design) -> tuple[Design, tuple]:
        """Return the design of the rows to fit, and the operand and targets of the others."""
        n = len(design.y)
        weights = np.ones(n) if design.weights is None else design.weights
        (rows,) = np.nonzero(weights)
        count = int(np.ceil(self.validation_fraction * len(rows)))
        if count >= len(rows):
            raise ValueError(
                f"early_stopping=True holds out {count} of n_samples={len(rows)}: none is left to "
                "fit"
            )
        chosen = check_random_state(self.random_state).permutation(rows)[:count]
        held_out = np.zeros(n)
        held_out[chosen] = weights[chosen]
        center = bool(self.fit_intercept)
        operand = make_operand(design.X, weights - held_out, center=center)
        raw = design.raw_targets
        targets, offset = operand.prepare_targets(raw)
        fitted = Design(design.X, operand, targets, offset, design.y, weights - held_out)
        # The other rows are read where that is possible, else given no weight.
        X, weights, raw = design.X, held_out, raw - offset
        if isinstance(X, np.ndarray | sparse.sparray | sparse.spmatrix):
            X, weights, raw = X[chosen], held_out[chosen], raw[chosen]
        other = make_operand(X, weights, mean=operand.mean if center else None)
        return fitted, (other, raw * other.root_weights[:, None])

    def _record_convergence(self, problem: Ridge, answer: RidgeCoefficients) -> None:
        gradient = problem.gradient(answer.coef) if answer.gradient is None else answer.gradient
        self.gradient_norm_ = problem.relative_size(gradient, answer.coef)
        self.converged_ = self.gradient_norm_ <= problem.tol
        self.n_iter_ = np.full(problem.n_targets, answer.n_iter, dtype=np.int32)
        self.preconditioner_ = answer.preconditioner
        history = answer.history
        self.convergence_ = np.empty((0, problem.n_targets)) if history is None else history

    def _record_path(self, design: Design, coef: np.ndarray) -> None:
        """Set ``coef_path_`` and ``intercept_path_`` from columns, targets first."""
        p, t, m = design.operand.shape[1], design.n_targets, len(self.alphas_)
        path = coef[:, t:].reshape(p, m, t)
        intercepts = design.offset - np.einsum("i,ijk->jk", design.operand.mean, path)
        rows = np.ascontiguousarray(path.transpose(1, 2, 0))
        if design.y.ndim == 1:
            rows, intercepts = rows[:, 0], intercepts[:, 0]
        dtype = result_dtype(design.X)
        self.coef_path_ = rows.astype(dtype, copy=False)
        self.intercept_path_ = intercepts.astype(dtype, copy=False)


class _Reporter:
    """Tells callbacks of every iteration; what they are told can predict."""

    def __init__(self, estimator: IterativeLeastSquares, design: Design, report: Report) -> None:
        self._estimator, self._design, self._report = estimator, design, report
        self._coef = np.zeros((design.operand.shape[1], design.n_targets))
        self._asked_to_stop = False

    def __call__(self, progress: Progress) -> bool:
        def attributes() -> dict[str, object]:
            own = progress.columns < self._coef.shape[1]  # the others belong to a path
            self._coef[:, progress.columns[own]] = progress.coefficients()[:, own]
            return self._estimator._fitted(self._design, self._coef)

        # What stops one group of targets stops those that follow.
        self._asked_to_stop = self._asked_to_stop or self._report(attributes)
        return self._asked_to_stop
