"""What is worth changing: a pure function of what was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from skstruct._doctor._findings import Findings, Gain, Trial
from skstruct._doctor._processor import kernel_bits, vector_bits

LABELS = {
    "gemm numpy float64": "numpy GEMM float64",
    "gemm numpy float32": "numpy GEMM float32",
    "gemm scipy float64": "scipy GEMM float64",
    "gemm scipy float32": "scipy GEMM float32",
    "syrk numpy float64": "numpy SYRK float64",
    "syrk numpy float32": "numpy SYRK float32",
    "gemv numpy float64": "numpy GEMV float64",
    "gemv numpy float32": "numpy GEMV float32",
    "small_eigh": "eigh of order 200",
    "turns": "products of numpy and scipy in turn",
    "blocks_after_blas": "Python threads after a product",
    "loop": "small fits in a loop",
    "joblib threading": "small fits, joblib threads",
    "joblib loky": "small fits, joblib processes",
}

# Share of the cores. With one of two busy, products on two threads fell from 108 to 12 GFLOP/s.
BUSY = 0.2
TIE = 1.05  # kernels that differ by less are taken for equally fast

_GEMM = ("gemm numpy float64", "gemm numpy float32", "gemm scipy float64", "gemm scipy float32")


@dataclass(frozen=True)
class Advice:
    """A setting that is worth changing.

    Attributes
    ----------
    setting : str
        What to set or to write.
    where : str
        Where to set or to write it.
    why : str
        What it changes.
    gains : dict
        Measured factors above 1 by operation.
    losses : dict
        Measured factors below 1 by operation: the price.
    """

    setting: str
    where: str
    why: str
    gains: dict[str, float]
    losses: dict[str, float]


def advise(findings: Findings) -> tuple[Advice, ...]:
    """Return the settings worth changing, each with what it gained here."""
    return tuple(
        advice
        for rule in (_kernels, _number_of_threads, _spinning, _small, _threading, _processes)
        for advice in rule(findings)
    )


def remarks(findings: Findings) -> tuple[str, ...]:
    """Return what is worth knowing but needs no measurement."""
    return tuple(
        remark
        for rule in (_busy, _unknown_blas, _narrow_kernels, _copies, _limits_here, _openmp_runtimes)
        for remark in rule(findings)
    )


BEFORE = "environment variable, set before Python starts"


def _kernels(findings: Findings) -> Iterator[Advice]:
    def score(trial: Trial) -> float:
        factors = [gain.factor for name, gain in findings.gains(trial).items() if name in _GEMM]
        return prod(factors) ** (1 / len(factors)) if factors else 0.0

    tried = [trial for trial in findings.trials if trial.setting.kind == "kernels"]
    highest = max(map(score, tried), default=0.0)
    # Of equals, what OpenBLAS chooses by itself, or else the newest.
    equals = [trial for trial in tried if score(trial) >= highest / TIE]
    equals.sort(key=lambda trial: None in trial.setting.variables.values())
    if highest <= 1 or not _any_gain(findings, equals[-1], _GEMM):
        return
    best = equals[-1]
    had = findings.baseline.kernels
    now, then = (" and ".join(sorted({k or "unknown" for k in ks})) for ks in (had, best.kernels))
    why = f"BLAS runs {now} kernels; {then} kernels are faster on this processor"
    for name in best.setting.variables:
        if name in findings.environment:
            why += f" ({name}={findings.environment[name]} is set)"
    yield _advice(findings, best, best.setting.name, BEFORE, why)


def _number_of_threads(findings: Findings) -> Iterator[Advice]:
    tried = [
        trial
        for trial in findings.trials
        if trial.setting.kind == "threads" and _any_gain(findings, trial, _GEMM)
    ]
    if not tried:
        return
    best = max(tried, key=lambda trial: max(findings.gains(trial)[n].factor for n in _GEMM[:2]))
    now = max(library.n_threads for library in findings.blas)
    why = (
        f"BLAS uses {_threads(now)}, and this process may use {_cores(findings.processor.granted)}"
    )
    limits = [f"{n}={v}" for n, v in findings.environment.items() if n.endswith("NUM_THREADS")]
    if limits:
        why += f" ({' '.join(limits)} {'is' if len(limits) == 1 else 'are'} set)"
    if _is_busy(findings):
        why += "; other programs were using cores, so look again when they do not"
    yield _advice(findings, best, best.setting.name, BEFORE, why, _GEMM)


def _spinning(findings: Findings) -> Iterator[Advice]:
    told_by = ("turns", "blocks_after_blas")
    for trial in findings.trials:
        if trial.setting.kind == "spinning" and _any_gain(findings, trial, told_by):
            why = (
                "after a call, idle threads of BLAS spin and keep the cores from other threads; "
                "with this they go to sleep at once"
            )
            yield _advice(findings, trial, trial.setting.name, BEFORE, why)


def _one_thread(findings: Findings) -> Iterator[Trial]:
    for trial in findings.trials:
        if trial.setting.n_threads == 1:
            yield trial


LIMIT = 'with threadpoolctl.threadpool_limits(1, "blas"):'


def _small(findings: Findings) -> Iterator[Advice]:
    asleep = [trial for trial in findings.trials if trial.setting.kind == "spinning"]
    for trial in _one_thread(findings):
        # What is gained because no thread spins, threads that go to sleep gain as well.
        alone = findings.gain(trial, "loop")
        rested = [gain.factor for t in asleep if (gain := findings.gain(t, "loop"))]
        more = (
            alone is not None and alone.is_gain and alone.factor > TIE**2 * max(rested, default=1)
        )
        if more or _any_gain(findings, trial, ("small_eigh",)):
            why = "matrices this small lose more by starting threads than they gain"
            where = "around loops over small matrices"
            yield _advice(findings, trial, LIMIT, where, why, ("small_eigh", "loop"))


def _threading(findings: Findings) -> Iterator[Advice]:
    for trial in _one_thread(findings):
        if _any_gain(findings, trial, ("joblib threading",)):
            why = "every thread of joblib starts those of BLAS, and all share the cores"
            where = 'around joblib.Parallel with the "threading" backend'
            yield _advice(findings, trial, LIMIT, where, why, ("joblib threading",))


def _processes(findings: Findings) -> Iterator[Advice]:
    for trial in _one_thread(findings):
        if _any_gain(findings, trial, ("joblib loky",)):
            setting = 'with joblib.parallel_config("loky", inner_max_num_threads=1):'
            why = "every process of joblib uses more threads than its share of the cores"
            where = "around joblib.Parallel"
            yield _advice(findings, trial, setting, where, why, ("joblib loky",))


def _advice(
    findings: Findings,
    trial: Trial,
    setting: str,
    where: str,
    why: str,
    operations: tuple[str, ...] = tuple(LABELS),
) -> Advice:
    gains = {name: g for name, g in findings.gains(trial).items() if name in operations}
    return Advice(
        setting,
        where,
        why,
        gains={name: round(g.factor, 2) for name, g in gains.items() if g.is_gain},
        losses={name: round(g.factor, 2) for name, g in gains.items() if g.is_loss},
    )


def _any_gain(findings: Findings, trial: Trial, operations: tuple[str, ...]) -> bool:
    found: list[Gain | None] = [findings.gain(trial, name) for name in operations]
    return any(gain is not None and gain.is_gain for gain in found)


def _busy(findings: Findings) -> Iterator[str]:
    if _is_busy(findings):
        yield (
            f"Other programs kept {findings.busy:.1f} of {_cores(findings.processor.cores)} busy: "
            "speeds and gains are those of a machine that is shared. Ask again when it is quiet."
        )


def _is_busy(findings: Findings) -> bool:
    return findings.busy > BUSY * findings.processor.cores


def _unknown_blas(findings: Findings) -> Iterator[str]:
    if not findings.blas:
        yield (
            f"numpy was built with {findings.built_with.get('numpy', 'unknown')}, whose threads "
            "and kernels cannot be inspected. If GEMM is slow, install numpy and scipy with "
            "OpenBLAS or MKL: the wheels of PyPI and the packages of conda have one."
        )


def _narrow_kernels(findings: Findings) -> Iterator[str]:
    offered = vector_bits(findings.processor.features)
    users: dict[str | None, list[str]] = {}
    for library in findings.blas:
        users.setdefault(library.kernels, []).extend(library.users)
    for kernels, names in users.items():
        bits = kernel_bits(kernels)
        if offered is None or bits is None or bits >= offered:
            continue
        wider = [
            trial
            for trial in findings.trials
            if trial.speeds and max((kernel_bits(k) or 0) for k in trial.kernels or ("",)) > bits
        ]
        outcome = "" if wider else ", and no wider ones could be tried"
        if wider and not any(_any_gain(findings, trial, _GEMM) for trial in wider):
            outcome = "; wider ones are no faster here"
        yield (
            f"The {kernels} kernels of {' and '.join(names)} compute with {bits}-bit vectors, "
            f"the processor has {offered}-bit ones{outcome}."
        )


def _copies(findings: Findings) -> Iterator[str]:
    if len(findings.blas) > 1 and any(library.n_threads > 1 for library in findings.blas):
        yield (
            f"numpy and scipy load {len(findings.blas)} BLAS libraries, each with threads of its "
            "own: while one computes, the other's threads may still spin."
        )


def _limits_here(findings: Findings) -> Iterator[str]:
    for library in findings.blas:
        if library.path in findings.here:
            yield (
                f"In this process the BLAS of {' and '.join(library.users)} has "
                f"{_threads(findings.here[library.path])}: a limit was set after Python "
                "started. The speeds are those of fresh processes."
            )
    granted = findings.processor.granted
    most = max((library.n_threads for library in findings.blas), default=1)
    if most > granted:
        yield f"BLAS starts {_threads(most)}, but this process may use {_cores(granted)}."


def _openmp_runtimes(findings: Findings) -> Iterator[str]:
    names = sorted({library.name for library in findings.openmp})
    if {"libomp", "libiomp"} <= set(names):
        yield (
            "libomp and libiomp are both loaded: on Linux programs that use both can crash or "
            "deadlock (see threadpoolctl's documentation, multiple_openmp.md)."
        )
    elif len(names) > 1:
        yield f"{len(names)} OpenMP runtimes are loaded ({', '.join(names)}), with threads each."


def _threads(n: int) -> str:
    return "1 thread" if n == 1 else f"{n} threads"


def _cores(n: int) -> str:
    return "1 core" if n == 1 else f"{n} cores"
