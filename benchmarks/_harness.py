"""Timing two contestants on the same data in the same run, and printing their ratio.

Contestants alternate, medians are compared, and each waits until the BLAS threads of the other
have gone to sleep: OpenBLAS's workers spin for some 25 ms after a call, which would be charged to
whoever comes next.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median

import numpy as np
from threadpoolctl import threadpool_limits

SETTLE_SECONDS = 0.06


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    case: str
    solver: str
    ours: float
    peer: float
    our_error: float | None
    peer_error: float | None
    floor: float | None = None
    target: float | None = None

    @property
    def ratio(self):
        return self.peer / self.ours

    def __str__(self):
        floor = "" if self.floor is None else f"{self.ours / self.floor:8.2f}"
        target = "" if self.target is None else f">= {self.target:.3g}"
        met = "" if self.target is None else ("met" if self.ratio >= self.target else "MISSED")
        return (
            f"{self.case:<44}{self.solver:<17}{_seconds(self.ours):>9}{_seconds(self.peer):>9}"
            f"{self.ratio:8.2f}{floor:>8}{_error(self.our_error)}{_error(self.peer_error)}  "
            f"{target:<9}{met}"
        )


HEADER = (
    f"{'case':<44}{'solver':<17}{'ours':>9}{'peer':>9}{'ratio':>8}{'/floor':>8}{'error':>9}"
    f"{'peer':>9}  target"
)


def duel(ours: Callable, peer: Callable, repeats: int) -> tuple[float, float, object, object]:
    """Return the median seconds of both and their last results."""
    times = ([], [])
    results = [None, None]
    for _ in range(repeats):
        for i, contestant in enumerate((ours, peer)):
            time.sleep(SETTLE_SECONDS)
            begin = time.perf_counter()
            results[i] = contestant()
            times[i].append(time.perf_counter() - begin)
    return median(times[0]), median(times[1]), *results


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


def main(rows: Callable, description: str) -> None:
    """Parse options, run `rows(quick)` under the thread limit and print what it yields."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="only a few small cases")
    parser.add_argument(
        "--threads", type=int, choices=(1, 2), help="threads of BLAS and of skstruct"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document at the end")
    options = parser.parse_args()
    done = []
    with threadpool_limits(options.threads):
        rate = gemm_rate()
        if not options.json:
            print(f"threads {options.threads or 'all'}, GEMM {rate / 1e9:.0f} GFLOP/s\n{HEADER}")
        for row in rows(options.quick):
            done.append(row)
            if not options.json:
                print(row, flush=True)
        last_rate = gemm_rate()
    ratio = float(np.exp(np.mean([np.log(row.ratio) for row in done])))
    if options.json:
        document = {
            "threads": options.threads,
            "gemm": [rate, last_rate],
            "rows": [asdict(row) for row in done],
            "geometric_mean": ratio,
        }
        print(json.dumps(document))
    else:
        print(f"GEMM at the end {last_rate / 1e9:.0f} GFLOP/s")
        print(f"geometric mean of the ratios: {ratio:.2f}")


def _error(value: float | None) -> str:
    return f"{'-' if value is None else format(value, '.0e'):>9}"


def _seconds(value: float) -> str:
    return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.2f} s"
