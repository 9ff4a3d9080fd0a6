"""Problems: what they count as an answer, and that wrong answers are not certified."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from skstruct.linalg import (
    PartialSVD,
    Ridge,
    RidgeCoefficients,
    SingularTriplets,
    Structure,
    make_operand,
)


def matrix(n, p, storage=np.asarray, seed=0):
    rng = np.random.default_rng([n, p, seed])
    return storage(rng.standard_normal((n, p)) * (rng.random((n, p)) < 0.7) * np.logspace(0, -2, p))


DATA = {
    "tall": lambda: matrix(40, 8),
    "wide": lambda: matrix(8, 40),
    "csr": lambda: matrix(40, 8, sparse.csr_array),
    "float32": lambda: matrix(40, 8).astype(np.float32),
}
every_matrix = pytest.mark.parametrize("name", DATA)


def svd_problem(X, **question):
    operand = make_operand(X, center=True)
    return PartialSVD(operand.structure, operand, **question)


def exact_triplets(problem, k):
    _, s, right = np.linalg.svd(problem.operand.to_dense(), full_matrices=False)
    return SingularTriplets(s[:k].copy(), right[:k].copy())


# -- partial SVD --------------------------------------------------------------------------


@every_matrix
@pytest.mark.parametrize("k", [1, 3, 6])  # fewer and more than the probes are
@pytest.mark.parametrize("unit", [1.0, 1e-60, 1e60])
def test_exact_triplets_are_certified(name, k, unit):
    X = DATA[name]()
    if X.dtype == np.float32:
        unit = np.float32(unit**0.3)  # within its range
    problem = svd_problem(X * unit)
    certificate = problem.certify(exact_triplets(problem, k))
    assert certificate.holds
    assert certificate.value <= 1e-13
    assert certificate.asked == problem.tol


def rotated(answer, angle):
    """Mix the last vector with one outside the space of all of them."""
    right = answer.right.copy()
    outside = np.random.default_rng(1).standard_normal(right.shape[1])
    outside -= right.T @ (right @ outside)
    right[-1] = np.cos(angle) * right[-1] + np.sin(angle) * outside / np.linalg.norm(outside)
    return replace(answer, right=right)


WRONG = {
    "largest value": lambda a: replace(
        a, values=a.values * np.r_[1.01, np.ones(len(a.values) - 1)]
    ),
    "smallest value": lambda a: replace(
        a, values=a.values * np.r_[np.ones(len(a.values) - 1), 0.5]
    ),
    "values in another unit": lambda a: replace(a, values=a.values * 100),
    "values of zero": lambda a: replace(a, values=np.zeros_like(a.values)),
    "a value of zero": lambda a: replace(a, values=np.r_[a.values[:-1], 0.0]),
    "vectors": lambda a: rotated(a, 0.1),
    "vectors in another order": lambda a: replace(a, right=a.right[::-1]),
    "values that are not numbers": lambda a: replace(a, values=a.values * np.nan),
    "a value that is not a number": lambda a: replace(a, values=np.r_[a.values[:-1], np.nan]),
    "vectors that are not numbers": lambda a: replace(a, right=a.right * np.nan),
    "infinite vectors": lambda a: replace(a, right=a.right / 0.0),
}


@every_matrix
@pytest.mark.parametrize("k", [3, 6])
@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_triplets_are_not_certified(name, k, wrong):
    problem = svd_problem(DATA[name]())
    with np.errstate(all="ignore"):
        certificate = problem.certify(WRONG[wrong](exact_triplets(problem, k)))
    assert not certificate.holds


@every_matrix
@pytest.mark.parametrize("angle", [1e-3, 1e-6])
def test_the_certificate_measures_the_residual(name, angle):
    problem = svd_problem(DATA[name]())
    for k in (3, 6):
        answer = rotated(exact_triplets(problem, k), angle)
        A, V, s = problem.operand.to_dense(), answer.right.T, answer.values
        image = A.T @ (A @ V)
        outside = np.linalg.norm((image - V @ (V.T @ image)) / s**2)
        within = np.linalg.norm(V.T @ image / np.outer(s, s) - np.eye(k))
        true = np.hypot(outside, within)
        value = problem.certify(answer).value
        if k <= 4:
            assert value == pytest.approx(true, rel=1e-6)
        else:  # estimated from four random probes
            assert true / 10 < value < 10 * true


def test_no_triplets_need_no_evidence():
    problem = svd_problem(DATA["tall"]())
    assert problem.certify(SingularTriplets(np.empty(0), np.empty((0, 8)))).holds


def test_of_a_zero_matrix_all_is_zero():
    problem = svd_problem(np.zeros((5, 3)))
    assert problem.certify(SingularTriplets(np.zeros(2), np.eye(3)[:2])).holds
    assert not problem.certify(SingularTriplets(np.ones(2), np.eye(3)[:2])).holds


@pytest.mark.parametrize(
    ("energy", "count"),
    [(0.001, 1), (0.63, 1), (0.65, 2), (0.87, 2), (0.89, 3), (0.999, 4), (1.0, 5)],
)
def test_counts_that_hold_an_energy_fraction(energy, count):
    # energies 16, 6, 2, 1 of 25
    values = np.sqrt([16.0, 6.0, 2.0, 1.0])
    X = np.diag(values)
    operand = make_operand(X)
    problem = PartialSVD(operand.structure, operand, energy=energy)
    # of all the energy: more than there are
    assert problem.n_sufficient(values) == count
    cut = problem.truncate(SingularTriplets(values, np.eye(4)))
    assert len(cut.values) == len(cut.right) == min(count, 4)


def test_a_fraction_is_exceeded_not_reached():
    operand = make_operand(np.diag([1.0, 1.0]))
    problem = PartialSVD(operand.structure, operand, energy=0.5)
    assert problem.n_sufficient(np.ones(2)) == 2


def test_ranks():
    tall = Structure(100, 10)
    assert PartialSVD(tall).n_wanted == 10
    assert PartialSVD(tall).wants_all
    assert PartialSVD(tall, rank=10).wants_all
    assert PartialSVD(tall, rank=3).n_wanted == 3
    assert not PartialSVD(tall, rank=3).wants_all
    assert PartialSVD(tall, rank=3).n_sufficient(np.ones(7)) == 3
    assert PartialSVD(tall, rank=3).n_sufficient(np.ones(2)) == 2


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (PartialSVD(Structure(5, 3), rank=2), "2 leading components of a 5 x 3 float64 matrix"),
        (PartialSVD(Structure(5, 3)), "all components of a 5 x 3 float64 matrix (dense)"),
        (PartialSVD(Structure(5, 3), energy=0.9), "components holding 0.9 of the energy"),
        (
            PartialSVD(Structure(2000, 30, "float32", 600, centered=True, weighted=True), rank=1),
            "1 leading components of a centered weighted 2000 x 30 float32 matrix "
            "(sparse, 1.00% stored, tall)",
        ),
        (Ridge(Structure(5, 3)), "ridge regression of 1 target, alpha = 1, on a 5 x 3"),
        (
            Ridge(Structure(5, 30), alphas=np.array([1.0, 2.0, 1.0]), lower=np.zeros((1, 1))),
            "bounded ridge regression of 3 targets, 2 penalties, on a 5 x 30 float64 matrix "
            "(dense, wide)",
        ),
    ],
)
def test_problems_in_words(problem, text):
    assert str(problem).startswith(text)


# -- ridge --------------------------------------------------------------------------------


def ridge_problem(X, Y, alphas, **question):
    operand = make_operand(X, center=True)
    targets, _ = operand.prepare_targets(Y)
    return Ridge(operand.structure, operand, targets, np.asarray(alphas, float), **question)


def exact_coefficients(problem):
    A = problem.operand.to_dense()
    columns = [
        np.linalg.solve(A.T @ A + alpha * np.eye(A.shape[1]), A.T @ y)
        for y, alpha in zip(problem.targets.T, problem.alphas, strict=True)
    ]
    return np.column_stack(columns)


def targets(n):
    return np.random.default_rng(n).standard_normal((n, 3))


@every_matrix
def test_the_gradient(name):
    X = DATA[name]()
    problem = ridge_problem(X, targets(X.shape[0]), [0.1, 1.0, 0.1])
    A, coef = problem.operand.to_dense(), np.random.default_rng(1).standard_normal((X.shape[1], 3))
    expected = A.T @ (A @ coef - problem.targets) + problem.alphas * coef
    np.testing.assert_allclose(problem.gradient(coef), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(problem.correlations, A.T @ problem.targets, atol=1e-12)
    assert problem.n_targets == 3
    assert problem.n_penalties == 2


@every_matrix
def test_gram_and_correlations_come_from_the_same_pass(name):
    X = DATA[name]()
    problem = ridge_problem(X, targets(X.shape[0]), [0.1, 1.0, 0.1])
    A = problem.operand.to_dense()
    np.testing.assert_allclose(problem.gram(), A.T @ A, atol=1e-12)
    assert "correlations" in vars(problem)
    np.testing.assert_allclose(problem.correlations, A.T @ problem.targets, atol=1e-12)


@every_matrix
def test_exact_coefficients_are_certified(name):
    X = DATA[name]()
    problem = ridge_problem(X, targets(X.shape[0]), [0.1, 1.0, 0.1])
    certificate = problem.certify(RidgeCoefficients(exact_coefficients(problem)))
    assert certificate.holds
    assert certificate.value <= 1e-13


@every_matrix
@pytest.mark.parametrize("error", [1e-6, 1.0, np.nan, np.inf])
def test_wrong_coefficients_are_not_certified(name, error):
    X = DATA[name]()
    problem = ridge_problem(X, targets(X.shape[0]), [0.1, 1.0, 0.1])
    coef = exact_coefficients(problem)
    coef[2, 1] += error * np.abs(coef).max()
    with np.errstate(all="ignore"):
        assert not problem.certify(RidgeCoefficients(coef)).holds


@every_matrix
def test_the_certificate_at_zero_is_one(name):
    X = DATA[name]()
    problem = ridge_problem(X, targets(X.shape[0]), [0.1, 1.0, 0.1])
    value = problem.certify(RidgeCoefficients(np.zeros((X.shape[1], 3)))).value
    assert value == pytest.approx(1.0, rel=1e-6)


def test_a_gradient_that_was_measured_is_not_measured_again():
    problem = ridge_problem(DATA["tall"](), targets(40), [1.0, 1.0, 1.0])
    reported = RidgeCoefficients(exact_coefficients(problem), gradient=np.ones((8, 3)))
    assert not problem.certify(reported).holds


@pytest.mark.parametrize("unit", [1e-8, 1e8])
def test_the_certificate_does_not_depend_on_units(unit):
    X, Y = matrix(40, 8), targets(40)
    alphas = np.full(3, 1e-300)
    coef = np.random.default_rng(2).standard_normal((8, 3))
    expected = ridge_problem(X, Y, alphas).certify(RidgeCoefficients(coef)).value
    # a column in another unit, and a target in another unit
    units = np.ones((8, 1))
    units[3] = unit
    found = ridge_problem(X * units.T, Y, alphas).certify(RidgeCoefficients(coef / units)).value
    assert found == pytest.approx(expected, rel=1e-7)
    found = ridge_problem(X, Y * unit, alphas).certify(RidgeCoefficients(coef * unit)).value
    assert found == pytest.approx(expected, rel=1e-7)


def test_a_bounded_minimum_is_certified_by_its_multipliers():
    # The free answer is (1, -2); with w >= 0 it is (1, 0), where the gradient is (0, 2).
    operand = make_operand(np.eye(2))
    problem = Ridge(
        operand.structure,
        operand,
        np.array([[1.0], [-2.0]]),
        alphas=np.zeros(1),
        lower=np.zeros((1, 1)),
    )

    def certify(*coef):
        return problem.certify(RidgeCoefficients(np.array(coef)[:, None])).holds

    assert certify(1.0, 0.0)
    assert not certify(0.5, 0.0)  # descends further
    assert not certify(1.0, 0.5)  # the bound is better
    assert not certify(0.0, 0.0)  # may leave the bound
    assert (
        not replace(problem, lower=None).certify(RidgeCoefficients(np.array([[1.0], [0.0]]))).holds
    )


def test_a_negative_coefficient_is_no_answer_to_a_bounded_problem():
    operand = make_operand(np.eye(2))
    problem = Ridge(
        operand.structure,
        operand,
        np.array([[1.0], [-2.0]]),
        alphas=np.zeros(1),
        lower=np.zeros((1, 1)),
    )
    # the free minimum: no gradient is left, but it is out of bounds
    assert not problem.certify(RidgeCoefficients(np.array([[1.0], [-2.0]]))).holds


def test_a_target_orthogonal_to_all_columns_asks_for_no_impossible_digits():
    X = np.vstack([np.eye(3), np.zeros((3, 3))])
    operand = make_operand(X)
    y = np.r_[np.full(3, 1e-17), np.ones(3)][:, None]
    problem = Ridge(operand.structure, operand, y, alphas=np.zeros(1))
    assert problem.certify(RidgeCoefficients(np.zeros((3, 1)))).holds


def test_scales_of_columns_without_a_norm_are_one():
    operand = make_operand(np.array([[3.0, 0.0], [4.0, 0.0]]))
    problem = Ridge(operand.structure, operand, np.ones((2, 2)), alphas=np.array([0.0, 11.0]))
    np.testing.assert_allclose(problem.scales, [[5.0, 6.0], [1.0, np.sqrt(11.0)]])
