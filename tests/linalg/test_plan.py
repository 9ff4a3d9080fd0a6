"""The planner, from structures alone: no test here holds any data."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from skstruct.linalg import (
    Attempt,
    Certificate,
    Fill,
    InapplicableSolver,
    PartialSVD,
    Ridge,
    Structure,
    config_context,
    get_config,
    plan_for,
    set_config,
)
from skstruct.linalg.solvers import SOLVERS

# Plans must not depend on the machine that runs the tests.
LIMIT = 16 * 10**9
ROBUSTNESS = {(kind, s.NAME): s.ROBUSTNESS for kind, solvers in SOLVERS.items() for s in solvers}
ON_REQUEST = {s.NAME for solvers in SOLVERS.values() for s in solvers if s.ON_REQUEST}

TEXT = Structure(778_000, 58_700, nnz=30_000_000, centered=True)
TALL = Structure(200_000, 100, centered=True)
WIDE = Structure(500, 50_000, centered=True)
SQUARE = Structure(3000, 3000, centered=True)


def ridge(structure, *alphas, **options):
    return Ridge(structure, alphas=np.array(alphas or (1.0,)), **options)


TABLE = {
    "wide": (PartialSVD(WIDE, rank=20), "gram_eigh"),
    "tall": (PartialSVD(TALL, rank=20), "covariance_eigh"),
    "tall, all": (PartialSVD(TALL), "covariance_eigh"),
    "tall and broad": (
        PartialSVD(Structure(50_000, 1000, centered=True), rank=20),
        "covariance_eigh",
    ),
    "square, few": (PartialSVD(SQUARE, rank=20), "block_krylov"),
    "text": (PartialSVD(TEXT, rank=100), "block_krylov"),
    "tall, energy": (PartialSVD(TALL, energy=0.9), "covariance_eigh"),
    "ridge, tall": (ridge(Structure(100_000, 50)), "gram_cholesky"),
    "ridge, tall, no penalty": (ridge(Structure(100_000, 50), 0.0), "gram_cholesky"),
    "ridge, wide": (ridge(Structure(50, 100_000)), "dual_cholesky"),
    "ridge, wide, no penalty": (ridge(Structure(50, 1000), 0.0), "svd"),
    "ridge, many penalties": (ridge(Structure(20_000, 300), *np.logspace(-3, 3, 30)), "eigen"),
    "ridge, one penalty for many": (ridge(Structure(20_000, 300), *[1.0] * 30), "gram_cholesky"),
    "ridge, huge sparse": (ridge(Structure(500_000, 200_000, nnz=50_000_000)), "cg"),
    "ridge, bounded": (ridge(Structure(1000, 50), lower=np.zeros((1, 1))), "nonnegative"),
}
PROBLEMS = pytest.mark.parametrize("problem", [row[0] for row in TABLE.values()], ids=TABLE)


@pytest.fixture(autouse=True)
def fixed_memory():
    with config_context(memory_limit=LIMIT):
        yield


def candidate(plan, name):
    return next(c for c in plan.candidates if c.solver == name)


@pytest.mark.parametrize(("problem", "expected"), TABLE.values(), ids=TABLE)
def test_choice(problem, expected):
    plan = plan_for(problem)
    assert plan.chosen == expected
    assert plan.order[0] == expected
    assert plan.attempts == ()
    assert plan.certificate is None


@PROBLEMS
def test_the_choice_is_the_cheapest_that_may_run(problem):
    plan = plan_for(problem)
    free = [c for c in plan.candidates if c.rejected is None and not c.on_request]
    assert plan.chosen == min(free, key=lambda c: c.seconds).solver
    # every solver is accounted for, those that may run first and by their time
    assert {c.solver for c in plan.candidates} == {s.NAME for s in SOLVERS[problem.kind]}
    rejected = [c.rejected is not None for c in plan.candidates]
    assert rejected == sorted(rejected)
    times = [c.seconds for c in plan.candidates if c.rejected is None]
    assert times == sorted(times)
    assert all(c.seconds > 0 and c.memory >= 0 for c in plan.candidates if c.rejected is None)


@PROBLEMS
def test_the_same_problem_gives_the_same_plan(problem):
    first = plan_for(problem)
    assert plan_for(problem) == first
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            assert plan_for(problem) == first


@PROBLEMS
def test_escalation_climbs_in_robustness(problem):
    plan = plan_for(problem)
    climbed = [ROBUSTNESS[problem.kind, name] for name in plan.order]
    assert all(below < above for below, above in pairwise(climbed))
    assert not ON_REQUEST & set(plan.order)
    assert not {c.solver for c in plan.candidates if c.rejected is not None} & set(plan.order)
    # nothing more robust is left untried
    free = [c for c in plan.candidates if c.rejected is None and not c.on_request]
    assert climbed[-1] == max(c.robustness for c in free)


def test_orders_of_escalation():
    assert plan_for(PartialSVD(SQUARE, rank=20)).order == (
        "block_krylov",
        "covariance_eigh",
        "full",
    )
    assert plan_for(PartialSVD(TALL, rank=20)).order == ("covariance_eigh", "full")
    assert plan_for(ridge(Structure(100_000, 50))).order == ("gram_cholesky", "qr", "svd")
    assert plan_for(ridge(Structure(50, 1000), 0.0)).order == ("svd",)


def test_seconds_of_second():
    plan = plan_for(PartialSVD(SQUARE, rank=20))
    assert plan.seconds_of_second() == candidate(plan, "covariance_eigh").seconds
    assert plan_for(PartialSVD(TEXT, rank=100)).seconds_of_second() == np.inf


def test_a_gram_matrix_beyond_the_limit_is_rejected_with_the_figure():
    plan = plan_for(PartialSVD(Structure(50_000, 50_000), rank=20))
    rejected = candidate(plan, "covariance_eigh").rejected
    # five 50 000 x 50 000 matrices of float64
    assert "100 GB for the 50000 x 50000 Gram matrix" in rejected
    assert "the limit of 16 GB" in rejected
    assert candidate(plan, "covariance_eigh").memory == pytest.approx(1e11)
    assert "covariance_eigh" not in plan.order


def test_a_lower_limit_changes_the_choice():
    problem = PartialSVD(Structure(50_000, 1000, centered=True), rank=20)
    assert plan_for(problem).chosen == "covariance_eigh"
    with config_context(memory_limit=10_000_000):
        plan = plan_for(problem)
    assert plan.chosen == "block_krylov"
    assert "more than the limit of 10 MB" in candidate(plan, "covariance_eigh").rejected


def test_memory_error_when_nothing_fits():
    problem = PartialSVD(Structure(50_000, 50_000))
    with pytest.raises(MemoryError) as caught:
        plan_for(problem)
    message = str(caught.value)
    assert "50000 x 50000" in message
    assert "16 GB" in message
    assert "set_config(memory_limit=...)" in message
    for solver in SOLVERS["partial_svd"]:
        assert solver.NAME in message


@pytest.mark.parametrize("problem", [PartialSVD(TALL, rank=5), ridge(Structure(1000, 30))])
def test_memory_error_under_a_tiny_limit(problem):
    with config_context(memory_limit=1), pytest.raises(MemoryError):
        plan_for(problem)


@pytest.mark.parametrize("name", [s.NAME for s in SOLVERS["partial_svd"]])
def test_a_requested_svd_solver_goes_first(name):
    # small enough for every one of them to fit
    plan = plan_for(PartialSVD(SQUARE, rank=20), (name,))
    assert plan.chosen == name
    assert "chosen" in {row[0]: row[3] for row in plan.rows()}[name]
    climbed = [ROBUSTNESS["partial_svd", solver] for solver in plan.order]
    assert climbed == sorted(set(climbed))
    assert not ON_REQUEST & set(plan.order[1:])


@pytest.mark.parametrize("name", sorted(s.NAME for s in SOLVERS["ridge"]))
def test_a_requested_ridge_solver_goes_first(name):
    structure = Structure(2000, 300)
    if name == "sparse_cholesky":
        structure = Structure(2000, 300, nnz=4000, fill=Fill(8000, 900, 1500))
    problem = ridge(structure, lower=np.zeros((1, 1)) if name == "nonnegative" else None)
    assert plan_for(problem, (name,)).chosen == name


def test_the_cheapest_of_several_requested_solvers_goes_first():
    problem = PartialSVD(SQUARE, rank=20)
    for requested in [("full", "gram_eigh"), ("gram_eigh", "full")]:
        assert plan_for(problem, requested).chosen == "gram_eigh"
    # gram_eigh does not fit 200 000 rows
    plan = plan_for(PartialSVD(TALL, rank=20), ("gram_eigh", "full"))
    assert plan.chosen == "full"


def test_verdicts_of_a_plan_with_a_request():
    plan = plan_for(PartialSVD(TALL, rank=20), ("full",))
    verdicts = {row[0]: row[3] for row in plan.rows()}
    assert verdicts["covariance_eigh"] == "not asked for"  # it would be faster
    assert verdicts["block_krylov"] == "slower"
    assert verdicts["arpack"].startswith("only on request")
    assert verdicts["gram_eigh"].startswith("rejected: ")


@pytest.mark.parametrize(
    ("problem", "name", "why"),
    [
        (PartialSVD(TALL, rank=3), "gram_eigh", "the limit of 16 GB"),
        (ridge(Structure(50, 1000), 0.0), "dual_cholesky", "without a penalty"),
        (ridge(Structure(50, 1000), 1.0, 0.0), "dual_cholesky", "without a penalty"),
        (ridge(Structure(50, 1000), 0.0), "qr", "R is singular"),
        (ridge(Structure(50, 1000)), "nonnegative", "not bounded"),
        (ridge(Structure(1000, 50), lower=np.zeros((1, 1))), "cg", "no bounds"),
    ],
)
def test_an_inapplicable_request_raises_and_says_why(problem, name, why):
    with pytest.raises(InapplicableSolver) as caught:
        plan_for(problem, (name,))
    assert name in str(caught.value)
    assert why in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("requested", [("dual_cholesky", "qr"), ("qr", "dual_cholesky")])
def test_the_reason_is_that_of_the_solver_named(requested):
    with pytest.raises(InapplicableSolver) as caught:
        plan_for(ridge(Structure(50, 1000), 0.0), requested)
    message = str(caught.value)
    reasons = {"dual_cholesky": "without a penalty", "qr": "R is singular"}
    for name, reason in reasons.items():
        assert (name in message) == (reason in message)


def test_only_the_bounded_solver_answers_a_bounded_problem():
    plan = plan_for(ridge(Structure(1000, 50), lower=np.zeros((1, 1))))
    assert plan.order == ("nonnegative",)


SLOW_MEMORY = {"bandwidth": 5e8}


@pytest.mark.parametrize(
    ("problem", "rates", "expected"),
    [
        # where reading costs most, one pass beats the many of a Krylov iteration
        (PartialSVD(SQUARE, rank=20), SLOW_MEMORY, "covariance_eigh"),
        # and where sparse products cost nearly nothing, no factorisation is worth its flops
        (ridge(Structure(20_000, 4000, nnz=8_000_000)), {"sparse": 1e15, "bandwidth": 1e15}, "cg"),
        (ridge(Structure(20_000, 4000, nnz=8_000_000)), {"sparse": 1e6}, "gram_cholesky"),
    ],
)
def test_another_machine_changes_the_choice(problem, rates, expected):
    before = plan_for(problem)
    machine = replace(get_config().machine, **rates)
    with config_context(machine=machine):
        assert plan_for(problem).chosen == expected
    assert plan_for(problem) == before


def test_data_out_of_core_makes_passes_dear():
    in_memory, out_of_core = (
        plan_for(PartialSVD(replace(SQUARE, out_of_core=is_out), rank=20))
        for is_out in (False, True)
    )
    assert in_memory.chosen == "block_krylov"
    seconds = [{c.solver: c.seconds for c in plan.candidates} for plan in (in_memory, out_of_core)]
    more = {solver: seconds[1][solver] - seconds[0][solver] for solver in seconds[0]}
    # An iteration reads the data many times, a Gram matrix once.
    assert more["block_krylov"] > 10 * more["covariance_eigh"] > 0


def test_set_config_changes_a_choice_for_the_process():
    problem = PartialSVD(SQUARE, rank=20)
    reference = get_config().machine
    # The fixture's context is in force in this one, and a context wins: ask a fresh thread,
    # where only the settings of the process hold.

    def choice():
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lambda: plan_for(problem).chosen).result()

    try:
        set_config(machine=replace(reference, **SLOW_MEMORY), memory_limit=LIMIT)
        assert choice() == "covariance_eigh"
        assert plan_for(problem).chosen == "block_krylov"
    finally:
        set_config(machine=reference, memory_limit=None)
    assert choice() == "block_krylov"


def test_predicted_times_scale_with_the_machine():
    problem = PartialSVD(TALL, rank=20)
    machine = get_config().machine
    rates = ("blas3", "sparse", "sparse_product", "bandwidth")
    slower = replace(machine, **{rate: getattr(machine, rate) / 10 for rate in rates})
    slower = replace(slower, pass_overhead=10 * machine.pass_overhead)
    with config_context(machine=slower):
        slow = plan_for(problem)
    fast = plan_for(problem)
    assert slow.order == fast.order
    for a, b in zip(slow.candidates, fast.candidates, strict=True):
        assert a.solver == b.solver
        assert a.seconds == pytest.approx(10 * b.seconds)
        assert a.memory == b.memory


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"memory_limit": 0}, ValueError),
        ({"memory_limit": -5}, ValueError),
        ({"memory_limit": True}, ValueError),
        ({"machine": "fast"}, TypeError),
        ({"threads": 4}, TypeError),
    ],
)
def test_settings_are_validated(settings, error):
    before = get_config()
    with pytest.raises(error), config_context(**settings):
        raise AssertionError("not reached")
    with pytest.raises(error):
        set_config(**settings)
    assert get_config() == before


@PROBLEMS
def test_text_names_every_solver_and_verdict(problem):
    plan = plan_for(problem)
    text = str(plan)
    assert text == repr(plan)
    lines = text.splitlines()
    assert lines[0] == str(problem)
    assert lines[1].split() == ["solver", "predicted", "memory", "verdict"]
    for c, line in zip(plan.candidates, lines[2:], strict=True):
        assert line[2:].startswith(c.solver)
        assert line.startswith(">") == (c.solver == plan.chosen)
        if c.rejected is not None:
            assert f"rejected: {c.rejected}" in line
    assert "chosen: " in text


@PROBLEMS
def test_html_names_every_solver_and_verdict(problem):
    plan = plan_for(problem)
    html = plan._repr_html_()
    for solver, _, _, verdict in plan.rows():
        assert f"<td>{solver}</td>" in html
        assert verdict.replace("'", "&#x27;") in html
    assert html.count("font-weight:bold") == 1
    for tag in ("div", "table", "thead", "tbody", "tr", "td", "th"):
        assert html.count(f"<{tag}>") + html.count(f"<{tag} ") == html.count(f"</{tag}>")


def completed():
    certificate = Certificate("residual of <A>", 3e-9, 1e-8, remedy="raise tol")
    attempts = [
        Attempt("block_krylov", "broke down: slow"),
        Attempt("covariance_eigh", "certified"),
    ]
    return plan_for(PartialSVD(SQUARE, rank=20)).completed(attempts, certificate)


def test_a_completed_plan_tells_what_happened():
    plan = completed()
    text, html = str(plan), plan._repr_html_()
    for story in ("block_krylov: broke down: slow", "covariance_eigh: certified"):
        assert story in text
        assert story in html
    assert "certificate: residual of <A>: 3.0e-09 (asked 1e-08): holds" in text
    assert "certificate: residual of &lt;A&gt;" in html
    assert "<A>" not in html
    failed = plan.completed(plan.attempts, replace(plan.certificate, value=1e-3))
    assert "DOES NOT HOLD" in str(failed)
    assert "DOES NOT HOLD" in failed._repr_html_()


def test_a_single_success_needs_no_story_but_the_certificate():
    plan = plan_for(PartialSVD(TALL, rank=20))
    plan = plan.completed([Attempt("covariance_eigh", "certified")], completed().certificate)
    assert "covariance_eigh: certified" not in str(plan)
    assert "certificate: " in str(plan)


@PROBLEMS
def test_plans_are_picklable(problem):
    plan = plan_for(problem)
    copy = pickle.loads(pickle.dumps(plan))
    assert copy == plan
    assert str(copy) == str(plan)


def test_a_completed_plan_is_picklable():
    plan = completed()
    assert pickle.loads(pickle.dumps(plan)) == plan


def test_certificates_never_hold_for_nan():
    assert not Certificate("q", np.nan, 1e-8).holds
    assert Certificate("q", 1e-8, 1e-8).holds
    assert not Certificate("q", 2e-8, 1e-8).holds


def test_solvers_on_request_are_never_chosen_freely():
    assert {"randomized", "arpack", "lsmr", "lsqr"} == ON_REQUEST
    rng = np.random.default_rng(0)
    for _ in range(300):
        n, p = np.exp(rng.uniform(0, np.log(1e6), 2)).astype(int) + 1
        nnz = int(rng.uniform(0.0001, 0.1) * n * p) + 1 if rng.random() < 0.5 else None
        rank = int(min(n, p, np.exp(rng.uniform(0, 6))))
        try:
            plan = plan_for(PartialSVD(Structure(int(n), int(p), nnz=nnz), rank=rank))
        except MemoryError:
            continue
        assert not ON_REQUEST & set(plan.order)
