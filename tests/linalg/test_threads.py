"""Who computes on how many cores, and that every setting is restored."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
import scipy.linalg  # noqa: F401 - its BLAS must be loaded before the limits are counted
import threadpoolctl
from threadpoolctl import threadpool_info, threadpool_limits

from skstruct.linalg import PartialSVD, make_operand, run
from skstruct.linalg import _threads as module
from skstruct.linalg._threads import (
    MIN_THREADED_ORDER,
    allowed_threads,
    parallel_region,
    run_all,
    threaded_blas,
)

TIMEOUT = 30  # a test that waits for a thread fails rather than hangs


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch):
    """Pretend to have two cores, so that regions are parallel on any machine."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    with threadpool_limits(2, "blas"):
        if set(blas_threads()) != {2}:
            pytest.skip("this BLAS does not take two threads")
        give_up_control()
        yield
        assert set(blas_threads()) == {2}  # whatever a test did
    assert module._region is None
    assert not module._claim.locked()


def give_up_control():
    """Let other threads limit BLAS: threadpoolctl 3.8 ignores all but the first that did."""
    clear = getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", None)
    if clear is not None:
        clear(force=True)


def blas_threads():
    """Return the number of threads of every BLAS library that is loaded."""
    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]


def names_of_threads(n_tasks=8):
    """Return the names of the threads that run tasks."""

    def task():
        time.sleep(0.002)  # long enough for every worker to get some
        return threading.current_thread().name

    return set(run_all([task] * n_tasks))


@contextmanager
def region_of_another_thread():
    """Hold the region in another thread for the length of the block."""
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with parallel_region():
            entered.set()
            assert leave.wait(TIMEOUT)

    with ThreadPoolExecutor(1) as pool:
        holder = pool.submit(hold)
        assert entered.wait(TIMEOUT)
        try:
            yield
        finally:
            leave.set()
        holder.result(TIMEOUT)


# -- limits -------------------------------------------------------------------------------


def test_blas_has_one_thread_in_a_region_and_its_own_after():
    with parallel_region():
        assert set(blas_threads()) == {1}
    assert set(blas_threads()) == {2}


def test_limits_are_restored_after_an_exception():
    with pytest.raises(ZeroDivisionError), parallel_region():
        raise ZeroDivisionError
    assert set(blas_threads()) == {2}
    with pytest.raises(ZeroDivisionError), parallel_region(), threaded_blas(MIN_THREADED_ORDER):
        raise ZeroDivisionError
    assert set(blas_threads()) == {2}
    with parallel_region():  # and the cores can be claimed again
        assert len(names_of_threads()) == 2


@pytest.mark.parametrize("in_region", [False, True])
def test_limits_are_restored_after_a_task_fails(in_region):
    def fail():
        raise ZeroDivisionError

    tasks = [lambda: 1, fail, lambda: 2, fail]
    if in_region:
        with parallel_region():
            with pytest.raises(ZeroDivisionError):
                run_all(tasks)
            assert run_all([lambda: 1, lambda: 2]) == [1, 2]  # the region outlives it
    else:
        with pytest.raises(ZeroDivisionError):
            run_all(tasks)
    assert set(blas_threads()) == {2}
    assert module._region is None


def test_a_limit_of_one_is_kept():
    with threadpool_limits(1, "blas"):
        assert allowed_threads() == 1
        with parallel_region():
            assert set(blas_threads()) == {1}
            assert names_of_threads() == {threading.current_thread().name}
            with threaded_blas(10 * MIN_THREADED_ORDER):
                assert set(blas_threads()) == {1}
        assert set(blas_threads()) == {1}


def test_a_lower_limit_is_never_raised(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    assert allowed_threads() == 2
    with parallel_region():
        with threaded_blas(MIN_THREADED_ORDER):
            assert max(blas_threads()) <= 2
        assert len(names_of_threads(32)) <= 2


def test_cores_that_are_not_granted_are_not_used(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {5}, raising=False)
    assert allowed_threads() == 1
    with parallel_region():
        assert names_of_threads() == {threading.current_thread().name}
        # The user's setting stands: with one core there is nothing to claim.
        assert set(blas_threads()) == {2}


@pytest.mark.parametrize(("cores", "allowed"), [(1, 1), (2, 2), (64, 2), (None, 1)])
def test_systems_that_do_not_tell_the_affinity(cores, allowed, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert allowed_threads() == allowed


@pytest.mark.parametrize(
    ("order", "threads"), [(1, 1), (MIN_THREADED_ORDER - 1, 1), (MIN_THREADED_ORDER, 2)]
)
def test_large_factorisations_get_the_cores(order, threads):
    with parallel_region():
        with threaded_blas(order):
            assert set(blas_threads()) == {threads}
        assert set(blas_threads()) == {1}


def test_threaded_blas_changes_nothing_outside_a_region():
    with threadpool_limits(1, "blas"), threaded_blas(10 * MIN_THREADED_ORDER):
        assert set(blas_threads()) == {1}
    with threaded_blas(10 * MIN_THREADED_ORDER):
        assert set(blas_threads()) == {2}


# -- regions ------------------------------------------------------------------------------


def test_nested_regions_are_one():
    with parallel_region():
        region = module._region
        with parallel_region():
            assert module._region is region
            assert len(names_of_threads()) == 2
        assert module._region is region  # the inner one ends nothing
        assert set(blas_threads()) == {1}
        assert len(names_of_threads()) == 2


def test_the_region_of_another_thread_is_left_alone():
    with region_of_another_thread():
        region = module._region
        with parallel_region():
            assert module._region is region
            assert names_of_threads() == {threading.current_thread().name}
            with threaded_blas(10 * MIN_THREADED_ORDER):
                assert set(blas_threads()) == {1}  # its holder relies on it
        assert module._region is region
        assert set(blas_threads()) == {1}


def test_a_region_that_outlasts_the_one_it_found_stays_serial():
    here = threading.current_thread().name
    holder = region_of_another_thread()
    holder.__enter__()
    with parallel_region():
        holder.__exit__(None, None, None)
        assert set(blas_threads()) == {2}
        # Passes that begin now may claim the cores that became free, one by one.
        assert here not in names_of_threads()
        assert set(blas_threads()) == {2}


def test_a_region_does_not_multiply_the_threads_of_a_blas_that_it_cannot_limit():
    # A user's `with threadpool_limits(2)` round fits in other threads: threadpoolctl 3.8 then
    # ignores every limit but those of the user's thread. Two workers with two BLAS threads
    # each would be twice the threads that were granted.
    def look():
        with parallel_region():
            return len(names_of_threads()) * max(blas_threads())

    with threadpool_limits(2, "blas"), ThreadPoolExecutor(1) as pool:
        used = pool.submit(look).result(TIMEOUT)
    assert used <= 2


def test_concurrent_regions_restore_the_limits():
    # Several threads enter and leave in any order, some with exceptions.
    def work(seed):
        rng = np.random.default_rng(seed)
        for step in range(30):
            try:
                with parallel_region():
                    assert set(blas_threads()) <= {1, 2}
                    numbers = [int(i) for i in rng.integers(0, 100, 5)]
                    assert run_all([lambda i=i: 2 * i for i in numbers]) == [2 * i for i in numbers]
                    with threaded_blas(MIN_THREADED_ORDER):
                        pass
                    if step % 3 == 0:
                        raise KeyError(step)
            except KeyError:
                pass
        return True

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(6)))
    assert set(blas_threads()) == {2}


def test_at_most_one_thread_has_the_cores():
    seen, barrier = [], threading.Barrier(4)

    def work():
        barrier.wait(TIMEOUT)
        with parallel_region():
            seen.append(module._owns_region())
            barrier.wait(TIMEOUT)  # all are inside

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(work) for _ in range(4)]:
            future.result(TIMEOUT)
    assert sum(seen) == 1


def test_fits_side_by_side_restore_the_limits_and_agree():
    # large enough for the engine to claim the cores
    X = np.random.default_rng(0).standard_normal((4000, 50))

    def fit(_=None):
        operand = make_operand(X, center=True)
        return run(PartialSVD(operand.structure, operand, rank=3)).answer

    alone = fit()
    with ThreadPoolExecutor(4) as pool:
        for answer in pool.map(fit, range(8)):
            assert np.array_equal(answer.values, alone.values)
            assert np.array_equal(answer.right, alone.right)
    assert set(blas_threads()) == {2}


# -- tasks --------------------------------------------------------------------------------


def tasks_that_end_in_reverse(n):
    def task(i):
        time.sleep(0.002 * (n - i))
        return i

    return [lambda i=i: task(i) for i in range(n)]


def test_results_keep_the_order_of_the_tasks():
    assert run_all(tasks_that_end_in_reverse(8)) == list(range(8))
    with parallel_region():
        assert run_all(tasks_that_end_in_reverse(8)) == list(range(8))


def test_tasks_run_while_another_thread_has_the_region():
    with region_of_another_thread():
        assert run_all(tasks_that_end_in_reverse(8)) == list(range(8))
        assert names_of_threads() == {threading.current_thread().name}


def test_tasks_without_a_region_make_their_own():
    assert len(names_of_threads()) == 2
    assert module._region is None


def test_tasks_of_a_region_run_on_two_threads_at_once():
    # Each waits for the other: run one after the other they would never end.
    barrier = threading.Barrier(2)
    with parallel_region():
        run_all([lambda: barrier.wait(TIMEOUT)] * 2)


@pytest.mark.parametrize("in_region", [False, True])
def test_tasks_may_run_tasks(in_region):
    # From a worker: the region is not its own, so it must neither wait for it nor end it.
    def outer(i):
        with parallel_region():
            return run_all([lambda j=j: 10 * i + j for j in range(3)])

    expected = [[10 * i + j for j in range(3)] for i in range(4)]
    if in_region:
        with parallel_region():
            assert run_all([lambda i=i: outer(i) for i in range(4)]) == expected
            assert set(blas_threads()) == {1}
    else:
        assert run_all([lambda i=i: outer(i) for i in range(4)]) == expected


def test_one_task_runs_here_without_a_region():
    def look():
        return threading.current_thread().name, module._region, set(blas_threads())

    assert run_all([look]) == [(threading.current_thread().name, None, {2})]


def test_no_tasks():
    assert run_all([]) == []
