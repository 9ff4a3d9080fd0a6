"""The block Krylov iteration itself: restarts, stages, and a given start."""

from dataclasses import replace

import numpy as np
import pytest

from skstruct.linalg import PartialSVD, Structure, _gram_eigenpairs, _krylov, make_operand, run


def symmetric(values, seed=0):
    """A matrix of these eigenvalues, and its eigenvectors in columns."""
    V = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(values), len(values))))[0]
    return (V * values) @ V.T, V


def question(order, rank, **settings):
    return PartialSVD(Structure(order, order), rank=rank, **settings)


def pairs_of(matrix, rank, block=8, start=None, **settings):
    return _krylov.leading_eigenpairs_of(
        lambda V: matrix @ V, len(matrix), question(len(matrix), rank, **settings), block, start
    )


@pytest.fixture
def losses(monkeypatch):
    """The largest inner product of two vectors of the basis, after each block."""
    losses = []
    append = _krylov.KrylovBasis.append

    def remember(self, block):
        append(self, block)
        losses.append(np.abs(self.vectors.T @ self.vectors - np.eye(self.size)).max(initial=0.0))

    monkeypatch.setattr(_krylov.KrylovBasis, "append", remember)
    return losses


@pytest.fixture
def full_passes(monkeypatch):
    """What was found in each pass over the whole basis."""
    found = []
    make_orthogonal = _krylov._made_orthogonal

    def counted(*arguments):
        result = make_orthogonal(*arguments)
        found.append(np.abs(result[2]).max())
        return result

    monkeypatch.setattr(_krylov, "_made_orthogonal", counted)
    return found


@pytest.mark.parametrize("tol", [1e-8, 1e-4])
def test_the_basis_stays_orthogonal_through_restarts(losses, monkeypatch, tol):
    # Values in a narrow band about a large mean: what a block takes from the basis outweighs what
    # is left of it, and orthogonality lost once would grow from block to block.
    monkeypatch.setattr(_krylov, "MIN_BASIS", 80)
    values = np.linspace(4.0, 6.0, 500)[::-1]
    matrix, V = symmetric(values)
    found, vectors, n_iter = pairs_of(matrix, 5, tol=tol)
    assert n_iter > 80 / 8  # it has been restarted
    assert max(losses) < _krylov.LOSS_SHARE * tol
    np.testing.assert_allclose(found, values[:5], rtol=1e-12 if tol < 1e-6 else 1e-7)
    assert np.linalg.norm(vectors - V[:, :5] @ (V[:, :5].T @ vectors)) < 2000 * tol


@pytest.mark.parametrize(("tol", "share"), [(1e-8, 0.9), (1e-6, 0.7)])
def test_orthogonality_is_restored_where_it_would_be_lost(losses, full_passes, tol, share):
    # Values far apart converge early, and draw the later blocks towards their vectors.
    values = np.r_[100.0 * 0.5 ** np.arange(6), 1.0 / np.sqrt(np.arange(1.0, 1500.0))]
    matrix = symmetric(values)[0]
    found, vectors, n_iter = pairs_of(matrix, 30, block=4, tol=tol)
    allowed = _krylov.LOSS_SHARE * tol * values[29] / values[0]
    assert max(losses) < 2 * allowed
    assert max(full_passes) > 10 * np.finfo(float).eps  # there was something to restore
    assert len(full_passes) < share * n_iter
    np.testing.assert_allclose(found, values[:30], rtol=1e-12)
    assert np.abs(vectors.T @ vectors - np.eye(30)).max() < 2 * allowed


def test_products_with_larger_errors_than_rounding_are_noticed(losses):
    # What a full pass finds tells how large the errors are; without that the estimate would stay
    # that of exact products, a million times too small.
    values = np.r_[100.0 * 0.5 ** np.arange(6), 1.0 / np.sqrt(np.arange(1.0, 1500.0))]
    matrix, rng = symmetric(values)[0], np.random.default_rng(1)

    def product(V):
        image = matrix @ V
        return image + 1e-9 * rng.standard_normal(image.shape)

    order = len(matrix)
    _krylov.leading_eigenpairs_of(product, order, question(order, 30, tol=1e-4), 4)
    assert max(losses) < 10 * _krylov.MAX_LOSS


def test_without_restoring_it_the_basis_degenerates(losses, monkeypatch):
    monkeypatch.setattr(_krylov.OrthogonalityLoss, "exceeds", lambda *_: False)
    values = np.r_[100.0 * 0.5 ** np.arange(6), 1.0 / np.sqrt(np.arange(1.0, 1500.0))]
    pairs_of(symmetric(values)[0], 30, block=4)
    assert max(losses) > 1e-3


@pytest.mark.parametrize("ratio", [1e5, 1e10, 1e14])
def test_pairs_far_below_the_largest_are_found_in_a_later_stage(ratio):
    values = np.r_[ratio, 1.0 / np.arange(1, 300)]
    V = symmetric(values)[1]
    # The product without the rounding errors of a matrix that was rounded itself.
    found, vectors, _ = _krylov.leading_eigenpairs_of(
        lambda X: V @ (values[:, None] * (V.T @ X)), 300, question(300, 6), 8
    )
    rounding = 100 * np.finfo(float).eps * np.sqrt(ratio)
    np.testing.assert_allclose(found, values[:6], rtol=max(1e-9, rounding))
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(6), atol=1e-13)


def test_null_pairs_do_not_touch_the_range():
    values = np.r_[np.linspace(2.0, 1.0, 58), np.zeros(292)]
    matrix, V = symmetric(values)
    for seed in range(4):
        found, vectors, _ = pairs_of(matrix, 87, block=97, seed=seed)
        np.testing.assert_allclose(found, values[:87], atol=1e-13)
        assert np.abs(V[:, :58].T @ vectors[:, 58:]).max() < 1e-13


def test_a_start_near_the_answer_takes_one_block():
    values = np.r_[np.linspace(9.0, 5.0, 4), np.linspace(1.0, 0.5, 296)]
    matrix, V = symmetric(values)
    _, _, n_random = pairs_of(matrix, 4)
    found, _, n_iter = pairs_of(matrix, 4, block=4, start=V[:, :4].copy())
    assert n_iter == 1 < n_random
    np.testing.assert_allclose(found, values[:4], rtol=1e-13)


@pytest.mark.parametrize("shape", [(300, 120), (120, 300)], ids=str)
@pytest.mark.parametrize("energy", [None, 0.3])
def test_lanczos_on_the_gram_matrix(shape, energy, monkeypatch):
    monkeypatch.setattr(_gram_eigenpairs, "LANCZOS_MIN_ORDER", 100)
    monkeypatch.setattr(_gram_eigenpairs, "LANCZOS_MAX_SHARE", 0.1)
    calls = []
    iterate = _gram_eigenpairs.leading_eigenpairs_of

    def counted(*arguments):
        calls.append(arguments)
        return iterate(*arguments)

    monkeypatch.setattr(_gram_eigenpairs, "leading_eigenpairs_of", counted)
    operand = make_operand(np.random.default_rng(0).standard_normal(shape), center=True)
    solver = "covariance_eigh" if shape[0] > shape[1] else "gram_eigh"
    problem = PartialSVD(operand.structure, operand, rank=None if energy else 6, energy=energy)
    solution = run(problem, (solver,))
    answer = solution.answer
    assert [attempt.outcome for attempt in solution.plan.attempts] == ["certified"]
    exact = np.linalg.svd(operand.to_dense(), compute_uv=False)
    np.testing.assert_allclose(answer.values, exact[: len(answer.values)], rtol=1e-10)
    # An energy fraction may need many pairs: LAPACK finds all of them.
    assert len(calls) == (0 if energy else 1)


def test_lanczos_that_breaks_down_is_replaced_by_lapack(monkeypatch):
    monkeypatch.setattr(_gram_eigenpairs, "LANCZOS_MIN_ORDER", 10)
    monkeypatch.setattr(_gram_eigenpairs, "LANCZOS_MAX_SHARE", 0.5)

    def break_down(*arguments):
        raise _gram_eigenpairs.Breakdown("out of order")

    monkeypatch.setattr(_gram_eigenpairs, "leading_eigenpairs_of", break_down)
    operand = make_operand(np.random.default_rng(0).standard_normal((60, 20)))
    solution = run(PartialSVD(operand.structure, operand, rank=3), ("covariance_eigh",))
    assert solution.solver == "covariance_eigh"
    exact = np.linalg.svd(operand.to_dense(), compute_uv=False)[:3]
    np.testing.assert_allclose(solution.answer.values, exact, rtol=1e-12)


def test_the_answer_tells_how_many_blocks_it_took():
    operand = make_operand(np.random.default_rng(0).standard_normal((60, 20)))
    problem = PartialSVD(operand.structure, operand, rank=3)
    assert run(problem, ("block_krylov",)).answer.n_iter > 1
    assert run(replace(problem), ("full",)).answer.n_iter == 1
