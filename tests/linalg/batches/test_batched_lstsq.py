"""batched_lstsq against numpy.linalg.lstsq of every slice."""

import numpy as np
import pytest
from stack_cases import DTYPES, FEW, MANY, random_stack

from skstruct.linalg import batched_lstsq

SHAPES = [(5, 1), (6, 3), (9, 3), (40, 3), (3, 3), (2, 4), (20, 12)]


def assert_least_squares(a, b, rtol):
    fit = batched_lstsq(a, b)
    assert fit.x.shape == (*a.shape[:-2], a.shape[-1], b.shape[-1])
    for k in range(min(len(a), 40)):
        x, _, rank, values = np.linalg.lstsq(a[k], b[k], rcond=None)
        assert fit.rank[k] == rank
        np.testing.assert_allclose(fit.singular_values[k], values, rtol=0, atol=rtol * values.max())
        np.testing.assert_allclose(fit.x[k], x, rtol=0, atol=rtol * max(np.abs(x).max(), 1e-30))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [FEW, MANY])
@pytest.mark.parametrize("shape", SHAPES)
def test_random_problems(shape, length, dtype):
    a = random_stack(dtype, (length, *shape))
    b = random_stack(dtype, (length, shape[0], 2), seed=1)
    assert batched_lstsq(a, b).x.dtype == dtype
    assert_least_squares(a, b, 1e4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("length", [FEW, MANY])
@pytest.mark.parametrize("shape", [(6, 3), (9, 3), (2, 4)])
def test_the_shortest_solution_where_columns_depend_on_each_other(shape, length):
    a = random_stack("float64", (length, *shape))
    a[:, :, 1] = 2 * a[:, :, 0]
    a[2] = 0
    a[3] = 1
    assert_least_squares(a, random_stack("float64", (length, shape[0], 1), seed=1), 1e-11)


def test_a_cutoff_for_small_singular_values():
    a = np.tile(np.diag([1.0, 1e-3]), (3, 1, 1))
    assert (batched_lstsq(a, np.ones(2)).rank == 2).all()
    fit = batched_lstsq(a, np.ones(2), rcond=1e-2)
    assert (fit.rank == 1).all()
    np.testing.assert_allclose(fit.x, [[1, 0]] * 3, atol=1e-15)


def test_right_hand_sides_are_broadcast():
    a, b = random_stack("float64", (2, 1, 5, 3)), random_stack("float64", (4, 5, 1), seed=1)
    fit = batched_lstsq(a, b)
    assert fit.x.shape == (2, 4, 3, 1)
    np.testing.assert_allclose(fit.x[1, 2], np.linalg.lstsq(a[1, 0], b[2], rcond=None)[0])
    assert batched_lstsq(a, np.ones(5)).x.shape == (2, 1, 3)
    assert batched_lstsq(np.ones((0, 5, 3)), np.ones(5)).x.shape == (0, 3)
    assert not batched_lstsq(np.ones((2, 0, 3)), np.ones(0)).x.any()


@pytest.mark.parametrize(
    ("a", "b", "rcond", "message"),
    [
        (np.ones((2, 3, 1)), np.ones(2), None, "b must have 3 rows"),
        (np.full((2, 3, 1), np.nan), np.ones(3), None, r"a contains NaN .* slice \[0\]"),
        (np.ones((2, 3, 1)), np.full(3, np.inf), None, "b contains NaN or infinity"),
        (np.ones((2, 3, 1)), np.ones(3), -1.0, "rcond must be at least zero"),
        (np.ones((2, 3, 1)), np.ones(3), np.nan, "rcond must be at least zero"),
    ],
)
def test_what_is_refused(a, b, rcond, message):
    with pytest.raises(ValueError, match=message):
        batched_lstsq(a, b, rcond=rcond)
