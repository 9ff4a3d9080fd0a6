"""Who computes on how many cores: blocks in Python threads, or LAPACK in its own.

Numpy and scipy release the GIL in matrix products, ufuncs and sparse products, so a pass over
blocks runs in plain threads, each with a BLAS of one thread. Large factorisations get the BLAS
threads instead. The two must not be mixed carelessly: after a threaded call OpenBLAS's workers
spin for 60 to 200 ms before they sleep, and block threads that start meanwhile share the cores
with them (a 500 x 50 000 PCA took 0.42 s instead of 0.29 s). A *region* therefore holds BLAS
at one thread for the whole of a run.

Callers cut the work by shape alone and combine results in a fixed order, so the threads of a
region do not change a bit. Where BLAS has the threads instead, their number changes roundings.

How many threads: the cores granted (affinity, container), less any limit that somebody set
(environment, threadpoolctl, joblib's workers, ``blas_threads``), less a core for every other
thread that fits.
"""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from threadpoolctl import ThreadpoolController

from skstruct.linalg._config import get_config

# From this order a factorisation gains more from BLAS threads than their spinning costs
# afterwards: the leading 20 eigenpairs take 9 ms of order 500, 36 ms of order 1000.
MIN_THREADED_ORDER = 700


@dataclass(frozen=True)
class _Region:
    """The cores, claimed by one thread."""

    owner: int
    n_threads: int
    pool: ThreadPoolExecutor


# One region at a time: a fit that runs beside another one (joblib's threading backend, a
# user's own threads) works serially, so that cores are never oversubscribed and the process-wide
# setting of BLAS is restored by whoever changed it.
_claim = threading.Lock()
_region: _Region | None = None
# Threads that work serially beside the region, or after it. The next region leaves each a core.
_beside: set[int] = set()


@contextmanager
def parallel_region() -> Iterator[None]:
    """Claim the allowed cores for passes over blocks, if nobody else has them."""
    claim, here = _claim, threading.get_ident()
    if claim.acquire(blocking=False):
        try:
            with _claimed(max(1, allowed_threads() - len(_beside - {here}))):
                yield
        finally:
            claim.release()
    elif here in _beside or _owns_region():  # nested
        yield
    else:
        _beside.add(here)
        try:
            yield
        finally:
            _beside.discard(here)


@contextmanager
def _claimed(n_threads: int) -> Iterator[None]:
    """Hold BLAS at one thread, with a pool of `n_threads` threads if that is more than one."""
    global _region
    if n_threads == 1 and not _blas_is_threaded():
        yield
        return
    with _blas().limit(limits=1):
        # threadpoolctl lets only one thread of a process change OpenBLAS: if somebody else
        # holds it, block threads beside BLAS threads would oversubscribe.
        if n_threads == 1 or _blas_is_threaded():
            yield
            return
        with ThreadPoolExecutor(n_threads, initializer=_hold_blas) as pool:
            _region = _Region(threading.get_ident(), n_threads, pool)
            try:
                yield
            finally:
                _region = None


def _hold_blas() -> None:
    # With OpenMP every thread has a limit of its own, and that of the region's owner is not
    # inherited: block threads would start as many OpenMP threads each as there are cores.
    for library in _libraries():
        if library.num_threads > 1:
            library.set_num_threads(1)


def _forget_regions() -> None:
    """Start afresh in a forked process, where the threads of a region do not exist."""
    global _claim, _region
    _claim, _region = threading.Lock(), None
    _beside.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_regions)


def run_all(tasks: Sequence[Callable[[], object]]) -> list:
    """Return the results of `tasks` in order, computed on the cores of the region."""
    if len(tasks) == 1:
        return [tasks[0]()]
    if _owns_region():
        return list(_region.pool.map(lambda task: task(), tasks))
    with parallel_region():
        if _owns_region():
            return list(_region.pool.map(lambda task: task(), tasks))
        return [task() for task in tasks]


def run_shared(work: Callable[[], object], n_threads: int) -> None:
    """Run `work`, which takes its tasks from a common queue, on `n_threads` cores of the region.

    The caller's thread works, too, from the first moment on: starting others takes 0.1 to 0.4 ms.
    """
    if n_threads == 1:
        work()
        return
    with nullcontext() if _owns_region() else parallel_region():
        region = _region if _owns_region() else None
        n_others = 0 if region is None else min(n_threads, region.n_threads) - 1
        others = [region.pool.submit(work) for _ in range(n_others)]
        work()
        for other in others:
            other.result()


def has_threads() -> bool:
    """Whether :func:`run_all` works on more than one core here, within the present region."""
    return _owns_region()


@contextmanager
def threaded_blas(order: int) -> Iterator[None]:
    """Give the region's cores to BLAS, if a matrix of this order is large enough to gain."""
    # A thread beside a region claims what became free: BLAS has its threads again when a region
    # ends, and this thread would share the cores with them.
    with parallel_region() if threading.get_ident() in _beside else nullcontext():
        if order < MIN_THREADED_ORDER or not _owns_region():
            yield
            return
        with _blas().limit(limits=_region.n_threads):
            yield


def allowed_threads() -> int:
    """Return how many threads may run: the cores granted, less any limit that somebody set."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    cores = min(cores, _quota() or cores)
    requested = get_config().blas_threads
    if requested is None:
        requested = 1 if _is_pool_worker() else cores
    return max(1, min([requested, cores, *(library.num_threads for library in _libraries())]))


@cache
def _quota() -> int | None:
    # A container may see all cores of its host and be granted the time of a few.
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):  # no cgroup v2, or "max"
        return None


def _is_pool_worker() -> bool:
    # The workers of multiprocessing.Pool, and so of joblib's multiprocessing backend, fill the
    # cores and inherit a BLAS of as many threads as their parent's. They are daemons. loky's are
    # not, and joblib sets the environment variables of their BLAS to their share of the cores.
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.current_process().daemon


def _blas_is_threaded() -> bool:
    return any(library.num_threads > 1 for library in _libraries())


def _libraries() -> list:
    return _blas().lib_controllers


def _owns_region() -> bool:
    region = _region
    return region is not None and region.owner == threading.get_ident()


@cache
def _blas() -> ThreadpoolController:
    # Finding the loaded libraries takes milliseconds; numpy and scipy.linalg are loaded by then.
    return ThreadpoolController().select(user_api="blas")
