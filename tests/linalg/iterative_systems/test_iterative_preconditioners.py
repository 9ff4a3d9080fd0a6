import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, aslinearoperator
from system_matrices import MATRICES, convection, grid, line, magnetic, rough, waves

from skstruct.linalg import Breakdown
from skstruct.linalg.iterative_systems._facts import SystemFacts, facts_of
from skstruct.linalg.iterative_systems._operator import SquareOperator
from skstruct.linalg.iterative_systems.preconditioners import BY_NAME, Given
from skstruct.linalg.iterative_systems.preconditioners._block_jacobi import BLOCK


def inverse_of(name, A):
    """M^-1 as a dense matrix."""
    operator = SquareOperator(A)
    return BY_NAME[name].make(operator)(np.eye(operator.n, dtype=operator.dtype))


def is_available(name):
    if name == "amg":
        pytest.importorskip("pyamg")


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("matrix", ["definite", "definite, 3-D", "Hermitian", "rough"])
def test_for_definite_matrices(name, matrix):
    is_available(name)
    A = MATRICES[matrix]
    M = BY_NAME[name]
    facts = facts_of(SquareOperator(A))
    assert M.obstacle(facts) is None
    inverse = inverse_of(name, A)
    preconditioned = inverse @ A.toarray()
    if not M.is_definite(facts):
        assert matrix == "rough" or np.linalg.norm(preconditioned - np.eye(len(inverse)), 2) < 0.5
        return
    assert_allclose(inverse, inverse.conj().T, atol=1e-9 * np.abs(inverse).max())
    assert np.linalg.eigvalsh(0.5 * (inverse + inverse.conj().T))[0] > 0
    values = np.linalg.eigvals(preconditioned).real
    assert values.max() / values.min() <= 1.01 * np.linalg.cond(A.toarray())


@pytest.mark.parametrize("name", ["ic", "jacobi", "none"])
@pytest.mark.parametrize("A", [waves(12), sparse.csr_array(-grid(8))])
def test_definite_even_for_indefinite_matrices(name, A):
    assert BY_NAME[name].is_definite(facts_of(SquareOperator(A)))
    inverse = inverse_of(name, A)
    assert_allclose(inverse, inverse.T, atol=1e-9 * np.abs(inverse).max())
    assert np.linalg.eigvalsh(0.5 * (inverse + inverse.T))[0] > 0


@pytest.mark.parametrize("name", ["block_jacobi", "amg"])
def test_those_that_are_not_say_so(name):
    facts = facts_of(SquareOperator(sparse.csr_array(-grid(8))))
    assert not BY_NAME[name].is_definite(facts)


def test_jacobi_is_the_diagonal_whatever_its_signs():
    A = np.array([[-2.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 4.0]])
    assert_array_equal(inverse_of("jacobi", A), np.diag([0.5, 1.0, 0.25]))
    assert_array_equal(inverse_of("jacobi", 2j * np.eye(2)), 0.5 * np.eye(2))


@pytest.mark.parametrize("n", [1, 3, BLOCK - 1, BLOCK, BLOCK + 1, 50])
@pytest.mark.parametrize("store", [sparse.csr_array, np.asarray])
def test_block_jacobi_inverts_the_blocks(n, store):
    A = np.random.default_rng(n).standard_normal((n, n)) + 4 * np.eye(n)
    expected = np.zeros((n, n))
    for first in range(0, n, BLOCK):
        block = slice(first, first + BLOCK)
        expected[block, block] = np.linalg.inv(A[block, block])
    assert_allclose(inverse_of("block_jacobi", store(A)), expected, atol=1e-12)


def test_block_jacobi_of_singular_blocks():
    A = sparse.csr_array(np.fliplr(np.eye(2 * BLOCK)))
    with pytest.raises(Breakdown, match="block is singular"):
        inverse_of("block_jacobi", A)


@pytest.mark.parametrize("twist", [0.0, 0.5j])
def test_incomplete_cholesky_of_what_does_not_fill_in_is_complete(twist):
    A = line(40).toarray() + 0.5 * np.eye(40) + twist * (np.eye(40, k=1) - np.eye(40, k=-1))
    inverse = inverse_of("ic", sparse.csr_array(A))
    assert_allclose(inverse, np.linalg.inv(A), rtol=1e-9, atol=1e-12)


def test_incomplete_factors_with_zero_pivots_break_down():
    A = sparse.csr_array(np.array([[0.0, 1.0], [1.0, 0.0]]))
    with pytest.raises(Breakdown, match="met a zero"):
        inverse_of("ic", A)
    assert_allclose(inverse_of("ilu", A), A.toarray())


def test_the_finer_factors_are_better():
    A = rough(20)
    gaps = [
        np.linalg.norm(inverse_of(name, A) @ A.toarray() - np.eye(400))
        for name in ("ilu", "ilu_fine")
    ]
    assert gaps[1] < 0.1 * gaps[0]


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("k", [1, 3])
def test_columns_are_independent_and_input_is_kept(name, k):
    is_available(name)
    for A in (grid(7), magnetic(6)):
        operator = SquareOperator(A)
        apply = BY_NAME[name].make(operator)
        V = np.asfortranarray(np.random.default_rng(0).standard_normal((operator.n, k)))
        V = V.astype(operator.dtype)
        before = V.copy()
        together = apply(V)
        assert_array_equal(V, before)
        assert not np.shares_memory(together, V)
        for j in range(k):
            assert_allclose(together[:, [j]], apply(V[:, [j]]), rtol=1e-12, atol=1e-14)


def test_what_needs_entries_says_so():
    products = facts_of(SquareOperator(aslinearoperator(grid(4))))
    dense = facts_of(SquareOperator(grid(4).toarray()))
    for name, M in BY_NAME.items():
        assert (M.obstacle(products) is None) == (name == "none"), name
        assert (M.obstacle(dense) is None) == (name in ("none", "jacobi", "block_jacobi")), name


def test_iterations_are_bounded_by_dominance_and_levels():
    jacobi = BY_NAME["jacobi"]
    grids = SystemFacts(90_000, levels=300.0, dominance=1.0)
    assert jacobi.iterations(grids) == pytest.approx(1020)
    assert jacobi.iterations(SystemFacts(90_000, levels=300.0, dominance=10.0)) == 14
    assert jacobi.iterations(SystemFacts(90_000, levels=2.0)) == 30
    # The bound is one: conjugate gradients take no more.
    for dominance in (1.1, 2.0, 10.0):
        A = sparse.csr_array(grid(20) + 4 * (dominance - 1) * sparse.eye_array(400))
        facts = facts_of(SquareOperator(A))
        assert facts.dominance == pytest.approx(dominance)
        values = np.linalg.eigvalsh(A.toarray() / A.diagonal().real[0])
        assert values[0] >= 1 - 1 / dominance - 1e-12
        assert values[-1] <= 1 + 1 / dominance + 1e-12


def test_given():
    operator = SquareOperator(convection(4))
    inverse = np.random.default_rng(0).standard_normal((16, 16))
    V = np.ones((16, 2))
    for form in (
        inverse,
        aslinearoperator(inverse),
        lambda V: inverse @ V,
        LinearOperator((16, 16), matvec=lambda v: inverse @ v, dtype=float),
    ):
        assert_allclose(Given(form).make(operator)(V), inverse @ V)
