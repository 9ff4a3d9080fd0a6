"""The examination: what is loaded, what the machine offers, and what settings do to speeds."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import scipy
from threadpoolctl import threadpool_info

from skstruct._doctor._findings import Findings, Library, Processor, Setting, Trial
from skstruct._doctor._measure import ANSWER_SECONDS, Effort, matrix_size, measure
from skstruct._doctor._processor import busy_cores, processor
from skstruct._doctor._settings import (
    QUIET,
    RELEVANT,
    kernel_settings,
    spinning_settings,
    thread_settings,
)
from skstruct._doctor._subprocess import Worker, WorkerError

PACKAGES = ("numpy", "scipy", "scikit-learn", "joblib", "threadpoolctl", "skstruct")
DTYPES = ("float64", "float32")
NOW = Setting("none")


def examine(effort: Effort) -> Findings:
    """Find out everything."""
    machine = processor()
    busy = busy_cores()
    try:
        blas, openmp = _loaded()
        baseline, trials = _trials(effort, blas, machine)
    except WorkerError as error:  # not even as things are
        blas, openmp = _loaded_here()
        baseline, trials = Trial(NOW, unusable=f"a fresh Python process {error}"), ()
    return Findings(
        versions={"Python": platform.python_version(), **_versions()},
        processor=machine,
        blas=blas,
        openmp=openmp,
        built_with={"numpy": _built_with(np), "scipy": _built_with(scipy)},
        environment={name: os.environ[name] for name in RELEVANT if os.environ.get(name)},
        here=_threads_here(blas),
        busy=max(busy, busy_cores()),
        baseline=baseline,
        trials=trials,
    )


def _trials(
    effort: Effort, blas: Sequence[Library], machine: Processor
) -> tuple[Trial, tuple[Trial, ...]]:
    size = matrix_size(effort, QUIET)
    threads = thread_settings(blas, machine)
    rates = [f"{kind} numpy {dtype}" for kind in ("gemm", "syrk", "gemv") for dtype in DTYPES]
    if len(blas) > 1:
        rates += [f"gemm scipy {dtype}" for dtype in DTYPES]
    by_rate = measure(
        [NOW, *kernel_settings(blas, machine, os.environ), *threads],
        rates,
        effort,
        size,
        1,
        variables=QUIET,
    )
    if machine.granted == 1 and all(library.n_threads == 1 for library in blas):
        return by_rate[0], tuple(by_rate[1:])  # nobody to get in each other's way
    disturbed = ["small_eigh", "turns", "blocks_after_blas"]
    disturbed += ["loop", "joblib threading", "joblib loky"]
    if len(blas) < 2:
        disturbed.remove("turns")
    one = [setting for setting in threads if setting.n_threads == 1]
    by_pool = measure(
        [NOW, *spinning_settings(blas), *one],
        disturbed,
        effort,
        min(size, 768),
        max(2, min(machine.granted, effort.n_jobs)),
        settle=True,
    )
    merged: dict[str, Trial] = {}
    for trial in [*by_rate, *by_pool]:
        known = merged.get(trial.setting.name)
        merged[trial.setting.name] = trial if known is None else _merged(known, trial)
    baseline = merged.pop("")
    return baseline, tuple(merged.values())


def _merged(first: Trial, second: Trial) -> Trial:
    return Trial(
        first.setting,
        first.kernels,
        {**first.speeds, **second.speeds},
        first.unusable or second.unusable,
        {**first.failed, **second.failed},
    )


def _loaded() -> tuple[tuple[Library, ...], tuple[Library, ...]]:
    with Worker({}) as worker:
        found = worker.ask(ANSWER_SECONDS, ask="libraries", with_sklearn=True)
    return _sorted(found)


def _loaded_here() -> tuple[tuple[Library, ...], tuple[Library, ...]]:
    return _sorted([{**info, "users": ["this process"]} for info in threadpool_info()])


def _sorted(found: list[dict]) -> tuple[tuple[Library, ...], tuple[Library, ...]]:
    blas = [_library(info) for info in found if info["user_api"] == "blas"]
    openmp = [_library(info) for info in found if info["user_api"] == "openmp"]
    return tuple(sorted(blas, key=lambda lib: lib.users)), tuple(openmp)


def _library(info: dict) -> Library:
    return Library(
        users=tuple(info["users"]),
        name=info["prefix"] if info["user_api"] == "openmp" else info["internal_api"],
        version=info.get("version"),
        kernels=info.get("architecture"),
        threading=info.get("threading_layer"),
        n_threads=info["num_threads"],
        path=info["filepath"],
    )


def _threads_here(blas: Sequence[Library]) -> dict[str, int]:
    here = {info["filepath"]: info["num_threads"] for info in threadpool_info()}
    return {
        library.path: here[library.path]
        for library in blas
        if here.get(library.path, library.n_threads) != library.n_threads
    }


def _built_with(package: object) -> str:
    blas = package.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
