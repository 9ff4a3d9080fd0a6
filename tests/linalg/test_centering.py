"""Means found on the way, from rows that are unlike the others: no digit is lost to the guess."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skstruct.linalg._centering import (
    SAMPLE_ROWS,
    keeps_digits,
    provisional_mean,
    sample_of_rows,
)
from skstruct.linalg._dense_operand import DenseOperand

N, P = 4000, 8
RTOL = 1e-12


def noise():
    return np.random.default_rng(0).standard_normal((N, P))


def sampled():
    """Which rows the provisional mean is taken of."""
    index = sample_of_rows(np.arange(N)[:, None])[:, 0]
    assert len(index) == SAMPLE_ROWS
    return index


def plain():
    return noise(), None


def sorted_drift():
    return noise() + np.linspace(0, 1e4, N)[:, None] * np.linspace(-1, 1, P), None


def sampled_rows_far_away():
    X = noise()
    X[sampled()] += 1e4
    return X, None


def one_outlier_among_the_sampled():
    X = noise()
    X[sampled()[5], 2] = 1e9
    return X, None


def sampled_rows_without_weight():
    X, weights = noise(), np.random.default_rng(1).uniform(0.5, 2, N)
    X[sampled()] += 1e6
    weights[sampled()] = 0.0
    return X, weights


def all_weight_on_rows_not_sampled():
    X, weights = noise(), np.full(N, 1e-9)
    X[7::13] += 1e5
    weights[7::13] = 3.0
    weights[sampled()] = 0.0
    return X, weights


def an_offset_before_the_sample_is_taken_in():
    X = noise() + 1e8
    X[sampled()] -= 1e4
    return X, None


DATA = {
    f.__name__: f
    for f in (
        plain,
        sorted_drift,
        sampled_rows_far_away,
        one_outlier_among_the_sampled,
        sampled_rows_without_weight,
        all_weight_on_rows_not_sampled,
        an_offset_before_the_sample_is_taken_in,
    )
}


@pytest.fixture(params=DATA)
def case(request):
    """Return the data, its weights, and mean and A in long double."""
    X, weights = DATA[request.param]()
    exact = X.astype(np.longdouble)
    w = np.ones(N) if weights is None else weights
    mean = (w[:, None] * exact).sum(axis=0) / w.sum()
    return X, weights, mean, np.sqrt(w.astype(np.longdouble))[:, None] * (exact - mean)


def assert_gram(found, A):
    exact = (A.T @ A).astype(np.float64)
    size = np.sqrt(exact.diagonal())
    assert_array_equal(np.isfinite(found), True)
    assert np.abs((found - exact) / np.outer(size, size)).max() <= RTOL


def assert_squares(operand, A):
    squares = np.square(A).sum(axis=0).astype(np.float64)
    assert_allclose(operand.column_sq_norms, squares, rtol=RTOL)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("gram_first", [True, False])
def test_gram_and_squares(case, order, gram_first):
    X, weights, _, A = case
    operand = DenseOperand(np.asarray(X, order=order), weights, center=True)
    if gram_first:
        gram = operand.gram()
        assert_squares(operand, A)
    else:
        assert_squares(operand, A)
        gram = operand.gram()
    assert_gram(gram, A)
    assert_gram(operand.gram(), A)  # now that the mean is known


@pytest.mark.parametrize("gram_first", [True, False])
def test_mean(case, gram_first):
    X, weights, mean, A = case
    operand = DenseOperand(X, weights, center=True)
    if gram_first:
        operand.gram()
    # To RTOL of the deviations, or to some rounding errors of the mean itself.
    deviations = np.sqrt(np.square(A).sum(axis=0).astype(float) / operand.total_weight)
    allowed = RTOL * deviations + 64 * np.finfo(float).eps * np.abs(mean.astype(float))
    assert np.all(np.abs((operand.mean - mean).astype(float)) <= allowed)


def test_cross_products(case):
    X, weights, _, A = case
    operand = DenseOperand(X, weights, center=True)
    Y = operand.prepare_targets(np.random.default_rng(2).standard_normal((N, 2)) + 5.0)[0]
    cross = operand.normal_equations(Y)[1]
    exact = (A.T @ Y.astype(np.longdouble)).astype(float)
    size = np.linalg.norm(A.astype(float), axis=0)[:, None] * np.linalg.norm(Y, axis=0)
    assert np.abs((cross - exact) / size).max() <= RTOL


@pytest.mark.parametrize("value", [0.1, 1e6 + 0.3, 0.0])
@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("gram_first", [True, False])
def test_constant_columns_are_centred_to_exact_zeros(value, name, gram_first):
    X, weights = DATA[name]()
    X[:, [1, 6]] = value
    operand = DenseOperand(X, weights, center=True)
    if not gram_first:
        assert_array_equal(operand.mean[[1, 6]], value)
    gram = operand.gram()
    assert_array_equal(gram[[1, 6]], 0.0)
    assert_array_equal(gram[:, [1, 6]], 0.0)
    assert_array_equal(operand.column_sq_norms[[1, 6]], 0.0)
    assert_array_equal(operand.mean[[1, 6]], value)
    assert_array_equal(operand.to_dense()[:, [1, 6]], 0.0)


def test_provisional_mean():
    assert_array_equal(provisional_mean(np.full((30, 2), 0.1)), 0.1)
    assert_array_equal(provisional_mean(np.full((7, 2), 0.1, np.float32)), np.float32(0.1))
    assert_allclose(provisional_mean(np.array([[1e15], [1e15 + 2]])), 1e15 + 1, rtol=0)


def test_few_rows_are_sampled_all():
    assert_array_equal(sample_of_rows(np.arange(5)[:, None])[:, 0], np.arange(5))


def test_keeps_digits():
    assert keeps_digits(np.array([0.0, 99.0]), np.array([0.0, 1.0]))
    assert not keeps_digits(np.array([0.0, 101.0]), np.array([1.0, 1.0]))
