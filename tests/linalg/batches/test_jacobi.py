"""The rotations themselves: what they converge for, and that neighbours do not matter."""

import numpy as np
import pytest
from stack_cases import hermitian_stack, random_stack

from skstruct.linalg import batched_eigh, batched_svd
from skstruct.linalg.batches._interleaved import run_kernel
from skstruct.linalg.batches._jacobi_eigh import jacobi_eigh
from skstruct.linalg.batches._jacobi_svd import jacobi_svd

DEGENERATE = [np.eye(3), -np.eye(3), np.eye(3)[::-1], np.diag([2.0, 2.0, 1.0])]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_eigenvalues_need_no_lapack(dtype):
    stack = np.array([*DEGENERATE, np.zeros((3, 3)), np.ones((3, 3))], dtype)
    values, vectors = np.empty((len(stack), 3, 1), dtype), np.empty_like(stack)
    converged = np.zeros((len(stack), 1, 1), bool)
    run_kernel(jacobi_eigh(3, stack.dtype), (stack,), (values, vectors, converged))
    assert converged.all()
    assert np.isfinite(vectors).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_singular_values_need_no_lapack(dtype):
    stack = np.array(DEGENERATE, dtype)
    U, S, Vh = np.empty_like(stack), np.empty((len(stack), 3, 1), dtype), np.empty_like(stack)
    reliable = np.zeros((len(stack), 1, 1), bool)
    run_kernel(jacobi_svd(3, 3, stack.dtype), (stack,), (U, S, Vh, reliable))
    assert reliable.all()
    assert np.isfinite(U).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", [3, 5])
def test_a_neighbour_that_takes_longer_changes_no_bit(order, dtype):
    # Alone, each half converges at its own time.
    quick = np.eye(order) + 1e-3 * hermitian_stack("float64", (600, order, order))
    slow = random_stack("float64", (600, order, order)) * np.logspace(0, -6, order)
    slow = slow + slow.swapaxes(1, 2)
    for function in (batched_eigh, batched_svd):
        alone = function(quick.astype(dtype))
        together = function(np.concatenate([quick, slow]).astype(dtype))
        for one, other in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one, other[:600])
