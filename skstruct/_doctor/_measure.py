"""Speeds under each setting: processes side by side, measured in turn, round by round."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from skstruct._doctor._findings import Setting, Speeds, Trial
from skstruct._doctor._subprocess import Worker, WorkerError

ANSWER_SECONDS = 20.0  # until a process that does not answer is given up
SETTLE_SECONDS = 0.25  # until the threads of the process measured before have gone to sleep
TARGET_SECONDS = 0.02  # of one float64 product: long against its overheads
LEAST_ROUNDS = 3
SIZES = range(288, 2049, 64)  # rows of 4096 bytes or multiples of it would share cache lines


@dataclass(frozen=True)
class Effort:
    """How much to measure.

    Attributes
    ----------
    rounds : int
        Repetitions of everything, settings alternating.
    seconds : float
        After which each of the two groups of measurements begins no further round.
    repeats : int
        Calls of each operation in a round.
    size : int or None
        Order of the matrices; None for products of 20 ms.
    n_jobs : int
        Workers of the joblib run, at most.
    """

    rounds: int = 5
    seconds: float = 10.0
    repeats: int = 2
    size: int | None = None
    n_jobs: int = 4


def matrix_size(effort: Effort, variables: dict[str, str]) -> int:
    """Return the order of matrices whose product takes about TARGET_SECONDS."""
    if effort.size is not None:
        return effort.size
    with Worker(variables) as worker:
        request = {"size": 512, "n_jobs": 1, "repeats": 3}
        name = "gemm numpy float64"
        answer = worker.ask(ANSWER_SECONDS, ask="speeds", operations=[name], **request)
    rate = answer["speeds"][name]
    wanted = (rate * 1e9 * TARGET_SECONDS / 2) ** (1 / 3)
    return min(SIZES, key=lambda size: abs(size - wanted))


def measure(
    settings: Sequence[Setting],
    operations: Sequence[str],
    effort: Effort,
    size: int,
    n_jobs: int,
    *,
    variables: dict[str, str] | None = None,
    settle: bool = False,
) -> list[Trial]:
    """Measure the operations under each setting.

    Settings that lead to the same kernels as an earlier one are not measured again, and one
    whose process fails is reported as unusable.

    Parameters
    ----------
    settings : sequence of Setting
        The baseline first.
    operations : sequence of str
        Names that ``_worker.py`` knows.
    effort : Effort
        How much to measure.
    size, n_jobs : int
        Of the matrices, and of the joblib run.
    variables : dict, optional
        Environment variables for all processes, weaker than those of the settings.
    settle : bool
        Wait before each measurement until the processes measured before are quiet.
    """
    trials = [Trial(setting) for setting in settings]
    with ExitStack() as stack:
        workers: list[Worker | None] = []
        for setting in settings:  # all start at once, as importing takes a second
            try:
                worker = Worker({**(variables or {}), **setting.variables})
                workers.append(stack.enter_context(worker))
            except WorkerError as error:
                workers.append(None)
                trials[len(workers) - 1] = Trial(setting, unusable=str(error))
        for i, worker in enumerate(workers):
            if worker is None:
                continue
            trials[i] = _with_kernels(trials[i], worker, trials[:i])
            if trials[i].unusable:
                workers[i] = None
        deadline = time.monotonic() + effort.seconds
        request = {"size": size, "n_jobs": n_jobs, "repeats": effort.repeats}
        for done in range(effort.rounds):
            if done >= LEAST_ROUNDS and time.monotonic() > deadline:
                break
            for i, worker in enumerate(workers):
                if worker is None:
                    continue
                if settle:
                    time.sleep(SETTLE_SECONDS)
                try:
                    answer = worker.ask(
                        ANSWER_SECONDS, ask="speeds", operations=list(operations), **request
                    )
                except WorkerError as error:
                    workers[i], trials[i] = None, replace(trials[i], unusable=str(error))
                    continue
                speeds = _appended(trials[i].speeds, answer["speeds"])
                trials[i] = replace(trials[i], speeds=speeds, failed=answer["failed"])
    return trials


def _with_kernels(trial: Trial, worker: Worker, earlier: Sequence[Trial]) -> Trial:
    try:
        found = worker.ask(ANSWER_SECONDS, ask="libraries", with_sklearn=False)
    except WorkerError as error:
        return replace(trial, unusable=str(error))
    kernels = tuple(
        library.get("architecture")
        for library in sorted(found, key=lambda library: library["filepath"])
        if library["user_api"] == "blas"
    )
    trial = replace(trial, kernels=kernels)
    if trial.setting.kind == "kernels" and any(kernels):
        for other in earlier:
            if other.kernels == kernels and not other.unusable:
                name = other.setting.name or "now"
                return replace(trial, unusable=f"chooses the same kernels as {name}")
    return trial


def _appended(speeds: Speeds, more: dict[str, float]) -> Speeds:
    return {name: (*speeds.get(name, ()), value) for name, value in more.items()}
