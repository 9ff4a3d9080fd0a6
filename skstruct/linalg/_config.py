"""Settings of the engine: memory and threads a route may use, and the machine it plans for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path

from skstruct.linalg._machine import REFERENCE, Machine

# Routes below this size are never checked against the available memory: asking the
# operating system costs 30-100 microseconds, up to a third of a fit of the iris data.
NEGLIGIBLE_MEMORY = 256 * 2**20


@dataclass(frozen=True)
class Config:
    """Settings in force.

    Attributes
    ----------
    memory_limit : int or None
        Bytes that one route may allocate beyond the data itself. None means half of what
        is available when the plan is made.
    machine : Machine
        Rates from which costs are predicted.
    factor_cache : int
        Bytes of Gram matrices that are kept for later fits to the same data; 0 for none.
    blas_threads : int or None
        Threads that may compute at once. None means the cores that the process was granted, one
        in a worker of a ``multiprocessing.Pool``.
    """

    memory_limit: int | None = None
    machine: Machine = REFERENCE
    factor_cache: int = 256 * 2**20
    blas_threads: int | None = None

    def memory_excess(self, required: float) -> int | None:
        """Return the limit that `required` bytes exceed, or None if they fit."""
        if self.memory_limit is None and required <= NEGLIGIBLE_MEMORY:
            return None
        limit = self.memory_limit if self.memory_limit is not None else available_memory() // 2
        return limit if required > limit else None


_global_config = Config()
_local_config: ContextVar[Config | None] = ContextVar("skstruct_config", default=None)


def get_config() -> Config:
    """Return the settings in force here."""
    return _local_config.get() or _global_config


def set_config(**settings: object) -> None:
    """Change settings for the whole process.

    Parameters
    ----------
    memory_limit : int or None
        Bytes that one route may allocate beyond the data itself; None means half of what
        is available.
    machine : skstruct.linalg.Machine
        Rates from which costs are predicted.
    factor_cache : int
        Bytes of Gram matrices that are kept for later fits to the same data, as in a search over
        penalties; 0 for none. Results are the same bits with and without it.
    blas_threads : int or None
        Upper limit of the threads that a fit computes on, those of BLAS and those that work on
        blocks of rows alike. It never raises a limit that was set by an environment variable
        (``OMP_NUM_THREADS``, ...), by ``threadpoolctl``, by joblib for its workers, or by the
        processor affinity; BLAS has its former number of threads again after each fit. None
        means as many as these allow, and one in a worker of a ``multiprocessing.Pool``.

    Examples
    --------
    >>> import skstruct
    >>> skstruct.set_config(memory_limit=2 * 10**9)
    >>> skstruct.get_config().memory_limit
    2000000000
    >>> skstruct.set_config(memory_limit=None)
    """
    global _global_config
    _global_config = _validated(_global_config, settings)


@contextmanager
def config_context(**settings: object) -> Iterator[Config]:
    """Change settings within a ``with`` block, in this thread only.

    Takes the same settings as :func:`set_config`.

    Examples
    --------
    >>> import skstruct
    >>> with skstruct.config_context(memory_limit=10**8) as config:
    ...     config.memory_limit
    100000000
    """
    token = _local_config.set(_validated(get_config(), settings))
    try:
        yield get_config()
    finally:
        _local_config.reset(token)


def _validated(config: Config, settings: dict) -> Config:
    unknown = settings.keys() - {"memory_limit", "machine", "factor_cache", "blas_threads"}
    if unknown:
        raise TypeError(
            f"unknown setting {sorted(unknown)[0]!r}; there are 'memory_limit', 'machine', "
            "'factor_cache' and 'blas_threads'"
        )
    size = settings.get("factor_cache", 0)
    if not _is_integer(size) or size < 0:
        raise ValueError(f"factor_cache must be a number of bytes or 0, got {size!r}")
    limit = settings.get("memory_limit")
    if limit is not None and (isinstance(limit, bool) or not limit > 0):
        raise ValueError(f"memory_limit must be a positive number of bytes or None, got {limit!r}")
    threads = settings.get("blas_threads")
    if threads is not None and not (_is_integer(threads) and threads >= 1):
        raise ValueError(f"blas_threads must be a number of threads or None, got {threads!r}")
    if "machine" in settings and not isinstance(settings["machine"], Machine):
        raise TypeError(
            f"machine must be a skstruct.linalg.Machine, got {type(settings['machine']).__name__}"
        )
    return replace(config, **settings)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def available_memory() -> int:
    """Return the bytes that this process may still allocate without swapping."""
    candidates = [_available_to_system(), _available_to_cgroup()]
    return min(value for value in candidates if value is not None)


def _available_to_system() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:  # other systems: all of the physical memory is the best that can be known
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 8 * 2**30  # a system that tells nothing: assume a small laptop


def _available_to_cgroup() -> int | None:
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        return max(limit - int(Path("/sys/fs/cgroup/memory.current").read_text()), 0)
    except (OSError, ValueError):  # no cgroup v2, or "max"
        return None
