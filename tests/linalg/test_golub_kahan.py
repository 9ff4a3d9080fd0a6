import numpy as np
import pytest
from numpy.testing import assert_allclose

from skstruct.linalg import Iteration, Ridge, make_operand
from skstruct.linalg._golub_kahan import LSMR, LSQR, GolubKahan
from skstruct.linalg.preconditioners import preconditioner

N, P, T = 40, 12, 3


def ridge(alpha, name):
    rng = np.random.default_rng(0)
    operand = make_operand(rng.standard_normal((N, P)) * np.geomspace(0.1, 10, P), center=True)
    targets, _ = operand.prepare_targets(rng.standard_normal((N, T)))
    alphas = np.full(T, alpha)
    return Ridge(operand.structure, operand, targets, alphas, iteration=Iteration(name))


def augmented(problem):
    """[A; sqrt(alpha) I] and [y; 0]."""
    A = np.vstack([problem.operand.to_dense(), np.sqrt(problem.alphas[0]) * np.eye(P)])
    return A, np.vstack([problem.targets, np.zeros((P, T))])


def inverse_of(problem):
    apply = preconditioner(problem).bind(problem.only(np.array([0])))
    return np.column_stack([apply(np.eye(P)[:, [j]]) for j in range(P)])


cases = pytest.mark.parametrize(
    ("alpha", "name"), [(0.0, "none"), (0.5, "none"), (0.5, "jacobi"), (2.0, "block")]
)


@cases
def test_bidiagonalisation(alpha, name):
    problem = ridge(alpha, name)
    A, B = augmented(problem)
    M = np.linalg.inv(inverse_of(problem))
    state = GolubKahan(problem, np.zeros((P, T)), preconditioner(problem))
    us, vs, alphas, betas = [], [], [], []
    for step in range(4 if name != "block" else 1):
        if step:
            state.extend()
        us.append(np.vstack([state._u, state._lower]))
        vs.append(state.v.copy())
        alphas.append(state.alpha)
        betas.append(state.beta)
    for j in range(T):
        U, V = (np.column_stack([x[:, j] for x in columns]) for columns in (us, vs))
        assert_allclose(U.T @ U, np.eye(U.shape[1]), atol=1e-8)
        assert_allclose(V.T @ M @ V, np.eye(V.shape[1]), atol=1e-6)
        assert_allclose(betas[0][j] * U[:, 0], B[:, j], atol=1e-10)
        for k in range(1, U.shape[1]):
            image = alphas[k - 1][j] * U[:, k - 1] + betas[k][j] * U[:, k]
            assert_allclose(A @ V[:, k - 1], image, atol=1e-8)


@cases
@pytest.mark.parametrize("method", [LSQR, LSMR])
def test_iterates_are_the_best_of_their_krylov_space(alpha, name, method):
    problem = ridge(alpha, name)
    A, B = augmented(problem)
    inverse = inverse_of(problem)
    half = np.linalg.cholesky(0.5 * (inverse + inverse.T))
    start = np.zeros((P, T))
    state = method(problem, start, problem.gradient(start), preconditioner(problem))
    for steps in range(1, 5 if name != "block" else 2):
        state.advance()
        for j in range(T):
            space = [inverse @ A.T @ B[:, j]]
            for _ in range(steps - 1):
                space.append(inverse @ A.T @ (A @ space[-1]))
            Q = np.linalg.qr(np.column_stack(space))[0]
            if method is LSQR:  # least residual
                y = np.linalg.lstsq(A @ Q, B[:, j], rcond=None)[0]
            else:  # least gradient in the norm of M^-1
                rhs = half.T @ A.T @ B[:, j]
                y = np.linalg.lstsq(half.T @ A.T @ A @ Q, rhs, rcond=None)[0]
            assert_allclose(state.step[:, j], Q @ y, atol=1e-6 * np.abs(Q @ y).max())


@pytest.mark.parametrize("method", [LSQR, LSMR])
def test_what_is_kept_goes_on_unchanged(method):
    problem = ridge(0.5, "jacobi")
    start = np.zeros((P, T))
    both = [
        method(problem, start, problem.gradient(start), preconditioner(problem)) for _ in range(2)
    ]
    for state in both:
        state.advance()
    both[1].keep(np.array([0, 2]))
    for state in both:
        state.advance()
        state.advance()
    assert_allclose(both[1].step, both[0].step[:, [0, 2]], rtol=1e-12)
    assert_allclose(both[1].sizes(), both[0].sizes()[[0, 2]], rtol=1e-10)
