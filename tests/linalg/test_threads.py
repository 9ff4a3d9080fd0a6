"""Who computes on how many cores, and that every setting is restored."""

import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
import scipy.linalg  # noqa: F401 - its BLAS must be loaded before the limits are counted
import threadpoolctl
from threadpoolctl import threadpool_info, threadpool_limits

from skstruct.linalg import PartialSVD, config_context, make_operand, run, set_config
from skstruct.linalg import _threads as module
from skstruct.linalg._threads import (
    MIN_THREADED_ORDER,
    allowed_threads,
    parallel_region,
    run_all,
    run_shared,
    threaded_blas,
)

TIMEOUT = 30  # a test that waits for a thread fails rather than hangs


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch):
    """Pretend to have two cores, so that regions are parallel on any machine."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    monkeypatch.setattr(module, "_quota", lambda: None)
    with threadpool_limits(2, "blas"):
        if set(blas_threads()) != {2}:
            pytest.skip("this BLAS does not take two threads")
        give_up_control()
        yield
        assert set(blas_threads()) == {2}  # whatever a test did
    assert module._region is None
    assert not module._claim.locked()
    assert not module._beside


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
        assert set(blas_threads()) == {1}  # two would share the core


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


QUOTA = module._quota  # the fixture replaces it


@pytest.mark.parametrize(
    ("text", "quota"),
    [
        (None, None),
        ("max 100000\n", None),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("5000 100000\n", 1),
        ("unheard of", None),
    ],
)
def test_the_quota_of_a_container(text, quota, tmp_path, monkeypatch):
    if text is not None:
        (tmp_path / "cpu.max").write_text(text)
    monkeypatch.setattr(module, "Path", lambda name: tmp_path / name.split("/")[-1])
    assert QUOTA.__wrapped__() == quota


def test_a_quota_counts_as_cores(monkeypatch):
    monkeypatch.setattr(module, "_quota", lambda: 1)
    assert allowed_threads() == 1
    with parallel_region():
        assert names_of_threads() == {threading.current_thread().name}


# -- the limit that was asked for ---------------------------------------------------------


@pytest.mark.parametrize(("requested", "allowed"), [(None, 2), (1, 1), (2, 2), (3, 2), (10**6, 2)])
def test_a_requested_limit_lowers_and_never_raises(requested, allowed):
    with config_context(blas_threads=requested):
        assert allowed_threads() == allowed
        with threadpool_limits(1, "blas"):
            assert allowed_threads() == 1
        with parallel_region():
            assert set(blas_threads()) == {1}
            assert len(names_of_threads()) == allowed
            with threaded_blas(MIN_THREADED_ORDER):
                assert set(blas_threads()) == {allowed}
            assert set(blas_threads()) == {1}
        assert set(blas_threads()) == {2}
    assert allowed_threads() == 2


def test_a_limit_between_one_and_all(monkeypatch):
    monkeypatch.setattr(module, "_libraries", lambda: [FakeLibrary(64)])
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(48)), raising=False)
    assert allowed_threads() == 48
    with config_context(blas_threads=8):
        assert allowed_threads() == 8


def test_a_requested_limit_is_undone_after_an_exception():
    with pytest.raises(ZeroDivisionError), config_context(blas_threads=1), parallel_region():
        assert set(blas_threads()) == {1}
        raise ZeroDivisionError
    assert set(blas_threads()) == {2}
    assert allowed_threads() == 2


def test_a_limit_for_the_process_applies_to_all_its_threads():
    set_config(blas_threads=1)
    try:
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(allowed_threads).result(TIMEOUT) == 1
    finally:
        set_config(blas_threads=None)
    assert allowed_threads() == 2


@pytest.mark.parametrize("n_rows", [20, 4000])  # below and above what claims the cores
def test_a_requested_limit_holds_in_a_fit_of_any_size(n_rows):
    X = np.random.default_rng(0).standard_normal((n_rows, 10))
    seen = []

    class Watched(type(make_operand(X))):
        def gram(self):
            seen.append(set(blas_threads()))
            return super().gram()

    operand = make_operand(X, center=True)
    operand.__class__ = Watched
    with config_context(blas_threads=1):
        run(PartialSVD(operand.structure, operand, rank=2), ["covariance_eigh"])
    assert seen
    assert all(threads == {1} for threads in seen)


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


@pytest.mark.parametrize(("order", "threads"), [(10, 1), (MIN_THREADED_ORDER, 2)])
def test_a_factorisation_beside_a_region_claims_the_cores_that_became_free(order, threads):
    holder = region_of_another_thread()
    holder.__enter__()
    with parallel_region():
        with threaded_blas(order):
            assert set(blas_threads()) == {1}
        holder.__exit__(None, None, None)
        with threaded_blas(order):
            assert set(blas_threads()) == {threads}
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


def test_a_region_leaves_a_core_to_every_thread_that_works_beside_it(monkeypatch):
    monkeypatch.setattr(module, "allowed_threads", lambda: 4)
    beside, leave = threading.Barrier(3), threading.Event()

    def work():
        with parallel_region(), parallel_region():  # counted once
            beside.wait(TIMEOUT)
            assert leave.wait(TIMEOUT)

    with ThreadPoolExecutor(2) as pool:
        with parallel_region():
            assert module._region.n_threads == 4
            futures = [pool.submit(work) for _ in range(2)]
            beside.wait(TIMEOUT)
        with parallel_region():
            assert module._region.n_threads == 2
        leave.set()
        for future in futures:
            future.result(TIMEOUT)
    with parallel_region():
        assert module._region.n_threads == 4


def test_a_region_among_as_many_threads_as_cores_is_serial():
    beside, leave = threading.Event(), threading.Event()

    def work():
        with parallel_region():
            beside.set()
            assert leave.wait(TIMEOUT)

    with ThreadPoolExecutor(1) as pool:
        with parallel_region():
            future = pool.submit(work)
            assert beside.wait(TIMEOUT)
        with parallel_region():
            assert names_of_threads() == {threading.current_thread().name}
            assert set(blas_threads()) == {1}
        leave.set()
        future.result(TIMEOUT)


class FakeLibrary:
    """A BLAS whose limit belongs to the thread that sets it, as with OpenMP."""

    def __init__(self, n_threads):
        self.default = n_threads
        self.limits = threading.local()

    @property
    def num_threads(self):
        return getattr(self.limits, "value", self.default)

    def set_num_threads(self, n_threads):
        self.limits.value = n_threads


def test_block_threads_limit_a_blas_whose_limits_belong_to_threads(monkeypatch):
    library = FakeLibrary(2)
    library.set_num_threads(1)  # what the region sets in its own thread
    monkeypatch.setattr(module, "_libraries", lambda: [library])
    monkeypatch.setattr(module, "allowed_threads", lambda: 2)
    barrier = threading.Barrier(2)

    def look():
        barrier.wait(TIMEOUT)
        return library.num_threads

    with parallel_region():
        assert run_all([look, look]) == [1, 1]
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: library.num_threads).result(TIMEOUT) == 2


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
    assert sum(seen) <= 1  # none, if those beside it were there first and leave no core


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


@pytest.mark.parametrize("in_a_region", [False, True])
def test_shared_work_runs_on_this_thread_and_others_at_once(in_a_region, monkeypatch):
    monkeypatch.setattr(module, "allowed_threads", lambda: 3)
    barrier, seen = threading.Barrier(3), []

    def work():
        barrier.wait(TIMEOUT)
        seen.append(threading.get_ident())

    with parallel_region() if in_a_region else nullcontext():
        run_shared(work, 3)
    assert len(set(seen)) == 3
    assert threading.get_ident() in seen
    run_shared(lambda: seen.append(0), 1)
    assert seen[-1] == 0


def test_shared_work_passes_errors_on():
    def fail():
        raise KeyError("failed")

    for n_threads in (1, 2):
        with pytest.raises(KeyError):
            run_shared(fail, n_threads)


def test_one_task_runs_here_without_a_region():
    def look():
        return threading.current_thread().name, module._region, set(blas_threads())

    assert run_all([look]) == [(threading.current_thread().name, None, {2})]


def test_no_tasks():
    assert run_all([]) == []


# -- workers ------------------------------------------------------------------------------

# A fit in each of `n_jobs` workers of joblib, with no limit in the environment. Prints how many
# threads each fit allows itself, and how many BLAS and block threads there are at most.
JOBLIB = """
import json, sys, threading, time
import numpy as np, scipy.linalg
from joblib import Parallel, delayed
from threadpoolctl import threadpool_info
from skstruct.linalg._threads import allowed_threads, parallel_region, run_all, threaded_blas

def blas():
    return max(lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas")

def work(i):
    time.sleep(0.2)  # until every worker has a task
    with parallel_region():
        def task():
            time.sleep(0.01)
            return threading.get_ident(), blas()
        seen = run_all([task] * 8)
        threads = len({ident for ident, _ in seen}) * max(n for _, n in seen)
        with threaded_blas(10**4):
            return allowed_threads(), max(threads, blas())

if __name__ == "__main__":
    print(json.dumps(Parallel(2, backend=sys.argv[1])(delayed(work)(i) for i in range(2))))
"""


def environment_without_limits():
    names = ("OMP", "OPENBLAS", "MKL", "BLIS", "GOTO", "VECLIB_MAXIMUM")
    return {
        name: value
        for name, value in os.environ.items()
        if name not in {f"{prefix}_NUM_THREADS" for prefix in names}
    }


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_processes_of_joblib_share_the_cores(backend, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(JOBLIB)
    ran = subprocess.run(
        [sys.executable, str(script), backend],
        env=environment_without_limits(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    cores = os.cpu_count() or 1
    for allowed, used in json.loads(ran.stdout):
        assert used <= allowed <= max(1, cores // 2)


def test_the_workers_of_a_pool_use_one_thread_unless_more_are_asked_for(monkeypatch):
    process = multiprocessing.current_process()
    monkeypatch.setattr(type(process), "daemon", True)
    assert allowed_threads() == 1
    with parallel_region():
        assert set(blas_threads()) == {1}
        assert names_of_threads() == {threading.current_thread().name}
    with config_context(blas_threads=2):
        assert allowed_threads() == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_within_a_region_has_none():
    with parallel_region():
        child = os.fork()
        if child == 0:  # its region's threads do not exist: a task given to them would never end
            status = 1
            try:
                done = run_all([lambda: 1, lambda: 2]) == [1, 2]
                status = 0 if done and not module._claim.locked() else 1
            finally:
                os._exit(status)
        deadline = time.monotonic() + TIMEOUT
        while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
            time.sleep(0.01)
    if ended == (0, 0):
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert ended == (child, 0)
