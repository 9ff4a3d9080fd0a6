"""The routes to a Spectrum, their certificates and plans, and the standard form of a penalty."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from skstruct.linalg import (
    DiagonalPenalty,
    IdentityPenalty,
    Penalty,
    RidgePath,
    StandardForm,
    Structure,
    automatic_grid,
    coefficient_path,
    difference_penalty,
    grid_of,
    left_out_error,
    left_out_residuals,
    make_operand,
    plan_for,
    run,
)
from skstruct.linalg._ridge_path import GRAM_RESOLUTION

SOLVERS = ["covariance_eigh", "gram_eigh", "svd"]
SHAPES = {"tall": (40, 7), "wide": (9, 30), "square": (12, 12)}
ALPHAS = np.array([1e-3, 0.5, 100.0])
PENALTIES = ["identity", "difference", "factors", "matrix"]


def penalty_named(name, p):
    """Return the penalty, and L written out."""
    rng = np.random.default_rng(p)
    match name:
        case "identity":
            return IdentityPenalty(p), np.eye(p)
        case "difference":
            return difference_penalty(p, 2), np.diff(np.eye(p), 2, axis=0)
        case "factors":
            factors = rng.uniform(0.5, 2, p)
            factors[[1, 3]] = 0.0
            return DiagonalPenalty(factors), np.diag(np.sqrt(factors))
        case "matrix":
            L = rng.standard_normal((p - 2, p))
            return Penalty(L), L


def data(rng, shape, density=0.6):
    X = rng.standard_normal(shape) + rng.uniform(-1, 1, shape[1])
    X[rng.random(shape) > density] = 0.0
    return X, rng.standard_normal((shape[0], 2)) + 2


def path_of(X, Y, alphas=ALPHAS, weights=None, *, center=True, penalty=None):
    operand = make_operand(X, weights, center=center)
    targets, _ = operand.prepare_targets(Y)
    form = StandardForm(operand, targets, penalty or IdentityPenalty(X.shape[1]))
    return RidgePath(form.operand.structure, form, alphas, Y.shape[1])


def explicit(X, Y, weights, center):
    """Return A and y, centred and weighted."""
    X = X.toarray() if sparse.issparse(X) else X.astype(float)
    w = np.ones(len(X)) if weights is None else weights
    root = np.sqrt(w)[:, None]
    if center:
        X, Y = X - np.average(X, 0, w), Y - np.average(Y, 0, w)
    return root * X, root * Y


def left_over(A, Y, penalty):
    """Return (I - Q Q') A T, (I - Q Q') y and Q, from the null space of L."""
    _, L = penalty
    _, s, right = np.linalg.svd(L)
    rank = np.count_nonzero(s > 1e-12 * s[0])
    T, N = right[:rank].T / s[:rank], right[rank:].T
    U, s, _ = np.linalg.svd(A @ N, full_matrices=False)
    Q = U[:, s > 1e-12]
    return A @ T - Q @ (Q.T @ A @ T), Y - Q @ (Q.T @ Y), Q


# -- the spectrum --------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("make", [np.asarray, np.asfortranarray, sparse.csr_array])
@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_factorisation_is_that_of_the_explicit_matrix(
    solver, shape, make, name, center, weighted
):
    rng = np.random.default_rng(1)
    X, Y = data(rng, shape)
    n, p = shape
    weights = rng.uniform(0.3, 3, n) if weighted else None
    penalty = penalty_named(name, p)
    path = path_of(make(X), Y, weights=weights, center=center, penalty=penalty[0])
    solution = run(path, (solver,))
    spectrum = solution.answer
    assert solution.solver == solver
    assert solution.certificate.holds

    A, y = explicit(X, Y, weights, center)
    B, z, Q = left_over(A, y, penalty)
    U, s, _ = np.linalg.svd(B, full_matrices=False)
    rank = np.count_nonzero(s > 1e-10 * s[0])
    U, s = U[:, :rank], s[:rank]
    size = np.linalg.norm(y) ** 2
    assert spectrum.n_observations == n
    assert spectrum.n_fixed == Q.shape[1] + center
    assert_allclose(spectrum.sq_values, s**2, atol=1e-12 * s[0] ** 2)
    assert_allclose(np.abs(spectrum.projections), np.abs(U.T @ z), atol=1e-8 * np.sqrt(size))
    outside = np.sum((z - U @ (U.T @ z)) ** 2, axis=0)
    assert_allclose(spectrum.outside_sq, outside, atol=1e-10 * size)
    for j, alpha in enumerate(ALPHAS):
        inverse = np.linalg.inv(B.T @ B + alpha * np.eye(B.shape[1]))
        coef = inverse @ B.T @ z
        assert_allclose(spectrum.filters(ALPHAS)[:, j], s**2 / (s**2 + alpha), atol=1e-9)
        assert_allclose(
            spectrum.complements(ALPHAS)[:, j], alpha / (s**2 + alpha), rtol=1e-6, atol=1e-12
        )
        edf = center + Q.shape[1] + np.trace(B @ inverse @ B.T)
        assert_allclose(spectrum.degrees_of_freedom(ALPHAS)[j], edf, rtol=1e-9)
        residual = np.sum((z - B @ coef) ** 2, axis=0)
        assert_allclose(spectrum.residual_sq(ALPHAS)[j], residual, atol=1e-9 * size)
        norms = np.sum(coef**2, axis=0)
        assert_allclose(spectrum.coef_sq(ALPHAS)[j], norms, rtol=1e-7)
        found = spectrum.coefficients(path.operand, np.full(2, alpha))
        assert np.linalg.norm(B @ (path_to(B, found, penalty, path) - coef)) < 1e-8 * np.sqrt(size)


def path_to(B, coef, penalty, path):
    """Return coefficients of the operand's B in the basis of ours: B may use another T."""
    ours = B
    theirs = path.operand.to_dense()
    rotation = np.linalg.lstsq(ours, theirs, rcond=1e-12)[0]
    return rotation @ coef


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_vectors_are_orthonormal_and_rows_of_u_agree(solver, shape):
    rng = np.random.default_rng(2)
    X, Y = data(rng, shape)
    path = path_of(X, Y)
    spectrum = run(path, (solver,)).answer
    A, _ = explicit(X, Y, None, True)
    k = len(spectrum.sq_values)
    assert k == np.linalg.matrix_rank(A)
    U = spectrum.left_rows(path.operand, slice(0, shape[0]))
    assert_allclose(U.T @ U, np.eye(k), atol=1e-9)
    assert_allclose(np.square(U.T @ A).sum(axis=1), spectrum.sq_values, rtol=1e-8)
    some = spectrum.left_rows(path.operand, slice(3, 6))
    assert_allclose(some, U[3:6], atol=1e-12)
    kept = spectrum.without_vectors()
    assert kept.left is None
    assert kept.right is None


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_coefficients_of_penalties_for_each_target_are_refined(solver, shape):
    rng = np.random.default_rng(3)
    X, Y = data(rng, shape)
    path = path_of(X, Y)
    spectrum = run(path, (solver,)).answer
    alphas = np.array([1e-3, 10.0])
    answer, problem = path.at(spectrum, alphas)
    assert problem.certify(answer).holds
    A, y = explicit(X, Y, None, True)
    for i, alpha in enumerate(alphas):
        stacked = np.vstack([A, np.sqrt(alpha) * np.eye(shape[1])])
        rhs = np.r_[y[:, i], np.zeros(shape[1])]
        expected = np.linalg.lstsq(stacked, rhs)[0]
        assert_allclose(answer.coef[:, i], expected, atol=1e-10 * np.abs(expected).max())
        hat = A @ np.linalg.inv(A.T @ A + alpha * np.eye(shape[1])) @ A.T
        assert_allclose(answer.edf[i], 1 + np.trace(hat), rtol=1e-9)


@pytest.mark.parametrize("solver", ["covariance_eigh", "gram_eigh"])
@pytest.mark.parametrize("n_constant", [0, 3])
def test_a_gram_matrix_finds_the_rank_that_the_svd_finds(solver, n_constant):
    # Centred wide data has one direction less than rows, and its Gram matrix an eigenvalue there
    # that is a rounding error; columns of a constant have others.
    wrong = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X, Y = rng.standard_normal((40, 60)) + rng.uniform(-2, 2, 60), rng.standard_normal((40, 1))
        X[:, :n_constant] = 7.0
        path = path_of(X, Y, weights=rng.uniform(0.3, 3, 40))
        expected, spectrum = (run(path, (name,)).answer for name in ("svd", solver))
        if len(spectrum.sq_values) != len(expected.sq_values):
            wrong.append(seed)
    assert not wrong


@pytest.mark.parametrize("solver", SOLVERS)
def test_left_out_errors_do_not_depend_on_the_factorisation_or_on_blocks(solver):
    rng = np.random.default_rng(4)
    X, Y = data(rng, (1500, 6))
    path = path_of(X, Y, weights=rng.uniform(0.3, 3, 1500))
    if solver == "gram_eigh":
        path = path_of(X[:30], Y[:30])
    spectrum = run(path, (solver,)).answer
    residuals, leverages = left_out_residuals(spectrum, path.form, ALPHAS)
    assert_allclose(
        left_out_error(spectrum, path.form, ALPHAS), np.square(residuals).mean(axis=0), rtol=1e-12
    )
    edf = spectrum.degrees_of_freedom(ALPHAS)
    assert_allclose(leverages.sum(axis=0), edf, rtol=1e-9)


def test_zero_data_has_an_empty_spectrum():
    for shape in SHAPES.values():
        path = path_of(np.ones(shape), np.arange(2.0 * shape[0]).reshape(-1, 2))
        for solver in SOLVERS:
            spectrum = run(path, (solver,)).answer
            assert len(spectrum.sq_values) == 0
            assert_allclose(spectrum.degrees_of_freedom(ALPHAS), 1.0)
            assert_allclose(spectrum.outside_sq, np.square(path.targets).sum(axis=0))
            assert_allclose(spectrum.coefficients(path.operand, np.ones(2)), 0.0)
            assert spectrum.error(ALPHAS) == 0.0


# -- escalation and plans ------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_small_penalties_are_left_to_the_svd(shape):
    rng = np.random.default_rng(5)
    X, Y = data(rng, shape)
    largest = np.linalg.norm(explicit(X, Y, None, True)[0], 2) ** 2
    gram = "covariance_eigh" if shape[0] > shape[1] else "gram_eigh"
    for share, solver in ((1.5, gram), (0.5, "svd"), (1e-6, "svd")):
        alphas = GRAM_RESOLUTION * largest * np.array([1e4, share])
        solution = run(path_of(X, Y, alphas), (gram,))
        assert solution.solver == solver
        assert solution.certificate.holds
        assert solution.escalated_from == (None if solver == gram else gram)
        if solver == "svd":
            assert "smallest penalty" in solution.plan.attempts[0].outcome
            assert solution.answer.resolution == 0.0
            assert solution.answer.error(alphas) == 0.0
    # without penalties the Gram matrix says how far it may be asked
    spectrum = run(path_of(X, Y, None), (gram,)).answer
    assert spectrum.resolution > 0
    assert_allclose(grid_of(spectrum)[0], GRAM_RESOLUTION * largest, rtol=1e-9)
    assert spectrum.error(grid_of(spectrum)) < 2e-8
    spectrum = run(path_of(X, Y, None), ("svd",)).answer
    assert grid_of(spectrum)[0] < 1e-13 * largest


def test_the_svd_keeps_the_digits_of_small_singular_values():
    rng = np.random.default_rng(6)
    U, V = (np.linalg.qr(rng.standard_normal((n, 8)))[0] for n in (30, 8))
    s = np.geomspace(1, 1e-10, 8)
    X, Y = (U * s) @ V.T, rng.standard_normal((30, 1))
    alphas = np.array([1e-18, 1e-12])
    solution = run(path_of(X, Y, alphas, center=False))
    assert solution.solver == "svd"
    assert_allclose(solution.answer.sq_values, s**2, rtol=1e-4)
    assert_allclose(
        solution.answer.filters(alphas), s[:, None] ** 2 / (s[:, None] ** 2 + alphas), rtol=1e-4
    )


def test_certificates_measure_the_gradient_at_the_smallest_penalty():
    rng = np.random.default_rng(7)
    X, Y = data(rng, (40, 7))
    path = path_of(X, Y)
    spectrum = run(path).answer
    assert path.certify(spectrum).holds
    wrong = type(spectrum)(
        spectrum.sq_values * (1 + 1e-3),
        spectrum.projections,
        spectrum.outside_sq,
        spectrum.n_observations,
        spectrum.n_fixed,
        right=spectrum.right,
    )
    assert not path.certify(wrong).holds


@pytest.mark.parametrize(
    ("shape", "solver"),
    [
        ((2000, 30), "covariance_eigh"),
        ((100_000, 300), "covariance_eigh"),
        ((30, 2000), "gram_eigh"),
        ((300, 100_000), "gram_eigh"),
    ],
)
def test_the_plan_factorises_the_shorter_side(shape, solver):
    plan = plan_for(RidgePath(Structure(*shape)))
    assert plan.chosen == solver
    assert plan.order == (solver, "svd")
    assert "ridge path of all penalties" in str(plan)
    assert plan_for(RidgePath(Structure(*shape)), ("svd",)).chosen == "svd"


def test_the_automatic_grid_has_ten_to_a_decade():
    grid = automatic_grid(3.0)
    assert_allclose(np.diff(np.log10(grid)), 0.1, rtol=0.01)
    assert_allclose([grid[0], grid[-1]], [3 * GRAM_RESOLUTION, 300.0])
    assert np.all(automatic_grid(0.0) > 0)


# -- standard form -------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("center", [False, True])
def test_the_operand_of_the_standard_form_is_the_projected_product(shape, name, make, center):
    rng = np.random.default_rng(8)
    X, Y = data(rng, shape)
    weights = rng.uniform(0.3, 3, shape[0])
    penalty = penalty_named(name, shape[1])
    form = path_of(make(X), Y, weights=weights, center=center, penalty=penalty[0]).form
    A, y = explicit(X, Y, weights, center)
    T = np.eye(shape[1])
    if name != "identity":
        T = penalty[0].standard_form[0]
        T = T.toarray() if sparse.issparse(T) else T
    _, z, Q = left_over(A, y, penalty)
    B = A @ T - Q @ (Q.T @ (A @ T))
    operand = form.operand
    size = np.linalg.norm(B)
    assert operand.shape == B.shape
    assert_allclose(operand.to_dense(), B, atol=1e-12 * size)
    assert_allclose(operand.dense_block(slice(2, 5)), B[2:5], atol=1e-12 * size)
    assert_allclose(operand.column_sq_norms, np.square(B).sum(axis=0), atol=1e-12 * size**2)
    assert_allclose(operand.sq_norm, size**2, rtol=1e-12)
    assert_allclose(operand.gram(), B.T @ B, atol=1e-12 * size**2)
    assert_allclose(operand.outer_gram(), B @ B.T, atol=1e-12 * size**2)
    gram, products = operand.normal_equations(form.targets)
    assert_allclose(gram, B.T @ B, atol=1e-12 * size**2)
    assert_allclose(products, B.T @ z, atol=1e-12 * size * np.linalg.norm(y))
    assert_allclose(form.targets, z, atol=1e-12 * np.linalg.norm(y))
    V, U = rng.standard_normal((B.shape[1], 3)), rng.standard_normal((B.shape[0], 3))
    assert_allclose(operand.matmat(V), B @ V, atol=1e-11 * size)
    assert_allclose(operand.rmatmat(U), B.T @ U, atol=1e-11 * size)
    assert_allclose(np.sum(U * operand.matmat(V)), np.sum(V * operand.rmatmat(U)), atol=1e-11)
    assert_allclose(form.fixed @ form.fixed.T, Q @ Q.T, atol=1e-11)
    fixed = form.fixed_directions()
    assert fixed.shape[1] == form.n_fixed == Q.shape[1] + center
    assert_allclose(fixed.T @ fixed, np.eye(form.n_fixed), atol=1e-12)
    assert_allclose(fixed.T @ B, 0.0, atol=1e-12 * size)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_restored_coefficients_solve_the_problem_with_the_penalty(shape, name, solver):
    rng = np.random.default_rng(9)
    X, Y = data(rng, shape)
    penalty, L = penalty_named(name, shape[1])
    path = path_of(X, Y, penalty=penalty)
    spectrum = run(path, (solver,)).answer
    A, y = explicit(X, Y, None, True)
    V = spectrum.coefficient_path(path.operand, ALPHAS)
    found = path.form.restore(V)
    assert found.shape == (shape[1], len(ALPHAS), 2)
    kept = coefficient_path(spectrum, path.form)(ALPHAS)
    for j, alpha in enumerate(ALPHAS):
        stacked = np.vstack([A, np.sqrt(alpha) * L])
        rhs = np.vstack([y, np.zeros((len(L), 2))])
        expected = np.linalg.lstsq(stacked, rhs)[0]
        tol = 1e-8 * np.abs(expected).max()
        assert_allclose(found[:, j], expected, atol=tol)
        assert_allclose(path.form.restore(V[:, j]), expected, atol=tol)
        assert_allclose(kept[j].T, expected, atol=tol)


def test_a_long_path_is_not_kept():
    # 2^24 numbers: none of these is formed
    rng = np.random.default_rng(10)
    X, Y = rng.standard_normal((30, 40)), rng.standard_normal((30, 1))
    path = path_of(X, Y)
    spectrum = run(path).answer
    assert coefficient_path(spectrum, path.form).basis.shape == (40, 29)

    class Long:
        n_features = 2**20

    assert coefficient_path(spectrum, Long()) is None


def test_free_directions_that_the_data_does_not_determine_are_no_part_of_the_fit():
    # a column of zeros without a penalty
    rng = np.random.default_rng(11)
    X, Y = rng.standard_normal((20, 4)), rng.standard_normal((20, 2))
    X[:, 2] = 0.0
    path = path_of(X, Y, penalty=DiagonalPenalty(np.array([1.0, 1.0, 0.0, 0.0])))
    assert path.form.n_fixed == 2
    coef = path.form.restore(run(path).answer.coefficients(path.operand, np.ones(2)))
    assert_allclose(coef[2], 0.0)
    rest = path_of(X[:, [0, 1, 3]], Y, penalty=DiagonalPenalty(np.array([1.0, 1.0, 0.0])))
    expected = rest.form.restore(run(rest).answer.coefficients(rest.operand, np.ones(2)))
    assert_allclose(coef[[0, 1, 3]], expected, atol=1e-12)
