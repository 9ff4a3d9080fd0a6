"""A matrix that is known by its products only, against the dense one."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from operand_cases import TREATMENTS, weights_for
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from skstruct.linalg import make_operand
from skstruct.linalg._matrix_free_operand import MatrixFreeOperand

SHAPES = [(1, 1), (1, 5), (5, 1), (60, 9), (9, 60)]


class Vectors(LinearOperator):
    """One that multiplies vectors only."""

    def __init__(self, X):
        self.dense = X
        super().__init__(X.dtype, X.shape)

    def _matvec(self, v):
        return self.dense @ v

    def _rmatvec(self, u):
        return self.dense.T @ u


KINDS = {
    "dense": aslinearoperator,
    "float32": lambda X: aslinearoperator(X.astype(np.float32)),
    "sparse": lambda X: aslinearoperator(sparse.csr_array(X)),
    "integers": lambda X: aslinearoperator(np.round(10 * X).astype(int)),
    "vectors": Vectors,
    "scaled-sum": lambda X: 2.0 * aslinearoperator(X) + aslinearoperator(np.ones(X.shape)),
    "transposed": lambda X: aslinearoperator(np.ascontiguousarray(X.T)).T,
}


def case(kind, shape, treatment):
    """Return an operand and the matrix that it stands for."""
    rng = np.random.default_rng(shape)
    X = rng.standard_normal(shape) + 1.0
    operator = KINDS[kind](X)
    dense = operator.matmat(np.eye(shape[1])).astype(np.float64)
    weights, centring = TREATMENTS[treatment]
    weights = weights_for(weights, shape[0])
    given = np.linspace(-1.0, 2.0, shape[1]) if centring == "given" else None
    operand = make_operand(operator, weights, center=centring == "own", mean=given)
    mean = np.zeros(shape[1]) if given is None else given
    if centring == "own":
        mean = np.average(dense, axis=0, weights=weights)
    root = np.ones(shape[0]) if weights is None else np.sqrt(weights)
    return operand, root[:, None] * (dense - mean)


every_case = pytest.mark.parametrize(
    ("kind", "shape", "treatment"),
    [(kind, shape, t) for kind in KINDS for shape in SHAPES for t in TREATMENTS],
)


@every_case
def test_it_is_the_dense_matrix(kind, shape, treatment):
    operand, A = case(kind, shape, treatment)
    assert isinstance(operand, MatrixFreeOperand)
    n, p = shape
    rng = np.random.default_rng(0)
    tol = {"rtol": 1e-12, "atol": 2e-4 if kind == "float32" else 1e-11}
    for k in (1, 3):
        V, U = rng.standard_normal((p, k)), rng.standard_normal((n, k))
        kept = V.copy(), U.copy()
        assert_allclose(operand.matmat(V), A @ V, **tol)
        assert_allclose(operand.rmatmat(U), A.T @ U, **tol)
        assert_allclose(operand.normal_product(V), A.T @ (A @ V), **tol)
        assert_allclose(operand.normal_product(V, U), A.T @ (A @ V - U), **tol)
        assert_allclose(operand.outer_product(U), A @ (A.T @ U), **tol)
        assert np.array_equal(V, kept[0])
        assert np.array_equal(U, kept[1])
        # <A v, u> = <v, A'u>
        left = (operand.matmat(V) * U).sum(axis=0)
        assert_allclose(left, (V * operand.rmatmat(U)).sum(axis=0), **tol)
    assert_allclose(operand.to_dense(), A, **tol)
    assert_allclose(operand.gram(), A.T @ A, **tol)
    assert_allclose(operand.outer_gram(), A @ A.T, **tol)
    assert operand.matmat(np.ones((p, 1))).dtype == np.float64


@every_case
def test_facts(kind, shape, treatment):
    operand, _ = case(kind, shape, treatment)
    structure = operand.structure
    assert (structure.n_rows, structure.n_columns) == operand.shape == shape
    assert structure.matrix_free
    assert not structure.is_sparse
    assert structure.centered == (TREATMENTS[treatment][1] is not None)
    assert "known by its products" in str(structure)
    assert operand.buffers() == ()


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_column_norms_are_estimated(treatment):
    rng = np.random.default_rng(4)
    X = rng.standard_normal((500, 200)) * np.logspace(-4, 4, 200)
    weights, centring = TREATMENTS[treatment]
    weights = weights_for(weights, 500)
    given = X.mean(axis=0) if centring == "given" else None
    operands = [
        make_operand(data, weights, center=centring == "own", mean=given)
        for data in (aslinearoperator(X), X)
    ]
    ratio = operands[0].column_sq_norms / operands[1].column_sq_norms
    # a mean of 16 squares of normal numbers: relative standard deviation 0.35
    assert 0.9 < ratio.mean() < 1.1
    assert 0.2 < ratio.std() < 0.5
    assert ratio.min() > 0.1
    again = make_operand(aslinearoperator(X), weights, center=centring == "own", mean=given)
    assert np.array_equal(again.column_sq_norms, operands[0].column_sq_norms)


def test_what_it_returns_may_be_changed():
    X = np.ones((4, 3))

    class Cached(LinearOperator):
        """One that returns the same array each time."""

        def __init__(self):
            self.product = X @ np.eye(3)[:, :1]
            super().__init__(np.float64, X.shape)

        def _matmat(self, V):
            return self.product

        def _rmatmat(self, U):
            return X.T @ U

    operand = make_operand(Cached(), np.full(4, 4.0), center=True)
    e = np.eye(3)[:, :1]
    first = operand.matmat(e)
    assert np.array_equal(first, operand.matmat(e))
