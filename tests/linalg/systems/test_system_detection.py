"""What is found in a matrix, and that nothing is found that is off by one entry."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, sparse
from system_cases import DTYPES, KINDS, expected, matrix, permuted

from skstruct.linalg import structure_of
from skstruct.linalg.systems import _patterns
from skstruct.linalg.systems._patterns import Pattern


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [40, 300])
def test_found(kind, n, dtype):
    facts = structure_of(matrix(kind, n, dtype))
    found = facts.found - {"positive_diagonal", "symmetric", "hermitian"}
    wanted = expected(kind, dtype)
    assert found == wanted - {"positive_diagonal", "symmetric", "hermitian"}
    assert wanted <= facts.found
    assert not facts.declared


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "general"])
@settings(deadline=None, max_examples=10)
@given(data=st.data())
def test_one_entry_off_is_another_structure(kind, dtype, data):
    n = data.draw(st.integers(40, 90))
    A = matrix(kind, n, dtype, seed=n)
    i, j = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, n - 1))
    A[i, j] += 1e-9
    facts = structure_of(A)
    # What is still claimed has to be true of the changed matrix.
    for claim in facts.found:
        assert TRUE_OF[claim](A, facts), (claim, i, j)


def bandwidths(A):
    return linalg.bandwidth(A)


TRUE_OF = {
    "diagonal": lambda A, facts: bandwidths(A) == (0, 0),
    "lower_triangular": lambda A, facts: not np.triu(A, 1).any(),
    "upper_triangular": lambda A, facts: not np.tril(A, -1).any(),
    "permuted_triangular": lambda A, facts: Pattern(A).triangular_order() is not None,
    "tridiagonal": lambda A, facts: max(bandwidths(A)) <= 1,
    "banded": lambda A, facts: bandwidths(A) == facts.bandwidths,
    "block_diagonal": lambda A, facts: sum(facts.block_sizes) == len(A),
    "toeplitz": lambda A, facts: np.array_equal(A, linalg.toeplitz(A[:, 0], A[0])),
    "circulant": lambda A, facts: np.array_equal(A, linalg.circulant(A[:, 0])),
    "symmetric": lambda A, facts: np.array_equal(A, A.T),
    "hermitian": lambda A, facts: np.array_equal(A, A.conj().T),
    "positive_diagonal": lambda A, facts: np.all(A.diagonal().real > 0),
}


def test_rounding_breaks_symmetry():
    A = matrix("definite", 50, "float64")
    A[7, 3] = np.nextafter(A[7, 3], 2)
    assert "symmetric" not in structure_of(A).found


def test_a_full_triangle_and_a_sparse_one_in_any_order():
    rng = np.random.default_rng(0)
    full = np.tril(np.ones((50, 50)))
    for lower in (full, np.where(rng.random((50, 50)) < 0.1, full, np.eye(50))):
        for A in (permuted(lower, rng), permuted(lower.T, rng)):
            for stored in (A, np.asfortranarray(A)):
                order = Pattern(stored).triangular_order()
                ordered = A[order.rows][:, order.columns]
                assert not np.triu(ordered, 1).any()
                assert ordered.diagonal().all()


@settings(deadline=None, max_examples=100)
@given(
    n=st.integers(2, 25),
    density=st.floats(0.02, 0.4),
    seed=st.integers(0, 10**6),
    is_graph=st.booleans(),
)
def test_orders_are_what_they_say(n, density, seed, is_graph):
    rng = np.random.default_rng(seed)
    nonzero = rng.random((n, n)) < density
    pattern = Pattern(nonzero if seed % 2 else np.asfortranarray(nonzero))
    assert pattern.count == nonzero.sum()
    order = pattern.triangular_order()
    if order is not None:
        ordered = nonzero[order.rows][:, order.columns]
        assert not np.triu(ordered, 1).any()
        assert ordered.diagonal().all()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_patterns, "MAX_DEGREE", 100 if is_graph else 0)
        order = pattern.diagonal_blocks()
    if order is not None:
        assert sorted(order.rows) == sorted(order.columns) == list(range(n))
        starts = order.ends - np.diff(order.ends, prepend=0)
        inside = np.zeros_like(nonzero)
        for start, end in zip(starts, order.ends, strict=True):
            inside[np.ix_(order.rows[start:end], order.columns[start:end])] = True
        assert not nonzero[~inside].any()


@pytest.mark.parametrize("degree", [0, 100])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n", [3, 65, 300])
def test_patterns_are_counted_strip_by_strip(n, order, degree, monkeypatch):
    monkeypatch.setattr(_patterns, "MAX_DEGREE", degree)
    rng = np.random.default_rng(n)
    A = permuted(linalg.block_diag(*[np.ones((n // 3, n // 3))] * 3), rng)
    pattern = Pattern(np.array(A, order=order))
    assert pattern.count == 3 * (n // 3) ** 2
    assert pattern.diagonal_blocks().sizes == (n // 3,) * 3
    A[rng.integers(len(A))] = 1
    assert Pattern(np.array(A, order=order)).diagonal_blocks() is None


def test_blocks_are_joined_by_chains(monkeypatch):
    A = np.eye(200)
    A[np.arange(99), np.arange(1, 100)] = 1  # a chain of 100 rows, and 100 rows of their own
    rng = np.random.default_rng(0)
    for degree in (0, 100):
        monkeypatch.setattr(_patterns, "MAX_DEGREE", degree)
        order = Pattern(permuted(A, rng)).diagonal_blocks()
        assert order.sizes == (100, *[1] * 100)


def test_patterns_that_cannot_be_invertible():
    assert Pattern(np.array([[1.0, 0], [1, 0]])).triangular_order() is None
    assert Pattern(np.array([[1.0, 0], [1, 0]])).diagonal_blocks() is None
    assert Pattern(np.array([[1.0, 0, 0], [0, 1, 1], [0, 0, 0]])).diagonal_blocks() is None
    assert Pattern(np.zeros((3, 3))).diagonal_blocks() is None


def test_sparse_matrices_are_reordered():
    rng = np.random.default_rng(1)
    n = 200
    band = sparse.diags_array([1.0, 2.0, 4.0, 3.0], offsets=[-2, -1, 0, 1], shape=(n, n))
    order = rng.permutation(n)
    scattered = sparse.csr_array(band)[order][:, order]
    facts = structure_of(scattered)
    assert facts.has("banded")
    assert sum(facts.bandwidths) <= 6
    components = sparse.block_diag([np.ones((k, k)) for k in (2, 5, 3)])
    order = rng.permutation(10)
    facts = structure_of(sparse.csr_array(components)[order][:, order])
    assert facts.block_sizes == (5, 3, 2)


def test_stored_zeros_and_duplicates_are_no_structure():
    rows, columns = [0, 1, 1, 2, 0], [0, 1, 1, 2, 2]
    A = sparse.coo_array(([1.0, 1.0, 1.0, 3.0, 0.0], (rows, columns)), shape=(3, 3))
    facts = structure_of(A)
    assert facts.has("diagonal")
    assert facts.nnz == 3
    assert A.nnz == 5  # the caller's is as it was


def test_stored_zeros_of_the_caller_stay():
    A = sparse.csc_array(np.array([[1.0, 2.0], [0.0, 3.0]]))
    A.data[1] = 0.0
    assert structure_of(A).has("diagonal")
    assert A.nnz == 3


def test_positive_definite_is_known_once_it_was_proven():
    from skstruct.linalg import certified_solve

    A = matrix("definite", 20, "float64")
    assert not structure_of(A).has("positive_definite")
    assert certified_solve(A, np.ones(20)).structure.has("positive_definite")
