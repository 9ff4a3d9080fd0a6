import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from skstruct.linalg import (
    InapplicableSolver,
    Iteration,
    Ridge,
    difference_penalty,
    make_operand,
    run,
)
from skstruct.linalg.preconditioners import NAMES, preconditioner
from skstruct.linalg.preconditioners._block import MAX_GROUP, _by_size, _cut_groups

P = 90


def problem(name, alphas=(0.1,), storage="csr", penalty=None, n=900, center=True):
    rng = np.random.default_rng(0)
    X = sparse.random(n, P, 0.05, "csr", random_state=rng)
    X = sparse.csr_array(sparse.hstack([X[:, :-3], X[:, :3] * 1.5]))  # three pairs alike
    X = X.toarray() if storage == "dense" else X.asformat(storage)
    operand = make_operand(X, rng.uniform(0.5, 2.0, n), center=center)
    targets, _ = operand.prepare_targets(rng.standard_normal((n, len(alphas))))
    return Ridge(
        operand.structure,
        operand,
        targets,
        np.array(alphas),
        penalty,
        iteration=Iteration(preconditioner=name),
    )


def matrix(asked):
    """M^-1 of the first target as a dense matrix."""
    apply = preconditioner(asked).bind(asked)
    if asked.n_targets > 1:
        apply = preconditioner(asked).bind(asked.only(np.array([0])))
    return np.column_stack([apply(np.eye(P)[:, [j]])[:, 0] for j in range(P)])


def hessian(asked):
    dense = asked.operand.to_dense()
    penalty = asked.penalty.matrix
    return dense.T @ dense + asked.alphas[0] * (
        penalty.toarray() if sparse.issparse(penalty) else penalty
    )


@pytest.mark.parametrize("storage", ["csr", "csc", "dense"])
@pytest.mark.parametrize("penalised", [False, True])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "auto"])
def test_each_is_symmetric_positive_definite_and_no_worse_than_none(name, storage, penalised):
    if name == "amg":
        pytest.importorskip("pyamg")
    asked = problem(name, storage=storage, penalty=difference_penalty(P, 1) if penalised else None)
    if name in ("ilu", "amg") and storage == "dense":
        with pytest.raises(InapplicableSolver, match=f"preconditioner='{name}' cannot be used"):
            preconditioner(asked)
        return
    inverse = matrix(asked)
    assert_allclose(inverse, inverse.T, atol=1e-9 * np.abs(inverse).max())
    assert np.linalg.eigvalsh(0.5 * (inverse + inverse.T))[0] > 0
    H = hessian(asked)
    root = np.linalg.cholesky(H)
    values = np.linalg.eigvalsh(root.T @ inverse @ root)
    assert values[-1] / values[0] <= 1.5 * np.linalg.cond(H)


def test_jacobi_is_the_diagonal():
    asked = problem("jacobi")
    assert_allclose(matrix(asked), np.diag(1.0 / hessian(asked).diagonal()), rtol=1e-10, atol=0)


@pytest.mark.parametrize("storage", ["csr", "csc", "dense"])
@pytest.mark.parametrize("center", [False, True])
def test_block_is_the_inverse_of_blocks(storage, center):
    asked = problem("block", storage=storage, center=center)
    inverse, H = matrix(asked), hessian(asked)
    groups = preconditioner(asked)._groups
    alone = np.ones(P, dtype=bool)
    for columns in (row for group in groups.values() for row in group):
        alone[columns] = False
        expected = np.linalg.inv(H[np.ix_(columns, columns)])
        block = inverse[np.ix_(columns, columns)]
        assert_allclose(block, expected, atol=1e-5 * np.abs(expected).max())
    assert_allclose(inverse.diagonal()[alone], 1.0 / H.diagonal()[alone], rtol=1e-10)
    together = {frozenset(row.tolist()) for group in groups.values() for row in group}
    if storage != "dense":
        for j in range(3):  # columns with the same rows are in one group
            assert any({j, P - 3 + j} <= group for group in together)


def test_groups_are_cut_to_size():
    labels = np.array([5] * 7 + [2] * 3 + [9])
    counts = np.bincount(_cut_groups(labels, 4))
    assert sorted(counts.tolist()) == [1, 3, 3, 4]
    assert {s: len(g) for s, g in _by_size(_cut_groups(labels, 4)).items()} == {3: 2, 4: 1}
    assert MAX_GROUP > 1


def test_block_serves_penalties_that_are_close():
    asked = problem("block", alphas=(0.1, 0.2, 50.0))
    made = preconditioner(asked)
    apply = made.bind(asked)
    assert len(made._inverses) == 2
    R = np.random.default_rng(1).standard_normal((P, 3))
    for j in range(3):
        alone = made.bind(asked.only(np.array([j])))
        assert_allclose(apply(R)[:, [j]], alone(R[:, [j]]), rtol=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 1e-6])
def test_a_sketch_does_not_mind_the_condition(alpha):
    rng = np.random.default_rng(2)
    U, V = (np.linalg.qr(rng.standard_normal((n, 30)))[0] for n in (1000, 30))
    operand = make_operand((U * np.geomspace(1, 1e-10, 30)) @ V.T)
    targets = rng.standard_normal((1000, 1))
    asked = Ridge(
        operand.structure, operand, targets, np.array([alpha]), iteration=Iteration("sketch")
    )
    apply = preconditioner(asked).bind(asked)
    if alpha == 0.0:
        R = np.linalg.qr(preconditioner(asked)._sketch, mode="r")
        assert np.linalg.cond(operand.to_dense() @ np.linalg.inv(R)) < 10
    assert apply(np.ones((30, 1))).shape == (30, 1)
    assert run(asked, ("lsqr",)).answer.n_iter.max() < 100


def test_what_cannot_be_used():
    for name, message in [("sketch", "8 times as many rows"), ("ilu", "sparse")]:
        with pytest.raises(InapplicableSolver, match=message):
            preconditioner(problem(name, storage="dense", n=200))
