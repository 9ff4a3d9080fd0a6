"""Timing contestants on the same data in the same run, and printing their ratios.

Contestants alternate, medians are compared, and each waits until the BLAS threads of the one before
have gone to sleep: OpenBLAS's workers spin for 60 to 200 ms after a call, which would be charged to
whoever comes next.
"""

import argparse
import json
import re
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
from threadpoolctl import threadpool_limits

from skstruct import set_config

SETTLE_SECONDS = 0.2
ROUNDS_SECONDS = 15
# Relative errors up to this count as accurate, and up to so many times ours.
ACCURATE = 1e-6
ERROR_FACTOR = 10


@dataclass(frozen=True)
class Peer:
    """One more contestant of a row."""

    seconds: float
    error: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Row:
    """One line of a table: ours, scikit-learn (the peer) and others, None where not applicable."""

    case: str
    solver: str
    ours: float
    peer: float
    our_error: float | None
    peer_error: float | None
    floor: float | None = None
    target: float | None = None
    kind: str = ""
    others: dict[str, Peer | None] = field(default_factory=dict)

    @property
    def ratio(self):
        return self.peer / self.ours

    @property
    def is_rough(self):
        """Whether scikit-learn's answer is less accurate than what counts as the same."""
        return self.peer_error is not None and not self.peer_error <= accuracy_bar(self.our_error)

    def ratio_to(self, name: str) -> float | None:
        other = self.others.get(name)
        return None if other is None else other.seconds / self.ours

    def is_accurate(self, name: str) -> bool:
        other = self.others.get(name)
        return other is not None and other.error <= accuracy_bar(self.our_error)

    def cells(self) -> dict[str, str]:
        cells = {
            "case": self.case,
            "solver": self.solver,
            "ours": seconds_text(self.ours),
            "scikit-learn": seconds_text(self.peer),
            "ratio": f"{self.ratio:.2f}",
            "/floor": "" if self.floor is None else f"{self.ours / self.floor:.2f}",
            "error": error_text(self.our_error),
            "its error": error_text(self.peer_error) + (" rough" if self.is_rough else ""),
        }
        if self.target is not None:
            met = "met" if self.ratio >= self.target else "MISSED"
            cells["target"] = f">= {self.target:.3g} {met}"
        else:
            cells["target"] = ""
        for name, other in self.others.items():
            cells[name] = "-"
            if other is not None:
                about = [error_text(other.error)] if other.error is not None else []
                about += [other.note] if other.note else []
                inside = f" ({', '.join(about)})" if about else ""
                cells[name] = f"{other.seconds / self.ours:.2f}{inside}"
        return cells


def accuracy_bar(our_error: float) -> float:
    """Return the largest error that counts as the same accuracy as ours."""
    return max(ERROR_FACTOR * our_error, ACCURATE)


def contest(contestants: dict[str, Callable], repeats: int) -> dict[str, tuple[float, object]]:
    """Return the median seconds and the last result of each.

    After three rounds no new one begins when `ROUNDS_SECONDS` have passed: 51 rounds of several
    contestants are many.
    """
    times = {name: [] for name in contestants}
    results = {}
    start = time.perf_counter()
    for done in range(repeats):
        if done >= 3 and time.perf_counter() - start > ROUNDS_SECONDS:
            break
        for name, contestant in contestants.items():
            time.sleep(SETTLE_SECONDS)
            begin = time.perf_counter()
            results[name] = contestant()
            times[name].append(time.perf_counter() - begin)
    return {name: (median(times[name]), results[name]) for name in contestants}


def duel(ours: Callable, peer: Callable, repeats: int) -> tuple[float, float, object, object]:
    """Return the median seconds of both and their last results."""
    (our_seconds, our_result), (peer_seconds, peer_result) = contest(
        {"ours": ours, "peer": peer}, repeats
    ).values()
    return our_seconds, peer_seconds, our_result, peer_result


def repeats_for(n_numbers: float) -> int:
    """Return how often to repeat a case with so many numbers."""
    return 3 if n_numbers > 3e7 else 5 if n_numbers > 1e6 else 51


def gemm_rate(order: int = 2000) -> float:
    """Return floating point operations per second of a large matrix product, here and now."""
    A = np.random.default_rng(0).standard_normal((order, order))
    A @ A
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        A @ A
        times.append(time.perf_counter() - begin)
    return 2 * order**3 / median(times)


def gram_seconds(n: int, p: int) -> float:
    """Return the seconds of one Gram product on the short side at the rate of a matrix product.

    Measured beside the case, because the rate of a shared machine changes during a run. A
    symmetric product counts long * short^2 operations, half of a general one.
    """
    return max(n, p) * min(n, p) ** 2 / gemm_rate(1000)


def peak_memory() -> dict[str, int]:
    """Return the peak resident bytes of this process by getrusage and by the kernel's VmHWM.

    The former may start from the peak of the process that started this one.
    """
    status = Path("/proc/self/status").read_text()
    return {
        "ru_maxrss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "VmHWM": int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024,
    }


def geometric_mean(ratios: Iterable[float]) -> float:
    return float(np.exp(np.mean(np.log(list(ratios)))))


def mean_and_least(rows: list[Row]) -> dict[str, float]:
    """Return the geometric mean of the ratios, and the smallest one."""
    ratios = [row.ratio for row in rows]
    return {"geometric mean of the ratios": geometric_mean(ratios), "smallest ratio": min(ratios)}


def arguments(description: str) -> argparse.ArgumentParser:
    """Return a parser of the options that all benchmarks have."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="only a few small cases")
    parser.add_argument("--only", metavar="REGEX", default="", help="only cases that match")
    parser.add_argument(
        "--threads", type=int, choices=(1, 2), help="threads of BLAS and of skstruct"
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="one JSON document at the end")
    output.add_argument("--markdown", action="store_true", help="the rows as a table in Markdown")
    return parser


def is_wanted(options: argparse.Namespace, case: str) -> bool:
    return re.search(options.only, case) is not None


def main(
    rows: Callable[[argparse.Namespace], Iterator],
    description: str,
    summary: Callable[[list], dict[str, float]] = mean_and_least,
    parser: argparse.ArgumentParser | None = None,
) -> None:
    """Parse options, run `rows(options)` under the thread limit and print what it yields.

    A row has ``cells()``: texts by the names of the columns, the same ones in every row. The
    `summary` turns all rows into named figures.
    """
    options = (parser or arguments(description)).parse_args()
    done, widths = [], {}
    set_config(factor_cache=0)  # repeated fits to the same data are to be fits
    with threadpool_limits(options.threads):
        rate = gemm_rate()
        if not options.json:
            print(f"threads {options.threads or 'all'}, GEMM {rate / 1e9:.0f} GFLOP/s\n")
        for row in rows(options):
            done.append(row)
            if options.json:
                continue
            cells = row.cells()
            if len(done) == 1:
                widths = {name: max(len(name), len(text)) for name, text in cells.items()}
                widths["case"] = max(widths["case"], 54)
                widths["solver"] = max(widths["solver"], 15)
                _print_header(widths, options.markdown)
            _print_cells(cells, widths, options.markdown)
        last_rate = gemm_rate()
    figures = summary(done) if done else {}
    if options.json:
        document = {
            "threads": options.threads,
            "gemm": [rate, last_rate],
            "rows": [asdict(row) for row in done],
            "summary": figures,
        }
        print(json.dumps(document))
    else:
        print(f"\nGEMM at the end {last_rate / 1e9:.0f} GFLOP/s")
        for name, value in figures.items():
            print(f"{name}: {value:.3g}")


def _print_header(widths: dict[str, int], markdown: bool) -> None:
    _print_cells({name: name for name in widths}, widths, markdown)
    if markdown:
        print("|" + "---|" * len(widths))


def _print_cells(cells: dict[str, str], widths: dict[str, int], markdown: bool) -> None:
    if markdown:
        print(f"| {' | '.join(cells.values())} |", flush=True)
    else:
        left = ("case", "solver")
        texts = (
            f"{text:{'<' if name in left else '>'}{widths[name]}}" for name, text in cells.items()
        )
        print("  ".join(texts).rstrip(), flush=True)


def error_text(value: float | None) -> str:
    return "-" if value is None else format(value, ".0e")


def seconds_text(value: float) -> str:
    return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.2f} s"
