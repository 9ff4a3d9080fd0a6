"""batched_svd against its reconstruction, LAPACK and a graded matrix with known values."""

from fractions import Fraction

import numpy as np
import pytest
from stack_cases import DTYPES, FEW, MANY, random_stack

from skstruct.linalg import batched_svd
from skstruct.linalg.batches import _jacobi_svd

SHAPES = [(1, 1), (2, 2), (3, 3), (5, 5), (4, 2), (3, 1), (9, 3), (2, 5), (1, 3), (12, 2), (10, 10)]


def assert_factors(a, units=20):
    U, S, Vh = batched_svd(a)
    n_rows, n_columns = a.shape[-2:]
    eps = units * max(n_rows, n_columns) * np.finfo(a.dtype).eps
    assert U.dtype == Vh.dtype == a.dtype
    assert S.dtype == a.real.dtype
    assert (np.diff(S, axis=-1) <= 0).all()
    assert (S >= 0).all()
    scale = np.abs(a).max(axis=(-2, -1), initial=0)[..., None, None]
    assert (np.abs(U * S[..., None, :] @ Vh - a) <= eps * scale).all()
    side = np.eye(min(n_rows, n_columns))
    assert np.abs(U.conj().swapaxes(-1, -2) @ U - side).max(initial=0) <= eps
    assert np.abs(Vh @ Vh.conj().swapaxes(-1, -2) - side).max(initial=0) <= eps
    exact = np.linalg.svd(a.astype(np.result_type(a, np.float64)), compute_uv=False)
    assert (np.abs(S - exact) <= eps * scale[..., 0]).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [1, FEW, MANY])
@pytest.mark.parametrize("shape", SHAPES)
def test_random_matrices(shape, length, dtype):
    assert_factors(random_stack(dtype, (length, *shape)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (6, 3), (3, 5)])
def test_hard_matrices(shape, dtype):
    square = np.eye(*shape)
    ramp = np.logspace(0, -14, shape[1])
    cases = [
        np.zeros(shape),
        square,
        -square,
        np.ones(shape),
        square[:, ::-1],
        square * ramp,
        np.ones(shape) * ramp,
        np.ones(shape) + 1e-12 * square,
        np.where(np.arange(shape[1]) == 1, 0, np.ones(shape)),
        1e-20 * np.ones(shape) + square,
    ]
    assert_factors(np.array(cases * (MANY // len(cases) + 1), dtype))


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_scale_does_not_matter(scale):
    assert_factors(scale * random_stack("float64", (MANY, 4, 3)))


def test_small_singular_values_of_graded_columns_are_accurate():
    # The determinant is the product of the singular values; the larger one is close to sqrt(2).
    tiny = 2.0**-40
    a = np.tile(np.array([[1.0, tiny], [1.0, -tiny * 3]]), (MANY, 1, 1))
    exact = float(Fraction(4) * Fraction(tiny))
    S = batched_svd(a).S
    np.testing.assert_allclose(S[:, 0] * S[:, 1], exact, rtol=1e-14)


def test_slices_that_do_not_converge_are_left_to_lapack(monkeypatch):
    monkeypatch.setattr(_jacobi_svd, "MAX_SWEEPS", 1)
    assert_factors(random_stack("float64", (MANY, 4, 4)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(("order", "length"), [(1, MANY), (3, MANY), (3, 20), (12, 20)])
def test_numbers_that_are_not_finite(order, length, value):
    for position in np.ndindex(order, order):
        a = random_stack("float64", (length, order, order))
        a[(9, *position)] = value
        with pytest.raises(ValueError, match=r"a contains NaN or infinity, first in slice \[9\]"):
            batched_svd(a)


@pytest.mark.parametrize("shape", [(0, 3, 2), (4, 0, 2), (4, 2, 0), (3, 2), (2, 3, 2, 4)])
def test_shapes(shape):
    ours = batched_svd(np.ones(shape))
    expected = np.linalg.svd(np.ones(shape), full_matrices=False)
    assert [part.shape for part in ours] == [part.shape for part in expected]


def test_what_is_refused():
    with pytest.raises(ValueError, match="at least two dimensions"):
        batched_svd(np.ones(3))
