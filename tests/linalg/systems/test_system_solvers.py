"""Every solver on every matrix that it accepts: the solution, the adjoint and the determinant."""

import numpy as np
import pytest
from scipy import sparse
from system_cases import DTYPES, KINDS, backward_error, bound, matrix, random

from skstruct.linalg import plan_for, run
from skstruct.linalg.systems._inputs import as_matrix, system_of


def answers(A, assume=None):
    """Yield what each solver that applies finds, asked for by name."""
    rng = np.random.default_rng(7)
    b = random(rng, max(A.shape[0], 3), A.dtype)[: A.shape[0], :3]
    problem = system_of(as_matrix(A), b, assume, "mixed")
    for candidate in plan_for(problem).candidates:
        if candidate.rejected is None:
            yield b, run(problem, (candidate.solver,)), candidate.solver


def check(A, dense):
    solvers = set()
    for b, solution, asked in answers(A):
        solvers.add(asked)
        if solution.solver != asked:  # the next one has answered
            continue
        assert backward_error(dense, solution.answer.x, b) <= bound(dense), asked
        factor = solution.answer.factor
        halved = asked.startswith("mixed")
        eps = np.finfo(np.float32 if halved else dense.dtype).eps
        y = factor.solve_adjoint(b)
        assert backward_error(dense.conj().T, y, b) <= 100 * eps * np.sqrt(len(dense)), asked
        sign, log = factor.slogdet()
        exact_sign, exact_log = np.linalg.slogdet(dense.astype(np.complex128))
        error = 1e3 * eps * len(dense) * np.linalg.cond(dense.astype(np.complex128))
        assert abs(sign - exact_sign) <= error, asked
        assert abs(log - exact_log) <= error * max(1, abs(exact_log)), asked
    return solvers


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_dense(kind, dtype):
    for n in (1, 2, 6, 45):
        A = matrix(kind, n, dtype)
        assert check(A, A)
        check(np.asfortranarray(A), A)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sparse(dtype):
    rng = np.random.default_rng(3)
    n = 60
    A = random(rng, n, dtype)
    narrow = np.triu(np.tril(A, 2), -1) + 9 * np.eye(n, dtype=dtype)
    order = rng.permutation(n)
    cases = {
        "banded": narrow,
        "permuted": narrow[order][:, order],
        "definite": (narrow + narrow.conj().T)[order][:, order],
        "scattered": np.where(rng.random((n, n)) < 0.1, A, 0) + 5 * np.eye(n, dtype=dtype),
        "triangular": np.tril(np.where(rng.random((n, n)) < 0.2, A, 0), -1) + np.eye(n),
        "blocks": np.kron(np.eye(12), np.ones((5, 5)) + A[:5, :5])[order][:, order],
        "tridiagonal": np.triu(np.tril(A, 1), -1),
        "diagonal": np.diag(np.diag(A)),
    }
    solvers = set()
    for dense in cases.values():
        dense = dense.astype(dtype)
        for container in (sparse.csr_array, sparse.coo_array, sparse.csc_matrix):
            solvers |= check(container(dense), dense)
    assert solvers == {
        "sparse_lu",
        "sparse_cholesky",
        "banded",
        "banded_cholesky",
        "block_diagonal",
        "diagonal",
        "tridiagonal",
    }


def test_every_solver_has_been_tried():
    asked = set()
    for kind in KINDS:
        asked |= {solver for _, _, solver in answers(matrix(kind, 40, "float64"))}
        if kind == "definite":
            band = np.triu(np.tril(matrix(kind, 40, "float64"), 2), -2) + 3 * np.eye(40)
            asked |= {solver for _, _, solver in answers(band)}
    assert asked == {
        "banded",
        "banded_cholesky",
        "block_diagonal",
        "cholesky",
        "circulant",
        "diagonal",
        "ldl",
        "lu",
        "mixed_cholesky",
        "mixed_lu",
        "toeplitz",
        "triangular",
        "tridiagonal",
    }


def test_large_blocks_are_factorised_one_by_one():
    rng = np.random.default_rng(5)
    A = np.zeros((90, 90))
    A[:40, :40], A[40:80, 40:80], A[80:, 80:] = (rng.standard_normal((m, m)) for m in (40, 40, 10))
    order = rng.permutation(90)
    assert "block_diagonal" in check(A[order], A[order])
    assert "block_diagonal" in check(sparse.csr_array(A), A)


def test_a_matrix_that_only_pivoting_saves():
    A = np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    for b, solution, asked in answers(A):
        assert backward_error(A, solution.answer.x, b) <= bound(A), asked


@pytest.mark.parametrize("n", [200, 300])
def test_an_indefinite_toeplitz_matrix_goes_on_to_another_solver(n):
    # Its leading minors of even order vanish, so that Levinson's recursion divides by zero.
    A = np.zeros((n, n))
    A[np.arange(n - 1), np.arange(1, n)] = A[np.arange(1, n), np.arange(n - 1)] = 1.0
    A[0, -1] = A[-1, 0] = 0.0
    A += np.diag(np.full(n - 2, 0.5), 2) + np.diag(np.full(n - 2, 0.5), -2)
    problem = system_of(as_matrix(A), np.ones(n), None, "auto")
    solution = run(problem, ("toeplitz",))
    assert solution.certificate.holds
    assert solution.plan.attempts[0].solver == "toeplitz"
    assert solution.escalated_from == "toeplitz"
