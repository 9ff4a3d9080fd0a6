import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.sparse.linalg import splu

from skstruct.linalg import Ridge, _sparse_gram, analysed, difference_penalty, make_operand, run
from skstruct.linalg._sparse_gram import SparseGram, dense_rows


def grid(k):
    """Differences of neighbours on a k x k grid."""
    D = sparse.diags_array([-1.0, 1.0], offsets=[0, 1], shape=(k - 1, k))
    eye = sparse.eye_array(k)
    return sparse.csr_array(sparse.vstack([sparse.kron(D, eye), sparse.kron(eye, D)]))


def with_dense_rows(p, rng):
    """A tridiagonal matrix and three rows that are full."""
    band = sparse.diags_array([1.0, 3.0, -1.0], offsets=[-1, 0, 1], shape=(p, p))
    full = sparse.csr_array(rng.standard_normal((3, p)))
    return sparse.csr_array(sparse.vstack([band, full]))


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csc_array])
def test_matrix_and_corrections_are_the_gram_matrix(center, weighted, make):
    rng = np.random.default_rng(0)
    X = with_dense_rows(80, rng)
    weights = rng.uniform(0.5, 2.0, X.shape[0]) if weighted else None
    operand = make_operand(make(X), weights, center=center)
    gram = SparseGram(operand)
    assert len(gram.signs) == 3 + center
    corrected = gram.matrix.toarray() + gram.corrections.T @ (
        gram.signs[:, None] * gram.corrections
    )
    dense = operand.to_dense()
    assert_allclose(corrected, dense.T @ dense, atol=1e-11)
    assert gram.matrix.nnz <= 5 * 80


def test_many_long_rows_are_ordinary():
    assert len(dense_rows(np.r_[np.full(1000, 2), np.full(99, 500)])) == 99
    assert len(dense_rows(np.r_[np.full(5000, 2), np.full(101, 5000)])) == 0
    assert len(dense_rows(np.full(10, 40))) == 0


@pytest.mark.parametrize("k", [60, 150])
def test_fill_of_a_grid(k):
    structure = analysed(make_operand(grid(k)), np.zeros(1))
    matrix = sparse.csc_array(grid(k).T @ grid(k) + sparse.eye_array(k * k))
    factors = splu(
        matrix,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    assert factors.L.nnz / 3 < structure.fill.factor_nnz < 3 * factors.L.nnz
    assert structure.fill.gram_nnz == matrix.nnz


def test_what_is_not_analysed():
    rng = np.random.default_rng(0)
    text = sparse.random(3000, 2500, 0.02, "csr", random_state=rng)
    for X in (text, grid(30), np.ones((4, 3))):  # long rows, few columns, dense
        assert analysed(make_operand(X), np.zeros(1)).fill is None
    assert analysed(make_operand(grid(60)), np.full(1, 1e6)).fill is None
    assert analysed(make_operand(grid(60)), np.ones(1) * 1e-3).fill is not None


@pytest.mark.parametrize("alphas", [[1e-3], [0.1, 10.0]])
@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("penalty", [None, 1])
def test_sparse_cholesky(alphas, center, penalty):
    rng = np.random.default_rng(1)
    p = 2100
    X = with_dense_rows(p, rng)
    operand = make_operand(X, rng.uniform(0.5, 2.0, X.shape[0]), center=center)
    targets, _ = operand.prepare_targets(rng.standard_normal((X.shape[0], len(alphas))))
    L = None if penalty is None else difference_penalty(p, penalty)
    problem = Ridge(analysed(operand, np.array(alphas)), operand, targets, np.array(alphas), L)
    solution = run(problem, ("sparse_cholesky",))
    assert solution.solver == "sparse_cholesky"
    assert solution.certificate.value < 1e-10
    dense = operand.to_dense()
    P = np.eye(p) if L is None else L.matrix.toarray()
    for i, alpha in enumerate(alphas):
        expected = np.linalg.solve(dense.T @ dense + alpha * P, dense.T @ targets[:, i])
        assert_allclose(solution.answer.coef[:, i], expected, atol=1e-8 * np.abs(expected).max())


def test_a_singular_sparse_matrix_is_left_to_others(monkeypatch):
    monkeypatch.setattr(_sparse_gram, "ANALYSIS_COLUMNS", 100)
    operand = make_operand(grid(20))  # constants are in the null space
    targets = np.random.default_rng(0).standard_normal((operand.shape[0], 1))
    problem = Ridge(analysed(operand, np.zeros(1)), operand, targets, np.zeros(1), tol=1e-6)
    solution = run(problem, ("sparse_cholesky",))
    assert solution.plan.attempts[0].solver == "sparse_cholesky"
    assert solution.certificate.holds


def test_iteration_that_would_take_long_gives_way():
    operand = make_operand(grid(100))
    targets = np.random.default_rng(0).standard_normal((operand.shape[0], 1))
    alphas = np.array([1e-4])
    problem = Ridge(analysed(operand, alphas), operand, targets, alphas)
    solution = run(problem)
    assert [a.solver for a in solution.plan.attempts] == ["cg", "sparse_cholesky"]
    assert "more iterations" in solution.plan.attempts[0].outcome
    assert solution.certificate.holds
