"""batched_eigh against its residuals, LAPACK and matrices whose eigenpairs are known."""

import numpy as np
import pytest
from stack_cases import DTYPES, FEW, MANY, hermitian_stack

from skstruct.linalg import batched_eigh
from skstruct.linalg.batches import _jacobi_eigh


def assert_eigenpairs(a, units=20):
    values, vectors = batched_eigh(a)
    order, eps = a.shape[-1], np.finfo(a.dtype).eps
    assert values.dtype == a.real.dtype
    assert vectors.dtype == a.dtype
    assert (np.diff(values, axis=-1) >= 0).all()
    lower = np.tril(a, -1)
    full = (
        lower
        + lower.conj().swapaxes(-1, -2)
        + np.einsum("...ii->...i", a)[..., None] * (np.eye(order, dtype=a.dtype))
    )
    scale = np.abs(full).max(axis=(-2, -1))
    residual = np.abs(full @ vectors - vectors * values[..., None, :]).max(axis=(-2, -1))
    assert (residual <= units * order * eps * scale).all()
    identity = vectors.conj().swapaxes(-1, -2) @ vectors
    assert np.abs(identity - np.eye(order)).max(initial=0) <= units * order * eps
    exact = np.linalg.eigvalsh(full.astype(np.result_type(a, np.float64)))
    error = np.abs(values - exact).max(axis=-1, initial=0)
    assert (error <= units * order * eps * scale).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [1, FEW, MANY])
@pytest.mark.parametrize("order", [1, 2, 3, 4, 6, 8, 12])
def test_random_matrices(order, length, dtype):
    assert_eigenpairs(hermitian_stack(dtype, (length, order, order)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", [2, 3, 5])
def test_hard_matrices(order, dtype):
    eps = np.finfo(dtype).eps
    graded = np.logspace(0, -12, order)
    cases = [
        np.zeros((order, order)),
        np.eye(order),
        -np.eye(order),
        np.ones((order, order)),
        np.eye(order)[::-1],
        np.diag(np.arange(order, 0, -1.0)),
        np.eye(order) + eps * np.ones((order, order)),
        np.sqrt(np.outer(graded, graded)),
        np.diag(graded) + 1e-9 * np.ones((order, order)),
        np.eye(order, k=1) + np.eye(order, k=-1),
        np.full((order, order), 1e-20),
        1e-30 * (np.eye(order, k=1) + np.eye(order, k=-1)) + np.eye(order),
    ]
    a = np.array(cases * (MANY // len(cases) + 1), dtype)
    assert_eigenpairs(a)
    largest = np.finfo(dtype).max / 100
    assert_eigenpairs(a[:-12] * dtype_scalar(dtype, np.sqrt(largest)))


def dtype_scalar(dtype, value):
    return np.dtype(dtype).type(value)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_scale_does_not_matter(scale):
    assert_eigenpairs(scale * hermitian_stack("float64", (MANY, 3, 3)))


@pytest.mark.parametrize("length", [FEW, MANY])
def test_only_the_lower_triangle_is_read(length):
    a = hermitian_stack("float64", (length, 3, 3))
    for ours, expected in zip(batched_eigh(np.tril(a)), batched_eigh(a), strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_slices_that_do_not_converge_are_left_to_lapack(monkeypatch):
    monkeypatch.setattr(_jacobi_eigh, "MAX_SWEEPS", 1)
    assert_eigenpairs(hermitian_stack("float64", (MANY, 5, 5)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(("order", "length"), [(1, MANY), (3, MANY), (3, 20), (12, 20)])
def test_numbers_that_are_not_finite(order, length, value):
    for i, j in zip(*np.tril_indices(order), strict=True):
        a = hermitian_stack("float64", (length, order, order))
        a[9, i, j] = value
        with pytest.raises(ValueError, match=r"a contains NaN or infinity, first in slice \[9\]"):
            batched_eigh(a)


@pytest.mark.parametrize("shape", [(0, 3, 3), (4, 0, 0), (2, 2), (2, 3, 2, 2), (2, 400, 2, 2)])
def test_shapes(shape):
    values, vectors = batched_eigh(np.broadcast_to(np.eye(shape[-1]), shape))
    assert (values.shape, vectors.shape) == (shape[:-1], shape)
    assert (values == 1).all()


def test_what_is_refused():
    with pytest.raises(ValueError, match="square"):
        batched_eigh(np.ones((2, 3, 4)))
    with pytest.raises(TypeError, match="float16"):
        batched_eigh(np.eye(2, dtype=np.float16))
