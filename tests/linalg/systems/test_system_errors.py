"""Input that has no answer, and answers that are worth little: both say so, and why."""

import warnings

import numpy as np
import pytest
from scipy import linalg, sparse
from scipy.linalg import LinAlgWarning
from system_cases import DTYPES, KINDS, backward_error, bound, matrix, permuted

from skstruct.linalg import certified_solve, factorize, solve

SINGULAR = {
    "row 2 is zero": np.vstack([np.eye(2, 4), np.zeros(4), np.ones(4)]),
    "column 1 is zero": np.ones((4, 4)) * [1, 0, 2, 3] + np.diag([1, 0, 1, 1]),
    "pivot 1 of its LDL factorisation": np.ones((3, 3)),
    "pivot 4 of its LU factorisation": np.array(
        [[1.0, 2, 0, 1, 1], [0, 1, 3, 2, 0], [4, 0, 1, 0, 4], [1, 0, 0, 2, 1], [2, 5, 1, 0, 2]]
    ),
}


@pytest.mark.parametrize("what", ["row 2", "column 1", "LDL", "LU"])
def test_a_singular_matrix_is_named(what):
    (message,) = [key for key in SINGULAR if what in key]
    with pytest.raises(np.linalg.LinAlgError, match=message):
        solve(SINGULAR[message], np.ones(len(SINGULAR[message])))


def test_zeros_on_diagonals():
    A = np.diag(np.arange(5.0) - 2)
    with pytest.raises(np.linalg.LinAlgError, match="row 2 is zero"):
        solve(A, np.ones(5))
    upper = np.triu(np.ones((40, 40)))
    upper[7, 7] = 0
    with pytest.raises(np.linalg.LinAlgError, match="diagonal entry 7 is zero"):
        solve(upper, np.ones(40))


def test_bands_and_blocks():
    band = np.diag(np.ones(40)) + np.diag(np.ones(39), 1) + np.diag(np.ones(39), -1)
    band[:, 39] = 0
    band[39, 39] = band[38, 38] = 0
    band[37, 38] = band[38, 37] = 0
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        solve(band, np.ones(40))
    rng = np.random.default_rng(0)
    for order, message in ((5, "of order 5, is singular"), (40, "of order 40, is singular")):
        blocks = linalg.block_diag(*[np.eye(order) + 1] * 12, np.ones((order, order)))
        with pytest.raises(np.linalg.LinAlgError, match=message):
            solve(permuted(blocks, rng), np.ones(len(blocks)), assume="block_diagonal")


def test_circulant():
    with pytest.raises(np.linalg.LinAlgError, match="eigenvalue of frequency 0"):
        solve(linalg.circulant(np.r_[1.0, -1.0, np.zeros(298)]), np.ones(300))


def test_sparse():
    rng = np.random.default_rng(0)
    A = np.where(rng.random((50, 50)) < 0.1, 1.0, 0.0) + np.eye(50)
    A[3] = 0
    with pytest.raises(np.linalg.LinAlgError, match="row 3 is zero"):
        solve(sparse.csr_array(A), np.ones(50))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_low_rank_is_named(dtype):
    rng = np.random.default_rng(0)
    A = (rng.standard_normal((150, 4)) @ rng.standard_normal((4, 150))).astype(dtype)
    with pytest.warns(LinAlgWarning, match="numerical rank is 4"):
        solve(A, np.ones(150, dtype=dtype))


@pytest.mark.parametrize("kind", ["general", "definite", "hermitian"])
def test_singular_to_working_precision(kind):
    A = linalg.hilbert(16) if kind == "definite" else matrix(kind, 60, "float64")
    if kind == "general":
        A[:, -1] = A[:, 0] * (1 + 1e-15)
    if kind == "hermitian":
        A[-1] = A[0]
        A[:, -1] = A[:, 0]
        A[-1, -1] *= 1 + 1e-15
    with pytest.warns(LinAlgWarning, match=r"rcond is \d\.\de-1[6-9]|rcond is \d\.\de-2"):
        solve(A, np.ones(len(A)))


def test_an_ill_conditioned_matrix_above_that_limit_is_no_reason_to_warn():
    A = linalg.hilbert(10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solution = certified_solve(A, np.ones(10))
    assert 1e-14 < solution.rcond < 1e-12


def test_warnings_point_at_the_caller():
    with pytest.warns(LinAlgWarning) as caught:
        solve(linalg.hilbert(16), np.ones(16))
    assert caught[0].filename == __file__


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", KINDS)
def test_nan_and_infinity(kind, bad):
    # of all the kinds and places none may be missed
    for place in ((3, 3), (20, 3), (39, 39), (3, 20)):
        A = matrix(kind, 40, "float64")
        A[place] = bad
        with pytest.raises(ValueError, match="a contains NaN or infinity"):
            solve(A, np.ones(40))
        if kind in ("definite", "hermitian", "symmetric"):
            A[place[::-1]] = bad
            with pytest.raises(ValueError, match="a contains NaN or infinity"):
                solve(A, np.ones(40))
        with pytest.raises(ValueError, match="a contains NaN or infinity"):
            solve(sparse.csr_array(A), np.ones(40))
        with pytest.raises(ValueError, match="a contains NaN or infinity"):
            factorize(A)
    with pytest.raises(ValueError, match="b contains NaN or infinity"):
        solve(np.eye(3), [1, bad, 2])


DECLARED_WRONGLY = {
    "diagonal": "it has nonzeros on",
    "lower_triangular": "it has nonzeros on",
    "upper triangular": "it has nonzeros on",
    "tridiagonal": "it has nonzeros on",
    "symmetric": r"A\[0, 1\] = .* and A\[1, 0\]",
    "her": r"A\[0, 1\] = .* and A\[1, 0\]",
    "pos": r"A\[0, 1\] = .* and A\[1, 0\]",
    "toeplitz": "its entries are not",
    "circulant": "its entries are not",
    "block_diagonal": "its nonzeros join",
    "permuted_triangular": "no order of its rows",
}


@pytest.mark.parametrize("kind", DECLARED_WRONGLY)
def test_a_declaration_that_the_entries_contradict(kind):
    A = matrix("general", 12, "float64")
    with pytest.raises(ValueError, match=f"declared .*{DECLARED_WRONGLY[kind]}"):
        solve(A, np.ones(12), assume=kind)
    if kind not in ("toeplitz", "circulant", "permuted_triangular"):
        with pytest.raises(ValueError, match="declared"):
            solve(sparse.csr_array(A), np.ones(12), assume=kind)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_indefinite_declared_positive_definite(container):
    A = matrix("definite", 20, "float64")
    A[4, 4] = -1.0
    with pytest.raises(np.linalg.LinAlgError, match=r"declared positive_definite, but .* order \d"):
        solve(container(A), np.ones(20), assume="pos")


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("kind", KINDS)
def test_true_declarations(kind, dtype):
    A = matrix(kind, 40, dtype)
    name = {"general": "general", "definite": "positive_definite", "blocks": "block_diagonal"}.get(
        kind, {"lower": "lower_triangular", "upper": "upper_triangular"}.get(kind, kind)
    )
    name = "permuted_triangular" if kind == "permuted" else name
    solution = certified_solve(A, np.ones(40), assume=name)
    assert backward_error(A, solution.x, np.ones(40)) <= bound(A)
    assert solution.structure.declared == {name}


def test_a_general_matrix_is_not_looked_at():
    A = np.diag(np.arange(1.0, 9.0))
    assert certified_solve(A, np.ones(8), assume="gen").solver == "lu"
    assert certified_solve(sparse.csr_array(A), np.ones(8), assume="gen").solver == "sparse_lu"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: solve(np.ones((2, 3)), [1, 2]), np.linalg.LinAlgError, "2 x 3; lstsq"),
        (lambda: solve(np.ones(3), [1, 2]), np.linalg.LinAlgError, "array of 1 dimension"),
        (lambda: solve(np.eye(2), [1, 2, 3]), ValueError, r"b must have shape \(2,\) or \(2, k\)"),
        (lambda: solve([["a"]], [1]), TypeError, "single or double precision"),
        (lambda: solve(np.eye(2), ["a", "b"]), TypeError, "b must hold numbers"),
        (lambda: solve(np.ma.masked_array(np.eye(2)), [1, 2]), TypeError, "masked"),
        (lambda: solve(np.eye(2), sparse.eye_array(2)), TypeError, "b is sparse"),
        (lambda: solve(np.eye(2), [1, 2], assume="nice"), ValueError, "assume must be one of"),
        (lambda: solve(np.eye(2), [1, 2], precision="low"), ValueError, "precision must be one"),
    ],
)
def test_input_that_is_no_system(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("scale", [1e300, 1e-300, 1e-200, 1e160])
def test_numbers_far_from_one(scale):
    for kind in ("general", "definite", "hermitian", "banded", "toeplitz"):
        A = matrix(kind, 40, "float64") * scale
        x = solve(A, np.full(40, scale))
        residual = (np.full(40, scale) - A @ x) / scale
        assert np.linalg.norm(residual) <= 1e-12 * np.linalg.norm(A / scale) * np.linalg.norm(x)
