"""Tikhonov regularisation whose penalty is chosen from the data."""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn import get_config
from sklearn.metrics import check_scoring, get_scorer
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from skstruct._compat import with_callbacks
from skstruct._parameters import check_bool, check_number, check_option
from skstruct.linalg import (
    CRITERIA,
    VANISHES,
    Ridge,
    RidgeFolds,
    RidgePath,
    Spectrum,
    StandardForm,
    coefficient_path,
    grid_of,
    left_out_at,
    run,
    variance,
)
from skstruct.linear_model._by_criterion import CriterionScores
from skstruct.linear_model._by_folds import FoldSearch
from skstruct.linear_model._choice import choose, warn_if_unattained, warn_if_undefined
from skstruct.linear_model._linear import Design, LinearModel
from skstruct.linear_model._penalties import alphas_of, penalty_of, prior_of
from skstruct.linear_model._scoring import PathScorer

GCV_MODES = {None: (), "auto": (), "svd": ("svd",), "eigen": ("covariance_eigh", "gram_eigh")}


class TikhonovCV(LinearModel):
    r"""Tikhonov regularisation (ridge regression) with the penalty chosen from the data.

    Fits :class:`Tikhonov` with the penalty :math:`\alpha` that is best by leave-one-out or k-fold
    cross-validation or by another criterion. One factorisation serves all penalties and targets
    (one for each fold, if there are folds). A drop-in replacement for
    :class:`sklearn.linear_model.RidgeCV`: the same parameters, attributes and methods.

    With the singular values d of X (centred, weighted, and brought into the standard form of the
    penalty), z = U'y, f = d^2 / (d^2 + alpha), R the squared residual, n the number of observations
    and c the number of coefficients without a penalty, the intercept included:

    ========================  ===================================================================
    ``'loo'``                 mean of (r_i / (1 - h_i))^2, the exact leave-one-out residuals
    ``'gcv'``                 n R / (n - edf)^2 with edf = c + sum f
    ``'rgcv'``                (0.1 + 0.9 (c + sum f^2) / n) GCV: robust, does not interpolate
    ``'mgcv'``                n R / (n - 1.4 edf)^2
    ``'reml'``                (n - c) log(J / (n - c)) + sum log(1 + d^2 / alpha), J = R + alpha w'w
    ``'ml'``                  the same with n in place of n - c
    ``'upre'``                R / n + 2 sigma^2 edf / n - sigma^2
    ``'discrepancy'``         R = n sigma^2
    ``'lcurve'``              largest curvature of (log R, log w'w) / 2
    ``'quasiopt'``            least ||alpha dw/dalpha||
    ========================  ===================================================================

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,) or 'auto', default=(0.1, 1.0, 10.0)
        Penalties to choose from. ``'auto'``: ten to a decade about the largest eigenvalue of X'X,
        and the minimum between them interpolated.
    fit_intercept : bool, default=True
        Whether to fit the intercept b, which is not penalised.
    scoring : str, callable or None, default=None
        Scorer of predictions of left-out rows. None: the mean squared error, weighted, with
        ``cv=None``, and R^2 otherwise.
    cv : int, splitter, iterable or None, default=None
        Folds. None: `criterion`.
    gcv_mode : {None, 'auto', 'svd', 'eigen'}, default=None
        Factorisation with ``cv=None``: the one chosen by the plan, the SVD of X, or the
        eigendecomposition of the smaller of X'X and XX'.
    store_cv_results : bool, default=False
        Whether to keep what every row says of every penalty in ``cv_results_``; with
        leave-one-out only.
    alpha_per_target : bool, default=False
        Whether every target has a penalty of its own, with any criterion and any ``cv``.
    criterion : str or None, default=None
        See above. None: ``'loo'``, unless there is a ``cv``.
    penalty : None, 'difference', tuple or array-like, default=None
        L in the penalty ||L (w - w0)||^2, as for :class:`Tikhonov`.
    coef_prior : None or array-like, default=None
        Prior w0, as for :class:`Tikhonov`.
    noise_variance : float or None, default=None
        Variance sigma^2 for ``'upre'`` and ``'discrepancy'``. None: estimated from what no
        coefficients can fit, which needs more observations than coefficients.

    Attributes
    ----------
    alpha_ : float or ndarray of shape (n_targets,)
        The penalty chosen.
    best_score_ : float or ndarray of shape (n_targets,)
        Its score; minus the criterion where that is to be small. Leave-one-out errors are weighted
        and their mean is over the rows that have weight.
    alphas_ : ndarray of shape (n_alphas,)
        The penalties compared.
    criterion_path_ : ndarray of shape (n_alphas,) or (n_alphas, n_targets)
        Score of each, to be maximised; for each target if they have penalties of their own.
    coef_path_ : ndarray of shape (n_alphas, n_features) or (n_alphas, n_targets, n_features)
        Coefficients for each penalty, computed when asked for. Not with ``cv``.
    cv_results_ : ndarray of shape (n_samples, n_alphas) or (n_samples, n_targets, n_alphas)
        With ``store_cv_results=True``: weighted squared leave-one-out errors, or, with a scorer,
        leave-one-out predictions.
    coef_, intercept_
        As of :class:`Tikhonov`.
    edf_ : float or ndarray of shape (n_targets,)
        Effective degrees of freedom, the intercept included.
    sigma2_ : float or ndarray of shape (n_targets,)
        Variance of an observation of weight 1: R / (n - edf); J / (n - c) by ``'reml'`` and J / n
        by ``'ml'``.
    leverage_ : ndarray of shape (n_samples,) or (n_samples, n_targets)
        Influence of every observation on its own fitted value, at the chosen penalty. Not with
        ``cv``.
    loo_residuals_ : ndarray of shape (n_samples,) or (n_samples, n_targets)
        y less its prediction by the fit without the row, at the chosen penalty; the ordinary
        residual where a row has no weight. Not with ``cv``.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if X has them.
    solver_, plan_
        The factorisation and why it was chosen: of the folds, if there are folds.
    certificate_ : skstruct.linalg.Certificate
        Relative gradient of the final fit, measured on the data.

    Raises
    ------
    ValueError
        Bad input or parameters.
    MemoryError
        No solver fits the memory limit.

    Warns
    -----
    UserWarning
        The best of the given penalties is at an end of their range.
    sklearn.exceptions.ConvergenceWarning
        The certificate does not hold; states the figure reached and the remedy.

    See Also
    --------
    sklearn.linear_model.RidgeCV : The counterpart.
    Tikhonov : For a given penalty.

    References
    ----------
    G. H. Golub, M. Heath and G. Wahba, "Generalized cross-validation as a method for choosing a
    good ridge parameter" (1979); M. A. Lukas, "Robust generalized cross-validation for choosing the
    regularization parameter" (2006); P. C. Hansen, "Rank-deficient and discrete ill-posed
    problems" (1998), chapter 7.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skstruct.linear_model import TikhonovCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = TikhonovCV(alphas="auto", criterion="reml").fit(X, y)
    >>> round(model.alpha_, 4), round(model.edf_, 1)
    (0.0335, 9.6)
    """

    def __init__(
        self,
        alphas: object = (0.1, 1.0, 10.0),
        *,
        fit_intercept: bool = True,
        scoring: object = None,
        cv: object = None,
        gcv_mode: str | None = None,
        store_cv_results: bool = False,
        alpha_per_target: bool = False,
        criterion: str | None = None,
        penalty: object = None,
        coef_prior: object = None,
        noise_variance: float | None = None,
    ) -> None:
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.gcv_mode = gcv_mode
        self.store_cv_results = store_cv_results
        self.alpha_per_target = alpha_per_target
        self.criterion = criterion
        self.penalty = penalty
        self.coef_prior = coef_prior
        self.noise_variance = noise_variance

    @with_callbacks
    def fit(self, X: object, y: object, sample_weight: object = None, **params: object) -> Self:
        """Choose the penalty and fit coefficients and intercept.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Data.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), optional
            Weight of each row's squared residual, in fits and in scores (if the scorer takes
            weights).
        **params : dict
            Routed to the scorer and the splitter, if metadata routing is enabled.

        Returns
        -------
        TikhonovCV
            The estimator itself.
        """
        if params and not _routing_enabled():
            raise ValueError(
                f"{sorted(params)} are passed but metadata routing is not enabled: "
                "sklearn.set_config(enable_metadata_routing=True)"
            )
        with self._fitting(X, y):
            self._forget()
            self._check_parameters()
            design = self._design(X, y, sample_weight)
            if design.weights is not None:
                params["sample_weight"] = design.weights
            self._fit(design, *self._routed(params))
        return self

    _optional = (
        "edf_", "sigma2_", "cv_results_", "leverage_", "loo_residuals_", "_path", "_prior"
    )  # fmt: skip

    def _routed(self, params: dict) -> tuple[dict, dict]:
        """Return what is for the scorer and what is for the splitter."""
        if not _routing_enabled():
            return params, {}
        routed = process_routing(self, "fit", **params)
        return routed.scorer.score, routed.splitter.split

    def get_metadata_routing(self) -> MetadataRouter:
        """Return which metadata goes where.

        Returns
        -------
        MetadataRouter
            Of the scorer and the splitter.
        """
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(
                # Without one scores are weighted, if there are weights.
                scorer=self._scorer() or get_scorer("r2").set_score_request(sample_weight=True),
                method_mapping=MethodMapping().add(caller="fit", callee="score"),
            )
            .add(
                splitter=check_cv(self.cv),
                method_mapping=MethodMapping().add(caller="fit", callee="split"),
            )
        )

    def _scorer(self) -> object:
        return None if self.scoring is None else check_scoring(self, scoring=self.scoring)

    def _check_parameters(self) -> None:
        for name in ("fit_intercept", "store_cv_results", "alpha_per_target"):
            check_bool(self, name)
        if self.gcv_mode is not None:
            check_option(self, "gcv_mode", [mode for mode in GCV_MODES if mode])
        if self.criterion is not None:
            check_option(self, "criterion", ("loo", *CRITERIA))
        if self.noise_variance is not None:
            check_number(self, "noise_variance")
        is_loo = self.criterion in (None, "loo") and self.cv is None
        if self.cv is not None and self.criterion is not None:
            raise ValueError("cv and criterion are two ways to choose alpha: give one of them")
        if self.store_cv_results and not is_loo:
            raise ValueError("cv!=None and store_cv_results=True are incompatible")
        if self.scoring is not None and self.cv is None and not is_loo:
            raise ValueError(f"criterion={self.criterion!r} takes no scoring")

    def _fit(self, design: Design, score_params: dict, split_params: dict) -> None:
        alphas = alphas_of(self, positive=self.cv is None, automatic=True)
        prior = prior_of(self, (design.X.shape[1], design.n_targets))
        shifted = design.about(prior)
        if self.cv is None:
            coef = self._fit_by_criterion(shifted, alphas, score_params, prior)
        else:
            coef = self._fit_by_folds(shifted, alphas, score_params, split_params, prior)
        self._record(design, coef + prior)

    def _fit_by_criterion(
        self, design: Design, alphas: np.ndarray | None, score_params: dict, prior: np.ndarray
    ) -> np.ndarray:
        penalty = penalty_of(self, design.X.shape[1])
        form = StandardForm(design.operand, design.targets, penalty)
        path = RidgePath(form.operand.structure, form, alphas, design.n_targets)
        spectrum = self._solve(path, "gcv_mode", GCV_MODES[self.gcv_mode]).answer
        grid = grid_of(spectrum) if alphas is None else alphas
        scores = self._scores(design, form, spectrum, grid, score_params)
        if alphas is None and spectrum.resolution and np.any(scores.argmax(axis=0) == 0):
            # The best may be smaller than a Gram matrix resolves.
            spectrum = self._solve(path, "gcv_mode", ("svd",)).answer
            grid = grid_of(spectrum)
            scores = self._scores(design, form, spectrum, grid, score_params)
        chosen = self._choose(design, grid, scores)
        answer, problem = path.at(spectrum, chosen)
        self._certify(problem.certify(answer))
        self._set_per_target(design, "edf_", answer.edf)
        sigma2 = variance(spectrum, chosen, self.criterion or "loo")
        self._set_per_target(design, "sigma2_", sigma2)
        self._describe_rows(design, form, spectrum, chosen)
        self._path = coefficient_path(spectrum, form)
        self._prior = prior
        return form.restore(answer.coef)

    def _describe_rows(
        self, design: Design, form: StandardForm, spectrum: Spectrum, chosen: np.ndarray
    ) -> None:
        """Set leverages and leave-one-out residuals at the chosen penalties."""
        residuals, leverages = left_out_at(spectrum, form, chosen)
        warn_if_undefined(residuals[:, 0])
        residuals = design.unweighted(
            residuals[:, None],
            lambda: form.restore(spectrum.coefficients(form.operand, chosen))[:, None],
        )[:, 0]
        apart = self.alpha_per_target and design.y.ndim == 2
        self.loo_residuals_ = residuals[:, 0] if design.y.ndim == 1 else residuals
        self.leverage_ = leverages if apart else leverages[:, 0]

    def _scores(
        self,
        design: Design,
        form: StandardForm,
        spectrum: Spectrum,
        alphas: np.ndarray,
        score_params: dict,
    ) -> np.ndarray:
        """Return scores of shape (m, t), or (m, 1) if the targets share them."""
        scores = CriterionScores(design, form, spectrum, self.alpha_per_target)
        if self.criterion not in (None, "loo"):
            return scores.by_criterion(self.criterion, alphas, self.noise_variance)
        if self.scoring is None:
            if self.store_cv_results:
                self._store(design, scores.left_out_squares(alphas))
            return scores.by_left_out_error(alphas)
        scorer = PathScorer(
            self._scorer(), design.y, per_target=self.alpha_per_target, params=score_params
        )
        found, predictions = scores.by_left_out_predictions(
            alphas,
            lambda predictions: scorer(predictions[:, 0], slice(None), predictions),
            keep=self.store_cv_results,
        )
        if predictions is not None:
            self._store(design, predictions)
        return found

    def _store(self, design: Design, values: np.ndarray) -> None:
        values = values.transpose(0, 2, 1)
        self.cv_results_ = values[:, 0] if design.y.ndim == 1 else values

    def _fit_by_folds(
        self,
        design: Design,
        alphas: np.ndarray | None,
        score_params: dict,
        split_params: dict,
        prior: np.ndarray,
    ) -> np.ndarray:
        penalty = penalty_of(self, design.X.shape[1])
        scorer = PathScorer(
            self._scorer(), design.y, per_target=self.alpha_per_target, params=score_params
        )
        rows = np.arange(len(design.y))  # folds may be masks
        splits = check_cv(self.cv).split(design.X, design.y, **split_params)
        folds = [(rows[train], rows[test]) for train, test in splits]
        search = FoldSearch(design, penalty, prior, folds, scorer)
        grid = search.automatic_grid() if alphas is None else alphas
        scores = self._fold_scores(search.problem(grid))
        if alphas is None and np.any(scores.argmax(axis=0) == 0):
            # The best may be smaller than a Gram matrix resolves.
            grid = search.automatic_grid(extended=True)
            scores = self._fold_scores(search.problem(grid))
        chosen = self._choose(design, grid, scores)
        ridge = Ridge(design.operand.structure, design.operand, design.targets, chosen, penalty)
        solution = run(ridge)
        self._certify(solution.certificate)
        coef, edf = solution.answer.coef, solution.answer.edf
        if edf is not None:
            edf = edf + bool(self.fit_intercept)
            self._set_per_target(design, "edf_", edf)
            self._set_per_target(design, "sigma2_", design.residual_variance(coef, edf))
        return coef

    def _fold_scores(self, problem: RidgeFolds) -> np.ndarray:
        """Return the folds' mean scores, of shape (m, t) or (m, 1)."""
        scores = self._solve(problem, "cv", ()).answer.scores.mean(axis=0)
        return scores.reshape(len(problem.alphas), -1)

    def _set_per_target(self, design: Design, name: str, values: np.ndarray) -> None:
        setattr(self, name, float(values[0]) if design.y.ndim == 1 else values)

    def _choose(self, design: Design, alphas: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Set the penalty of the best scores, and return one for each target."""
        choice = choose(
            alphas,
            scores,
            automatic=isinstance(self.alphas, str),
            inside=self.criterion in VANISHES,
        )
        if self.criterion == "discrepancy":
            warn_if_unattained(choice)
        apart = self.alpha_per_target and design.y.ndim == 2
        self.alphas_ = alphas
        self.criterion_path_ = scores if apart else scores[:, 0]
        self.alpha_ = choice.alphas if apart else float(choice.alphas[0])
        self.best_score_ = choice.scores if apart else float(choice.scores[0])
        return np.broadcast_to(choice.alphas, design.n_targets).copy()

    @property
    def coef_path_(self) -> np.ndarray:
        """Coefficients for each of ``alphas_``."""
        if getattr(self, "_path", None) is None:
            raise AttributeError(
                "coef_path_ is there after a fit with cv=None and features times rows, or features "
                "squared, below 1.7e7"
            )
        path = self._path(self.alphas_) + self._prior.T
        return path if self.coef_.ndim == 2 else path[:, 0]


def _routing_enabled() -> bool:
    return get_config()["enable_metadata_routing"]
