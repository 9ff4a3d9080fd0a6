"""Run independent pieces of work on the allowed cores, each with a BLAS of one thread.

Numpy and scipy release the GIL in matrix products, ufuncs and sparse products, so plain
threads suffice. What is computed never depends on how many threads there are: callers cut
the work by shape alone and combine results in a fixed order.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

# One parallel region at a time: a fit that runs beside another one (joblib's threading
# backend, a user's own threads) works serially, so that cores are never oversubscribed.
_region = threading.Lock()


def run_all(tasks: Sequence[Callable[[], object]]) -> list:
    """Return the results of `tasks` in order, computed on the cores this process may use."""
    if len(tasks) == 1 or not _region.acquire(blocking=False):
        return [task() for task in tasks]
    try:
        n_threads = min(allowed_threads(), len(tasks))
        if n_threads == 1:
            return [task() for task in tasks]
        with _single_threaded_blas(), ThreadPoolExecutor(n_threads) as pool:
            return list(pool.map(lambda task: task(), tasks))
    finally:
        _region.release()


def allowed_threads() -> int:
    """Return how many threads may run: the cores granted, less any limit set on BLAS."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min([cores, *(library.num_threads for library in _blas().lib_controllers)]))


@cache
def _blas() -> ThreadpoolController:
    # Finding the loaded libraries takes milliseconds; numpy and scipy.linalg are loaded by then.
    return ThreadpoolController().select(user_api="blas")


@contextmanager
def _single_threaded_blas() -> Iterator[None]:
    # The setting is global to the process; `_region` makes sure that it is set by one caller
    # at a time, so that what it found is what it restores.
    with _blas().limit(limits=1):
        yield
