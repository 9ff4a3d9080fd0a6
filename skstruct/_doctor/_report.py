"""The report: as text that is read in a minute, and as plain values."""

from __future__ import annotations

import html
import json
from dataclasses import asdict, dataclass
from statistics import median
from textwrap import wrap
from typing import Any

from skstruct._doctor._advice import LABELS, Advice
from skstruct._doctor._findings import Findings, Library, Trial
from skstruct._doctor._processor import vector_bits

WIDTH = 98
_LIBRARY_NAMES = {"openblas": "OpenBLAS", "mkl": "MKL", "blis": "BLIS", "flexiblas": "FlexiBLAS"}
_UNITS = {"gemm": "GFLOP/s", "syrk": "GFLOP/s", "gemv": "GB/s"}


@dataclass(frozen=True)
class Report:
    """What :func:`skstruct.doctor` found.

    Attributes
    ----------
    findings : Findings
        Facts and measured speeds; see its attributes.
    advice : tuple of Advice
        The settings worth changing, each with what it gained.
    remarks : tuple of str
        What else is worth knowing.
    seconds : float
        How long the examination took.
    """

    findings: Findings
    advice: tuple[Advice, ...]
    remarks: tuple[str, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the report as dicts, lists, strings and numbers."""
        return json.loads(self.to_json())

    def to_json(self) -> str:
        """Return the report as a JSON document."""
        return json.dumps(asdict(self), indent=2, default=sorted)

    def __str__(self) -> str:
        sections = [_head(self), _speeds(self.findings), _remarks(self), _advice(self)]
        return "\n\n".join("\n".join(section) for section in sections if section)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def _head(report: Report) -> list[str]:
    found, machine = report.findings, report.findings.processor
    cores = f"{machine.granted} of {machine.cores} cores granted"
    if machine.physical < machine.granted:
        cores += f", {machine.physical} of them physical"
    bits = vector_bits(machine.features)
    vectors = f"; {bits}-bit vectors" if bits else ""
    rows = [
        ("versions", ", ".join(f"{name} {value}" for name, value in found.versions.items())),
        ("processor", f"{machine.model}; {cores}{vectors}"),
    ]
    for library in found.blas:
        rows.append((f"BLAS of {' and '.join(library.users)}", _library(library)))
    if not found.blas:
        rows.append(("BLAS of numpy", found.built_with.get("numpy", "unknown")))
    for library in found.openmp:
        rows.append((f"OpenMP of {' and '.join(library.users)}", _library(library)))
    variables = " ".join(f"{name}={value}" for name, value in found.environment.items())
    rows.append(("environment", variables or "sets nothing that matters here"))
    lines = [f"skstruct doctor ({report.seconds:.0f} s)", ""]
    for name, text in rows:
        lines += _hanging(f"{name:<24}", text)
    return lines


def _library(library: Library) -> str:
    text = _LIBRARY_NAMES.get(library.name, library.name)
    if library.version:
        text += f" {library.version}"
    if library.kernels:
        text += f", {library.kernels} kernels"
    text += f", {library.n_threads} thread{'s' * (library.n_threads != 1)}"
    return text + (f" ({library.threading})" if library.threading else "")


def _speeds(found: Findings) -> list[str]:
    measured = [trial for trial in found.trials if found.gains(trial)]
    idle = [trial for trial in found.trials if trial.unusable]
    letters = [chr(ord("a") + i) for i in range(len(measured))]
    if not found.baseline.speeds:
        return _hanging("No speeds: ", f"{found.baseline.unusable}.")
    lines = ["Speed now" + (", and the factor by which a setting changes it" if measured else "")]
    lines.append(f"{'':<38}{'now':>16}" + "".join(f"{f'({x})':>9}" for x in letters))
    for name, values in found.baseline.speeds.items():
        factors = "".join(_factor(found, trial, name) for trial in measured)
        lines.append(f"  {LABELS[name]:<36}{_speed(name, median(values)):>16}{factors}".rstrip())
    lines += [""]
    lines += [f"  ({x}) {t.setting.name}" for x, t in zip(letters, measured, strict=True)]
    for trial in idle:
        lines += _hanging("      ", f"{trial.setting.name}: {trial.unusable}")
    for name, error in found.baseline.failed.items():
        lines += _hanging("      ", f"{LABELS[name]}: not measured, {error}")
    if found.baseline.unusable:
        lines += _hanging("      ", f"without a setting: {found.baseline.unusable}")
    if measured:
        rounds = f"Medians of {_rounds(found)} alternating rounds"
        lines.append(f"  {rounds}; + and - mark factors beyond 1.1 and beyond the noise.")
    return lines


def _rounds(found: Findings) -> str:
    counts = {len(values) for values in found.baseline.speeds.values()}
    return " to ".join(str(n) for n in sorted({min(counts), max(counts)}))


def _speed(name: str, value: float) -> str:
    unit = _UNITS.get(name.split()[0])
    if unit:
        return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    return f"{1000 / value:.2g} ms" if value > 10 else f"{1000 / value:.0f} ms"


def _factor(found: Findings, trial: Trial, name: str) -> str:
    gain = found.gain(trial, name)
    if gain is None:
        return f"{'':>9}"
    mark = "+" if gain.is_gain else "-" if gain.is_loss else " "
    return f"{gain.factor:>8.2f}{mark}"


def _remarks(report: Report) -> list[str]:
    lines = [line for remark in report.remarks for line in _hanging("  - ", remark)]
    return ["Worth knowing", *lines] if lines else []


def _advice(report: Report) -> list[str]:
    if not report.findings.baseline.speeds:
        return []
    if not report.advice:
        return ["Nothing to change: no setting that was tried is faster by a factor of 1.1."]
    lines = ["Worth changing"]
    for i, advice in enumerate(report.advice, 1):
        lines.append(f"  {i}. {advice.setting}")
        lines += _hanging("     where  ", advice.where)
        lines += _hanging("     why    ", advice.why)
        lines += _hanging("     gains  ", _factors(advice.gains))
        if advice.losses:
            lines += _hanging("     costs  ", _factors(advice.losses))
    return lines


def _factors(factors: dict[str, float]) -> str:
    return "; ".join(f"{LABELS[name]} {factor:.2f}x" for name, factor in factors.items())


def _hanging(label: str, text: str) -> list[str]:
    indent = " " * len(label)
    return wrap(text, WIDTH, initial_indent=label, subsequent_indent=indent, break_on_hyphens=False)
