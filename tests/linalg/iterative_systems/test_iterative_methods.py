from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from system_matrices import MATRICES, convection, grid, magnetic, sides, waves

from skstruct.linalg import Breakdown
from skstruct.linalg.iterative_systems._facts import SystemFacts, facts_of
from skstruct.linalg.iterative_systems._operator import SquareOperator
from skstruct.linalg.iterative_systems.methods import BY_NAME, NotDefinite
from skstruct.linalg.iterative_systems.methods._gmres import BASIS, SMALL_ORDER
from skstruct.linalg.iterative_systems.methods._leg import MEASURE_EVERY, Measured, Stopped
from skstruct.linalg.iterative_systems.preconditioners import BY_NAME as PRECONDITIONERS


class Recorder:
    """A watch that lets iterations go on."""

    def __init__(self, remaining=10_000, stop_after=None):
        self.remaining, self.sizes, self._stop_after = remaining, [], stop_after

    def __call__(self, size=np.nan):
        self.remaining -= 1
        self.sizes.append(size)
        return self.remaining <= 0 or len(self.sizes) == self._stop_after


def leg(name, A, b, goal=1e-10, preconditioner="jacobi", watch=None, method=None):
    operator = SquareOperator(A)
    apply = PRECONDITIONERS[preconditioner].make(operator)
    b = b.reshape(operator.n, 1).astype(operator.dtype)
    goal = goal * np.linalg.norm(b[:, 0])
    method = BY_NAME[name]() if method is None else method
    return method.leg(operator, apply, b, goal, watch or Recorder())


SUITABLE = [
    (name, matrix)
    for name in BY_NAME
    for matrix in MATRICES
    if not BY_NAME[name]().obstacle(
        facts_of(SquareOperator(MATRICES[matrix])), PRECONDITIONERS["jacobi"]
    )
    and not (name == "cg" and matrix == "indefinite")
]


@pytest.mark.parametrize(("name", "matrix"), SUITABLE)
@pytest.mark.parametrize("size", [1e-150, 1.0, 1e150])
def test_legs_lead_to_the_solution_at_any_scale(name, matrix, size):
    A = MATRICES[matrix]
    b = sides(A.shape[0]) * size
    x, method = np.zeros(A.shape[0]), BY_NAME[name]()
    for _ in range(60):
        rest = b - A @ x
        if np.linalg.norm(rest / size) <= 1e-8 * np.linalg.norm(b / size):
            break
        x = x + leg(name, A, rest, goal=1e-9, method=method).step[:, 0]
    assert_allclose(A @ x / size, b / size, atol=1e-7)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
@pytest.mark.parametrize("name", ["minres", "bicgstab", "gmres", "lgmres", "cg"])
def test_scale_of_the_matrix_does_not_matter(name, scale):
    A, b = grid(8), sides(64)
    small = leg(name, sparse.csr_array(A * scale), b).step * scale
    assert_allclose(small, leg(name, A, b).step, rtol=1e-6, atol=1e-8)


def test_conjugate_gradients_end_after_as_many_iterations_as_eigenvectors():
    A = grid(10)
    _, vectors = np.linalg.eigh(A.toarray())
    watch = Recorder()
    b = vectors[:, [3, 50, 99]].sum(axis=1)
    step = leg("cg", A, b, watch=watch).step[:, 0]
    assert_allclose(A @ step, b, atol=1e-9)
    assert len(watch.sizes) == 3
    assert watch.sizes[-1] == pytest.approx(np.linalg.norm(b - A @ step), abs=1e-14)


@pytest.mark.parametrize("A", [waves(12), MATRICES["definite"] * -1.0])
def test_conjugate_gradients_notice_what_is_not_definite(A):
    with pytest.raises(NotDefinite, match=r"\(p, A p\) is -"):
        leg("cg", sparse.csr_array(A), sides(144))


def test_conjugate_gradients_end_where_the_matrix_vanishes():
    A = np.diag([1.0, 2.0, 0.0])
    A[2, 2] = 1e-300
    step = leg("cg", A, np.array([1.0, 1.0, 0.0])).step[:, 0]
    assert_allclose(step, [1.0, 0.5, 0.0])


def test_minres_of_a_hermitian_matrix_is_that_of_its_real_form():
    H = magnetic(6)
    b = sides(36, dtype=np.complex128)
    real = np.block([[H.real.toarray(), -H.imag.toarray()], [H.imag.toarray(), H.real.toarray()]])
    for stop in (10, 20):
        few = leg("minres", H, b, watch=Recorder(stop_after=stop)).step[:, 0]
        same = leg("minres", real, np.r_[b.real, b.imag], watch=Recorder(stop_after=stop)).step
        assert_allclose(np.r_[few.real, few.imag], same[:, 0], rtol=1e-8, atol=1e-10)


def test_minres_reduces_the_residual_in_each_measurement():
    watch = Recorder()
    leg("minres", waves(14), sides(196), watch=watch)
    sizes = [size for size in watch.sizes if np.isfinite(size)]
    assert len(sizes) >= 5
    assert all(later <= 1.001 * sooner for sooner, later in pairwise(sizes))


def test_minres_breaks_down_with_an_indefinite_preconditioner():
    operator = SquareOperator(grid(5))
    with pytest.raises(Breakdown, match="MINRES found a indefinite preconditioner"):
        BY_NAME["minres"]().leg(operator, lambda r: -r, np.ones((25, 1)), 1e-9, Recorder())


def test_the_best_that_was_measured_is_kept():
    b, watch = np.ones(1), Recorder()
    measured = Measured(lambda x: b - x, 1.0, 1e-3, watch)
    tries = [0.5, 0.9, 2.0, -3.0]
    for x in tries:
        for _ in range(MEASURE_EVERY):
            measured(np.array([x]))
    assert measured.best == [0.9]
    known = [size for size in watch.sizes if np.isfinite(size)]
    assert_allclose(known, [0.5, 0.1, 1.0, 4.0])
    assert len(watch.sizes) == len(tries) * MEASURE_EVERY
    with pytest.raises(Stopped):
        for _ in range(MEASURE_EVERY):
            measured(np.array([0.9999]))
    nothing = Measured(lambda x: b - x, 1.0, 1e-3, watch)
    nothing.measure(np.array([-1.0]))
    assert nothing.best is None


def test_lgmres_remembers_its_cycles():
    A, b = waves(30, 0.1), sides(900)

    def rest_after_cycles(fresh):
        method, x = BY_NAME["lgmres"](), np.zeros(900)
        for _ in range(6):
            method = BY_NAME["lgmres"]() if fresh else method
            x = x + leg("lgmres", A, b - A @ x, method=method).step[:, 0]
        return np.linalg.norm(b - A @ x)

    assert rest_after_cycles(fresh=False) < 0.1 * rest_after_cycles(fresh=True)


@pytest.mark.parametrize("name", ["gmres", "lgmres"])
def test_cycles(name):
    A, b = convection(30), sides(900)
    assert A.shape[0] > SMALL_ORDER
    watch = Recorder()
    first = leg(name, A, b, watch=watch)
    assert first.is_cycle
    assert BASIS <= len(watch.sizes) <= BASIS + 1
    few = Recorder(remaining=7)
    leg(name, A, b, watch=few)
    assert 7 <= len(few.sizes) <= 8


def test_small_systems_take_no_more_iterations_than_unknowns():
    shift = sparse.csr_array(np.roll(np.eye(60), 1, axis=0))
    watch = Recorder()
    step = leg("gmres", shift, sides(60), watch=watch).step[:, 0]
    assert_allclose(shift @ step, sides(60), atol=1e-10)
    assert len(watch.sizes) == 60


def test_gmres_tells_the_residual_of_x():
    A, b = convection(20), sides(400)
    watch = Recorder(remaining=15)
    step = leg("gmres", A, b, preconditioner="ilu", goal=1e-5, watch=watch).step[:, 0]
    assert np.linalg.norm(b - A @ step) == pytest.approx(watch.sizes[-1], rel=1e-6)


def test_obstacles():
    jacobi, ilu = PRECONDITIONERS["jacobi"], PRECONDITIONERS["ilu"]
    definite = SystemFacts(10, self_adjoint=True)
    indefinite = SystemFacts(10, self_adjoint=True, positive=False)
    cases = {
        ("cg", definite, jacobi): None,
        ("cg", definite, ilu): "'ilu' is not positive definite",
        ("cg", indefinite, jacobi): "the matrix is not positive definite",
        ("cg", SystemFacts(10), jacobi): "the matrix is not self-adjoint",
        ("minres", indefinite, jacobi): None,
        ("minres", definite, ilu): "'ilu' is not positive definite",
        ("minres", SystemFacts(10), jacobi): "the matrix is not self-adjoint",
        ("gmres", SystemFacts(10), ilu): None,
        ("lgmres", SystemFacts(10), ilu): None,
        ("bicgstab", SystemFacts(10), ilu): None,
    }
    for (name, facts, M), why in cases.items():
        assert BY_NAME[name]().obstacle(facts, M) == why
