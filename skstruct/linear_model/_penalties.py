"""The parameters that describe a penalty, as users write them."""

from __future__ import annotations

from numbers import Real

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array

from skstruct._parameters import check_option, is_integer
from skstruct.linalg import (
    Diagonal,
    DiagonalPenalty,
    IdentityPenalty,
    Penalty,
    StructuredMatrix,
    difference_penalty,
    laplacian_penalty,
)

DEFAULT_ORDER = 2


def penalty_of(estimator: BaseEstimator, n_features: int) -> Penalty:
    """Return what the parameter ``penalty`` means."""
    penalty = estimator.penalty
    if penalty is None:
        return IdentityPenalty(n_features)
    if isinstance(penalty, str):
        penalty = (penalty, DEFAULT_ORDER)
    if isinstance(penalty, tuple) and penalty and isinstance(penalty[0], str):
        return _named(estimator, penalty, n_features)
    if isinstance(penalty, Diagonal) and penalty.dtype.kind != "c":
        penalty = np.square(penalty.diagonal)  # the factors that the entries of L amount to
    elif isinstance(penalty, StructuredMatrix):
        penalty = penalty.explicit()
    try:
        penalty = check_array(
            penalty, accept_sparse="csr", dtype=np.float64, ensure_2d=False, input_name="penalty"
        )
    except (TypeError, ValueError) as failure:
        raise ValueError(_message(estimator)) from failure
    if penalty.ndim not in (1, 2) or penalty.shape[-1] != n_features:
        raise ValueError(
            f"The 'penalty' parameter of {type(estimator).__name__} has the shape "
            f"{penalty.shape}; expected ({n_features},) or (n, {n_features})."
        )
    if penalty.ndim == 2:
        return Penalty(penalty)
    if np.any(penalty < 0):
        raise ValueError("Penalty factors must not be negative.")
    return DiagonalPenalty(penalty)


def _named(estimator: BaseEstimator, penalty: tuple, n_features: int) -> Penalty:
    match penalty:
        case ("difference", order) if is_integer(order):
            return difference_penalty(n_features, int(order))
        case ("laplacian", adjacency) if not isinstance(adjacency, int | str):
            return laplacian_penalty(_adjacency(adjacency, n_features))
    raise ValueError(_message(estimator))


def _message(estimator: BaseEstimator) -> str:
    return (
        f"The 'penalty' parameter of {type(estimator).__name__} must be None, 'difference', "
        "('difference', order), ('laplacian', adjacency), a vector or a matrix of finite numbers. "
        f"Got {estimator.penalty!r} instead."
    )


def _adjacency(adjacency: object, n_features: int) -> np.ndarray | sparse.sparray:
    adjacency = check_array(
        adjacency, accept_sparse="csr", dtype=np.float64, input_name="adjacency"
    )
    if adjacency.shape != (n_features, n_features):
        raise ValueError(
            f"The adjacency matrix has the shape {adjacency.shape}; expected "
            f"({n_features}, {n_features})."
        )
    if abs(adjacency - adjacency.T).max() > 0:
        raise ValueError("The adjacency matrix must be symmetric.")
    if adjacency.min() < 0:
        raise ValueError("Edge weights must not be negative.")
    return adjacency


def alphas_of(estimator: BaseEstimator, *, positive: bool, automatic: bool) -> np.ndarray | None:
    """Return the parameter ``alphas`` as numbers; None for automatic ones.

    Parameters
    ----------
    estimator : estimator
        Has the parameter.
    positive : bool
        Whether zero is not allowed.
    automatic : bool
        Whether 'auto' is.
    """
    given = estimator.alphas
    if automatic and isinstance(given, str):
        check_option(estimator, "alphas", ("auto",))
        return None
    alphas = np.atleast_1d(np.asarray(given, dtype=object))
    if isinstance(given, str) or alphas.ndim != 1 or not len(alphas):
        expected = "'auto' or a sequence of numbers" if automatic else "a sequence of numbers"
        raise ValueError(
            f"The 'alphas' parameter of {type(estimator).__name__} must be {expected}. "
            f"Got {given!r} instead."
        )
    for i, alpha in enumerate(alphas):
        name = f"alphas[{i}]" if len(alphas) > 1 else "alphas"
        if not isinstance(alpha, Real):
            raise TypeError(f"{name} must be an instance of float, not {type(alpha).__name__}")
        if positive and not alpha > 0:
            raise ValueError(f"{name} == {alpha}, must be > 0.0.")
        if not alpha >= 0 or not np.isfinite(alpha):
            raise ValueError(f"{name} == {alpha}, must be >= 0.0.")
    return alphas.astype(np.float64)


def prior_of(estimator: BaseEstimator, shape: tuple[int, int]) -> np.ndarray:
    """Return ``coef_prior`` in columns, of shape (n_features, n_targets)."""
    if estimator.coef_prior is None:
        return np.zeros(shape)
    prior = check_array(
        estimator.coef_prior, dtype=np.float64, ensure_2d=False, input_name="coef_prior"
    )
    if prior.shape not in ((shape[0],), (shape[1], shape[0])):
        raise ValueError(
            f"The 'coef_prior' parameter of {type(estimator).__name__} has the shape "
            f"{prior.shape}; expected ({shape[0]},) or ({shape[1]}, {shape[0]})."
        )
    return np.broadcast_to(prior, shape[::-1]).T.copy()
