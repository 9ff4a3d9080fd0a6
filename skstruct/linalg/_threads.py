"""Who computes on how many cores: blocks in Python threads, or LAPACK in its own.

Numpy and scipy release the GIL in matrix products, ufuncs and sparse products, so a pass over
blocks runs in plain threads, each with a BLAS of one thread. Large factorisations get the BLAS
threads instead. The two must not be mixed carelessly: after a threaded call OpenBLAS's workers
spin for 60 to 200 ms before they sleep, and block threads that start meanwhile share the cores
with them (a 500 x 50 000 PCA took 0.42 s instead of 0.29 s). A *region* therefore holds BLAS
at one thread for the whole of a run.

Callers cut the work by shape alone and combine results in a fixed order, so the threads of a
region do not change a bit. Where BLAS has the threads instead, their number changes roundings.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from threadpoolctl import ThreadpoolController

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


@contextmanager
def parallel_region() -> Iterator[None]:
    """Claim the allowed cores for passes over blocks, if nobody else has them."""
    global _region
    if not _claim.acquire(blocking=False):
        yield
        return
    try:
        n_threads = allowed_threads()
        if n_threads == 1:
            yield
            return
        with _blas().limit(limits=1), ThreadPoolExecutor(n_threads) as pool:
            if any(library.num_threads > 1 for library in _libraries()):
                # threadpoolctl lets only one thread of a process change OpenBLAS: somebody
                # else holds it, and block threads beside BLAS threads would oversubscribe.
                yield
                return
            _region = _Region(threading.get_ident(), n_threads, pool)
            try:
                yield
            finally:
                _region = None
    finally:
        _claim.release()


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


@contextmanager
def threaded_blas(order: int) -> Iterator[None]:
    """Give the region's cores to BLAS, if a matrix of this order is large enough to gain."""
    if order < MIN_THREADED_ORDER or not _owns_region():
        yield
        return
    with _blas().limit(limits=_region.n_threads):
        yield


def allowed_threads() -> int:
    """Return how many threads may run: the cores granted, less any limit set on BLAS."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min([cores, *(library.num_threads for library in _libraries())]))


def _libraries() -> list:
    return _blas().lib_controllers


def _owns_region() -> bool:
    region = _region
    return region is not None and region.owner == threading.get_ident()


@cache
def _blas() -> ThreadpoolController:
    # Finding the loaded libraries takes milliseconds; numpy and scipy.linalg are loaded by then.
    return ThreadpoolController().select(user_api="blas")
