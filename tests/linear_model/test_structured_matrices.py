"""Matrices of declared structure as penalties and as data."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skstruct.linalg import (
    Banded,
    BlockDiagonal,
    Circulant,
    Diagonal,
    Kronecker,
    LowRankPlusDiagonal,
    Toeplitz,
    Triangular,
)
from skstruct.linear_model import IterativeLeastSquares, Tikhonov, TikhonovCV

P = 12


def gaussian(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


X, Y = gaussian(0, 60, P), gaussian(1, 60)
PENALTIES = {
    "differences": Banded.from_diagonals([1.0, -2.0, 1.0], [0, 1, 2], shape=(P - 2, P)),
    "factors": Diagonal(np.arange(P, dtype=float) - 3),  # entries of L may be negative
    "triangular": Triangular(gaussian(2, P, P)),
    "toeplitz": Toeplitz(0.5 ** np.arange(P)),
    "circulant": Circulant([2.0, -1.0, *np.zeros(P - 3), -1.0]),
    "on a grid": Kronecker(np.diff(np.eye(3), axis=0), Diagonal.identity(4)),
    "blocks": BlockDiagonal([np.eye(4), np.diff(np.eye(8), axis=0)]),
    "low rank": LowRankPlusDiagonal(np.ones(P), np.ones((P, 1))),
}
EACH = pytest.mark.parametrize("name", PENALTIES)


@EACH
@pytest.mark.parametrize("model", [Tikhonov(0.3), IterativeLeastSquares(0.3, tol=1e-12)])
def test_a_penalty_is_that_of_its_entries(name, model):
    penalty = PENALTIES[name]
    found = clone(model).set_params(penalty=penalty).fit(X, Y)
    expected = Tikhonov(0.3, penalty=penalty.to_dense()).fit(X, Y)
    assert_allclose(found.coef_, expected.coef_, rtol=1e-7, atol=1e-9)
    L = penalty.to_dense()
    centered = X - X.mean(axis=0)
    by_hand = np.linalg.solve(centered.T @ centered + 0.3 * L.T @ L, centered.T @ (Y - Y.mean()))
    assert_allclose(found.coef_, by_hand, rtol=1e-7, atol=1e-9)


def test_a_choice_of_alpha_and_a_search_over_penalties():
    penalty = PENALTIES["differences"]
    found = TikhonovCV("auto", penalty=penalty).fit(X, Y)
    named = TikhonovCV("auto", penalty="difference").fit(X, Y)
    assert found.alpha_ == named.alpha_
    search = GridSearchCV(Tikhonov(), {"penalty": [penalty, Diagonal.identity(P), None]}, cv=3)
    assert search.fit(X, Y).best_estimator_.coef_.shape == (P,)
    assert "Banded" in repr(Tikhonov(penalty=penalty))


def test_penalties_that_do_not_fit():
    with pytest.raises(ValueError, match=r"shape \(11,\); expected \(12,\)"):
        Tikhonov(penalty=Diagonal.identity(11)).fit(X, Y)
    with pytest.raises(ValueError, match=r"expected \(12,\) or \(n, 12\)"):
        Tikhonov(penalty=Banded((1, 1), np.ones((3, 11)))).fit(X, Y)
    for complex_one in (1j * Diagonal.identity(P), 1j * PENALTIES["toeplitz"]):
        with pytest.raises(ValueError, match="matrix of finite numbers"):
            Tikhonov(penalty=complex_one).fit(X, Y)


DATA = {
    "toeplitz": Toeplitz(np.exp(-np.arange(50) / 3.0), np.exp(-np.arange(30) / 3.0)),
    "banded": Banded((2, 1), gaussian(3, 4, 30), n_rows=32),
    "kronecker": Kronecker(gaussian(4, 8, 5), gaussian(5, 7, 6)),
    "blocks": BlockDiagonal([gaussian(6, 20, 15), gaussian(7, 30, 15)]),
    "circulant": Circulant(gaussian(8, 30)),
    "low rank": LowRankPlusDiagonal(np.ones(30), gaussian(9, 30, 2)),
}


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("model", [IterativeLeastSquares(0.1, tol=1e-12), Tikhonov(0.1)])
def test_data_of_a_structure_is_only_multiplied(name, model):
    matrix, dense = DATA[name], DATA[name].to_dense()
    y = gaussian(10, len(dense), 2)
    weights = np.random.default_rng(11).uniform(0.5, 2, len(dense))
    found = clone(model).fit(matrix, y, sample_weight=weights)
    expected = Tikhonov(0.1).fit(dense, y, sample_weight=weights)
    assert_allclose(found.coef_, expected.coef_, rtol=1e-5, atol=1e-6)
    assert_allclose(found.intercept_, expected.intercept_, rtol=1e-5, atol=1e-6)
    assert_allclose(found.predict(matrix), expected.predict(dense), rtol=1e-5, atol=1e-6)
    assert found.certificate_.holds
