"""Every ridge solver against least squares in extended precision and exact rationals."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import nnls

from skstruct.linalg import InapplicableSolver, Ridge, make_operand, run
from skstruct.linalg.solvers import SOLVERS

ITERATIVE = ("cg", "lsmr", "lsqr")
LINEAR = ("gram_cholesky", "dual_cholesky", "eigen", *ITERATIVE, "qr", "svd")
SHAPES = {"tall": (60, 8), "wide": (8, 30), "square": (12, 12)}
ALPHAS = [0.0, 1e-8, 1e-2, 1.0, 1e6]
CONDITIONING = ["well", "six decades", "twelve decades", "near-duplicates"]

# name -> (storage, dtype, weighted, centred)
VARIANTS = {
    "dense": ("C", np.float64, False, False),
    "dense-weighted-centred": ("F", np.float64, True, True),
    "dense-float32-centred": ("C", np.float32, False, True),
    "csr-weighted-centred": ("csr", np.float64, True, True),
    "csr-float32-weighted": ("csr", np.float32, True, False),
}


# -- the oracle ---------------------------------------------------------------------------


def householder_least_squares(A, Y):
    """Minimise ||A W - Y|| by Householder reflections in extended precision.

    Columns are scaled first. Written out, as LAPACK has no extended precision.
    """
    A, Y = A.copy(), Y.copy()
    p = A.shape[1]
    scale = np.sqrt((A**2).sum(axis=0))
    scale[scale == 0] = 1
    A /= scale
    for j in range(p):
        v = A[j:, j].copy()
        norm = np.sqrt(v @ v)
        if norm == 0:
            continue
        v[0] += norm if v[0] >= 0 else -norm
        v /= np.sqrt(v @ v)
        A[j:] -= 2 * np.outer(v, v @ A[j:])
        Y[j:] -= 2 * np.outer(v, v @ Y[j:])
    W = np.zeros((p, Y.shape[1]), dtype=np.longdouble)
    for j in reversed(range(p)):
        W[j] = (Y[j] - A[j, j + 1 :] @ W[j + 1 :]) / A[j, j]
    return W / scale[:, None]


def augmented(A, y, alpha):
    """[A; sqrt(alpha) I] and [y; 0]."""
    p = A.shape[1]
    if alpha == 0:
        return A, y
    root = np.sqrt(np.longdouble(alpha)) * np.eye(p, dtype=np.longdouble)
    return np.vstack([A, root]), np.r_[y, np.zeros(p, dtype=np.longdouble)]


def oracle(A, Y, alphas):
    columns = []
    for y, alpha in zip(Y.T, alphas, strict=True):
        B, c = augmented(A, y, alpha)
        columns.append(householder_least_squares(B, c[:, None])[:, 0])
    return np.column_stack(columns)


def explicit(X, Y, weights, center):
    """A and the prepared targets in extended precision."""
    A = X.toarray() if sparse.issparse(X) else X
    A, Y = A.astype(np.longdouble), Y.astype(np.longdouble)
    w = np.ones(len(A), dtype=np.longdouble) if weights is None else weights.astype(np.longdouble)
    if center:
        A, Y = A - (w @ A) / w.sum(), Y - (w @ Y) / w.sum()
    root = np.sqrt(w)[:, None]
    return root * A, root * Y


# -- the cases ----------------------------------------------------------------------------


def matrix(conditioning, n, p, rng):
    X = rng.standard_normal((n, p))
    if conditioning == "six decades":
        X *= rng.permutation(np.logspace(-3, 3, p))
    elif conditioning == "twelve decades":
        X *= rng.permutation(np.logspace(-6, 6, p))
    elif conditioning == "near-duplicates":
        X[:, 1] = X[:, 0] * (1 + 1e-6 * rng.standard_normal(n))
        X[:, 3] = X[:, 2] * (1 + 1e-6 * rng.standard_normal(n))
    return X


def store(X, storage, dtype, rng):
    X = X.astype(dtype)
    if storage == "csr":
        # Whole pairs of columns lose an entry together, so that duplicates remain.
        kept = np.repeat(rng.random((X.shape[0], (X.shape[1] + 1) // 2)) < 0.8, 2, axis=1)
        return sparse.csr_array(X * kept[:, : X.shape[1]])
    return np.asarray(X, order=storage)


def ask(solver, X, Y, alphas, weights=None, *, center=False, **options):
    operand = make_operand(X, weights, center=center)
    targets, _ = operand.prepare_targets(Y)
    problem = Ridge(
        operand.structure,
        operand,
        targets,
        alphas=np.asarray(alphas, dtype=float),
        **options,
    )
    return run(problem, (solver,))


def smallest_scaled_singular_value(A, alpha):
    B = np.asarray(augmented(A, A[:, 0], alpha)[0], dtype=float)
    norms = np.linalg.norm(B, axis=0)
    return np.linalg.svd(B / np.where(norms > 0, norms, 1), compute_uv=False)[-1]


def tolerances(solver, A, alphas, tol):
    """Errors that are allowed of fitted values and, or None, of scaled coefficients."""
    sigma = min(smallest_scaled_singular_value(A, alpha) for alpha in alphas)
    fitted = 1e-10
    if solver in ITERATIVE or (solver == "dual_cholesky" and A.shape[0] >= A.shape[1]):
        # Iteration stops at a gradient; the fitted values are within |g| / sigma of the optimum. So
        # does the dual of a matrix that is not wide: AA' then has no more than alpha for its
        # smallest eigenvalue, and the certificate decides how far that may go.
        fitted += 2 * tol * np.sqrt(A.shape[1]) / sigma
    return fitted, (fitted / sigma if sigma > 1e-3 else None)


def assert_agrees(answer, A, Y, alphas, allowed):
    expected = oracle(A, Y, alphas)
    fitted, coefficients = allowed
    size = np.sqrt((Y**2).sum(axis=0))
    norms = np.sqrt((A**2).sum(axis=0)[:, None] + alphas)
    # Coefficients that cancel each other, as those of near-duplicates do, have fitted values
    # with the rounding error of their size: even the exact ones, rounded to float64.
    cancelling = 100 * np.finfo(float).eps * np.sqrt(((norms * expected) ** 2).sum(axis=0))
    error = np.sqrt(((A @ answer.coef - A @ expected) ** 2).sum(axis=0))
    assert np.all(error <= fitted * size + cancelling)
    if coefficients is not None:
        error = np.abs(norms * (answer.coef - expected))
        assert np.all(error <= coefficients * size)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("conditioning", CONDITIONING)
@pytest.mark.parametrize("solver", LINEAR)
def test_against_extended_precision(solver, conditioning, shape, variant):
    storage, dtype, weighted, center = VARIANTS[variant]
    n, p = shape
    rng = np.random.default_rng([CONDITIONING.index(conditioning), n, p])
    X = store(matrix(conditioning, n, p, rng), storage, dtype, rng)
    weights = rng.uniform(0.3, 3.0, n) if weighted else None
    Y = rng.standard_normal((n, 3)) + 5.0
    A, targets = explicit(X, Y, weights, center)
    tol = 1e-11 if solver in ITERATIVE else 1e-8
    # one target at every penalty, then three targets with a penalty each
    questions = [(slice(0, 1), [alpha]) for alpha in ALPHAS] + [(slice(None), [1e-2, 1e6, 1.0])]
    for columns, alphas in questions:
        if alphas == [0.0] and (n - center < p or solver == "dual_cholesky"):
            continue  # not unique, or not applicable: tested below
        solution = ask(solver, X, Y[:, columns], alphas, weights, center=center, tol=tol)
        answer = solution.answer
        assert answer.coef.shape == (p, len(alphas))
        reached = max(tol, solution.certificate.value)
        allowed = tolerances(solver, A, alphas, reached)
        assert_agrees(answer, A, targets[:, columns], alphas, allowed)
        # 1e-11 is more than the rounding errors of near-duplicates allow
        assert solution.certificate.value <= max(tol, 1e-8)


@pytest.mark.parametrize("storage", ["C", "csr"])
@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("solver", ["gram_cholesky", "eigen", "cg", "svd"])
def test_wide_without_a_penalty_interpolates(solver, center, storage):
    rng = np.random.default_rng(0)
    X = store(matrix("well", 8, 30, rng), storage, np.float64, rng)
    Y = rng.standard_normal((8, 2))
    solution = ask(solver, X, Y, [0.0, 0.0], center=center)
    A, targets = (np.asarray(M, dtype=float) for M in explicit(X, Y, None, center))
    np.testing.assert_allclose(A @ solution.answer.coef, targets, atol=1e-7)
    if solution.solver == "svd":
        # of all that interpolate the one of minimum norm
        np.testing.assert_allclose(
            solution.answer.coef, np.linalg.pinv(A, rcond=1e-12) @ targets, atol=1e-10
        )
        assert solution.answer.rank == 8 - center


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("solver", LINEAR)
def test_per_target_penalties_are_separate_problems(solver, n_targets):
    rng = np.random.default_rng(1)
    X, Y = rng.standard_normal((20, 6)), rng.standard_normal((20, n_targets))
    alphas = np.array([0.1, 0.1, 30.0])[:n_targets]  # two share a factorisation
    together = ask(solver, X, Y, alphas, tol=1e-12).answer.coef
    for i, alpha in enumerate(alphas):
        alone = ask(solver, X, Y[:, [i]], [alpha], tol=1e-12).answer.coef
        np.testing.assert_allclose(together[:, [i]], alone, atol=1e-10)


# -- exact arithmetic ---------------------------------------------------------------------


def rational_ridge(X, y, w, alpha, center):
    """Solve (A'A + alpha I) c = A'y with fractions, by Gaussian elimination."""
    X = [[Fraction(int(x)) for x in row] for row in X]
    y, w = [Fraction(int(v)) for v in y], [Fraction(int(v)) for v in w]
    p = len(X[0])
    if center:
        total = sum(w)
        means = [sum(wi * r[j] for wi, r in zip(w, X, strict=True)) / total for j in range(p)]
        offset = sum(wi * yi for wi, yi in zip(w, y, strict=True)) / total
        X = [[x - m for x, m in zip(row, means, strict=True)] for row in X]
        y = [yi - offset for yi in y]
    rows = list(zip(X, y, w, strict=True))
    system = [
        [sum(wi * r[j] * r[k] for r, _, wi in rows) + (alpha if j == k else 0) for k in range(p)]
        + [sum(wi * r[j] * yi for r, yi, wi in rows)]
        for j in range(p)
    ]
    for j in range(p):
        pivot = next(i for i in range(j, p) if system[i][j] != 0)
        system[j], system[pivot] = system[pivot], system[j]
        system[j] = [value / system[j][j] for value in system[j]]
        for i in range(p):
            if i != j:
                factor = system[i][j]
                system[i] = [a - factor * b for a, b in zip(system[i], system[j], strict=True)]
    return np.array([float(row[-1]) for row in system])


@pytest.mark.parametrize("alpha", [Fraction(0), Fraction(1, 1024), Fraction(1), Fraction(10**6)])
@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("solver", LINEAR)
def test_against_exact_rationals(solver, weighted, center, alpha):
    if alpha == 0 and solver == "dual_cholesky":
        return
    rng = np.random.default_rng(11)
    X = rng.integers(-9, 10, (7, 3))
    y = rng.integers(-20, 20, 7)
    weights = np.array([1, 2, 0, 3, 1, 5, 1]) if weighted else np.ones(7, dtype=int)
    expected = rational_ridge(X, y, weights, alpha, center)
    for data in (X.astype(float), X.astype(np.float32), sparse.csr_array(X.astype(float))):
        solution = ask(
            solver,
            data,
            y[:, None],
            [float(alpha)],
            weights.astype(float) if weighted else None,
            center=center,
            tol=1e-13 if solver in ITERATIVE else 1e-8,
        )
        error = np.abs(solution.answer.coef[:, 0] - expected)
        # the dual of a tall matrix has a condition number of |A|^2 / alpha: see `tolerances`
        allowed = 1e-9 if solver == "dual_cholesky" else 1e-11
        assert np.all(error <= allowed * np.abs(expected).max())


@pytest.mark.parametrize("solver", ["gram_cholesky", "eigen", "qr", "svd"])
def test_a_hilbert_matrix_in_exact_rationals(solver):
    # Integers of a notoriously ill conditioned matrix: lcm(1..11) times the 6 x 6 Hilbert
    # matrix, condition number 1.5e7, without a penalty.
    hilbert = np.array([[27720 // (i + j + 1) for j in range(6)] for i in range(6)])
    y = np.arange(1, 7)
    expected = rational_ridge(hilbert, y, np.ones(6), Fraction(0), False)
    solution = ask(solver, hilbert.astype(float), y[:, None], [0.0])
    np.testing.assert_allclose(hilbert @ solution.answer.coef[:, 0], y, atol=1e-9)
    np.testing.assert_allclose(solution.answer.coef[:, 0], expected, rtol=1e-6)


# -- degenerate data ----------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("solver", LINEAR)
def test_constant_zero_and_duplicated_columns(solver, alpha):
    if alpha == 0 and solver == "dual_cholesky":
        return
    rng = np.random.default_rng(4)
    X = rng.standard_normal((30, 6))
    X[:, 1], X[:, 2], X[:, 4] = 5.0, 0.0, X[:, 0]
    Y = rng.standard_normal((30, 1))
    solution = ask(solver, X, Y, [alpha], center=True)
    A, targets = (np.asarray(M, dtype=float) for M in explicit(X, Y, None, True))
    B, c = augmented(A, targets[:, 0], alpha)
    expected = np.linalg.lstsq(np.asarray(B, float), np.asarray(c, float), rcond=1e-12)[0]
    coef = solution.answer.coef[:, 0]
    np.testing.assert_allclose(A @ coef, A @ expected, atol=1e-7)
    assert np.all(np.isfinite(coef))
    if alpha:
        np.testing.assert_allclose(coef, expected, atol=1e-7)
        np.testing.assert_allclose(coef[[1, 2]], 0.0, atol=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("solver", [*LINEAR, "nonnegative"])
def test_zero_data_and_zero_targets_have_zero_coefficients(solver, alpha):
    if alpha == 0 and solver == "dual_cholesky":
        return
    rng = np.random.default_rng(4)
    lower = np.zeros((1, 1)) if solver == "nonnegative" else None
    for X, Y in [
        (np.zeros((9, 4)), rng.standard_normal((9, 2))),
        (rng.standard_normal((9, 4)), np.zeros((9, 2))),
    ]:
        solution = ask(solver, X, Y, [alpha, alpha], center=True, lower=lower)
        np.testing.assert_allclose(solution.answer.coef, 0.0, atol=1e-14)
        assert solution.certificate.holds


@pytest.mark.parametrize("shape", [(2, 1), (2, 2), (1, 1), (1, 5), (5, 1)], ids=str)
@pytest.mark.parametrize("solver", LINEAR)
def test_tiny_shapes(solver, shape):
    rng = np.random.default_rng(sum(shape))
    X, Y = rng.standard_normal(shape) + 1.0, rng.standard_normal((shape[0], 1))
    for center in (False, True):
        A, targets = explicit(X, Y, None, center)
        answer = ask(solver, X, Y, [0.5], center=center, tol=1e-13).answer
        assert_agrees(answer, A, targets, [0.5], (1e-11, 1e-11))


@pytest.mark.parametrize("solver", LINEAR)
def test_an_offset_costs_no_digits(solver):
    rng = np.random.default_rng(9)
    X = rng.standard_normal((50, 5)) + 1e6
    Y = rng.standard_normal((50, 1)) - 1e6
    A, targets = explicit(X, Y, None, True)
    answer = ask(solver, X, Y, [0.1], center=True, tol=1e-12).answer
    # X itself was rounded to 1e-10 but both sides see the same X
    assert_agrees(answer, A, targets, [0.1], (1e-9, 1e-9))


def test_the_gradient_reported_is_the_gradient():
    rng = np.random.default_rng(2)
    X, Y = rng.standard_normal((40, 6)), rng.standard_normal((40, 2))
    alphas = np.array([0.5, 20.0])
    for solver in LINEAR:
        answer = ask(solver, X, Y, alphas).answer
        gradient = X.T @ (X @ answer.coef - Y) + alphas * answer.coef
        np.testing.assert_allclose(answer.gradient, gradient, atol=1e-12)


# -- bounded ------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("conditioning", CONDITIONING)
def test_nonnegative(conditioning, shape, variant):
    storage, dtype, weighted, center = VARIANTS[variant]
    n, p = shape
    rng = np.random.default_rng([CONDITIONING.index(conditioning), n, p])
    X = store(matrix(conditioning, n, p, rng), storage, dtype, rng)
    weights = rng.uniform(0.3, 3.0, n) if weighted else None
    Y = rng.standard_normal((n, 3))
    A, targets = (np.asarray(M, dtype=float) for M in explicit(X, Y, weights, center))
    alphas = [1e-2, 1e6, 1.0]
    if n - center >= p:
        alphas[0] = 0.0
    solution = ask("nonnegative", X, Y, alphas, weights, center=center, lower=np.zeros((1, 1)))
    # The active set is found from A'A, which holds only 1e-4 of the difference between
    # near-duplicates; then 1e-8 may be missed, and the certificate must tell.
    near = conditioning == "near-duplicates"
    assert solution.certificate.holds or near
    allowed = 1e-6 if near else 1e-8
    coef = solution.answer.coef
    assert np.all(coef >= 0)
    for i, alpha in enumerate(alphas):
        B, c = (np.asarray(M, float) for M in augmented(A, targets[:, i], alpha))
        norms = np.linalg.norm(B, axis=0)  # nnls itself is helped by scaled columns
        expected = nnls(B / norms, c)[0] / norms
        size = np.linalg.norm(c)
        assert np.linalg.norm(B @ (coef[:, i] - expected)) <= allowed * size
        # Karush-Kuhn-Tucker: no descent left, and none at all where a coefficient is free
        gradient = (B.T @ (B @ coef[:, i] - c)) / norms
        assert np.all(gradient >= -allowed * size)
        assert np.all(np.abs(gradient[coef[:, i] > 0]) <= allowed * size)


def test_nonnegative_is_the_free_answer_where_that_is_positive():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((50, 4))
    Y = X @ np.array([[1.0], [2.0], [3.0], [4.0]])
    bounded = ask("nonnegative", X, Y, [0.1], lower=np.zeros((1, 1))).answer.coef
    free = ask("gram_cholesky", X, Y, [0.1]).answer.coef
    np.testing.assert_allclose(bounded, free, rtol=1e-10)


def test_nonnegative_is_zero_where_everything_is_negative():
    X = np.abs(np.random.default_rng(3).standard_normal((50, 4)))
    solution = ask("nonnegative", X, -X.sum(axis=1)[:, None], [0.1], lower=np.zeros((1, 1)))
    assert np.array_equal(solution.answer.coef, np.zeros((4, 1)))
    assert solution.certificate.holds


# -- the rest -----------------------------------------------------------------------------


@pytest.mark.parametrize("solver", LINEAR)
def test_bounded_problems_are_refused(solver):
    with pytest.raises(InapplicableSolver, match="no bounds"):
        ask(solver, np.eye(3), np.ones((3, 1)), [1.0], lower=np.zeros((1, 1)))


@pytest.mark.parametrize("storage", ["C", "csr"])
@pytest.mark.parametrize("solver", [*LINEAR, "nonnegative"])
def test_the_data_is_not_changed(solver, storage):
    rng = np.random.default_rng(1)
    X = store(rng.standard_normal((20, 6)), storage, np.float64, rng)
    Y, weights = rng.standard_normal((20, 2)), rng.uniform(1, 2, 20)
    before = X.toarray().copy() if storage == "csr" else X.copy()
    copies = Y.copy(), weights.copy()
    ask(
        solver,
        X,
        Y,
        [1.0, 2.0],
        weights,
        center=True,
        lower=np.zeros((1, 1)) if solver == "nonnegative" else None,
    )
    assert np.array_equal(X.toarray() if storage == "csr" else X, before)
    assert np.array_equal(Y, copies[0])
    assert np.array_equal(weights, copies[1])


def test_every_solver_is_tested():
    elsewhere = {"sparse_cholesky"}  # needs a Gram matrix known to be sparse: test_sparse_gram.py
    assert {solver.NAME for solver in SOLVERS["ridge"]} == {*LINEAR, "nonnegative"} | elsewhere
