"""solve and certified_solve: every structure, type and layout against the residual in double."""

import numpy as np
import pytest
from scipy import sparse
from system_cases import DTYPES, KINDS, backward_error, bound, expected, matrix, random

from skstruct.linalg import certified_solve, config_context, explain, solve, structure_of


def right_hand_sides(A, k, seed=1):
    rng = np.random.default_rng(seed)
    b = random(rng, max(len(A), k), A.dtype)
    return b[: len(A), 0] if k == 0 else b[: len(A), :k]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [2, 3, 5, 60])
def test_every_structure(kind, n, dtype):
    A = matrix(kind, n, dtype)
    for b in (right_hand_sides(A, 0), right_hand_sides(A, 3)):
        x = solve(A, b)
        assert x.shape == b.shape
        assert x.dtype == A.dtype
        assert backward_error(A, x, b) <= bound(A)


@pytest.mark.parametrize("kind", KINDS)
def test_the_certificate_states_what_was_reached(kind):
    A = matrix(kind, 60, "float64")
    b = right_hand_sides(A, 2)
    solution = certified_solve(A, b)
    assert solution.certificate.holds
    assert solution.certificate.asked == pytest.approx(bound(A))
    size = np.linalg.norm(A) * np.linalg.norm(solution.x, axis=0) + np.linalg.norm(b, axis=0)
    measured = np.max(np.linalg.norm(b - A @ solution.x, axis=0) / size)
    # Both are sums of rounding errors, of which the last bits depend on the order.
    assert measured == pytest.approx(solution.certificate.value, rel=1, abs=1e-18)
    exact = 1 / np.linalg.cond(A, 1)
    assert exact * 0.99 <= solution.rcond <= 3 * exact
    assert np.array_equal(solve(A, b), solution.x)


SOLVER = {
    "general": "lu",
    "diagonal": "diagonal",
    "lower": "triangular",
    "upper": "triangular",
    "permuted": "triangular",
    "tridiagonal": "tridiagonal",
    "banded": "banded",
    "blocks": "block_diagonal",
    "toeplitz": "toeplitz",
    "circulant": "circulant",
    "hermitian": "ldl",
    "symmetric": "ldl",
    "definite": "cholesky",
}


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_routine_that_the_structure_deserves(kind, dtype):
    A = matrix(kind, 500, dtype)
    solution = certified_solve(A, right_hand_sides(A, 0))
    assert solution.solver == SOLVER[kind]
    assert explain(A).chosen == SOLVER[kind]
    assert expected(kind, dtype) <= solution.structure.found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "layout",
    [
        np.asfortranarray,
        lambda A: np.repeat(np.repeat(A, 2, axis=0), 2, axis=1)[::2, ::2],
        lambda A: np.ascontiguousarray(A[::-1, ::-1])[::-1, ::-1],
    ],
    ids=["fortran", "strided", "reversed"],
)
def test_layouts(kind, layout):
    A = matrix(kind, 41, "float64")
    b = right_hand_sides(A, 4)
    before = A.copy()
    A = layout(A)
    A.setflags(write=False)
    for rhs in (b, b[:, ::2], b.T.copy().T):
        assert backward_error(A, solve(A, rhs), rhs) <= bound(A)
    assert np.array_equal(A, before)


def test_nothing_to_solve():
    assert solve(np.zeros((0, 0)), np.zeros(0)).shape == (0,)
    assert solve(np.zeros((0, 0)), np.zeros((0, 2))).shape == (0, 2)
    assert solve(np.eye(3) + 1, np.zeros((3, 0))).shape == (3, 0)
    assert certified_solve(np.zeros((0, 0)), np.zeros(0)).rcond == 1.0


def test_order_one():
    assert solve([[4.0]], [2.0]) == [0.5]
    assert solve([[2j]], [[2.0, 4.0]]).tolist() == [[-1j, -2j]]


@pytest.mark.parametrize(
    ("a", "b", "result"),
    [
        ("int64", "int32", "float64"),
        ("bool", "float32", "float64"),
        ("float16", "float32", "float32"),
        ("float32", "float64", "float64"),
        ("float32", "complex64", "complex64"),
        ("float64", "complex64", "complex128"),
        ("complex64", "float64", "complex128"),
    ],
)
def test_types_are_promoted(a, b, result):
    A = np.array([[1, 1], [0, 1]]).astype(a)
    rhs = np.array([2, 1]).astype(b)
    x = solve(A, rhs)
    assert x.dtype == result
    assert x.tolist() == [1, 1]


def test_complex_right_hand_sides_of_a_real_matrix():
    A = matrix("general", 30, "float64")
    b = right_hand_sides(A, 2) + 1j * right_hand_sides(A, 2, seed=2)
    x = solve(A, b)
    assert backward_error(A, x, b) <= bound(A)
    assert backward_error(A, solve(A, b[:, 0]), b[:, 0]) <= bound(A)


def test_as_many_right_hand_sides_as_unknowns_are_certified_by_probes():
    A = matrix("general", 80, "float64")
    solution = certified_solve(A, np.eye(80))
    worst = backward_error(A, solution.x, np.eye(80))
    assert worst <= bound(A)
    assert solution.certificate.value >= worst / 10


def test_lists_are_matrices():
    assert solve([[2, 0], [0, 4]], [2, 4]).tolist() == [1, 1]


def test_sizes_up_to_two_thousand():
    for kind in ("banded", "toeplitz", "blocks", "permuted", "circulant", "diagonal"):
        A = matrix(kind, 1500, "float64")
        b = right_hand_sides(A, 0)
        x = solve(A, b)
        residual = np.linalg.norm(b - A @ x)
        assert residual <= bound(A) * (np.linalg.norm(A, 1) * np.linalg.norm(x))


def test_a_plan_is_made_of_facts_alone():
    A = matrix("definite", 50, "float64")
    plan = explain(A, np.ones((50, 7)))
    assert not plan.attempts
    assert "7 right-hand sides" in plan.problem
    assert plan.chosen == plan.order[0] == "cholesky"
    assert plan.order[1:] == ("ldl", "lu")


def test_plans_are_remembered_for_the_settings_they_were_made_for():
    A = np.random.default_rng(0).standard_normal((300, 300))
    plan = explain(A)
    assert explain(A + 1) is plan
    with config_context(memory_limit=10**9):
        assert explain(A) is not plan
    with config_context(memory_limit=100), pytest.raises(MemoryError, match="memory limit"):
        explain(A)
    assert explain(A, precision="mixed").chosen == "mixed_lu"
    many = np.zeros((300, 15_000))  # 36 MB: what solves them depends on the memory that is free
    assert explain(A, many) is not explain(A, many)


def test_factors_that_exceed_the_memory_limit_are_not_made():
    A = matrix("general", 200, "float64")
    with config_context(memory_limit=100), pytest.raises(MemoryError, match="memory limit"):
        solve(A, np.ones(200))


def test_threads_are_limited_and_given_back():
    A = matrix("definite", 120, "float64")
    b = right_hand_sides(A, 0)
    with config_context(blas_threads=1):
        x = solve(A, b)
    assert backward_error(A, x, b) <= bound(A)


def test_structure_in_words():
    assert str(structure_of(np.eye(3))) == (
        "dense 3 x 3 float64 matrix (diagonal, circulant, toeplitz)"
    )
    facts = structure_of(sparse.diags_array([1.0, 2.0]))
    assert str(facts) == "sparse 2 x 2 float64 matrix (diagonal, 2 entries)"
