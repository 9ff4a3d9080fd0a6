"""Escalation: matrices that break each route, and solvers that fail on purpose."""

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse
from threadpoolctl import threadpool_info, threadpool_limits

from skstruct.linalg import (
    Breakdown,
    Cost,
    Iteration,
    Machine,
    PartialSVD,
    RangeFinder,
    Ridge,
    RidgeCoefficients,
    SingularTriplets,
    _engine,
    config_context,
    get_config,
    make_operand,
    run,
)
from skstruct.linalg.solvers import SOLVERS


def svd_problem(X, *, center=False, **question):
    operand = make_operand(X, center=center)
    return PartialSVD(operand.structure, operand, **question)


def ridge_problem(X, Y, alphas, *, center=False, **question):
    operand = make_operand(X, center=center)
    targets, _ = operand.prepare_targets(Y)
    return Ridge(operand.structure, operand, targets, np.asarray(alphas, float), **question)


def outcomes(solution):
    return [(a.solver, a.outcome.split(":")[0].split(",")[0]) for a in solution.plan.attempts]


# -- matrices that break a route ----------------------------------------------------------


def steep(n, p, smallest):
    rng = np.random.default_rng(0)
    U = np.linalg.qr(rng.standard_normal((n, p)))[0]
    V = np.linalg.qr(rng.standard_normal((p, p)))[0]
    return (U * np.logspace(0, np.log10(smallest), p)) @ V.T


@pytest.mark.parametrize("storage", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(("smallest", "rtol"), [(1e-5, 1e-9), (1e-8, 1e-7)])
def test_small_eigenvalues_are_measured_anew_on_the_data(smallest, rtol, storage):
    X = steep(300, 12, smallest)  # eigenvalues of A'A down to 1e-16, known to 1e-16 from it
    solution = run(svd_problem(storage(X)), ("covariance_eigh",))
    assert outcomes(solution) == [("covariance_eigh", "certified")]
    exact = np.linalg.svd(X, compute_uv=False)
    np.testing.assert_allclose(solution.answer.values, exact, rtol=rtol)


def test_resolved_eigenvalues_stay_with_the_gram_matrix():
    X = steep(300, 12, 1e-2)
    solution = run(svd_problem(X))
    assert outcomes(solution) == [("covariance_eigh", "certified")]
    assert solution.escalated_from is None
    assert solution.solver == solution.plan.chosen


def test_wanted_directions_among_those_without_order():
    # Below 1e-13 of the largest the order of a Gram matrix's eigenvalues is noise.
    X = steep(300, 12, 1e-9).T
    solution = run(svd_problem(X, rank=11), ("gram_eigh",))
    assert outcomes(solution) == [("gram_eigh", "certified")]
    exact = np.linalg.svd(X, compute_uv=False)[:11]
    np.testing.assert_allclose(solution.answer.values, exact, rtol=1e-6)


def test_squares_that_overflow_leave_the_gram_matrix():
    X = 1e160 * steep(300, 12, 1e-2)
    with np.errstate(over="ignore", invalid="ignore"):
        solution = run(svd_problem(X), ("covariance_eigh",))
    assert outcomes(solution)[0] == ("covariance_eigh", "broke down")
    assert "squares of the data overflow" in solution.plan.attempts[0].outcome
    assert solution.escalated_from == "covariance_eigh"


@pytest.mark.parametrize(("spread", "replacement"), [(1e-8, "qr"), (0.0, "svd")])
def test_near_duplicates_leave_cholesky(spread, replacement):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((100, 5))
    X[:, 4] = X[:, 0] + spread * rng.standard_normal(100)
    y = rng.standard_normal((100, 1))
    solution = run(ridge_problem(X, y, [0.0]), ("gram_cholesky",))
    assert outcomes(solution)[0] == ("gram_cholesky", "broke down")
    assert solution.solver == replacement
    assert solution.escalated_from == "gram_cholesky"
    assert solution.certificate.holds
    expected = X @ np.linalg.lstsq(X, y, rcond=1e-13)[0]
    np.testing.assert_allclose(X @ solution.answer.coef, expected, atol=1e-7)


def test_exact_duplicates_have_the_minimum_norm():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((100, 4))[:, [0, 1, 2, 3, 0]]
    y = rng.standard_normal((100, 1))
    solution = run(ridge_problem(X, y, [0.0]))
    assert [name for name, _ in outcomes(solution)] == ["gram_cholesky", "qr", "svd"]
    assert solution.answer.rank == 4
    np.testing.assert_allclose(solution.answer.coef, np.linalg.pinv(X) @ y, atol=1e-10)


@pytest.mark.parametrize("max_iter", [0, 1, 3])
def test_cg_without_enough_iterations_is_replaced(max_iter):
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((80, 20)), rng.standard_normal((80, 1))
    problem = ridge_problem(X, y, [1e-3], iteration=Iteration(max_iter=max_iter))
    solution = run(problem, ("cg",))
    assert outcomes(solution)[0] == ("cg", "not certified")
    assert solution.solver != "cg"
    assert solution.certificate.holds
    expected = np.linalg.solve(X.T @ X + 1e-3 * np.eye(20), X.T @ y)
    np.testing.assert_allclose(solution.answer.coef, expected, atol=1e-10)


def test_cg_alone_returns_its_best_and_says_so():
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((80, 20)), rng.standard_normal((80, 1))
    # nothing but cg fits a few kilobytes
    with config_context(memory_limit=1500):
        solution = run(ridge_problem(X, y, [1e-3], iteration=Iteration(max_iter=2)))
    assert solution.plan.order == ("cg",)
    assert solution.solver == "cg"
    assert solution.answer.n_iter == 2
    assert not solution.certificate.holds
    assert "max_iter" in solution.certificate.remedy
    assert "DOES NOT HOLD" in str(solution.plan)


def test_a_rough_answer_that_was_asked_for_is_kept():
    X = np.random.default_rng(3).standard_normal((200, 100))
    problem = svd_problem(X, rank=5, range_finder=RangeFinder(n_iter=0))
    solution = run(problem, ("randomized",))
    assert outcomes(solution) == [("randomized", "not certified")]
    assert not solution.certificate.holds


# -- patience -----------------------------------------------------------------------------


def slow_and_white():
    return np.random.default_rng(4).standard_normal((900, 900))


def patient_machine(**rates):
    reference = get_config().machine
    fields = ("blas3", "sparse", "sparse_product", "bandwidth", "pass_overhead")
    return Machine(**{name: getattr(reference, name) for name in fields} | rates)


def test_block_krylov_gives_up_on_white_noise():
    # White noise has no gaps: a Krylov iteration needs more blocks than were predicted. On a
    # machine where reading is dear the next solver is faster than the blocks that remain.
    X = slow_and_white()
    problem = svd_problem(X, rank=5)
    bandwidth = next(
        b
        for b in np.logspace(11, 7, 41)
        if choice_and_margin(problem, patient_machine(bandwidth=b)) < 1.6
    )
    with config_context(machine=patient_machine(bandwidth=bandwidth)):
        solution = run(problem)
    assert solution.plan.chosen == "block_krylov"
    assert outcomes(solution)[0] == ("block_krylov", "broke down")
    assert "slow convergence" in solution.plan.attempts[0].outcome
    assert solution.certificate.holds
    exact = np.linalg.svd(X, compute_uv=False)[:5]
    np.testing.assert_allclose(solution.answer.values, exact, rtol=1e-10)


def choice_and_margin(problem, machine):
    """How many times longer the second solver is predicted to take than block_krylov."""
    with config_context(machine=machine):
        plan = _engine.plan_for(problem)
    if plan.chosen != "block_krylov":
        return np.inf
    seconds = {c.solver: c.seconds for c in plan.candidates}
    return plan.seconds_of_second() / seconds["block_krylov"]


def test_block_krylov_is_patient_when_it_was_asked_for():
    X = slow_and_white()
    solution = run(svd_problem(X, rank=5), ("block_krylov",))
    assert outcomes(solution) == [("block_krylov", "certified")]
    exact = np.linalg.svd(X, compute_uv=False)[:5]
    np.testing.assert_allclose(solution.answer.values, exact, rtol=1e-10)


# -- solvers that fail on purpose ---------------------------------------------------------


def fake(name, robustness, behaviour, *, seconds=1.0, on_request=False):
    calls = []

    def solve(problem):
        calls.append(problem)
        if isinstance(behaviour, Exception):
            raise behaviour
        return behaviour(problem) if callable(behaviour) else behaviour

    return SimpleNamespace(
        NAME=name,
        ROBUSTNESS=robustness,
        ON_REQUEST=on_request,
        applies=lambda problem: None,
        cost=lambda problem: Cost(blas3=seconds * get_config().machine.blas3),
        memory_use=lambda problem: "nothing",
        reason=lambda problem: "a fake",
        solve=solve,
        calls=calls,
    )


@pytest.fixture
def install(monkeypatch):
    def install(*solvers, kind="partial_svd"):
        monkeypatch.setattr(_engine, "SOLVERS", {**SOLVERS, kind: solvers})

    return install


X = np.diag([3.0, 2.0, 1.0])
RIGHT = SingularTriplets(np.array([3.0, 2.0]), np.eye(3)[:2])


def off_by(error):
    return SingularTriplets(np.array([3.0 + error, 2.0]), np.eye(3)[:2])


NOT_A_NUMBER = SingularTriplets(np.array([np.nan, 2.0]), np.eye(3)[:2])


def ask(requested=()):
    return run(svd_problem(X, rank=2), requested)


def test_the_first_certified_answer_is_returned(install):
    second = fake("b", 2, RIGHT)
    install(fake("a", 1, RIGHT), second)
    solution = ask()
    assert solution.solver == "a"
    assert outcomes(solution) == [("a", "certified")]
    assert solution.answer is RIGHT
    assert solution.plan.certificate == solution.certificate
    assert not second.calls  # nothing is computed twice


def test_breakdown_then_success(install):
    install(fake("a", 1, Breakdown("bad luck")), fake("b", 2, RIGHT))
    solution = ask()
    assert [(a.solver, a.outcome) for a in solution.plan.attempts] == [
        ("a", "broke down: bad luck"),
        ("b", "certified"),
    ]
    assert solution.escalated_from == "a"
    assert "a: broke down: bad luck" in str(solution.plan)


def test_uncertified_then_success(install):
    install(fake("a", 1, off_by(0.1)), fake("b", 2, RIGHT))
    solution = ask()
    assert outcomes(solution) == [("a", "not certified"), ("b", "certified")]
    assert solution.answer is RIGHT
    assert solution.certificate.holds


def test_nan_then_success(install):
    install(fake("a", 1, NOT_A_NUMBER), fake("b", 2, RIGHT))
    solution = ask()
    assert outcomes(solution) == [("a", "not certified"), ("b", "certified")]
    assert solution.answer is RIGHT


def test_all_break_down(install):
    install(fake("a", 1, Breakdown("bad luck")), fake("b", 2, Breakdown("worse luck")))
    with pytest.raises(np.linalg.LinAlgError) as caught:
        ask()
    message = str(caught.value)
    assert "a broke down: bad luck" in message
    assert "b broke down: worse luck" in message
    assert "2 leading components of a 3 x 3" in message


@pytest.mark.parametrize("errors", [(0.1, 0.01, 0.2), (0.01, 0.1, 0.2), (0.2, 0.1, 0.01)])
def test_of_uncertified_answers_the_best_is_returned(install, errors):
    install(*(fake(f"s{i}", i, off_by(error)) for i, error in enumerate(errors)))
    solution = ask()
    assert solution.solver == f"s{np.argmin(errors)}"
    assert solution.answer.values[0] == 3.0 + min(errors)
    assert not solution.certificate.holds
    assert solution.plan.certificate is solution.certificate
    assert [outcome for _, outcome in outcomes(solution)] == ["not certified"] * 3


@pytest.mark.parametrize("nan_first", [True, False])
def test_nan_is_never_preferred_to_a_number(install, nan_first):
    answers = [NOT_A_NUMBER, off_by(0.5)]
    if not nan_first:
        answers.reverse()
    install(fake("a", 1, answers[0]), fake("b", 2, answers[1]))
    solution = ask()
    assert np.all(np.isfinite(solution.answer.values))
    assert not solution.certificate.holds


def test_nan_alone_is_returned_uncertified(install):
    install(fake("a", 1, NOT_A_NUMBER))
    solution = ask()
    assert np.isnan(solution.certificate.value)
    assert not solution.certificate.holds


def test_breakdowns_do_not_hide_an_uncertified_answer(install):
    install(fake("a", 1, off_by(0.1)), fake("b", 2, Breakdown("no")))
    solution = ask()
    assert solution.solver == "a"
    assert not solution.certificate.holds


def test_escalation_skips_solvers_that_are_not_more_robust(install):
    twin = fake("twin", 1, RIGHT, seconds=2)
    install(fake("a", 1, Breakdown("no"), seconds=1), twin, fake("c", 2, RIGHT, seconds=3))
    assert ask().solver == "c"
    assert not twin.calls


def test_the_cheapest_of_the_more_robust_comes_next(install):
    install(
        fake("a", 0, Breakdown("no"), seconds=1),
        fake("dear", 1, RIGHT, seconds=9),
        fake("cheap", 2, RIGHT, seconds=5),
    )
    assert ask().solver == "cheap"


def test_an_approximation_on_request_is_replaced_only_when_it_breaks_down(install):
    exact = fake("exact", 2, RIGHT)
    install(fake("rough", 0, off_by(0.3), on_request=True), exact)
    solution = ask(("rough",))
    assert solution.solver == "rough"
    assert not solution.certificate.holds
    assert not exact.calls
    install(fake("rough", 0, Breakdown("no"), on_request=True), exact)
    assert ask(("rough",)).solver == "exact"


def test_an_exact_solver_on_demand_is_replaced_when_it_is_not_certified(install):
    install(fake("a", 1, off_by(0.3)), fake("b", 2, RIGHT))
    assert ask(("a",)).solver == "b"


def test_errors_other_than_breakdowns_are_not_swallowed(install):
    install(fake("a", 1, ZeroDivisionError("a bug")), fake("b", 2, RIGHT))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        ask()


def test_patience_is_the_time_of_the_next_solver(install):
    first, second = fake("a", 1, RIGHT, seconds=1), fake("b", 2, RIGHT, seconds=7)
    install(first, second)
    ask()
    assert first.calls[0].patience == pytest.approx(7)
    # who asks for a solver by name waits for it
    ask(("a",))
    assert first.calls[1].patience == np.inf
    install(first)
    ask()
    assert first.calls[2].patience == np.inf


def test_ridge_escalates_likewise(install):
    design, y = np.diag([1.0, 2.0, 4.0]), np.ones((3, 1))
    exact = RidgeCoefficients(np.array([[1.0], [0.5], [0.25]]))
    install(
        fake("a", 1, RidgeCoefficients(np.zeros((3, 1)))),
        fake("b", 2, RidgeCoefficients(np.full((3, 1), np.nan))),
        fake("c", 3, exact),
        kind="ridge",
    )
    solution = run(ridge_problem(design, y, [0.0]))
    assert solution.solver == "c"
    assert solution.certificate.value == 0.0
    assert "a: not certified, 1.0e+00" in str(solution.plan)


# -- threads ------------------------------------------------------------------------------


def blas_threads():
    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]


def test_the_blas_setting_is_restored_after_success_and_failure(install):
    data = np.random.default_rng(5).standard_normal((3000, 60))  # beyond SMALL_BYTES
    before = blas_threads()
    run(svd_problem(data, rank=3))
    assert blas_threads() == before
    install(fake("a", 1, ZeroDivisionError("a bug")))
    with pytest.raises(ZeroDivisionError):
        run(svd_problem(data, rank=3))
    assert blas_threads() == before


@pytest.mark.parametrize("shape", [(4000, 60), (60, 4000), (700, 700)], ids=str)
def test_the_answer_does_not_depend_on_the_number_of_threads(shape):
    data = np.random.default_rng(6).standard_normal(shape)
    answers = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            answers.append(run(svd_problem(data, center=True, rank=4)).answer)
    # LAPACK itself may round differently with other threads: the digits, not the bits
    np.testing.assert_allclose(answers[0].values, answers[1].values, rtol=1e-12)
    np.testing.assert_allclose(answers[0].right, answers[1].right, atol=1e-9)


@pytest.mark.parametrize(("columns", "claims"), [(20, False), (400, True)])
def test_small_sparse_data_with_a_large_gram_matrix_claims_the_cores(columns, claims, monkeypatch):
    # its factorisation would otherwise wait for BLAS threads that other processes keep from running
    entered = []

    @contextmanager
    def region():
        entered.append(True)
        yield

    monkeypatch.setattr(_engine, "parallel_region", region)
    X = sparse.random(600, columns, 0.005, "csr", random_state=0)
    operand = make_operand(X)
    targets = np.ones((600, 1))
    run(Ridge(operand.structure, operand, targets, np.ones(1)), ("gram_cholesky",))
    assert bool(entered) == claims


@pytest.mark.parametrize("solver", ["gram_cholesky", "dual_cholesky"])
@pytest.mark.parametrize("wanted", [True, False])
def test_degrees_of_freedom_only_where_they_are_wanted(solver, wanted):
    operand = make_operand(np.random.default_rng(0).standard_normal((8, 12)))
    targets = np.ones((8, 1))
    problem = Ridge(operand.structure, operand, targets, np.ones(1), with_edf=wanted)
    assert (run(problem, (solver,)).answer.edf is not None) == wanted
