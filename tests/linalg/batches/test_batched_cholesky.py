"""batched_cholesky against its own backward error and LAPACK."""

import numpy as np
import pytest
from scipy.linalg import LinAlgWarning
from stack_cases import DTYPES, FEW, MANY, definite_stack

from skstruct.linalg import batched_cholesky


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [1, FEW, MANY])
@pytest.mark.parametrize("order", [1, 2, 3, 4, 5, 6, 8, 12])
def test_factors(order, length, dtype):
    a = definite_stack(dtype, (length, order, order))
    factors = batched_cholesky(a)
    assert factors.dtype == dtype
    assert not np.triu(factors, 1).any()
    assert (np.einsum("sii->si", factors).real > 0).all()
    assert not np.einsum("sii->si", factors).imag.any()
    error = np.abs(factors @ factors.conj().swapaxes(1, 2) - a).max(axis=(1, 2))
    bound = 4 * np.sqrt(order) * np.finfo(dtype).eps
    assert (error <= bound * np.abs(a).max(axis=(1, 2))).all()


@pytest.mark.parametrize("length", [3, MANY])
def test_only_the_lower_triangle_is_read(length):
    a = definite_stack("float64", (length, 3, 3))
    np.testing.assert_array_equal(batched_cholesky(np.tril(a)), batched_cholesky(a))
    a = definite_stack("complex128", (length, 3, 3))
    np.testing.assert_array_equal(
        batched_cholesky(np.tril(a) + 1j * np.eye(3)), batched_cholesky(a)
    )


@pytest.mark.parametrize("order", [2, 3, 9])
@pytest.mark.parametrize("length", [30, MANY])
@pytest.mark.parametrize("dtype", DTYPES)
def test_indefinite_slices_are_named_and_the_others_factored(order, length, dtype):
    a = definite_stack(dtype, (length, order, order))
    expected = batched_cholesky(a)
    a[5, -1, -1] = 0
    a[8] = 0
    a[11] *= -1
    lost = [5, 8, 11]
    with pytest.warns(
        LinAlgWarning, match=r"slices \[5\], \[8\], \[11\] of a: not positive definite"
    ) as seen:
        factors = batched_cholesky(a)
    assert seen[0].filename == __file__
    assert np.isnan(factors[lost]).all()
    np.testing.assert_array_equal(np.delete(factors, lost, 0), np.delete(expected, lost, 0))
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        batched_cholesky(a, singular="raise")


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(("order", "length"), [(3, MANY), (3, 20), (12, 20)])
def test_numbers_that_are_not_finite(order, length, value):
    for i, j in zip(*np.tril_indices(order), strict=True):
        a = definite_stack("float64", (length, order, order))
        a[9, i, j] = value
        with pytest.raises(ValueError, match=r"a contains NaN or infinity, first in slice \[9\]"):
            batched_cholesky(a)


@pytest.mark.parametrize("shape", [(0, 3, 3), (4, 0, 0), (2, 0, 3, 3), (2, 2), (2, 300, 2, 2)])
def test_shapes(shape):
    a = np.broadcast_to(np.eye(shape[-1]), shape)
    np.testing.assert_array_equal(batched_cholesky(a), a)


def test_what_is_refused():
    with pytest.raises(ValueError, match="square"):
        batched_cholesky(np.ones((2, 3, 4)))
    with pytest.raises(ValueError, match="singular must be"):
        batched_cholesky(np.eye(2), singular=None)
