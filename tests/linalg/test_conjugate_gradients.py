"""Conjugate gradients, one target at a time and in blocks, against explicit Krylov spaces."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.linalg import block_diag

from skstruct.linalg import Breakdown, Iteration, Penalty, Ridge, make_operand, run
from skstruct.linalg._conjugate_gradients import BlockConjugateGradients, ConjugateGradients
from skstruct.linalg.preconditioners import preconditioner
from skstruct.linalg.solvers import cg

P = 20


def ridge(n_targets=1, alpha=0.1, name="jacobi", penalty=None, targets=None, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((50, P)) * (rng.random((50, P)) < 0.5) * np.linspace(0.5, 3, P)
    operand = make_operand(sparse.csr_array(X), center=True)
    Y = rng.standard_normal((50, n_targets)) if targets is None else targets
    Y, _ = operand.prepare_targets(Y)
    return Ridge(
        operand.structure,
        operand,
        Y,
        np.broadcast_to(np.asarray(alpha, float), Y.shape[1]).copy(),
        penalty,
        tol=1e-10,
        iteration=Iteration(name, is_final=True),
    )


def begin(method, problem, coef=None):
    coef = np.zeros((P, problem.n_targets)) if coef is None else coef
    return method(problem, coef, problem.gradient(coef), preconditioner(problem))


def normal_matrix(problem, column=0):
    A = problem.operand.to_dense()
    return A.T @ A + problem.alphas[column] * np.asarray(problem.penalty.sparse_matrix().todense())


def inverse_of(problem):
    """Return M^-1 as a matrix."""
    one = problem.only(np.arange(1))
    apply = preconditioner(one).bind(one)
    return np.column_stack([apply(e[:, None])[:, 0] for e in np.eye(P)])


def minimum_in_krylov_space(problem, starts, target, steps):
    """Return the minimiser of the energy norm of the error in the space of `starts`."""
    H, inverse = normal_matrix(problem), inverse_of(problem)
    vectors, basis = inverse @ starts, []
    for _ in range(steps):
        basis.append(vectors / np.linalg.norm(vectors, axis=0))
        vectors = inverse @ (H @ basis[-1])
    Q = np.linalg.qr(np.hstack(basis))[0]
    return Q @ np.linalg.solve(Q.T @ H @ Q, Q.T @ target)


@pytest.mark.parametrize("name", ["jacobi", "none", "block"])
@pytest.mark.parametrize("alpha", [0.0, 0.1, 10.0])
@pytest.mark.parametrize("begun", [False, True])
def test_iterates_minimise_the_error_in_the_krylov_space(name, alpha, begun):
    problem = ridge(3, alpha, name)
    coef = np.random.default_rng(1).standard_normal((P, 3)) * begun
    state = begin(ConjugateGradients, problem, coef.copy())
    residual = -problem.gradient(coef)
    for steps in range(1, 6):
        state.advance()
        for j in range(3):
            expected = minimum_in_krylov_space(problem, residual[:, [j]], residual[:, j], steps)
            assert_allclose(state.step[:, j], expected, rtol=0, atol=1e-9)
        measured = problem.relative_size(problem.gradient(coef + state.step))
        assert_allclose(state.sizes(), measured, rtol=1e-8, atol=1e-14)


@pytest.mark.parametrize("name", ["jacobi", "none", "block"])
@pytest.mark.parametrize("alpha", [0.0, 0.1, 10.0])
def test_blocks_minimise_it_in_the_space_of_all_targets(name, alpha):
    problem = ridge(3, alpha, name)
    state = begin(BlockConjugateGradients, problem)
    for steps in range(1, 5):
        state.advance()
        rhs = problem.correlations
        for j in range(3):
            expected = minimum_in_krylov_space(problem, rhs, rhs[:, j], steps)
            assert_allclose(state.step[:, j], expected, rtol=0, atol=1e-8)
        measured = problem.relative_size(problem.gradient(state.step))
        assert_allclose(state.sizes(), measured, rtol=1e-7, atol=1e-14)


@pytest.mark.parametrize("name", ["jacobi", "none"])
def test_a_block_of_one_target_is_plain(name):
    problem = ridge(1, 0.1, name)
    plain, block = begin(ConjugateGradients, problem), begin(BlockConjugateGradients, problem)
    for _ in range(8):
        plain.advance()
        block.advance()
        assert_allclose(block.step, plain.step, rtol=0, atol=1e-11)
        assert_allclose(block.sizes(), plain.sizes(), rtol=1e-6)


def test_all_directions_are_found_in_as_many_steps_as_they_need():
    problem = ridge(5, 0.1)
    state = begin(BlockConjugateGradients, problem)
    for _ in range(P // 5):
        state.advance()
    exact = np.linalg.solve(normal_matrix(problem), problem.correlations)
    assert_allclose(state.step, exact, rtol=0, atol=1e-9)
    for _ in range(3):  # and going on does no harm
        state.advance()
    assert_allclose(state.step, exact, rtol=0, atol=1e-9)
    assert np.all(np.isfinite(state.sizes()))


@pytest.mark.parametrize("name", ["jacobi", "none", "block"])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_dependent_right_hand_sides(name, scale):
    base = np.random.default_rng(3).standard_normal((50, 2))
    mixing = np.array([[1.0, 1.0, 0.0, 2.0, -1.0], [0.0, 1e-9, 1.0, 3.0, 0.0]])
    problem = ridge(alpha=0.1, name=name, targets=scale * base @ mixing)
    state = begin(BlockConjugateGradients, problem)
    for _ in range(P):
        state.advance()
    exact = np.linalg.solve(normal_matrix(problem), problem.correlations)
    assert_allclose(state.step, exact, rtol=0, atol=1e-8 * np.abs(exact).max())


def test_targets_of_zeros_only():
    problem = ridge(targets=np.zeros((50, 3)))
    for method in (ConjugateGradients, BlockConjugateGradients):
        state = begin(method, problem)
        state.advance()
        assert np.array_equal(state.step, np.zeros((P, 3)))
        assert state.sizes().tolist() == [0.0] * 3


@pytest.mark.parametrize("method", [ConjugateGradients, BlockConjugateGradients])
def test_targets_may_drop_out(method):
    problem = ridge(4, 0.1)
    state, kept = begin(method, problem), begin(method, problem)
    for _ in range(3):
        state.advance()
        kept.advance()
    kept.keep(np.array([1, 3]))
    for _ in range(3):
        state.advance()
        kept.advance()
    assert_allclose(kept.step, state.step[:, [1, 3]], rtol=0, atol=1e-9)
    assert_allclose(kept.sizes(), state.sizes()[[1, 3]], rtol=1e-6)


def test_each_target_may_have_its_penalty():
    alphas = [0.0, 1.0, 100.0]
    problem = ridge(3, alphas)
    state = begin(ConjugateGradients, problem)
    for _ in range(2 * P):
        state.advance()
    for j in range(3):
        exact = np.linalg.solve(normal_matrix(problem, j), problem.correlations[:, j])
        assert_allclose(state.step[:, j], exact, rtol=0, atol=1e-9)


def test_penalties_that_are_no_identity():
    penalty = Penalty(np.diff(np.eye(P), axis=0))
    problem = ridge(2, 5.0, penalty=penalty)
    exact = np.linalg.solve(normal_matrix(problem), problem.correlations)
    for method in (ConjugateGradients, BlockConjugateGradients):
        state = begin(method, problem)
        for _ in range(2 * P):
            state.advance()
        assert_allclose(state.step, exact, rtol=0, atol=1e-9)


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("method", [ConjugateGradients, BlockConjugateGradients])
def test_an_indefinite_preconditioner_breaks_down(method, n_targets):
    signs = np.where(np.arange(P) < 3, -1.0, 1.0)[:, None]
    problem = ridge(n_targets, name=lambda residual: signs * residual)
    with pytest.raises(Breakdown, match="'given' is not definite"):
        state = begin(method, problem)
        for _ in range(10):
            state.advance()


@pytest.mark.parametrize("alphas", [[0.1, 0.1, 0.1], [0.1, 0.2, 0.1]])
def test_the_solver_takes_blocks_where_penalties_are_equal(alphas):
    problem = ridge(3, alphas)
    solution = run(problem, ("cg",))
    assert solution.certificate.holds
    for j in range(3):
        exact = np.linalg.solve(normal_matrix(problem, j), problem.correlations[:, j])
        assert_allclose(solution.answer.coef[:, j], exact, rtol=0, atol=1e-8)
    kind = BlockConjugateGradients if len(set(alphas)) == 1 else ConjugateGradients
    state = (np.zeros((P, 3)), -problem.correlations, preconditioner(problem))
    assert isinstance(cg._method(problem, *state), kind)


@pytest.mark.parametrize("exponent", [3, 7, 10])
def test_targets_in_any_units(exponent):
    units = 10.0 ** np.array([0, exponent, -exponent])
    problem = ridge(targets=np.random.default_rng(3).standard_normal((50, 3)) * units)
    solution = run(problem, ("cg",))
    exact = np.linalg.solve(normal_matrix(problem), problem.correlations)
    assert_allclose(solution.answer.coef / units, exact / units, rtol=0, atol=1e-8)
    assert solution.certificate.holds


def test_independent_blocks_of_columns_do_not_mix():
    # the first target depends on the first columns only, and so on
    rng = np.random.default_rng(5)
    X = block_diag(*(rng.standard_normal((25, P // 2)) for _ in range(2)))
    Y = block_diag(rng.standard_normal((25, 1)), rng.standard_normal((25, 1)))
    operand = make_operand(sparse.csr_array(X))
    problem = Ridge(operand.structure, operand, Y, np.full(2, 0.1), iteration=Iteration("none"))
    state = begin(BlockConjugateGradients, problem)
    for _ in range(P):
        state.advance()
    assert_allclose(state.step[P // 2 :, 0], 0, atol=1e-10)
    assert_allclose(state.step[: P // 2, 1], 0, atol=1e-10)
