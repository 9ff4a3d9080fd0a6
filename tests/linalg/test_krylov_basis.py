"""The growing basis against one explicit matrix."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from skstruct.linalg._krylov_basis import PIECE_ROWS, KrylovBasis
from skstruct.linalg._threads import parallel_region

ATOL = 1e-13


def orthonormal(order, size, seed=0):
    rng = np.random.default_rng([order, size, seed])
    return np.linalg.qr(rng.standard_normal((order, size)))[0]


def filled(columns, widths):
    """Return a basis of these columns, appended in blocks of these widths."""
    basis, start = KrylovBasis(len(columns)), 0
    for width in widths:
        basis.append(columns[:, start : start + width])
        start += width
    assert start == columns.shape[1]
    return basis


# below, at and above one piece, and with an uneven last one
ORDERS = [8, PIECE_ROWS, PIECE_ROWS + 1, 5 * PIECE_ROWS + 3]
WIDTHS = [(1,), (8,), (4, 4), (1, 1, 1, 1), (2, 5), (5, 1, 2)]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_against_the_explicit_matrix(order, widths):
    columns = orthonormal(order, sum(widths))
    basis = filled(columns, widths)
    assert basis.size == sum(widths)
    assert basis.vectors.shape == columns.shape
    assert np.array_equal(basis.vectors, columns)  # stored as given

    rng = np.random.default_rng(order)
    block = rng.standard_normal((order, 3))
    inner = basis.inner(block)
    assert inner.shape == (sum(widths), 3)
    np.testing.assert_allclose(inner, columns.T @ block, atol=ATOL * np.linalg.norm(block))

    coefficients = rng.standard_normal((sum(widths), 2))
    np.testing.assert_allclose(basis.combine(coefficients), columns @ coefficients, atol=ATOL)

    rest = block.copy()
    assert basis.project_out(rest, inner) is None  # in place
    np.testing.assert_allclose(rest, block - columns @ (columns.T @ block), atol=1e-12)
    np.testing.assert_allclose(basis.inner(rest), 0.0, atol=1e-12)
    assert np.array_equal(basis.vectors, columns)


@pytest.mark.parametrize("order", ["C", "F"])
def test_blocks_may_have_any_memory_order(order):
    columns = orthonormal(50, 6)
    basis = filled(np.asarray(columns, order=order), (2, 4))
    assert np.array_equal(basis.vectors, columns)
    block = np.asarray(np.random.default_rng(0).standard_normal((50, 2)), order=order)
    expected = block - columns @ (columns.T @ block)
    basis.project_out(block, basis.inner(block))
    np.testing.assert_allclose(block, expected, atol=ATOL)


def test_appending_copies_the_block():
    columns = orthonormal(20, 4)
    block = columns[:, :2].copy()
    basis = KrylovBasis(20)
    basis.append(block)
    block[:] = np.nan  # the caller may reuse it
    basis.append(columns[:, 2:])
    assert np.array_equal(basis.vectors, columns)


def test_columns_are_rarely_copied():
    # Storage doubles: 64 single columns move 7 times or so, not 64.
    columns = orthonormal(100, 64)
    basis, addresses = KrylovBasis(100), set()
    stores = []  # alive, so that no address is used again
    for j in range(64):
        basis.append(columns[:, j : j + 1])
        stores.append(basis._columns)
        addresses.add(basis._columns.ctypes.data)
    assert np.array_equal(basis.vectors, columns)
    assert len(addresses) <= 8


def test_no_column_is_copied_up_to_the_capacity():
    columns = orthonormal(100, 30)
    basis = KrylovBasis(100, capacity=30)
    store = basis._columns
    for j in range(30):
        basis.append(columns[:, j : j + 1])
    basis.rotate(np.eye(30, 10))
    basis.append(columns[:, 10:12])
    assert basis._columns is store
    assert np.array_equal(basis.vectors, columns[:, :12])


def test_some_of_the_vectors():
    columns = orthonormal(60, 9)
    basis = filled(columns, (4, 5))
    block = np.random.default_rng(0).standard_normal((60, 2))
    for part in (slice(2, None), slice(0, 3), slice(3, 3)):
        inner = basis.inner(block, part)
        np.testing.assert_allclose(inner, columns[:, part].T @ block, atol=ATOL)
        rest = block.copy()
        basis.project_out(rest, inner, part)
        np.testing.assert_allclose(rest, block - columns[:, part] @ inner, atol=ATOL)


def test_vectors_are_a_view():
    basis = filled(orthonormal(30, 6), (4, 2))
    assert np.shares_memory(basis.vectors, basis.vectors)
    assert basis.vectors.flags.f_contiguous


def test_earlier_views_survive_growth():
    columns = orthonormal(30, 9)
    basis = filled(columns[:, :3], (3,))
    earlier = basis.vectors
    basis.append(columns[:, 3:])
    assert np.array_equal(earlier, columns[:, :3])


@pytest.mark.parametrize("order", [40, 3000])
def test_rotation(order):
    columns = orthonormal(order, 10)
    basis = filled(columns, (4, 4, 2))
    turn = orthonormal(10, 6, seed=1)
    basis.rotate(turn)
    assert basis.size == 6
    np.testing.assert_allclose(basis.vectors, columns @ turn, atol=ATOL)
    np.testing.assert_allclose(basis.vectors.T @ basis.vectors, np.eye(6), atol=ATOL)

    # and it grows on, as after a restart
    block = np.random.default_rng(2).standard_normal((order, 3))
    for _ in range(2):  # twice is enough
        basis.project_out(block, basis.inner(block))
    block = np.linalg.qr(block)[0]
    basis.append(block)
    assert basis.size == 9
    np.testing.assert_allclose(basis.vectors, np.hstack([columns @ turn, block]), atol=ATOL)
    np.testing.assert_allclose(basis.vectors.T @ basis.vectors, np.eye(9), atol=ATOL)


def test_the_empty_basis():
    basis = KrylovBasis(50)
    block = np.random.default_rng(0).standard_normal((50, 3))
    before = block.copy()
    assert basis.size == 0
    assert basis.vectors.shape == (50, 0)
    assert basis.inner(block).shape == (0, 3)
    basis.project_out(block, np.empty((0, 3)))
    assert np.array_equal(block, before)
    assert np.array_equal(basis.combine(np.empty((0, 3))), np.zeros((50, 3)))


def test_a_basis_of_the_whole_space():
    columns = orthonormal(12, 12)
    basis = filled(columns, (5, 7))
    block = np.random.default_rng(0).standard_normal((12, 2))
    basis.project_out(block, basis.inner(block))
    np.testing.assert_allclose(block, 0.0, atol=ATOL)


def test_one_row():
    basis = filled(np.ones((1, 1)), (1,))
    assert basis.inner(np.array([[3.0, 4.0]])).tolist() == [[3.0, 4.0]]


def test_bits_do_not_depend_on_the_threads():
    columns = orthonormal(20_000, 24)
    block = np.random.default_rng(0).standard_normal((20_000, 8))
    turn = orthonormal(24, 12, seed=1)

    def answers():
        basis = filled(columns, (8, 8, 8))
        inner, rest = basis.inner(block), block.copy()
        basis.project_out(rest, inner)
        combined = basis.combine(turn)
        basis.rotate(turn)
        return inner, rest, combined, basis.vectors

    # A region is claimed, as in a run: without one, single pieces would keep the BLAS threads.
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, "blas"), parallel_region():
            found.append(answers())
    for one, two in zip(*found, strict=True):
        assert np.array_equal(one, two)
