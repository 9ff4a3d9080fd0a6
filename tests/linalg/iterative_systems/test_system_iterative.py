"""Iteration as a solver of `solve`."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import LinAlgWarning
from scipy.sparse.linalg import LinearOperator, aslinearoperator
from system_matrices import convection, grid, magnetic, sides, waves

from skstruct.linalg import (
    LinearSystem,
    MatrixStructure,
    certified_solve,
    config_context,
    explain,
    factorize,
    plan_for,
    solve,
)
from skstruct.linalg.solvers import system_iterative
from skstruct.linalg.solvers.system_iterative import LEAST_ORDER

SYMMETRIC = frozenset(["symmetric", "positive_diagonal"])


def structure(n, nnz, bandwidth, factor_nnz, found=SYMMETRIC):
    return MatrixStructure(
        n,
        storage="sparse",
        nnz=nnz,
        found=found,
        bandwidths=(bandwidth,) * 2,
        factor_nnz=factor_nnz,
    )


@pytest.mark.parametrize(
    ("facts", "is_iterated"),
    [
        (structure(10**6, 5 * 10**6, 1000, 3.8e7), False),  # a grid of two dimensions
        (structure(125_000, 860_000, 1900, 3.1e7), True),  # of three
        (structure(10**6, 7 * 10**6, 7500, 4.8e8), True),
        (structure(125_000, 860_000, 1900, 3.1e7, frozenset()), True),
        (structure(10**6, 3 * 10**6, 1, 2e6), False),
        (structure(LEAST_ORDER - 1, 70_000, 400, 2e7), False),
    ],
)
def test_direct_or_iterative(facts, is_iterated):
    with config_context(memory_limit=64 * 10**9):
        plan = plan_for(LinearSystem(facts))
    assert (plan.chosen == "iterative") == is_iterated
    if is_iterated:
        assert len(plan.order) > 1  # a factorisation is kept for where it fails


def test_a_grid_of_three_dimensions():
    A = grid(22, 3)
    b = sides(A.shape[0], 2)
    solution = certified_solve(A, b)
    assert solution.solver == "iterative"
    assert solution.certificate.holds
    assert solution.rcond is None
    assert "iterations are cheaper than factors" in str(solution.plan)
    gap = np.linalg.norm(b - A @ solution.x, axis=0)
    scale = 12 * np.linalg.norm(solution.x, axis=0) + np.linalg.norm(b, axis=0)
    assert (gap / scale <= 10 * np.finfo(float).eps * np.sqrt(A.shape[0])).all()


@pytest.mark.parametrize("make", [grid, convection, waves, magnetic])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_products(make, dtype):
    A = make(14)
    A = A.astype(np.result_type(A.dtype, np.complex64) if make is magnetic else dtype)
    b = sides(196, 3, A.dtype)
    solution = certified_solve(aslinearoperator(A), b)
    assert solution.solver == "iterative"
    assert solution.x.dtype == A.dtype
    assert solution.certificate.holds
    wide = A.toarray().astype(np.complex128)
    gap = np.linalg.norm(b - wide @ solution.x)
    scale = np.linalg.norm(wide, 2) * np.linalg.norm(solution.x) + np.linalg.norm(b)
    assert gap <= 10 * np.finfo(A.dtype).eps * 14 * scale


def test_complex_sides_of_real_products():
    A, b = convection(10), sides(100, dtype=np.complex128)
    x = solve(aslinearoperator(A), b)
    assert x.shape == (100,)
    assert np.linalg.norm(b - A @ x) <= 1e-10 * np.linalg.norm(b)


def test_what_is_declared_of_products_is_checked():
    with pytest.raises(ValueError, match="declared hermitian"):
        solve(aslinearoperator(convection(6)), np.ones(36), assume="hermitian")
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        solve(aslinearoperator(waves(12)), sides(144), assume="positive_definite")


def test_products_that_cannot_be_solved_warn():
    singular = aslinearoperator(sparse.csr_array(np.diag(np.r_[np.zeros(300), np.ones(600)])))
    with pytest.raises(np.linalg.LinAlgError, match="seems singular: of b 58% remain"):
        solve(singular, np.ones(900))
    shift = LinearOperator((900, 900), lambda v: np.roll(v, 1), dtype=float)
    with pytest.warns(LinAlgWarning, match="the backward error is"):
        solution = certified_solve(shift, np.eye(900)[0])
    assert not solution.certificate.holds


def test_no_factorisation():
    with pytest.raises(TypeError, match="has no factorisation"):
        factorize(aslinearoperator(grid(4)))
    F = factorize(grid(22, 3))
    assert F.solver != "iterative"
    assert explain(grid(22, 3)).chosen == "iterative"


def test_a_factorisation_takes_over_where_iteration_fails(monkeypatch):
    A = grid(22, 3)
    b = sides(A.shape[0])

    def too_few(*args, iterate=system_iterative.iterate_columns, **options):
        return iterate(*args, max_iter=5, **options)

    monkeypatch.setattr(system_iterative, "iterate_columns", too_few)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solution = certified_solve(A, b)
    assert solution.solver != "iterative"
    assert solution.plan.attempts[0].solver == "iterative"
    assert solution.plan.attempts[0].outcome.startswith("not certified")
    assert np.linalg.norm(b - A @ solution.x) <= 1e-12 * np.linalg.norm(b)


def test_products_that_turn_infinite_break_down():
    A, count = grid(8), 0

    def product(V):
        nonlocal count
        count += 1
        return A @ V if count < 15 else np.full_like(V, np.inf)

    operator = LinearOperator(A.shape, matvec=product, matmat=product, dtype=np.float64)
    with pytest.raises(np.linalg.LinAlgError, match="no solver could answer"):
        solve(operator, np.ones(64))
