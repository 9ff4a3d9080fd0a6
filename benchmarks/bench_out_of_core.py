"""PCA of a memory-mapped float32 file: seconds and peak memory, each in a process of its own.

ours: PCA(20).fit on the memmap. floor: a plain loop that reads the file once in chunks into a
buffer and adds up chunk.T @ chunk in float32, not centred, without an eigenproblem; reading does
not overlap with multiplying, so ours may be below it. scikit-learn: IncrementalPCA, batches of
10 000 rows, and PCA on the memmap. All run warm: before each of them the file is read once, so that
as much of it as possible is in the system's cache. --quick leaves out IncrementalPCA.

Seconds are of the fit (the median over --repeats processes), without imports. Peaks are of the
process: pages of a mapped file count as long as they are resident. "before": resident when the fit
begins. Errors: the worst relative error of a leading eigenvalue against the float64 Gram matrix of
chunks centred by the mean of a pass before. The file is removed at the end.
"""

import json
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from _harness import arguments, error_text, is_wanted, main, peak_memory, seconds_text
from threadpoolctl import threadpool_limits

N_COLUMNS = 500
N_COMPONENTS = 20
CHUNK_BYTES = 32 * 2**20
BATCH = 10_000


@dataclass(frozen=True)
class MemoryRow:
    """One process."""

    case: str
    solver: str
    seconds: float
    floor: float
    before: int
    peaks: dict[str, int]
    error: float | None

    def cells(self) -> dict[str, str]:
        return {
            "case": self.case,
            "solver": self.solver,
            "time": seconds_text(self.seconds),
            "floor / time": f"{self.floor / self.seconds:.0%}",
            "before": _megabytes(self.before),
            **{name: _megabytes(value) for name, value in self.peaks.items()},
            "error": error_text(self.error),
        }


def rows(options):
    n = int(options.gigabytes * 1e9) // (4 * N_COLUMNS)
    with tempfile.TemporaryDirectory(dir=options.dir) as directory:
        path = Path(directory) / "rows.float32"
        _write(path, n)
        reference = np.array(_measure("reference", path, options)["values"])
        floor = None
        for name in CONTESTANTS:
            is_slow = options.quick and name == "IncrementalPCA"
            if name != "floor" and (is_slow or not is_wanted(options, name)):
                continue
            found = [_measure(name, path, options) for _ in range(options.repeats)]
            seconds = median(one["seconds"] for one in found)
            floor = floor or seconds
            error = None
            if "values" in found[0]:
                error = float(np.abs(np.array(found[0]["values"]) / reference - 1).max())
            before = max(one["before"] for one in found)
            peaks = {key: max(one["peaks"][key] for one in found) for key in ("ru_maxrss", "VmHWM")}
            case = f"{name}, {n} x {N_COLUMNS}"
            yield MemoryRow(case, found[0].get("solver", ""), seconds, floor, before, peaks, error)


def _write(path, n):
    """Write rows with 40 strong directions, noise and an offset."""
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((40, N_COLUMNS), dtype=np.float32)
    mixing *= np.arange(1, 41, dtype=np.float32)[:, None] ** -0.5
    offset = rng.standard_normal(N_COLUMNS, dtype=np.float32)
    with path.open("wb") as file:
        for start in range(0, n, BATCH):
            n_rows = min(BATCH, n - start)
            block = rng.standard_normal((n_rows, 40), dtype=np.float32) @ mixing + offset
            block += 0.1 * rng.standard_normal((n_rows, N_COLUMNS), dtype=np.float32)
            file.write(block.data)


def _measure(name, path, options):
    """Read the file into the cache and run a contestant in a fresh process."""
    with path.open("rb", buffering=0) as file:
        buffer = bytearray(CHUNK_BYTES)
        while file.readinto(buffer):
            pass
    command = [sys.executable, __file__, "--child", name, str(path), str(options.threads or 0)]
    # Through a shell that stays: getrusage counts the peak of the process that was forked, before
    # it became another program.
    command = ["sh", "-c", '"$@"; exit $?', "sh", *command]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def child(name, path, threads):
    """Run a contestant and print what it took as JSON."""
    prepare = {**CONTESTANTS, "reference": _reference}[name]
    X = np.memmap(path, np.float32, "r").reshape(-1, N_COLUMNS)
    with threadpool_limits(int(threads) or None):
        fit = prepare(path, X)
        small = np.zeros((64, 64), np.float32)
        small @ small  # BLAS makes its buffers
        before = int(Path("/proc/self/statm").read_text().split()[1]) * 4096
        begin = time.perf_counter()
        found = fit()
        seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "before": before, "peaks": peak_memory(), **found}))


def _floor(path, X):
    n_rows = CHUNK_BYTES // (4 * N_COLUMNS)

    def fit():
        gram = np.zeros((N_COLUMNS, N_COLUMNS), np.float32)
        buffer = np.empty((n_rows, N_COLUMNS), np.float32)
        view = memoryview(buffer).cast("B")
        with Path(path).open("rb", buffering=0) as file:
            while n_bytes := file.readinto(view):
                chunk = buffer[: n_bytes // (4 * N_COLUMNS)]
                gram += chunk.T @ chunk
        return {}

    return fit


def _ours(path, X):
    warnings.simplefilter("error")
    from skstruct.decomposition import PCA

    def fit():
        pca = PCA(N_COMPONENTS, random_state=0).fit(X)
        return {"values": pca.explained_variance_.tolist(), "solver": pca.solver_}

    return fit


def _incremental(path, X):
    from sklearn.decomposition import IncrementalPCA

    def fit():
        pca = IncrementalPCA(N_COMPONENTS)
        for start in range(0, len(X), BATCH):
            if start + N_COMPONENTS < len(X):  # a batch needs so many rows
                pca.partial_fit(X[start : start + BATCH])
        return {"values": pca.explained_variance_.tolist()}

    return fit


def _sklearn(path, X):
    from sklearn.decomposition import PCA

    def fit():
        pca = PCA(N_COMPONENTS, random_state=0).fit(X)
        return {"values": pca.explained_variance_.tolist(), "solver": pca._fit_svd_solver}

    return fit


def _reference(path, X):
    def fit():
        slices = [slice(start, start + BATCH) for start in range(0, len(X), BATCH)]
        mean = sum(X[rows].sum(axis=0, dtype=np.float64) for rows in slices) / len(X)
        gram = np.zeros((N_COLUMNS, N_COLUMNS))
        for rows in slices:
            centered = X[rows] - mean
            gram += centered.T @ centered
        values = np.linalg.eigvalsh(gram)[: -N_COMPONENTS - 1 : -1] / (len(X) - 1)
        return {"values": values.tolist()}

    return fit


# The floor first: the others are compared with it.
CONTESTANTS = {
    "floor": _floor,
    "ours": _ours,
    "IncrementalPCA": _incremental,
    "scikit-learn PCA": _sklearn,
}


def summary(rows):
    seconds = {row.case.split(",")[0]: row.seconds for row in rows}
    return {
        f"{name} / ours": seconds[name] / seconds["ours"] for name in seconds if "ours" in seconds
    }


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.0f} MB"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        parser = arguments(__doc__)
        parser.add_argument("--dir", help="where to make the file; the system's choice by default")
        parser.add_argument(
            "--gigabytes", type=float, help="of the file; 6 by default, 1.1 if quick"
        )
        parser.add_argument("--repeats", type=int, default=1, help="processes of each kind")
        known = parser.parse_known_args()[0]
        parser.set_defaults(gigabytes=1.1 if known.quick else 6.0)
        main(rows, __doc__, summary, parser)
