"""The choice of routes from facts alone, and how long they are followed."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from system_matrices import grid, sides

from skstruct.linalg import InapplicableSolver, config_context
from skstruct.linalg.iterative_systems import methods
from skstruct.linalg.iterative_systems._facts import SystemFacts
from skstruct.linalg.iterative_systems._operator import SquareOperator
from skstruct.linalg.iterative_systems._routes import plan_routes, routes_for
from skstruct.linalg.iterative_systems._run import LARGEST, ColumnRun, Goal, Makers
from skstruct.linalg.iterative_systems._watch import (
    SPENT_SHARE,
    STALL_ITERATIONS,
    Budget,
    RouteWatch,
)

# Grids of two and three dimensions and half a million unknowns, as `facts_of` sees them.
PLANE = SystemFacts(
    490_000, nnz=2_450_000, self_adjoint=True, dominance=1.0, factor_nnz=1.8e7, levels=700.0
)
SPACE = SystemFacts(
    512_000, nnz=3_540_000, self_adjoint=True, dominance=1.0, factor_nnz=2e8, levels=107.0
)
LIMIT = 16 * 10**9


def names(facts, n_rhs=1):
    with config_context(memory_limit=LIMIT):
        return [route.name for route in routes_for(facts, n_rhs)]


@pytest.fixture
def with_pyamg():
    pytest.importorskip("pyamg")


@pytest.fixture
def without_pyamg(monkeypatch):
    module = "skstruct.linalg.iterative_systems.preconditioners._multigrid.multigrid_obstacle"
    monkeypatch.setattr(module, lambda: "it needs pyamg")


@pytest.mark.parametrize(
    ("facts", "first"),
    [
        (PLANE, "cg + amg"),
        (SPACE, "cg + jacobi"),
        (replace(PLANE, dominance=2.0), "cg + jacobi"),
        (replace(PLANE, positive=False), "minres + jacobi"),
        (replace(PLANE, self_adjoint=False), "gmres + ilu"),
        (replace(SPACE, self_adjoint=False), "bicgstab + jacobi"),
        (replace(SPACE, storage="products"), "cg + none"),
        (replace(SPACE, storage="products", positive=False), "minres + none"),
        (replace(SPACE, storage="products", self_adjoint=False), "gmres + none"),
        (replace(SPACE, storage="dense", n=1000, nnz=10**6), "cg + jacobi"),
    ],
)
def test_first_route(with_pyamg, facts, first):
    assert names(facts)[0] == first


def test_without_multigrid(without_pyamg):
    assert names(PLANE)[0] == "cg + ic"
    with config_context(memory_limit=LIMIT):
        _, plan = plan_routes(PLANE, 1, "auto", "auto", "the question")
    assert "cg + amg" in str(plan)
    assert "rejected: it needs pyamg" in str(plan)


def test_later_routes_are_more_robust(without_pyamg):
    assert names(SPACE) == [
        "cg + jacobi",
        "cg + ic",
        "minres + jacobi",
        "gmres + ilu",
        "lgmres + ilu_fine",
    ]


def test_memory_limit_rejects():
    with config_context(memory_limit=100 * 10**6):
        routes, plan = plan_routes(SPACE, 1, "auto", "auto", "the question")
    assert [route.name for route in routes] == ["cg + jacobi", "minres + jacobi"] or [
        route.name for route in routes
    ] == ["cg + jacobi", "cg + amg", "minres + jacobi"]
    assert "bytes are more than the limit" in str(plan)
    with (
        config_context(memory_limit=1000),
        pytest.raises(InapplicableSolver, match="more than the limit"),
    ):
        plan_routes(SPACE, 1, "auto", "auto", "the question")
    with config_context(memory_limit=1000):
        assert routes_for(SPACE, 1) == []


def test_prices_grow_with_the_right_hand_sides():
    with config_context(memory_limit=LIMIT):
        one, ten = (routes_for(SPACE, k)[0] for k in (1, 10))
    assert ten.seconds == pytest.approx(10 * one.seconds, rel=0.01)
    assert one.cost.memory == ten.cost.memory


def test_plan_is_a_pure_function_of_the_facts():
    first, again = (plan_routes(SPACE, 2, "auto", "auto", "q")[1] for _ in range(2))
    assert first == again


# -- how long a route is followed ---------------------------------------------------------


def watch(alternative, expected=0.0, max_iter=100_000, callback=None):
    budget = Budget(max_iter, 0, 2.0, callback)
    return budget, RouteWatch(budget, "cg", "jacobi", 1e-10, expected, 1.0, alternative)


def follow(route_watch, sizes):
    """Return after how many iterations it stops."""
    for count, size in enumerate(sizes, start=1):
        if route_watch(2.0 * size):
            return count
    return None


def test_fast_routes_are_followed():
    _, w = watch(alternative=100.0)
    assert follow(w, 0.9 ** np.arange(200)) is None
    assert not w.is_slow


def test_slow_routes_are_given_up_when_a_share_of_the_alternative_is_spent():
    _, w = watch(alternative=400.0)
    count = follow(w, 0.999 ** np.arange(20_000))
    assert count == SPENT_SHARE * 400
    assert w.is_slow
    assert w.outcome == "given up after 100 iterations, 22915 more to come"
    assert w.remaining_seconds == pytest.approx(22_915, rel=1e-3)


def test_routes_are_not_judged_before_half_of_the_iterations_that_were_predicted():
    _, w = watch(alternative=400.0, expected=1000.0)
    assert follow(w, 0.999 ** np.arange(20_000)) == 500


def test_a_route_that_gains_nothing_promises_no_end():
    _, w = watch(alternative=100.0)
    assert follow(w, np.ones(1000)) == 25
    assert w.outcome.endswith("no end in sight")


def test_without_alternative_only_stagnation_ends_a_route():
    _, w = watch(alternative=np.inf)
    count = follow(w, np.maximum(0.9 ** np.arange(5000), 1e-5))
    assert STALL_ITERATIONS < count <= 3 * STALL_ITERATIONS
    assert w.outcome == "stagnated at 1.0e-05"
    assert not w.is_slow


def test_residuals_that_are_known_now_and_then_are_enough():
    _, w = watch(alternative=400.0)
    for count in range(1, 2000):
        known = count % 10 == 0
        if w(2.0 * 0.999**count if known else np.nan):
            break
    assert 100 <= count <= 130


def test_budget_and_callback():
    budget, w = watch(alternative=np.inf, max_iter=10)
    assert follow(w, 0.99 ** np.arange(100)) == 10
    assert budget.remaining == 0
    assert len(budget.history) == 10
    budget, w = watch(alternative=np.inf, callback=lambda state: state.iteration == 4)
    assert follow(w, 0.99 ** np.arange(100)) == 4
    assert budget.stopped


def test_given_up_routes_come_again_when_all_else_failed(without_pyamg):
    A = grid(20)
    operator = SquareOperator(A)
    facts = SystemFacts(400, nnz=A.nnz, self_adjoint=True, factor_nnz=1e4, levels=20.0)
    first, second, *_ = routes_for(facts, 1)
    # The second is cheap, they say, but cannot be made.
    routes = [
        replace(first, seconds_per_iteration=1.0, iterations=0.0),
        replace(second, seconds=1e-6),
    ]
    b = sides(400, 1)

    def make(route):
        if route.preconditioner.name == "ic":
            raise Makers(operator)._made.setdefault("ic", _breakdown())
        return Makers(operator)(route)

    budget = Budget(1000, 0, float(np.linalg.norm(b)))
    run = ColumnRun(operator, facts, b, np.zeros_like(b), Goal(1e-10, 0.0, 8.0), budget, make)
    left = run.follow(routes)
    assert [attempt.outcome.split(" after")[0] for attempt in run.attempts] == [
        "given up",
        "no factors",
        "converged",
    ]
    assert left[0].name == first.name
    assert np.linalg.norm(b - A @ run.x) <= 1e-10 * np.linalg.norm(b)


def _breakdown():
    from skstruct.linalg import Breakdown

    return Breakdown("no factors")


def test_goal():
    goal = Goal(tol=1e-10, rounding=1e-15, norm=4.0)
    # the tolerance; the backward error; what no backward error excuses
    sizes = [goal.size(np.array([[x]]), 1.0) for x in (1.0, 1e8, 1e30)]
    assert sizes == pytest.approx([1e-10, 4e-7, LARGEST])


def test_a_step_that_does_not_help_is_not_taken(monkeypatch):
    class Wild(methods.BY_NAME["cg"]):
        def leg(self, operator, apply, residual, goal, watch):
            watch(1.0)
            return methods.Leg(1e6 * residual)

    monkeypatch.setitem(methods.BY_NAME, "cg", Wild)
    operator, b = SquareOperator(grid(6)), sides(36, 1)
    facts = SystemFacts(36, nnz=156, self_adjoint=True, factor_nnz=1e3, levels=6.0)
    budget = Budget(10, 0, float(np.linalg.norm(b)))
    run = ColumnRun(
        operator, facts, b, np.zeros_like(b), Goal(1e-10, 0.0, 8.0), budget, Makers(operator)
    )
    run.follow(routes_for(facts, 1)[:1])
    assert_array_equal(run.x, 0.0)
    assert_array_equal(run.residual, b)
