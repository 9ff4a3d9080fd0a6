"""The doctor: which BLAS is loaded, whether it is the right one, and who oversubscribes it."""

from __future__ import annotations

import sys
import time

from skstruct._doctor._advice import Advice, advise, remarks
from skstruct._doctor._examine import examine
from skstruct._doctor._findings import Findings
from skstruct._doctor._measure import Effort
from skstruct._doctor._report import Report

__all__ = ["Advice", "Effort", "Findings", "Report", "doctor", "run_doctor"]


def doctor() -> Report:
    """Examine the BLAS that numpy and scipy compute with, and measure other settings.

    Tells which libraries numpy and scipy load, which processor they run the kernels of and which
    one this is, how many threads they start and who else has some. Then speeds are measured in
    processes of their own, as things are and with other environment variables: other kernels,
    other numbers of threads, threads that sleep sooner. The report ends with the settings worth
    changing and the gain of each.

    Takes about 25 seconds and all cores. Nothing is changed in the calling process.

    Returns
    -------
    Report
        Printed as text; ``advice``, ``findings`` and ``remarks`` for programs, ``to_dict()`` and
        ``to_json()``.

    Notes
    -----
    A gain is the median over rounds in which the settings alternate. It counts if it is 1.1 at
    least and exceeds the factor within which repetitions lie. The variables that are tried are
    those of the loaded library (of OpenBLAS: *Runtime variables* in its documentation); core types
    are tried only if the processor has their instructions.

    Examples
    --------
    >>> import skstruct
    >>> report = skstruct.doctor()  # doctest: +SKIP
    >>> for advice in report.advice:  # doctest: +SKIP
    ...     print(advice.setting, advice.gains)
    OPENBLAS_THREAD_TIMEOUT=20 {'turns': 2.02, 'blocks_after_blas': 1.87}
    """
    return _examined(Effort())


def run_doctor(*, as_json: bool = False) -> int:
    """Print the report and return the exit status of the command."""
    print("Measuring for about 20 seconds ...", file=sys.stderr)
    report = doctor()
    print(report.to_json() if as_json else report)
    return 0


def _examined(effort: Effort) -> Report:
    start = time.perf_counter()
    findings = examine(effort)
    return Report(findings, advise(findings), remarks(findings), time.perf_counter() - start)
