import numpy as np
from numpy.testing import assert_allclose

from skstruct.linalg import Iteration, Ridge, make_operand, run
from skstruct.linalg._path_start import order_of_path, start_on_path

ALPHAS = np.geomspace(1e-2, 1e2, 9)


def path(t=2, **iteration):
    rng = np.random.default_rng(0)
    operand = make_operand(rng.standard_normal((80, 25)) * np.geomspace(0.1, 3, 25))
    targets = rng.standard_normal((80, t))
    problem = Ridge(
        operand.structure,
        operand,
        targets,
        np.full(t, 0.3),
        tol=1e-9,
        iteration=Iteration(is_final=True, **iteration),
    )
    return problem.with_path(ALPHAS)


def exact(problem, column):
    A = problem.operand.to_dense()
    H = A.T @ A + problem.alphas[column] * np.eye(A.shape[1])
    return np.linalg.solve(H, A.T @ problem.targets[:, column])


def test_the_repeats_have_the_targets_and_each_a_penalty():
    for t in (1, 2):
        problem = path(t)
        assert problem.n_targets == t * (1 + len(ALPHAS))
        assert_allclose(problem.alphas[:t], 0.3)
        assert_allclose(problem.alphas[t:].reshape(-1, t), np.repeat(ALPHAS, t).reshape(-1, t))
        assert_allclose(problem.targets[:, -t:], problem.targets[:, :t])
        assert_allclose(problem.correlations, problem.operand.rmatmat(problem.targets))


def test_the_hardest_first_then_from_the_largest_down():
    order = order_of_path(path())
    assert sorted(order) == list(range(10))
    alphas = np.r_[0.3, ALPHAS][order]
    assert alphas[0] == ALPHAS[0]
    assert np.all(np.diff(alphas[1:]) < 0)


def test_the_start_is_the_best_combination_of_what_is_known():
    problem = path(t=1)
    coef = np.column_stack([exact(problem, j) for j in range(10)])
    gradient = problem.gradient(coef)
    solved = np.zeros(10, dtype=bool)
    assert start_on_path(problem, np.array([4]), solved, coef, gradient) is None
    solved[[2, 5, 8]] = True
    start = start_on_path(problem, np.array([4]), solved, coef, gradient)[:, 0]
    A = problem.operand.to_dense()
    H = A.T @ A + problem.alphas[4] * np.eye(25)
    W = coef[:, solved]
    weights = np.linalg.solve(W.T @ H @ W, W.T @ A.T @ problem.targets[:, 4])
    assert_allclose(start, W @ weights, atol=1e-7 * np.abs(start).max())
    # much closer than zero
    energy = [e @ H @ e for e in (start - coef[:, 4], coef[:, 4])]
    assert energy[0] < 1e-3 * energy[1]


def test_a_known_penalty_is_its_own_start():
    problem = path(t=2)
    coef = np.column_stack([exact(problem, j) for j in range(20)])
    solved = np.zeros(20, dtype=bool)
    solved[[6, 7, 12]] = True
    start = start_on_path(problem, np.array([6, 7]), solved, coef, problem.gradient(coef))
    assert_allclose(start, coef[:, [6, 7]], atol=1e-7 * np.abs(coef).max())


def test_given_coefficients_begin_the_path():
    given = np.ones((25, 2))
    problem = path(t=2, start=given)
    solved, nothing = np.zeros(20, dtype=bool), np.zeros((25, 20))
    start = start_on_path(problem, np.array([6, 7]), solved, nothing, nothing)
    assert_allclose(start, given)


def test_the_whole_path_costs_less_than_its_parts():
    problem = path(t=1)
    together = run(problem, ("cg",)).answer
    for column in range(10):
        expected = exact(problem, column)
        assert_allclose(together.coef[:, column], expected, atol=1e-6 * np.abs(expected).max())
    apart = sum(int(run(problem.only(np.array([j])), ("cg",)).answer.n_iter[0]) for j in range(10))
    assert together.n_iter.sum() < 0.8 * apart
