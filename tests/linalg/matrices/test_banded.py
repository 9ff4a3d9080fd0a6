"""Banded matrices: how they are written down, and which factorisation they get."""

from fractions import Fraction

import numpy as np
import pytest
from matrix_cases import banded_entries, noise
from numpy.testing import assert_allclose, assert_array_equal
from scipy import linalg, sparse

from skstruct.linalg import Banded


def test_what_lies_outside_the_matrix_is_ignored():
    bands = np.array([[np.nan, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, np.inf]])
    matrix = Banded((1, 1), bands)
    assert_array_equal(matrix.to_dense(), [[4.0, 2.0, 0.0], [7.0, 5.0, 3.0], [0.0, 8.0, 6.0]])
    assert_array_equal(matrix.bands[:, [0, -1]].ravel(), [0, 3, 4, 6, 7, 0])
    assert np.isnan(bands[0, 0])  # what was given stays as it was
    bands[1, 1] = np.nan
    with pytest.raises(ValueError, match=r"bands must be finite: the entry \(1, 1\) is nan"):
        Banded((1, 1), bands)


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (2, 2), (5, 5), (7, 4), (4, 7), (1, 5), (5, 1)])
@pytest.mark.parametrize("bandwidths", [(0, 0), (1, 2), (3, 0), (6, 6)])
def test_bands_wider_than_the_matrix_and_of_any_shape(shape, bandwidths):
    bands = noise("float64", sum(bandwidths) + 1, shape[1])
    matrix, dense = (
        Banded(bandwidths, bands, n_rows=shape[0]),
        banded_entries(bandwidths, bands, shape[0]),
    )
    assert_array_equal(matrix.to_dense(), dense)
    assert_array_equal(matrix.T.to_dense(), dense.T)
    x = noise("float64", shape[1])
    assert_allclose(matrix @ x, dense @ x, atol=1e-12)
    assert_allclose(matrix.norm(1), np.abs(dense).sum(axis=0).max(initial=0))
    for offset in range(-8, 9):
        assert_array_equal(
            matrix.diagonal(offset), np.diagonal(dense, offset) if min(shape) else []
        )


def test_from_diagonals_is_as_that_of_scipy():
    diagonals, offsets = [np.arange(1.0, 6), np.arange(4.0), 2.0], [0, -1, 2]
    matrix = Banded.from_diagonals(diagonals, offsets)
    assert matrix.bandwidths == (1, 2)
    expected = sparse.diags_array(diagonals[:2], offsets=offsets[:2]).toarray() + 2 * np.eye(5, k=2)
    assert_array_equal(matrix.to_dense(), expected)
    tall = Banded.from_diagonals([1.0, -1.0], [0, -1], shape=(5, 4))
    assert_array_equal(tall.to_dense(), np.eye(5, 4) - np.eye(5, 4, k=-1))
    assert Banded.from_diagonals([1j], [0], shape=(2, 2)).dtype == np.complex128
    assert_array_equal(Banded.from_diagonals([], [], shape=(2, 3)).to_dense(), np.zeros((2, 3)))


def test_diagonals_that_do_not_fit():
    with pytest.raises(ValueError, match=r"diagonal 1 has the shape \(3,\); expected .* \(2,\)"):
        Banded.from_diagonals([np.ones(3), np.ones(3)], [0, 1])
    with pytest.raises(ValueError, match="shape must be given"):
        Banded.from_diagonals([1.0], [0])
    with pytest.raises(ValueError, match="must have 3 rows"):
        Banded((1, 1), np.ones((2, 4)))
    with pytest.raises(ValueError, match="must have 3 rows"):
        Banded((-1, 3), np.ones((3, 4)))


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_from_matrix_is_as_narrow_as_it_can_be(make):
    dense = np.triu(np.tril(noise("float64", 6, 6), 1), -2)
    matrix = Banded.from_matrix(make(dense))
    assert matrix.bandwidths == (2, 1)
    assert_array_equal(matrix.to_dense(), dense)
    assert Banded.from_matrix(make(np.zeros((3, 2)))).bandwidths == (0, 0)
    dense[5, 0] = 1e-300  # one entry off is not left out
    assert Banded.from_matrix(make(dense)).bandwidths == (5, 1)


def second_differences(n, dtype="float64"):
    return Banded.from_diagonals(np.array([1, -4, 6, -4, 1], dtype), range(-2, 3), shape=(n, n))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_definite_ones_are_factored_by_cholesky(dtype):
    matrix = second_differences(30, dtype)
    assert matrix.certified_solve(np.ones(30, dtype)).method == "band_cholesky"
    assert matrix.T.factor().name == "band_cholesky"
    assert matrix.shift(-3).factor().name == "band_lu"  # not definite
    bands = matrix.bands.copy()
    bands[1, 7] *= 1 + 1e-6
    off = Banded((2, 2), bands)  # not Hermitian by one entry
    assert not off.is_hermitian
    assert off.factor().name == "band_lu"
    x = off.solve(np.ones(30, dtype))
    assert_allclose(off.to_dense() @ x, 1, atol=1e-2 if matrix.dtype.itemsize < 16 else 1e-9)


def test_a_complex_diagonal_is_not_definite():
    matrix = Banded((0, 0), [[1 + 1j, 2.0]])
    assert not matrix.is_hermitian
    assert_allclose(matrix.solve([1 + 1j, 4.0]), [1, 2])


def test_pivoting_is_needed_and_done():
    for widths in ((1, 1), (2, 1)):
        bands = np.ones((sum(widths) + 1, 20))
        bands[widths[1]] = 1e-20
        bands[0, 1::3] = 3.0
        matrix = Banded(widths, bands)
        b = noise("float64", 20, 2)
        assert_allclose(matrix.solve(b), np.linalg.solve(matrix.to_dense(), b), rtol=1e-8)
        sign, log = np.linalg.slogdet(matrix.to_dense())
        assert_allclose(matrix.logdet(), (sign, log))


def test_a_determinant_that_is_known():
    n = 50_000
    matrix = Banded.from_diagonals([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(n, n))
    assert matrix.logdet() == (1.0, pytest.approx(np.log(n + 1), rel=1e-8))
    x = matrix.solve(np.ones(n))
    i = np.arange(1, n + 1, dtype=float)
    assert_allclose(x, i * (n + 1 - i) / 2, rtol=1e-6)


def test_against_exact_arithmetic():
    # small integers, eliminated without rounding
    rng = np.random.default_rng(0)
    for _ in range(20):
        n, widths = int(rng.integers(1, 7)), tuple(rng.integers(0, 3, 2).tolist())
        matrix = Banded(widths, rng.integers(-3, 4, (sum(widths) + 1, n)))
        exact, sign, log = eliminated(matrix.to_dense(), np.arange(1, n + 1))
        if exact is None:
            assert matrix.logdet()[1] < -30 or matrix.rcond() < 1e-15
            continue
        assert_allclose(matrix.solve(np.arange(1, n + 1)), exact, rtol=1e-11, atol=1e-11)
        assert_allclose(matrix.logdet(), (sign, log), atol=1e-11)


def eliminated(dense, b):
    """Return the solution, and sign and logarithm of the determinant, in rational arithmetic."""
    n = len(dense)
    rows = [
        [Fraction(int(a)) for a in row] + [Fraction(int(c))]
        for row, c in zip(dense, b, strict=True)
    ]
    determinant = Fraction(1)
    for k in range(n):
        pivot = next((i for i in range(k, n) if rows[i][k]), None)
        if pivot is None:
            return None, 0, -np.inf
        if pivot != k:
            rows[k], rows[pivot] = rows[pivot], rows[k]
            determinant = -determinant
        determinant *= rows[k][k]
        rows[k] = [a / rows[k][k] for a in rows[k]]
        for i in range(n):
            if i != k:
                rows[i] = [a - rows[i][k] * c for a, c in zip(rows[i], rows[k], strict=True)]
    return (
        [float(row[-1]) for row in rows],
        1 if determinant > 0 else -1,
        np.log(abs(float(determinant))),
    )


def test_solutions_are_those_of_scipy():
    bands = noise("float64", 7, 200)
    bands[3] += 10
    b = noise("float64", 200, 3)
    assert_allclose(
        Banded((3, 3), bands).solve(b), linalg.solve_banded((3, 3), bands, b), rtol=1e-10
    )
