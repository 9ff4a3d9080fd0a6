"""Choosing penalties, and least squares, against scikit-learn on the same array.

"error": the largest difference of a score (of LeastSquares: ours is the backward error that its
certificate states, scikit-learn's is measured in the same way). "its error" of a search is the
difference between both, relative to scikit-learn's scores. Searches by scikit-learn run once.
"""

import importlib.util
import warnings

import numpy as np
from _harness import Peer, Row, contest, gram_seconds, is_wanted, main, repeats_for
from sklearn.linear_model import LinearRegression, Ridge, RidgeCV
from sklearn.model_selection import GridSearchCV

from skstruct import config_context, get_config
from skstruct.linalg import LeastSquares as LeastSquaresProblem
from skstruct.linalg import RidgeCoefficients, make_operand
from skstruct.linear_model import LeastSquares, Tikhonov, TikhonovCV

ALPHAS = np.logspace(-2, 4, 50)
FACTOR_CACHE = get_config().factor_cache  # the default: elsewhere it is off

# (rows, columns, target ratio)
FOLDS = [(50_000, 300, 100), (5_000, 1_000, 50), (20_000, 100, 20), (300, 5_000, 20)]
LEAST_SQUARES = [(200_000, 100, 4), (50_000, 1_000, 3), (5_000, 50, None), (2_000, 1_500, None)]
SINGLE = [
    (50_000, 300),
    (5_000, 1_000),
    (20_000, 100),
    (300, 5_000),
    (200_000, 100),
    (1_000, 1_000),
    (2_000, 800),
]


def rows(options):
    quick = options.quick
    for n, p, target in [(2_000, 50, None)] if quick else FOLDS:
        case = f"TikhonovCV(cv=5) / GridSearchCV(Ridge), {n} x {p}"
        if is_wanted(options, case):
            yield _folds(case, *_data(n, p), target)
    n, p = (2_000, 50) if quick else (50_000, 300)
    case = f"TikhonovCV() / RidgeCV(), leave-one-out, {n} x {p}"
    if is_wanted(options, case):
        yield _left_out(case, *_data(n, p), None if quick else 10)
    n, p, t = (500, 50, 10) if quick else (5_000, 500, 200)
    case = f"alpha_per_target, {t} targets, {n} x {p}"
    if is_wanted(options, case):
        yield _per_target(case, *_data(n, p, t), None if quick else 5)
    n, p = (2_000, 50) if quick else (50_000, 300)
    case = f"GridSearchCV of Tikhonov / Ridge, {n} x {p}"
    if is_wanted(options, case):
        yield _search(case, *_data(n, p), None if quick else 5)
    for n, p, target in [(5_000, 50, None)] if quick else LEAST_SQUARES:
        case = f"LeastSquares / LinearRegression, {n} x {p}"
        if is_wanted(options, case):
            yield _least_squares(case, *_data(n, p), target)
    for n, p in [(2_000, 50)] if quick else SINGLE:
        case = f"Tikhonov / Ridge, {n} x {p}"
        if is_wanted(options, case):
            yield _single(case, *_data(n, p))


def _data(n, p, t=None):
    """Return correlated features and targets that a penalty inside the range suits."""
    rng = np.random.default_rng(0)
    rank = min(n, p) // 2
    X = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, p)) / np.sqrt(rank)
    X += 0.3 * rng.standard_normal((n, p))
    shape = (p,) if t is None else (p, t)
    y = X @ rng.standard_normal(shape)
    return X, y + 3 * y.std() * rng.standard_normal(y.shape)


def _times(ours, peer, repeats, peer_repeats):
    """Time both, alternating as long as both repeat."""
    seconds, model = contest({"ours": ours}, repeats)["ours"]
    peer_seconds, peer_model = contest({"peer": peer}, peer_repeats)["peer"]
    return seconds, peer_seconds, model, peer_model


def _row(*cells, himalaya=None, **more):
    return Row(*cells, **more, others={"himalaya": himalaya})


def _difference(ours, theirs):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def _folds(case, X, y, target):
    seconds, peer_seconds, model, peer = _times(
        lambda: TikhonovCV(ALPHAS, cv=5).fit(X, y),
        lambda: GridSearchCV(Ridge(), {"alpha": ALPHAS}, cv=5).fit(X, y),
        5,
        1,
    )
    error = _difference(model.criterion_path_, peer.cv_results_["mean_test_score"])
    return _row(case, model.solver_, seconds, peer_seconds, error, None, target=target)


def _left_out(case, X, y, target):
    seconds, peer_seconds, model, peer = _times(
        lambda: TikhonovCV(ALPHAS).fit(X, y), lambda: RidgeCV(ALPHAS).fit(X, y), 3, 1
    )
    error = _difference(model.best_score_, peer.best_score_)
    return _row(case, model.solver_, seconds, peer_seconds, error, None, target=target)


def _per_target(case, X, y, target):
    seconds, peer_seconds, model, peer = _times(
        lambda: TikhonovCV(ALPHAS, alpha_per_target=True).fit(X, y),
        lambda: RidgeCV(ALPHAS, alpha_per_target=True).fit(X, y),
        3,
        1,
    )
    error = _difference(model.best_score_, peer.best_score_)
    return _row(
        case,
        model.solver_,
        seconds,
        peer_seconds,
        error,
        None,
        target=target,
        himalaya=_himalaya(X, y),
    )


def _himalaya(X, y):
    """Return the peer that chooses penalties of many targets by folds, if it is installed."""
    if importlib.util.find_spec("himalaya") is None:
        return None
    from himalaya.ridge import RidgeCV as HimalayaCV

    model = HimalayaCV(alphas=ALPHAS, cv=5)
    seconds, _ = contest({"himalaya": lambda: model.fit(X, y)}, 1)["himalaya"]
    return Peer(seconds, note="5 folds")


def _search(case, X, y, target):
    def search(model):
        return GridSearchCV(model, {"alpha": ALPHAS}, cv=5).fit(X, y)

    with config_context(factor_cache=FACTOR_CACHE):
        seconds, peer_seconds, ours, peer = _times(
            lambda: search(Tikhonov()), lambda: search(Ridge()), 1, 1
        )
    error = _difference(ours.cv_results_["mean_test_score"], peer.cv_results_["mean_test_score"])
    solver = ours.best_estimator_.solver_
    return _row(case, solver, seconds, peer_seconds, error, None, target=target)


def _least_squares(case, X, y, target):
    timed = contest(
        {
            "ours": lambda: LeastSquares().fit(X, y),
            "peer": lambda: LinearRegression().fit(X, y),
        },
        repeats_for(X.size),
    )
    (seconds, model), (peer_seconds, peer) = timed.values()
    return _row(
        case,
        model.solver_,
        seconds,
        peer_seconds,
        model.certificate_.value,
        _backward_error(X, y, peer.coef_),
        gram_seconds(*X.shape),
        target,
    )


def _backward_error(X, y, coef):
    operand = make_operand(X, center=True)
    targets, _ = operand.prepare_targets(y[:, None])
    problem = LeastSquaresProblem(operand.structure, operand, targets, np.zeros(1), tol=0.0)
    root = np.linalg.qr(operand.to_dense(), mode="r")
    return problem.certify(RidgeCoefficients(coef[:, None], root=root)).value


def _single(case, X, y):
    timed = contest(
        {"ours": lambda: Tikhonov().fit(X, y), "peer": lambda: Ridge().fit(X, y)},
        repeats_for(X.size),
    )
    (seconds, model), (peer_seconds, peer) = timed.values()
    error = _difference(model.coef_, peer.coef_)
    floor = gram_seconds(*X.shape)
    return _row(case, model.solver_, seconds, peer_seconds, error, None, floor, 1.0)


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)  # the best penalty may be at an end of the range
    main(rows, __doc__)
