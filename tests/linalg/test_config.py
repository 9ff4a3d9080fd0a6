"""Settings: contexts of one thread, restored on exceptions, and validated."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest

from skstruct.linalg import _config as module
from skstruct.linalg import config_context, get_config, set_config
from skstruct.linalg._config import NEGLIGIBLE_MEMORY, Config, available_memory
from skstruct.linalg._machine import REFERENCE

OTHER_MACHINE = replace(REFERENCE, blas3=1.0)


@pytest.fixture(autouse=True)
def _restore():
    before = get_config()
    yield
    set_config(memory_limit=before.memory_limit, machine=before.machine)
    assert get_config() == before  # no context was left open


def in_another_thread(function):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result(timeout=30)


def test_defaults():
    assert get_config() == Config(memory_limit=None, machine=REFERENCE)


def test_context_applies_inside_and_is_undone():
    before = get_config()
    with config_context(memory_limit=1000) as config:
        assert config is get_config()
        assert config == Config(memory_limit=1000, machine=REFERENCE)
    assert get_config() is before


def test_contexts_nest_and_keep_what_they_do_not_set():
    with config_context(memory_limit=1000):
        with config_context(machine=OTHER_MACHINE):
            assert get_config() == Config(1000, OTHER_MACHINE)
            with config_context(memory_limit=None):
                assert get_config() == Config(None, OTHER_MACHINE)
            assert get_config() == Config(1000, OTHER_MACHINE)
        assert get_config() == Config(1000, REFERENCE)


def test_context_is_undone_on_exceptions():
    before = get_config()
    with pytest.raises(ZeroDivisionError), config_context(memory_limit=1000):
        raise ZeroDivisionError
    assert get_config() is before


def test_a_context_with_wrong_settings_changes_nothing():
    before = get_config()
    with pytest.raises(ValueError, match="memory_limit"), config_context(memory_limit=-1):
        pytest.fail("the block must not run")
    assert get_config() is before


def test_context_belongs_to_its_thread():
    with config_context(memory_limit=1000):
        assert in_another_thread(get_config).memory_limit is None


def test_a_thread_changes_its_own_context_only():
    entered, looked = Event(), Event()

    def enter_and_stay():
        with config_context(memory_limit=1000):
            entered.set()
            assert looked.wait(timeout=30)
            return get_config().memory_limit

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(enter_and_stay)
        assert entered.wait(timeout=30)
        here = get_config().memory_limit
        looked.set()
        assert other.result(timeout=30) == 1000
    assert here is None


def test_context_belongs_to_its_task():
    async def task(limit):
        with config_context(memory_limit=limit):
            await asyncio.sleep(0)  # the others run here
            return get_config().memory_limit

    async def main():
        return await asyncio.gather(*[task(limit) for limit in (10, 20, 30)])

    assert asyncio.run(main()) == [10, 20, 30]


def test_set_config_applies_to_all_threads():
    set_config(memory_limit=1000)
    assert get_config().memory_limit == 1000
    assert in_another_thread(get_config).memory_limit == 1000
    set_config(machine=OTHER_MACHINE)  # and keeps what it does not set
    assert in_another_thread(get_config) == Config(1000, OTHER_MACHINE)


def test_set_config_in_a_thread_applies_to_the_others():
    in_another_thread(lambda: set_config(memory_limit=1000))
    assert get_config().memory_limit == 1000


def test_a_context_prevails_over_set_config():
    with config_context(memory_limit=1000):
        set_config(memory_limit=2000)
        assert get_config().memory_limit == 1000
        assert in_another_thread(get_config).memory_limit == 2000
    assert get_config().memory_limit == 2000


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (
            {"memory": 1},
            TypeError,
            "unknown setting 'memory'; there are 'memory_limit', 'machine', 'factor_cache' "
            "and 'blas_threads'",
        ),
        # the first in alphabetical order, whatever the order of a set
        ({"z": 1, "b": 2, "memory_limit": 1}, TypeError, "unknown setting 'b'"),
        (
            {"memory_limit": 0},
            ValueError,
            "memory_limit must be a positive number of bytes or None, got 0",
        ),
        ({"memory_limit": -5}, ValueError, "got -5"),
        ({"memory_limit": float("nan")}, ValueError, "got nan"),
        ({"memory_limit": True}, ValueError, "got True"),
        ({"machine": "laptop"}, TypeError, "machine must be a skstruct.linalg.Machine, got str"),
        ({"machine": None}, TypeError, "got NoneType"),
        (
            {"blas_threads": 0},
            ValueError,
            "blas_threads must be a number of threads or None, got 0",
        ),
        ({"blas_threads": -1}, ValueError, "got -1"),
        ({"blas_threads": 1.0}, ValueError, "got 1.0"),
        ({"blas_threads": True}, ValueError, "got True"),
        ({"blas_threads": "all"}, ValueError, "got 'all'"),
    ],
)
@pytest.mark.parametrize("how", [set_config, lambda **s: config_context(**s).__enter__()])
def test_wrong_settings_are_explained(how, settings, error, message):
    before = get_config()
    with pytest.raises(error, match=re.escape(message)):
        how(**settings)
    assert get_config() is before


def test_set_config_is_all_or_nothing():
    with pytest.raises(TypeError, match="machine"):
        set_config(memory_limit=1000, machine="laptop")
    assert get_config().memory_limit is None


# -- what fits ----------------------------------------------------------------------------


@pytest.mark.parametrize(("required", "excess"), [(999, None), (1000, None), (1001, 1000)])
def test_memory_excess_of_a_given_limit(required, excess, monkeypatch):
    monkeypatch.setattr(module, "available_memory", lambda: pytest.fail("nobody has to ask"))
    assert Config(memory_limit=1000).memory_excess(required) == excess


def test_a_given_limit_applies_to_small_sizes_and_prevails_over_what_is_available(monkeypatch):
    monkeypatch.setattr(module, "available_memory", lambda: 10)
    assert Config(memory_limit=10**12).memory_excess(10**11) is None
    assert Config(memory_limit=1).memory_excess(2) == 1


def test_without_a_limit_half_of_what_is_available_may_be_used(monkeypatch):
    monkeypatch.setattr(module, "available_memory", lambda: 10**10)
    assert Config().memory_excess(0.5 * 10**10) is None
    assert Config().memory_excess(0.5 * 10**10 + 1) == 5 * 10**9


def test_small_sizes_are_not_checked_against_what_is_available(monkeypatch):
    monkeypatch.setattr(module, "available_memory", lambda: 0)
    assert Config().memory_excess(NEGLIGIBLE_MEMORY) is None
    assert Config().memory_excess(NEGLIGIBLE_MEMORY + 1) == 0


def test_nothing_required_always_fits():
    assert Config(memory_limit=1).memory_excess(0.0) is None


def test_available_memory_is_the_least_that_is_known(monkeypatch):
    monkeypatch.setattr(module, "_available_to_system", lambda: 100)
    monkeypatch.setattr(module, "_available_to_cgroup", lambda: 30)
    assert available_memory() == 30
    monkeypatch.setattr(module, "_available_to_cgroup", lambda: None)  # no limit
    assert available_memory() == 100


class FakePath:
    """Files by name, for systems other than this one."""

    files: dict = {}  # noqa: RUF012 - every test sets its own

    def __init__(self, name):
        self.name = name

    def read_text(self):
        try:
            return self.files[self.name]
        except KeyError:
            raise FileNotFoundError(self.name) from None


CGROUP = "/sys/fs/cgroup/memory."


@pytest.mark.parametrize(
    ("files", "available"),
    [
        ({}, None),
        ({f"{CGROUP}max": "max\n", f"{CGROUP}current": "5\n"}, None),
        ({f"{CGROUP}max": "100\n", f"{CGROUP}current": "60\n"}, 40),
        ({f"{CGROUP}max": "100\n", f"{CGROUP}current": "160\n"}, 0),
        ({f"{CGROUP}max": "100\n"}, None),
    ],
)
def test_memory_of_a_control_group(files, available, monkeypatch):
    monkeypatch.setattr(FakePath, "files", files)
    monkeypatch.setattr(module, "Path", FakePath)
    assert module._available_to_cgroup() == available


def test_memory_of_the_system(monkeypatch):
    text = "MemTotal:       99 kB\nMemFree:        3 kB\nMemAvailable:   7 kB\n"
    monkeypatch.setattr(FakePath, "files", {"/proc/meminfo": text})
    monkeypatch.setattr(module, "Path", FakePath)
    assert module._available_to_system() == 7 * 1024


@pytest.mark.parametrize("files", [{}, {"/proc/meminfo": "MemTotal: 99 kB\n"}])
def test_memory_of_a_system_that_does_not_tell_what_is_available(files, monkeypatch):
    monkeypatch.setattr(FakePath, "files", files)
    monkeypatch.setattr(module, "Path", FakePath)
    assert module._available_to_system() > 0


def test_memory_of_this_system():
    assert available_memory() > 0
