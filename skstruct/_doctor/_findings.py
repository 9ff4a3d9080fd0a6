"""What was found out, as plain values: facts of the machine, and speeds under each setting."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median, quantiles

Speeds = dict[str, tuple[float, ...]]
"""What each operation reached in each round: GFLOP/s, GB/s or runs per second."""

# Smaller gains are not worth a setting, and two runs of the same library differ by 2-5 % on an
# idle machine.
LEAST_GAIN = 1.1


@dataclass(frozen=True)
class Processor:
    """What the machine offers.

    Attributes
    ----------
    model : str
        Its name.
    cores : int
        Logical cores of the machine.
    granted : int
        Cores that this process may use (affinity, container, ``LOKY_MAX_CPU_COUNT``).
    physical : int
        Physical cores among them.
    features : frozenset of str
        Instruction sets, named as in ``/proc/cpuinfo``; empty where the system does not tell.
    """

    model: str
    cores: int
    granted: int
    physical: int
    features: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Library:
    """A library with threads of its own.

    Attributes
    ----------
    users : tuple of str
        The packages that compute with it: 'numpy', 'scipy', 'scikit-learn'.
    name : str
        'openblas', 'mkl', 'blis', 'libgomp', ...
    version : str or None
        None where it does not tell.
    kernels : str or None
        The processor whose kernels BLAS runs, such as 'Haswell'.
    threading : str or None
        'pthreads', 'openmp', ...
    n_threads : int
        Threads it uses unless told otherwise.
    path : str
        Its file.
    """

    users: tuple[str, ...]
    name: str
    version: str | None
    kernels: str | None
    threading: str | None
    n_threads: int
    path: str


@dataclass(frozen=True)
class Setting:
    """Environment variables to try.

    Attributes
    ----------
    kind : str
        'none' (everything as it is), 'kernels', 'threads' or 'spinning'.
    variables : dict
        Environment variables to set, or to unset where the value is None.
    n_threads : int or None
        Threads of BLAS that a setting of the kind 'threads' asks for.
    """

    kind: str
    variables: dict[str, str | None] = field(default_factory=dict)
    n_threads: int | None = None

    @property
    def name(self) -> str:
        """As one would write it in a shell."""
        return " ".join(
            f"unset {name}" if value is None else f"{name}={value}"
            for name, value in self.variables.items()
        )


@dataclass(frozen=True)
class Trial:
    """What a setting did.

    Attributes
    ----------
    setting : Setting
        What was tried.
    kernels : tuple of str or None
        The kernels that the BLAS libraries chose.
    speeds : dict
        Speeds by operation.
    unusable : str
        Why there are none, or not all; empty if there are.
    failed : dict
        Operations that failed, and how.
    """

    setting: Setting
    kernels: tuple[str | None, ...] = ()
    speeds: Speeds = field(default_factory=dict)
    unusable: str = ""
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Gain:
    """How much faster an operation is with a setting, round by round.

    Attributes
    ----------
    factor : float
        Median over the rounds.
    noise : float
        Factor within which repetitions lie, with or without the setting, whichever is more: that
        between the quartiles, of less than four repetitions that between the extremes.
    """

    factor: float
    noise: float

    @property
    def is_gain(self) -> bool:
        """Whether it is a gain and no chance."""
        return self.factor >= max(LEAST_GAIN, self.noise)

    @property
    def is_loss(self) -> bool:
        """Whether it is a loss and no chance."""
        return 1 / self.factor >= max(LEAST_GAIN, self.noise)


@dataclass(frozen=True)
class Findings:
    """All that was found out.

    Attributes
    ----------
    versions : dict
        Versions by package.
    processor : Processor
        The machine.
    blas : tuple of Library
        The BLAS libraries of numpy and scipy, in a fresh process.
    openmp : tuple of Library
        OpenMP runtimes beside them.
    built_with : dict
        The BLAS that numpy and scipy were built with, by their own account.
    environment : dict
        Environment variables that are set and matter here.
    here : dict
        Threads of the BLAS libraries in the calling process, by file, where they differ.
    busy : float
        Cores that other programs kept busy before or after the measurements, whichever was more
        (0 where the system does not tell).
    baseline : Trial
        Speeds without any change.
    trials : tuple of Trial
        Speeds with each setting.
    """

    versions: dict[str, str]
    processor: Processor
    blas: tuple[Library, ...]
    openmp: tuple[Library, ...]
    built_with: dict[str, str]
    environment: dict[str, str]
    here: dict[str, int]
    busy: float
    baseline: Trial
    trials: tuple[Trial, ...]

    def gain(self, trial: Trial, operation: str) -> Gain | None:
        """Compare an operation with the baseline; None where either was not measured."""
        base = self.baseline.speeds.get(operation, ())
        other = trial.speeds.get(operation, ())
        ratios = [b / a for a, b in zip(base, other, strict=False)]
        return Gain(median(ratios), max(_spread(base), _spread(other))) if ratios else None

    def gains(self, trial: Trial) -> dict[str, Gain]:
        """Compare every operation that was measured with a setting with the baseline."""
        found = {name: self.gain(trial, name) for name in trial.speeds}
        return {name: gain for name, gain in found.items() if gain is not None}


def _spread(values: tuple[float, ...]) -> float:
    if len(values) < 4:
        return max(values) / min(values)
    lower, _, upper = quantiles(values, n=4, method="inclusive")
    return upper / lower
