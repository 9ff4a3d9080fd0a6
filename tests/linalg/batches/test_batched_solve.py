"""batched_solve against its own backward error, LAPACK and exact fractions."""

import warnings
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import LinAlgWarning
from stack_cases import DTYPES, FEW, MANY, backward_errors, hard_stacks, random_stack

from skstruct.linalg import batched_solve

ORDERS = [1, 2, 3, 4, 5, 6, 7, 9, 20, 40]
HARD = sorted(hard_stacks(2, FEW))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("order", "length"),
    [*product(ORDERS, [1, FEW]), *product([order for order in ORDERS if order < 10], [MANY])],
)
def test_backward_errors(order, length, dtype):
    a = random_stack(dtype, (length, order, order))
    for n_rhs in (1, 3):
        b = random_stack(dtype, (length, order, n_rhs), seed=1)
        x = batched_solve(a, b)
        assert x.dtype == dtype
        assert x.shape == b.shape
        bound = 10 * np.finfo(dtype).eps * np.sqrt(order)
        assert backward_errors(a, x, b).max() <= bound


@pytest.mark.parametrize("case", HARD)
@pytest.mark.parametrize("order", [1, 2, 3, 4, 6])
@pytest.mark.filterwarnings("ignore:.*nearly singular")
def test_no_worse_than_lapack(order, case):
    a = hard_stacks(order)[case]
    b = random_stack("float64", (len(a), order, 1), seed=1) * np.abs(a).max()
    ours = backward_errors(a, batched_solve(a, b), b)
    lapack = backward_errors(a, np.linalg.solve(a, b), b)
    eps = np.finfo(float).eps
    assert ours.max() <= max(1.5 * lapack.max(), 2 * eps)
    assert ours.mean() <= max(1.2 * lapack.mean(), 0.1 * eps)


@pytest.mark.parametrize("order", [2, 3])
def test_exact_solutions_of_small_integers(order):
    rng = np.random.default_rng(order)
    a = rng.integers(-9, 10, (MANY, order, order))
    a[:, range(order), range(order)] += 30
    b = rng.integers(-9, 10, (MANY, order, 1))
    x = batched_solve(a, b)
    for matrix, vector, found in zip(a.tolist(), b.tolist(), x[..., 0], strict=True):
        exact = fraction_solution(matrix, [row[0] for row in vector])
        np.testing.assert_allclose(found, [float(value) for value in exact], rtol=1e-13, atol=1e-14)


def fraction_solution(matrix, vector):
    """Return the solution by elimination with fractions, None if the matrix is singular."""
    rows = [[Fraction(v) for v in [*row, b]] for row, b in zip(matrix, vector, strict=True)]
    n = len(rows)
    for k in range(n):
        pivot = next((i for i in range(k, n) if rows[i][k]), None)
        if pivot is None:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        for i in range(n):
            if i != k:
                factor = rows[i][k] / rows[k][k]
                rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [rows[k][n] / rows[k][k] for k in range(n)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=9, max_size=9), st.sampled_from([1, MANY]))
def test_every_small_matrix_is_solved_or_reported(entries, length):
    matrix = np.array(entries, float).reshape(3, 3)
    vector = np.array([1.0, -2.0, 3.0])
    a = np.concatenate([matrix[None], np.tile(np.eye(3), (length - 1, 1, 1))])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        x = batched_solve(a, vector)
    exact = fraction_solution(matrix.tolist(), vector.tolist())
    if exact is None:
        # rounding may hide a singular matrix as a nearly singular one, which is named as well
        assert "[0]" in str(caught[0].message)
    else:
        assert not caught
        np.testing.assert_allclose(x[0], [float(v) for v in exact], rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(x[1:], np.tile(vector, (length - 1, 1)))


@pytest.mark.parametrize(
    ("a_shape", "b_shape"),
    [
        ((3, 3), (3,)),
        ((3, 3), (3, 2)),
        ((5, 3, 3), (3,)),
        ((5, 3, 3), (3, 2)),
        ((3, 3), (4, 3, 2)),
        ((5, 1, 3, 3), (4, 3, 1)),
        ((2, 400, 3, 3), (400, 3, 1)),
        ((3, 3), (800, 3, 1)),
        ((800, 1, 3, 3), (1, 2, 3, 20)),
        ((0, 3, 3), (0, 3, 2)),
        ((2, 0, 0), (2, 0, 3)),
        ((4, 3, 3), (4, 3, 0)),
        ((0, 3, 3), (3,)),
    ],
)
def test_shapes_are_those_of_numpy(a_shape, b_shape):
    a, b = random_stack("float64", a_shape), random_stack("float64", b_shape, seed=1)
    ours, theirs = batched_solve(a, b), np.linalg.solve(a, b)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a.swapaxes(1, 2).copy().swapaxes(1, 2),
        lambda a: np.repeat(a, 2, axis=0)[::2],
        lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
        np.asfortranarray,
        lambda a: np.moveaxis(np.moveaxis(a, 0, -1).copy(), -1, 0),
        lambda a: np.pad(a, ((0, 0), (1, 2), (3, 0)))[:, 1:-2, 3:],
        lambda a: a.astype(">f8"),
    ],
    ids=["transposed", "strided", "reversed", "fortran", "interleaved", "window", "swapped"],
)
def test_memory_does_not_matter(view):
    a, b = random_stack("float64", (MANY, 3, 3)), random_stack("float64", (MANY, 3, 1), seed=1)
    viewed = view(a)
    np.testing.assert_array_equal(viewed, a)
    before = viewed.copy(), b.copy()
    np.testing.assert_array_equal(batched_solve(viewed, b), batched_solve(a, b))
    np.testing.assert_array_equal(viewed, before[0])
    np.testing.assert_array_equal(b, before[1])


@pytest.mark.parametrize(
    ("a_type", "b_type", "expected"),
    [
        ("int32", "int64", "float64"),
        ("bool", "float32", "float64"),
        ("float32", "float64", "float64"),
        ("float32", "complex64", "complex64"),
        ("complex64", "float64", "complex128"),
    ],
)
def test_types_are_promoted(a_type, b_type, expected):
    x = batched_solve(np.eye(2, dtype=a_type)[None], np.ones((1, 2, 1), dtype=b_type))
    assert x.dtype == expected
    np.testing.assert_array_equal(x, np.ones((1, 2, 1)))


# -- slices without an answer -----------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 3, 4, 12])
@pytest.mark.parametrize("length", [30, MANY])
@pytest.mark.parametrize("dtype", DTYPES)
def test_singular_slices_are_named_and_the_others_solved(order, length, dtype):
    a, b = random_stack(dtype, (length, order, order)), np.ones((order, 2), dtype)
    expected = batched_solve(a, b)
    a[7] = 0
    a[length - 2, :, -1] = 0
    with pytest.warns(
        LinAlgWarning, match=rf"slices \[7\], \[{length - 2}\] of a: singular"
    ) as seen:
        x = batched_solve(a, b)
    assert seen[0].filename == __file__
    lost = [7, length - 2]
    assert np.isnan(x[lost]).all()
    np.testing.assert_array_equal(np.delete(x, lost, axis=0), np.delete(expected, lost, axis=0))
    with pytest.raises(np.linalg.LinAlgError, match=r"slices \[7\], "):
        batched_solve(a, b, singular="raise")


def test_indices_are_those_of_the_batch():
    a = np.tile(np.eye(3), (20, 40, 1, 1))
    a[3, 4] = 0
    with pytest.warns(LinAlgWarning, match=r"slice \[3, 4\] of a"):
        batched_solve(a, np.ones(3))
    a[:, 5] = 0
    with pytest.warns(LinAlgWarning, match=r"slices \[0, 5\], \[1, 5\], \[2, 5\] and 18 more"):
        batched_solve(a, np.ones(3))


@pytest.mark.parametrize("order", [2, 3, 6, 15])
@pytest.mark.parametrize("length", [30, MANY])
@pytest.mark.parametrize("dtype", DTYPES)
def test_nearly_singular_slices_are_solved_with_a_warning(order, length, dtype):
    a, b = random_stack(dtype, (length, order, order)), random_stack(dtype, (order, 1), seed=1)
    a[11] = np.tri(order)  # eliminated without rounding
    a[11, -1, -1] = np.finfo(dtype).eps / 8
    with pytest.warns(LinAlgWarning, match=r"slice \[11\] of a: nearly singular, reciprocal"):
        x = batched_solve(a, b)
    assert np.isfinite(x).all()


@pytest.mark.parametrize("length", [200, 3000])
def test_nothing_is_infinite_where_rounding_decides_whether_a_pivot_vanishes(length):
    # Rank one but for rounding: one elimination finds a pivot of zero where another does not.
    rng = np.random.default_rng(0)
    a = rng.standard_normal((length, 2, 1)) * rng.standard_normal((length, 1, 2))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        x = batched_solve(a, np.array([1.0, 2.0]))
    assert len(caught) == 2
    assert not np.isinf(x).any()
    assert 0 < np.isnan(x).all(axis=1).sum() < length


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e30, 1e200])
@pytest.mark.parametrize("order", [3, 15])
@pytest.mark.parametrize("length", [30, MANY])
def test_scale_is_no_reason_for_a_warning(order, length, scale):
    a = random_stack("float64", (length, order, order))
    b = random_stack("float64", (length, order, 1), seed=1)
    np.testing.assert_allclose(
        batched_solve(scale * a, b), batched_solve(a, b / scale), rtol=1e-8, atol=0
    )


def test_a_right_hand_side_of_zeros_is_no_reason_for_a_warning():
    a = random_stack("float64", (30, 12, 12))
    assert not batched_solve(a, np.zeros(12)).any()


# -- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("order", "length"), [(3, MANY), (3, 20), (12, 20)])
def test_numbers_that_are_not_finite(order, length, value):
    a, b = random_stack("float64", (length, order, order)), np.ones((length, order, 1))
    for name, stack in (("a", a), ("b", b)):
        for position in np.ndindex(stack.shape[1:]):
            kept = stack[(9, *position)]
            stack[(9, *position)] = value
            with pytest.raises(ValueError, match=rf"{name} contains NaN or infinity.*slice \[9\]"):
                batched_solve(a, b)
            stack[(9, *position)] = kept


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.ones(3), np.ones(3), "a must have at least two dimensions"),
        (np.ones((4, 2, 3)), np.ones(2), r"square matrices, got shape \(4, 2, 3\)"),
        (np.ones((4, 2, 2)), np.ones(3), "b must have 2 rows"),
        (np.ones((4, 2, 2)), np.ones((4, 2)), r"b\[\.\.\., None\]"),
        (np.ones((4, 2, 2)), 1.0, "at least one dimension"),
        (np.ones((4, 2, 2)), np.ones((3, 2, 1)), "broadcast"),
    ],
)
def test_shapes_that_do_not_fit(a, b, message):
    with pytest.raises(ValueError, match=message):
        batched_solve(a, b)


@pytest.mark.parametrize("dtype", ["float16", "longdouble", "object", "U3"])
def test_types_that_do_not_fit(dtype):
    with pytest.raises(TypeError, match=r"a has dtype .*; stacks are float32"):
        batched_solve(np.zeros((1, 1, 1)).astype(dtype), np.ones(1))


def test_a_policy_that_does_not_exist():
    with pytest.raises(ValueError, match="singular must be 'warn' or 'raise', got 'nan'"):
        batched_solve(np.eye(2), np.ones(2), singular="nan")
