import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.linalg import LinAlgWarning, hilbert
from scipy.sparse.linalg import LinearOperator, aslinearoperator, splu
from system_matrices import MATRICES, STORAGES, convection, grid, magnetic, residual, sides, waves

from skstruct.linalg import InapplicableSolver, solve_iteratively

TOL = 1e-10


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("name", MATRICES)
def test_solution_is_that_of_lapack(name, storage):
    A = MATRICES[name]
    b = sides(A.shape[0], 3)
    solution = solve_iteratively(STORAGES[storage](A), b)
    exact = np.linalg.solve(A.toarray(), b)
    condition = np.linalg.cond(A.toarray())
    assert solution.converged
    assert solution.certificate.holds
    assert_allclose(solution.x, exact, rtol=0, atol=2 * TOL * condition * np.abs(exact).max())
    if solution.certificate.quantity.startswith("residual"):
        assert residual(A, solution.x, b) <= 1.01 * TOL


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("name", ["definite", "indefinite", "general"])
def test_types_are_kept(name, dtype):
    A = MATRICES[name].astype(dtype)
    b = sides(A.shape[0], dtype=dtype)
    solution = solve_iteratively(A, b)
    assert solution.converged
    assert solution.x.dtype == dtype
    wide = np.result_type(dtype, np.float64)
    x, dense = solution.x.astype(wide), A.toarray().astype(wide)
    gap = np.linalg.norm(b - dense @ x)
    scale = np.linalg.norm(dense, 2) * np.linalg.norm(x) + np.linalg.norm(b)
    assert gap <= max(10 * np.finfo(dtype).eps * scale, TOL * np.linalg.norm(b))


@pytest.mark.parametrize(
    ("of_matrix", "of_sides", "of_solution"),
    [
        (np.float32, np.float64, np.float64),
        (np.float64, np.float32, np.float64),
        (np.float64, np.complex64, np.complex128),
        (np.float32, np.complex64, np.complex64),
        (np.complex64, np.float32, np.complex64),
        (np.int64, np.int32, np.float64),
        (np.int8, np.float32, np.float64),
    ],
)
@pytest.mark.parametrize("storage", ["csr", "dense", "products"])
def test_types_are_combined(of_matrix, of_sides, of_solution, storage):
    A = grid(8).astype(of_matrix)
    b = (3 * sides(64, 2, of_sides if np.dtype(of_sides).kind == "c" else np.float64)).astype(
        of_sides
    )
    solution = solve_iteratively(STORAGES[storage](A), b)
    assert solution.converged
    assert solution.x.dtype == of_solution
    assert residual(grid(8), solution.x, b) < 1e-4


def test_complex_sides_of_a_real_matrix():
    A, b = convection(10), sides(100, 3, np.complex128)
    solution = solve_iteratively(A, b, x0=1j * np.ones((100, 3)))
    assert residual(A, solution.x, b) <= 1.01 * TOL
    assert solution.n_iter.shape == (3,)
    assert solution.residuals.shape == (solution.n_iter.max(), 3)


@pytest.mark.parametrize("n", [0, 1, 2, 3])
@pytest.mark.parametrize("storage", ["csr", "dense"])
def test_tiny_systems(n, storage):
    A = sparse.csr_array(2.0 * np.eye(n) + 0.5)
    solution = solve_iteratively(STORAGES[storage](A), np.ones(n))
    assert solution.converged
    assert solution.x.shape == (n,)
    assert_allclose(A @ solution.x, np.ones(n), atol=1e-12)


def test_shapes_follow_the_sides():
    A = grid(6)
    for shape in [(36,), (36, 1), (36, 4), (36, 0)]:
        solution = solve_iteratively(A, np.ones(shape))
        assert solution.x.shape == shape
        assert solution.converged
        if len(shape) == 2:
            assert solution.n_iter.shape == shape[1:]
            assert solution.residuals.shape == (solution.n_iter.max(initial=0), shape[1])
        else:
            assert isinstance(solution.n_iter, int)
            assert solution.residuals.shape == (solution.n_iter,)


@pytest.mark.parametrize("name", ["definite", "indefinite", "general"])
def test_many_sides_are_solved_each_to_its_own_scale(name):
    A = MATRICES[name]
    b = sides(144, 37) * 10.0 ** np.arange(-18, 19)
    b[:, 5] = 0.0
    solution = solve_iteratively(A, b)
    assert_array_equal(solution.x[:, 5], 0.0)
    assert solution.n_iter[5] == 0
    assert np.isnan(solution.residuals[:, 5]).all()
    others = np.arange(37) != 5
    assert (solution.n_iter[others] > 0).all()
    assert residual(A, solution.x[:, others], b[:, others]) <= 1.01 * TOL


def test_input_stays_as_it_is_and_may_be_strided():
    rows, columns = np.array([0, 1, 1, 0, 2, 2]), np.array([0, 1, 0, 1, 2, 2])
    A = sparse.csr_array(sparse.coo_array(([3.0, 4.0, 1.0, 1.0, 1.0, 1.5], (rows, columns))))
    A = sparse.csr_array(
        (np.r_[A.data, 0.5], np.r_[A.indices, 2], A.indptr + np.array([0, 0, 0, 1]))
    )
    assert not A.has_canonical_format
    data, b = A.data.copy(), np.asfortranarray(sides(6, 4))[::2, ::-2]
    before = b.copy()
    solution = solve_iteratively(A, b)
    assert residual(A, solution.x, b) <= TOL
    assert_array_equal(A.data, data)
    assert_array_equal(b, before)


def test_start():
    A, b = convection(12), sides(144)
    exact = np.linalg.solve(A.toarray(), b)
    assert solve_iteratively(A, b, x0=exact).n_iter == 0
    near = solve_iteratively(A, b, x0=exact + 1e-6 * sides(144, seed=1))
    assert 0 < near.n_iter < solve_iteratively(A, b).n_iter
    assert residual(A, near.x, b) <= TOL


# -- what is chosen -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("definite", "cg"),
        ("Hermitian", "cg"),
        ("general", "bicgstab"),
        ("complex general", "bicgstab"),
    ],
)
def test_method_follows_the_matrix(name, method):
    A = MATRICES[name]
    solution = solve_iteratively(A, np.ones(A.shape[0]))
    assert solution.method == method
    assert solution.plan.chosen == f"{method} + {solution.preconditioner}"


@pytest.mark.parametrize("storage", ["csr", "dense", "products"])
@pytest.mark.parametrize("offset", [1e-9, 1.0])
def test_one_entry_off_is_not_self_adjoint(storage, offset):
    A = grid(12).tolil()
    A[3, 4] += offset
    solution = solve_iteratively(STORAGES[storage](A.tocsr()), np.ones(144))
    assert solution.method not in ("cg", "minres")
    assert "symmetric" not in str(solution.plan)
    assert residual(A.tocsr(), solution.x, np.ones(144)) <= TOL


def test_rounding_of_an_assembly_does_not_hide_symmetry():
    A = grid(12)
    A.data *= 1.0 + np.finfo(float).eps * np.random.default_rng(0).integers(-1, 2, A.nnz)
    assert solve_iteratively(A, np.ones(144)).method == "cg"


def test_an_indefinite_matrix_is_found_out():
    A, b = waves(16), sides(256)  # its diagonal is positive
    solution = solve_iteratively(A, b)
    assert residual(A, solution.x, b) <= TOL
    assert solution.method != "cg"
    first = solution.plan.attempts[0]
    assert first.solver.startswith("cg")
    assert "not positive definite: (p, A p) is -" in first.outcome
    assert str(solution.plan).endswith(str(solution.certificate))


def test_negative_diagonal_needs_no_attempt():
    A = sparse.csr_array(-grid(12))
    solution = solve_iteratively(A, np.ones(144))
    assert solution.method == "minres"
    assert "not positive definite" in solution.plan.problem
    assert not any(row.solver.startswith("cg") for row in solution.plan.candidates)


METHODS = ("cg", "minres", "bicgstab", "gmres", "lgmres")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "preconditioner", ["none", "jacobi", "block_jacobi", "ic", "ilu", "ilu_fine", "amg", "auto"]
)
@pytest.mark.parametrize("name", ["definite", "Hermitian"])
def test_by_name(method, preconditioner, name):
    if preconditioner == "amg":
        pytest.importorskip("pyamg")
    A = MATRICES[name]
    b = sides(A.shape[0], 2)
    if method in ("cg", "minres") and preconditioner.startswith("ilu"):
        with pytest.raises(InapplicableSolver, match="is not positive definite"):
            solve_iteratively(A, b, method=method, preconditioner=preconditioner)
        return
    solution = solve_iteratively(A, b, method=method, preconditioner=preconditioner)
    assert solution.method == method
    assert preconditioner in ("auto", solution.preconditioner)
    assert residual(A, solution.x, b) <= 1.01 * TOL
    if preconditioner in ("ic", "ilu_fine"):
        assert solution.n_iter.max() < 12


@pytest.mark.parametrize(
    ("name", "method", "preconditioner", "why"),
    [
        ("general", "cg", "jacobi", "not self-adjoint"),
        ("general", "minres", "auto", "not self-adjoint"),
        ("general", "gmres", "ic", "it needs a self-adjoint matrix"),
        ("general", "gmres", "amg", "it needs a positive definite matrix"),
    ],
)
def test_what_cannot_be_used_says_why(name, method, preconditioner, why):
    A = MATRICES[name]
    with pytest.raises(InapplicableSolver, match=why):
        solve_iteratively(A, np.ones(144), method=method, preconditioner=preconditioner)


def test_products_have_no_diagonal():
    with pytest.raises(InapplicableSolver, match="the diagonal is not known"):
        solve_iteratively(aslinearoperator(grid(4)), np.ones(16), preconditioner="jacobi")


@pytest.mark.parametrize("form", ["callable", "operator", "matrix"])
def test_given_preconditioner(form):
    A, b = convection(12), sides(144, 2)
    factors = splu(sparse.csc_array(A))
    forms = {
        "callable": factors.solve,
        "operator": LinearOperator(A.shape, matvec=factors.solve, matmat=factors.solve),
        "matrix": np.linalg.inv(A.toarray()),
    }
    solution = solve_iteratively(A, b, preconditioner=forms[form])
    assert solution.preconditioner == "given"
    assert solution.n_iter.max() <= 3
    assert residual(A, solution.x, b) <= TOL


@pytest.mark.parametrize("method", METHODS)
def test_given_preconditioner_of_a_wrong_shape(method):
    with pytest.raises(ValueError, match=r"turned an array of shape \(16, 1\) into \(16,\)"):
        solve_iteratively(grid(4), np.ones(16), method=method, preconditioner=lambda r: r[:, 0])


def test_given_preconditioner_that_is_not_definite():
    with pytest.warns(LinAlgWarning, match="the preconditioner is not positive definite"):
        solution = solve_iteratively(grid(6), np.ones(36), method="cg", preconditioner=lambda r: -r)
    assert not solution.converged
    # With another method it does no harm.
    assert solve_iteratively(grid(6), np.ones(36), preconditioner=lambda r: -r).converged


# -- never silently wrong -----------------------------------------------------------------


@pytest.mark.parametrize("method", ["auto", *METHODS])
@pytest.mark.parametrize("max_iter", [1, 7])
def test_too_few_iterations_warn(method, max_iter):
    A, b = grid(30), sides(900)
    with pytest.warns(LinAlgWarning, match="asked were 1e-10, after") as caught:
        solution = solve_iteratively(
            A, b, method=method, preconditioner="jacobi", max_iter=max_iter
        )
    assert not solution.converged
    assert not solution.certificate.holds
    assert solution.n_iter <= max_iter
    assert solution.certificate.value == pytest.approx(residual(A, solution.x, b))
    assert solution.certificate.value <= 1.0  # no worse than no answer at all
    assert f"{solution.certificate.value:.1e}" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_bound_on_iterations_is_that_of_each_column():
    with pytest.warns(LinAlgWarning):
        solution = solve_iteratively(waves(16), sides(256, 3), max_iter=9)
    assert_array_equal(solution.n_iter, 9)


def test_inconsistent_singular_system():
    A = grid(8)
    A = sparse.csr_array(A - sparse.diags_array(A @ np.ones(64)))  # constants are its kernel
    b = sides(64)
    with pytest.warns(LinAlgWarning, match="the solution is not as good as was asked"):
        assert not solve_iteratively(A, b).converged
    consistent = solve_iteratively(A, b - b.mean())
    assert consistent.converged
    assert residual(A, consistent.x, b - b.mean()) <= TOL


def test_a_kernel_is_no_excuse():
    # A huge multiple of the kernel has a small backward error.
    A = sparse.diags_array([1.0] * 9 + [1e-30]).tocsr()
    solution = solve_iteratively(A, np.ones(10))
    assert solution.converged
    assert_allclose(solution.x, [1.0] * 9 + [1e30])
    start = np.zeros(10)
    start[-1] = 1e25
    with pytest.warns(LinAlgWarning):
        stuck = solve_iteratively(
            aslinearoperator(A), np.ones(10), x0=start, method="minres", max_iter=2
        )
    assert not stuck.converged


def test_ill_conditioned_is_solved_as_well_as_directly():
    A = sparse.csr_array(hilbert(12))
    solution = solve_iteratively(A, np.ones(12))
    assert solution.converged
    assert solution.certificate.quantity.startswith("backward error")
    gap = np.linalg.norm(1.0 - A @ solution.x)
    assert gap <= 10 * 2.3e-16 * (1.8 * np.linalg.norm(solution.x) + np.sqrt(12))
    assert gap <= 1e-3 * np.sqrt(12)


@pytest.mark.parametrize("after", [0, 8, 20])
@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_products_that_are_not_finite(method, after):
    A, count = grid(12), 0

    def product(V):
        nonlocal count
        count += 1
        return A @ V if count <= after else np.full_like(V, np.nan)

    operator = LinearOperator(A.shape, matvec=product, matmat=product, dtype=np.float64)
    if after == 0:
        with pytest.raises(ValueError, match="products with a contain NaN"):
            solve_iteratively(operator, np.ones(144), method=method)
        return
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            solution = solve_iteratively(operator, np.ones(144), method=method)
    except ValueError as error:
        assert "NaN" in str(error)
        return
    assert not solution.converged
    assert [w.category for w in caught] == [LinAlgWarning]


def test_declared_positive_definite_and_is_not():
    for a in (waves(12), aslinearoperator(waves(12))):
        with pytest.raises(np.linalg.LinAlgError, match=r"declared .* not positive definite"):
            solve_iteratively(a, sides(144), assume="positive_definite")
    with pytest.raises(np.linalg.LinAlgError, match="diagonal entry 0 is -4"):
        solve_iteratively(sparse.csr_array(-grid(4)), np.ones(16), assume="pos")
    with pytest.raises(np.linalg.LinAlgError, match=r"\(v, A v\) is -"):
        solve_iteratively(aslinearoperator(-grid(4)), np.ones(16), assume="pos")


@pytest.mark.parametrize("storage", ["csr", "dense", "products"])
@pytest.mark.parametrize("assume", ["hermitian", "positive_definite", "her", "symmetric"])
def test_declared_self_adjoint_and_is_not(storage, assume):
    if storage == "products" and assume == "symmetric":
        return  # cannot be seen of a complex matrix, and is of no use
    with pytest.raises(ValueError, match="was declared"):
        solve_iteratively(STORAGES[storage](convection(6)), np.ones(36), assume=assume)


def test_declared_general():
    solution = solve_iteratively(grid(12), np.ones(144), assume="general")
    assert solution.method == "bicgstab"
    assert "declared general" in solution.plan.problem


def test_complex_symmetric_is_not_self_adjoint():
    A = sparse.csr_array(grid(10) + 0.5j * sparse.eye_array(100))
    solution = solve_iteratively(A, np.ones(100), assume="symmetric")
    assert solution.method == "bicgstab"
    assert residual(A, solution.x, np.ones(100)) <= TOL


@pytest.mark.parametrize("storage", ["csr", "dense"])
def test_empty_rows_and_columns_are_named(storage):
    A = grid(5).toarray()
    A[7, :] = 0.0
    with pytest.raises(np.linalg.LinAlgError, match="row 7 holds nothing but zeros"):
        solve_iteratively(STORAGES[storage](sparse.csr_array(A)), np.ones(25))
    with pytest.raises(np.linalg.LinAlgError, match="column 7 holds nothing but zeros"):
        solve_iteratively(STORAGES[storage](sparse.csr_array(A.T)), np.ones(25))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_finite(bad):
    A, b = grid(4), np.ones(16)
    for a in (A, A.toarray()):
        a = a.copy()
        a[2, 2] = bad
        with pytest.raises(ValueError, match="a contains NaN or infinity"):
            solve_iteratively(a, b)
    b[3] = bad
    with pytest.raises(ValueError, match="b contains NaN or infinity"):
        solve_iteratively(A, b)
    with pytest.raises(ValueError, match="NaN or infinity"):
        solve_iteratively(A, np.ones(16), x0=b)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "newton"}, "method must be one of auto, cg"),
        ({"preconditioner": "magic"}, "preconditioner must be one of auto, none"),
        ({"assume": "nice"}, "assume must be one of"),
        ({"tol": -1.0}, "tol must be"),
        ({"tol": 1.0}, "tol must be"),
        ({"tol": "small"}, "tol must be"),
        ({"max_iter": 0}, "max_iter must be"),
        ({"max_iter": 2.5}, "max_iter must be"),
        ({"x0": np.ones(4)}, r"\(16,\)"),
        ({"x0": np.ones((16, 1))}, "x0 must have the shape of b"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        solve_iteratively(grid(4), np.ones(16), **options)


def test_bad_shapes_and_types():
    with pytest.raises(np.linalg.LinAlgError, match="square"):
        solve_iteratively(sparse.csr_array((3, 4)), np.ones(3))
    with pytest.raises(ValueError, match=r"b must have shape \(16,\) or \(16, k\)"):
        solve_iteratively(grid(4), np.ones(15))
    with pytest.raises(TypeError):
        solve_iteratively(grid(4), np.array(["x"] * 16))
    with pytest.raises(TypeError, match="sparse"):
        solve_iteratively(grid(4), sparse.csr_array(np.ones((16, 1))))


# -- what is told -------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_history_is_that_of_the_residual(method):
    A, b = magnetic(12), sides(144, dtype=np.complex128)
    solution = solve_iteratively(A, b, method=method, preconditioner="jacobi")
    assert len(solution.residuals) == solution.n_iter
    known = solution.residuals[np.isfinite(solution.residuals)]
    if method == "lgmres":
        assert known.size == 0
        return
    assert len(known) >= solution.n_iter // 10
    final = solution.residuals[-1]
    if np.isfinite(final):
        assert final == pytest.approx(residual(A, solution.x, b), rel=1e-2)


@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_callback(method):
    states = []

    def callback(state):
        states.append(state)
        return len(states) == 12

    A = grid(30)
    with pytest.warns(LinAlgWarning, match="the callback stopped the iteration"):
        solution = solve_iteratively(
            A, np.ones(900), method=method, preconditioner="none", callback=callback
        )
    assert not solution.converged
    assert [state.iteration for state in states] == list(range(1, len(states) + 1))
    assert solution.n_iter == len(states)
    assert {state.method for state in states} == {solution.method}
    assert {state.preconditioner for state in states} == {"none"}
    assert {state.column for state in states} == {0}
    if method in ("auto", "cg", "minres", "bicgstab"):
        assert len(states) == 12
    known = [s.residual for s in states if np.isfinite(s.residual)]
    assert method == "lgmres" or known


@pytest.mark.parametrize("method", METHODS)
def test_errors_of_a_callback_reach_the_caller(method):
    def callback(state):
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        solve_iteratively(grid(12), np.ones(144), method=method, callback=callback)


def test_same_bits_again_and_global_random_state_untouched():
    pytest.importorskip("pyamg")
    A, b = grid(20), sides(400)
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the one that pyamg draws from
    first = solve_iteratively(A, b, preconditioner="amg").x
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    assert_array_equal(solve_iteratively(A, b, preconditioner="amg").x, first)


# -- the space between --------------------------------------------------------------------


@st.composite
def systems(draw):
    n = draw(st.integers(1, 30))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    A = rng.standard_normal((n, n)) * (rng.random((n, n)) < draw(st.floats(0.05, 0.6)))
    if draw(st.booleans()):
        A = A + 1j * rng.standard_normal((n, n)) * (A != 0)
    kind = draw(st.sampled_from(["general", "hermitian", "definite"]))
    if kind == "hermitian":
        A = A + A.conj().T
    if kind == "definite":
        A = A @ A.conj().T
    A = A + draw(st.sampled_from([0.5, 2.0, 20.0])) * np.eye(n)
    scale = 10.0 ** draw(st.integers(-100, 100))
    return A, rng.standard_normal((n, draw(st.integers(1, 3)))), scale


@settings(max_examples=60, deadline=None)
@given(systems(), st.sampled_from(sorted(STORAGES)))
def test_right_or_warned(system, storage):
    A, b, scale = system
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            solution = solve_iteratively(STORAGES[storage](sparse.csr_array(A * scale)), b / scale)
        except np.linalg.LinAlgError:
            assert not (A.any(axis=0).all() and A.any(axis=1).all())
            return
    assert all(w.category is LinAlgWarning for w in caught)
    assert solution.converged == (not caught)
    if solution.converged:
        x = solution.x * scale**2
        gap = np.linalg.norm(b - A @ x, axis=0)
        bound = 2.3e-15 * (np.linalg.norm(A, 2) * np.linalg.norm(x, axis=0))
        assert (gap <= 1.1 * np.maximum(TOL * np.linalg.norm(b, axis=0), bound)).all()
    elif np.linalg.cond(A) < 1e6:
        pytest.fail(f"a system of condition {np.linalg.cond(A):.0e} was not solved")
