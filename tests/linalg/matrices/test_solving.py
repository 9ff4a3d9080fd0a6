"""Solutions, certificates, determinants and condition numbers, against LAPACK on the entries."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matrix_cases import RECTANGULAR, SQUARE, TYPES, dominant, noise
from numpy.testing import assert_allclose
from scipy.linalg import LinAlgWarning

from skstruct.linalg import (
    Banded,
    BlockDiagonal,
    Circulant,
    Diagonal,
    Kronecker,
    LowRankPlusDiagonal,
    Toeplitz,
    Triangular,
)
from skstruct.linalg._certificate import Certificate
from skstruct.linalg._solution import Breakdown
from skstruct.linalg.matrices import Dense
from skstruct.linalg.matrices._dense import DenseLU
from skstruct.linalg.matrices._factor import Factor
from skstruct.linalg.matrices._refined import backward_error

EACH = pytest.mark.parametrize("name", SQUARE)
EACH_TYPE = pytest.mark.parametrize("dtype", TYPES)


def error_of(dense, x, b):
    """Return the backward error, in double precision and by the entries."""
    wide = np.complex128 if np.iscomplexobj(dense) or np.iscomplexobj(b) else np.float64
    A, x, b = (np.asarray(a).astype(wide) for a in (dense, x, b))
    r = np.abs(b - A @ x).max(axis=0, initial=0.0)
    norm = np.abs(A).sum(axis=1).max(initial=0.0)
    return np.max(
        r / (norm * np.abs(x).max(axis=0, initial=0) + np.abs(b).max(axis=0, initial=0)),
        initial=0.0,
    )


@EACH
@EACH_TYPE
def test_solutions_of_every_type(name, dtype):
    for n in (0, 1, 2, 12):
        check_solutions(*SQUARE[name](dtype, n), dtype)


def check_solutions(matrix, dense, dtype):
    order = len(dense)
    for b in (
        noise(dtype, order),
        noise(dtype, order, 3),
        noise("complex128", 3, order).T,
        noise("float64", order),
        noise(dtype, order, 0),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            answer = matrix.certified_solve(b)
        assert answer.x.shape == b.shape
        assert answer.x.dtype == np.result_type(dtype, b.dtype)
        assert answer.certificate.holds
        bound = 10 * np.finfo(answer.x.dtype).eps * np.sqrt(max(order, 1))
        assert answer.certificate.asked == pytest.approx(bound)
        # a matrix of single precision has entries that were rounded when they were written down
        rounded = 10 * max(np.finfo(dtype).eps, np.finfo(answer.x.dtype).eps) * max(order, 1) ** 0.5
        assert not b.size or error_of(dense, answer.x, b) <= 2 * rounded
    assert answer.method == "nothing to do"
    assert matrix.solve(b).shape == b.shape


@EACH
@EACH_TYPE
def test_determinants_and_condition_numbers(name, dtype):
    for n in (1, 2, 3, 12):
        check_determinant(*SQUARE[name](dtype, n), dtype)


def check_determinant(matrix, dense, dtype):
    rtol = 2e-4 if np.finfo(dtype).eps > 1e-10 else 1e-10
    wide = dense.astype(np.result_type(dense, np.float64))
    sign, log = np.linalg.slogdet(wide)
    found_sign, found_log = matrix.logdet()
    assert_allclose([found_sign, found_log], [sign, log], rtol=rtol, atol=rtol)
    assert isinstance(found_sign, complex if np.dtype(dtype).kind == "c" else float)
    exact = 1 / np.linalg.cond(wide, 1)
    assert 0.99 * exact <= matrix.rcond() <= 3.1 * exact


@EACH
def test_the_adjoint_is_solved_by_the_same_factorisation(name):
    for dtype in ("float64", "complex128"):
        matrix, dense = SQUARE[name](dtype, 8)
        b = noise(dtype, len(dense), 2)
        for factor in matrix._factors():
            found = factor.solve_adjoint(b)
            assert_allclose(dense.conj().T @ found, b, atol=1e-10)


@EACH
def test_factorisations_are_kept(name):
    matrix, dense = SQUARE[name]("float64", 6)
    assert matrix.factor() is matrix.factor()
    b = noise("float64", len(dense))
    before = matrix.solve(b)
    kept = matrix.factor()
    assert_allclose(matrix.solve(b), before, rtol=1e-10)
    assert matrix.factor() is kept


def test_an_empty_matrix_has_the_determinant_of_an_empty_product():
    assert Diagonal([]).logdet() == (1.0, 0.0)
    assert Diagonal([]).rcond() == 1.0


@pytest.mark.parametrize("name", RECTANGULAR)
def test_rectangular_matrices_are_not_solved(name):
    matrix, dense = RECTANGULAR[name]("float64", 5)
    if dense.shape[0] == dense.shape[1]:
        return
    for call in (lambda: matrix.solve(np.ones(len(dense))), matrix.logdet, matrix.rcond):
        with pytest.raises(ValueError, match=f"{dense.shape[0]} x {dense.shape[1]}"):
            call()
    with pytest.raises(ValueError, match="square"):
        matrix.factor()
    with pytest.raises(ValueError, match="square"):
        matrix.shift(1.0)


# name -> (matrix, what its error names)
SINGULAR = {
    "diagonal": (Diagonal([1.0, 0.0, 2.0]), "entry 1 is zero"),
    "triangular": (Triangular([[1.0, 2.0], [0.0, 0.0]]), "diagonal entry 1 is zero"),
    "tridiagonal": (Banded((1, 1), np.zeros((3, 4))), "pivot of column 0"),
    "banded": (Banded((1, 0), [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]]), "pivot of column 2"),
    "circulant": (Circulant([2.0, -1.0, 0.0, -1.0]), "eigenvalue 0 .* is zero"),
    "toeplitz": (Toeplitz(np.ones(4)), "pivot 1 of its LU"),
    "kronecker": (Kronecker(np.eye(2), np.ones((2, 2))), "factor 1: .*pivot 1 of its LU"),
    "kronecker, not square": (
        Kronecker(np.ones((2, 3)), np.ones((3, 2))),
        "factor 0 is not square",
    ),
    "shifted": (Kronecker(np.diag([1.0, 2.0]), np.diag([1.0, 3.0])).shift(-6), r"\(1, 1\)"),
    "stacked": (BlockDiagonal(np.stack([np.eye(2), np.eye(2), np.ones((2, 2))])), "block 2 is"),
    "blocks": (
        BlockDiagonal([np.eye(1), np.eye(2), np.zeros((40, 40))]),
        "block 2: .*pivot 0 of its LU",
    ),
    "second stack": (BlockDiagonal([np.eye(40), np.eye(2), np.ones((2, 2))]), "block 2 is"),
    "blocks, not square": (BlockDiagonal([np.eye(1), np.ones((2, 1)), np.ones((1, 2))]), "block 1"),
    "low rank": (
        LowRankPlusDiagonal(np.zeros(4), np.eye(4)[:, :2]),
        "4 zeros, the first at entry 0",
    ),
    "cancelled": (LowRankPlusDiagonal(np.ones(4), np.ones((4, 1)), [[-0.25]]), "cancels it"),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_singular_matrices_are_named(name):
    matrix, message = SINGULAR[name]
    with pytest.raises(np.linalg.LinAlgError, match=message):
        matrix.solve(np.ones(matrix.shape[0]))
    assert matrix.logdet() == (0.0, -np.inf)
    assert matrix.rcond() == 0.0
    assert np.linalg.matrix_rank(matrix.to_dense()) < matrix.shape[0]


NEAR = {
    "diagonal": Diagonal([1.0, 1e-17]),
    "triangular": Triangular([[1.0, 2.0], [0.0, 1e-17]]),
    "banded": Banded.from_matrix(np.array([[1.0, 1.0, 0], [1.0, 1 + 2.3e-16, 0], [0, 1e-16, 1.0]])),
    "circulant": Circulant([2.0, -1.0, 0.0, 0.0, 0.0, -1.0 + 2.3e-16]),
    "toeplitz": Toeplitz([0.4, *(np.sin(0.4 * np.pi * k) / (np.pi * k) for k in range(1, 60))]),
    "kronecker": Kronecker(np.diag([1.0, 1e-9]), np.diag([1.0, 1e-9])),
    "shifted": Kronecker(np.diag([1.0, 99.0]), np.eye(2)).shift(-1 + 1e-15),
    "blocks": BlockDiagonal([np.eye(2), 1e-17 * np.eye(2)]),
    "low rank": LowRankPlusDiagonal(np.full(3, 1e-17), np.eye(3)[:, :1]),
}


@pytest.mark.parametrize("name", NEAR)
def test_nearly_singular_matrices_warn_and_state_rcond(name):
    matrix = NEAR[name]
    with pytest.warns(LinAlgWarning, match=r"singular to working precision \(rcond = ") as caught:
        x = matrix.solve(np.arange(1.0, matrix.shape[0] + 1))
    assert caught[0].filename == __file__
    assert np.isfinite(x).all()
    assert matrix.rcond() < np.finfo(float).eps
    with pytest.warns(LinAlgWarning, match="solution"):  # every time
        matrix.solve(np.ones(matrix.shape[0]))
    if name in ("diagonal", "triangular"):
        assert_allclose(matrix.logdet()[1], np.log(1e-17))  # right to rounding all the same
    else:
        with pytest.warns(LinAlgWarning, match="determinant") as caught:
            matrix.logdet()
        assert caught[0].filename == __file__


def test_single_precision_warns_where_double_does_not():
    matrix = Diagonal(np.array([1.0, 1e-9], np.float32))
    with pytest.warns(LinAlgWarning, match="float32"):
        matrix.solve(np.ones(2, np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert matrix.solve(np.ones(2)).dtype == np.float64


@EACH
def test_bad_right_hand_sides(name):
    matrix, dense = SQUARE[name]("float64", 4)
    b = np.ones(len(dense))
    for bad in (np.nan, np.inf):
        b[1:2] = bad
        with pytest.raises(ValueError, match="b must be finite: the entry 1"):
            matrix.solve(b)
    with pytest.raises(ValueError, match=r"expected \("):
        matrix.solve(np.ones(len(dense) + 1))
    with pytest.raises(ValueError, match=r"expected \("):
        matrix.solve(np.ones((len(dense), 1, 1)))
    with pytest.raises(TypeError, match="b has the type"):
        matrix.solve(["x"] * len(dense))


def test_what_is_not_finite_is_never_certified():
    matrix = Banded((1, 1), dominant("float64", 3))
    with pytest.warns(LinAlgWarning, match="DOES NOT HOLD"):
        answer = matrix.certified_solve([1.0, np.nan, 1.0], check_finite=False)
    assert not answer.certificate.holds
    assert np.isnan(answer.x).any()
    assert matrix.certified_solve(np.ones(3)).certificate.holds  # and does no harm


def test_overflow_is_never_certified():
    with pytest.warns(LinAlgWarning, match="DOES NOT HOLD"):
        answer = Diagonal([1e-300, 1e-300]).certified_solve([1e300, 1.0])
    assert not answer.certificate.holds


def test_numbers_near_the_largest_do_not_overflow():
    matrix = 1e307 * Banded.from_diagonals([1.0, 4.0, 1.0], [-1, 0, 1], (5, 5))
    answer = matrix.certified_solve(1e307 * np.ones(5))
    assert answer.certificate.holds
    assert_allclose(answer.x, np.linalg.solve(matrix.to_dense() / 1e307, np.ones(5)))


def test_integers_and_booleans_are_numbers():
    assert_allclose(Diagonal([1, 2]).solve([2, 2]), [2.0, 1.0])
    assert Diagonal(np.array([1, 2], np.int8)).dtype == np.float64
    assert Diagonal(np.array([1, 2], np.float16)).dtype == np.float32
    assert_allclose(Diagonal([True, True]).solve([True, False]), [1.0, 0.0])


class _Wrong(Factor):
    """Finds something else."""

    name = "wrong"

    def __init__(self, matrix):
        self.order = matrix.shape[0]

    def solve(self, rhs):
        return 0.5 * rhs[::-1]

    def solve_adjoint(self, rhs):
        return self.solve(rhs)

    def slogdet(self):
        return 1.0, 123.0


class _Rough(DenseLU):
    """Finds three digits."""

    name = "rough"

    def solve(self, rhs):
        return super().solve(rhs) * (1 + 1e-3 * np.sin(np.arange(len(rhs))))[:, None]


class _GoodOnce(DenseLU):
    """Finds ten digits, and cannot improve them."""

    name = "good once"
    done = False

    def solve(self, rhs):
        if self.done:
            return np.ones_like(rhs)
        self.done = True
        return super().solve(rhs) * (1 + 1e-10 * np.sin(np.arange(len(rhs))))[:, None]


class _Broken(_Wrong):
    """Begins and gives up."""

    name = "broken"

    def solve(self, rhs):
        raise Breakdown("it gave up")


def routed(*routes):
    kind = type("Routed", (Dense,), {"routes": routes})
    return kind(dominant("float64", 6))


def test_a_route_that_fails_is_followed_by_the_next_which_is_said():
    matrix, b = routed(_Broken, _Wrong, DenseLU), noise("float64", 6)
    for _ in range(2):  # the second time the one that works goes first
        answer = matrix.certified_solve(b)
        assert answer.method == "lu"
        assert [a.solver for a in answer.attempts] == ["broken", "wrong", "lu"]
        assert "it gave up" in answer.attempts[0].outcome
        assert "not certified" in answer.attempts[1].outcome
        assert_allclose(matrix.array @ answer.x, b)
    assert_allclose(matrix.logdet()[1], np.linalg.slogdet(matrix.array)[1])  # not 123
    assert_allclose(matrix.rcond(), 1 / np.linalg.cond(matrix.array, 1))


def test_a_rough_factorisation_is_refined():
    answer = routed(_Rough).certified_solve(noise("float64", 6))
    assert answer.certificate.holds
    assert 1 <= answer.refinements <= 5


def test_a_step_that_makes_things_worse_is_not_taken():
    matrix, b = routed(_GoodOnce), noise("float64", 6)
    with pytest.warns(LinAlgWarning, match="DOES NOT HOLD"):
        answer = matrix.certified_solve(b)
    assert answer.refinements == 0
    assert_allclose(answer.x, np.linalg.solve(matrix.array, b), rtol=1e-8)


def test_nothing_but_wrong_routes_warn():
    with pytest.warns(LinAlgWarning, match=r"backward error .* DOES NOT HOLD. To do better"):
        answer = routed(_Wrong).certified_solve(noise("float64", 6))
    assert answer.certificate.value > 0.1
    with pytest.raises(np.linalg.LinAlgError, match="broken broke down: it gave up"):
        routed(_Broken).solve(np.ones(6))


def test_a_matrix_changed_after_its_factorisation_is_noticed():
    d = np.ones(3)
    matrix = Diagonal(d)
    matrix.solve(np.ones(3))
    with pytest.raises(ValueError, match="read-only"):
        matrix.diagonal[0] = 2.0
    A = dominant("float64", 3)
    changed = Dense(A)
    changed.solve(np.ones(3))
    A[:] = noise("float64", 3, 3)
    with pytest.warns(LinAlgWarning, match="DOES NOT HOLD"):
        changed.solve(np.ones(3))


def test_backward_error_by_hand():
    b, x, residual = np.array([[1.0], [2.0]]), np.array([[3.0], [-4.0]]), np.array([[0.1], [-0.2]])
    assert backward_error(residual, x, b, norm=5.0) == pytest.approx(0.2 / (5 * 4 + 2))
    assert backward_error(0 * residual, 0 * x, 0 * b, norm=5.0) == 0.0
    assert backward_error(0 * residual, 0 * x, 0 * b, norm=0.0) == 0.0
    assert np.isnan(backward_error(np.nan * residual, x, b, norm=5.0))
    assert isinstance(SQUARE["dense"]("float64", 2)[0].certified_solve(b).certificate, Certificate)


@given(
    name=st.sampled_from(sorted(SQUARE)),
    n=st.integers(1, 20),
    dtype=st.sampled_from(TYPES),
    k=st.integers(1, 3),
    exponent=st.integers(-12, 12),
)
@settings(max_examples=80, deadline=None)
def test_backward_errors_for_any_size_and_scale(name, n, dtype, k, exponent):
    matrix, dense = SQUARE[name](dtype, n)
    scale = np.dtype(dtype).type(2.0**exponent)
    b = noise(dtype, len(dense), k, seed=exponent + 20)
    answer = (scale * matrix).certified_solve(b)
    assert answer.certificate.holds
    bound = 20 * np.finfo(dtype).eps * np.sqrt(len(dense))
    assert error_of(scale * dense, answer.x, b) <= bound
