import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.sparse.linalg import aslinearoperator
from system_matrices import MATRICES, STORAGES, convection, grid, magnetic, sides, waves

from skstruct.linalg import config_context
from skstruct.linalg.iterative_systems._facts import facts_of
from skstruct.linalg.iterative_systems._operator import SquareOperator


def facts(A, declared=None):
    return facts_of(SquareOperator(A), declared)


@pytest.mark.parametrize("storage", ["csr", "dense", "products"])
def test_symmetry_and_sign(storage):
    store = STORAGES[storage]
    expected = {
        "definite": (True, None),
        "Hermitian": (True, None),
        "indefinite": (True, None),
        "general": (False, None),
        "complex general": (False, None),
    }
    for name, (self_adjoint, positive) in expected.items():
        found = facts(store(MATRICES[name]))
        assert (found.self_adjoint, found.positive) == (self_adjoint, positive), name
        assert found.may_be_definite == self_adjoint
        assert found.is_real == (MATRICES[name].dtype == np.float64)
    negative = facts(store(sparse.csr_array(-grid(6))))
    assert negative.self_adjoint
    assert negative.positive is False
    assert not negative.may_be_definite


def test_pattern_that_is_not_symmetric():
    A = grid(6).tolil()
    A[0, 20] = 1e-300
    assert not facts(A.tocsr()).self_adjoint
    A[0, 20] = 0.0
    stored = A.tocsr()  # one zero more than its mirror image
    assert facts(stored).self_adjoint


def test_declared():
    assert facts(grid(4), "positive_definite").positive is True
    assert not facts(grid(4), "general").self_adjoint
    assert facts(grid(4), "banded").self_adjoint  # of no use, but no harm
    assert "declared positive definite" in str(facts(grid(4), "positive_definite"))


@pytest.mark.parametrize("storage", ["csr", "dense", "products"])
@pytest.mark.parametrize("name", MATRICES)
def test_norm_is_a_lower_bound_and_no_bad_one(storage, name):
    A = MATRICES[name]
    norm = SquareOperator(STORAGES[storage](A)).norm
    exact = np.linalg.norm(A.toarray(), 2)
    assert 0.3 * exact <= norm <= (1 + 1e-12) * exact


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_norm_at_the_ends_of_the_range(scale):
    for storage in ("csr", "dense", "products"):
        norm = SquareOperator(STORAGES[storage](sparse.csr_array(grid(6) * scale))).norm
        assert 3.0 <= norm / scale <= 8.0


def test_dominance_levels_and_fill():
    found = facts(grid(20))
    assert found.dominance == pytest.approx(1.0)
    assert found.levels == pytest.approx(20)
    assert 400 * 5 < found.factor_nnz < 400 * 25
    assert facts(sparse.csr_array(np.diag([1.0, 2.0]))).dominance == np.inf
    shuffled = np.random.default_rng(0).permutation(400)
    assert facts(grid(20)[shuffled][:, shuffled]).levels == pytest.approx(20, rel=0.3)


def test_words():
    assert str(facts(grid(3))) == "real 9 x 9 matrix (sparse, 33 entries, symmetric)"
    assert str(facts(magnetic(3))).startswith("complex 9 x 9 matrix (sparse")
    assert "Hermitian" in str(facts(magnetic(3)))
    assert "dense" in str(facts(convection(3).toarray()))
    assert "known by its products" in str(facts(aslinearoperator(grid(3))))
    assert "not positive definite" in str(facts(sparse.csr_array(-grid(3))))


# -- the operator -------------------------------------------------------------------------


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("name", ["definite", "Hermitian", "general"])
@pytest.mark.parametrize("single", [False, True])
def test_products(storage, name, single):
    A = MATRICES[name]
    if single:
        A = A.astype(np.result_type(A.dtype, np.complex64) if A.dtype.kind == "c" else np.float32)
    operator = SquareOperator(STORAGES[storage](A))
    V = sides(A.shape[0], 3)
    assert operator.eps == np.finfo(A.dtype).eps
    image = operator.times(V.astype(operator.dtype))
    assert image.dtype == operator.dtype
    assert image.dtype in (np.float64, np.complex128)
    assert_allclose(image, A.toarray() @ V, rtol=1e-6)
    W = sides(A.shape[0], 2, np.complex128)
    assert_allclose(operator.times(W), A.toarray() @ W, rtol=1e-6)


def test_threads_change_no_bit():
    from skstruct.linalg._threads import parallel_region

    operator = SquareOperator(grid(300))
    V = sides(90_000, 2)
    alone = operator.times(V)
    with config_context(blas_threads=2), parallel_region():
        assert_array_equal(operator.times(V), alone)


def test_indefinite_operator_with_a_positive_diagonal_is_not_called_definite():
    assert facts(aslinearoperator(waves(10))).positive is None
