"""solve() against numpy, scipy and the expert's direct call of the right routine.

The expert knows what the matrix is and how it is stored, and calls LAPACK (or the Fourier
transform) without any check, on whatever layout needs no copy. Where he needs another form, as a
band or blocks, he takes it from the same dense array. Ours looks for the structure, solves, and
measures the backward error and the condition number.

"ours" is solve(A, b) as users call it; it may factorise in single precision and refine. "full" is
the same with precision="full", the expert's arithmetic. Ratios are the peer's time over ours, for
"over expert" and "full" ours over the expert's. "error" is the backward error
||b - A x|| / (||A||_F ||x|| + ||b||).

"mixed precision": ours in full precision (in the column "scipy") and numpy over ours with factors
in single precision. "sparse": a grid of 1000 x 1000 (five-point Laplacian), which the peer solves
by scipy's spsolve, with the resident memory at the peak.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
from _harness import (
    SETTLE_SECONDS,
    arguments,
    error_text,
    geometric_mean,
    is_wanted,
    main,
    peak_memory,
    seconds_text,
)
from scipy import linalg, sparse
from scipy.linalg import lapack
from scipy.sparse.linalg import spsolve

from skstruct.linalg import certified_solve, solve

ROUNDS = 7
BLOCK = 50
MOST_OVERHEAD = 1.15
LEAST_GAIN = 10.0
LEAST_MIXED_GAIN = 1.3


@dataclass(frozen=True)
class Case:
    """A dense matrix, the expert's call, and what scipy is told of it."""

    make: Callable[[int], np.ndarray]
    expert: Callable[[np.ndarray], Callable[[np.ndarray], np.ndarray]]
    gains: bool = False  # scipy misses the structure


@dataclass(frozen=True)
class SolveRow:
    """Times of one matrix; None where a contestant does not apply."""

    case: str
    solver: str
    ours: float
    expert: float | None
    scipy: float | None
    numpy: float | None
    error: float
    full: float | None = None
    memory: float | None = None
    gains: bool = False
    mixed: bool = False

    def cells(self) -> dict[str, str]:
        def ratio(other: float | None, inverse: bool = False) -> str:
            if other is None:
                return "-"
            return f"{self.ours / other if inverse else other / self.ours:.2f}"

        return {
            "case": self.case,
            "solver": f"{self.solver:<15}",
            "ours": seconds_text(self.ours),
            "expert": "-" if self.expert is None else seconds_text(self.expert),
            "over expert": ratio(self.expert, inverse=True),
            "full": "-" if self.full is None else f"{self.full / self.expert:.2f}",
            "scipy": ratio(self.scipy),
            "numpy": ratio(self.numpy),
            "target": self._target(),
            "error": error_text(self.error),
            "memory": "-" if self.memory is None else f"{self.memory / 1e9:.2f} GB",
        }

    def _target(self) -> str:
        if self.mixed:
            met = "met" if self.scipy / self.ours >= LEAST_MIXED_GAIN else "MISSED"
            return f">= {LEAST_MIXED_GAIN} {met}"
        if self.gains:
            met = "met" if self.scipy / self.ours >= LEAST_GAIN else "MISSED"
            return f"scipy >= {LEAST_GAIN:.0f} {met}"
        if self.expert is None:
            return ""
        met = "met" if self.ours / self.expert <= MOST_OVERHEAD else "MISSED"
        return f"expert <= {MOST_OVERHEAD} {met}"


# -- matrices -----------------------------------------------------------------------------------


def general(n: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, n))


def definite(n: int) -> np.ndarray:
    A = general(n)
    return A @ A.T / n + np.eye(n)


def indefinite(n: int) -> np.ndarray:
    A = general(n)
    return A + A.T


def lower(n: int) -> np.ndarray:
    return np.tril(general(n)) + n * np.eye(n)


def orders(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.permutation(n), rng.permutation(n)


def permuted_lower(n: int) -> np.ndarray:
    rows, columns = orders(n)
    return np.ascontiguousarray(lower(n)[rows][:, columns])


def half_width(n: int) -> int:
    return n // 32


def band(n: int) -> np.ndarray:
    width = half_width(n)
    return np.triu(np.tril(general(n), width), -width) + n * np.eye(n)


def permuted_blocks(n: int) -> np.ndarray:
    A = general(n)
    blocks = linalg.block_diag(*[A[i : i + BLOCK, i : i + BLOCK] for i in range(0, n, BLOCK)])
    rows, columns = orders(n)
    return np.ascontiguousarray(blocks[rows][:, columns])


def toeplitz(n: int) -> np.ndarray:
    decay = 1.0 / np.arange(1, n)
    return linalg.toeplitz(np.r_[4.0, -0.5 * decay], np.r_[4.0, decay])


def circulant(n: int) -> np.ndarray:
    return linalg.circulant(np.r_[4.0, 1.0 / np.arange(1, n)])


# -- the expert's calls, prepared for a matrix --------------------------------------------------


def by_lu(A):
    # LAPACK reads columns: A' without a copy, and the answer for A from its factors.
    def call(b):
        lu, pivots, _ = lapack.dgetrf(A.T)
        return lapack.dgetrs(lu, pivots, b, trans=1)[0]

    return call


def by_cholesky(A):
    return lambda b: lapack.dposv(A.T, b)[1]


def by_sysv(A):
    work = int(lapack.dsysv_lwork(len(A))[0])
    return lambda b: lapack.dsysv(A.T, b, lwork=work)[2]


def by_substitution(A):
    return lambda b: lapack.dtrtrs(A.T, b, lower=0, trans=1)[0]


def by_ordered_substitution(A):
    rows, columns = (np.argsort(order) for order in orders(len(A)))

    def call(b):
        ordered = A.take(rows, axis=0).take(columns, axis=1)
        x = np.empty_like(b)
        x[columns] = lapack.dtrtrs(ordered.T, b[rows], lower=0, trans=1)[0]
        return x

    return call


def by_band(A):
    width = half_width(len(A))

    def call(b):
        stored = np.zeros((3 * width + 1, len(A)), order="F")
        for offset in range(-width, width + 1):
            diagonal = np.diagonal(A, offset)
            start = max(offset, 0)
            stored[2 * width - offset, start : start + len(diagonal)] = diagonal
        return lapack.dgbsv(width, width, stored, b, overwrite_ab=True)[2]

    return call


def by_blocks(A):
    rows, columns = (np.argsort(order).reshape(-1, BLOCK) for order in orders(len(A)))

    def call(b):
        blocks = A[rows[:, :, None], columns[:, None, :]]
        x = np.empty_like(b)
        x[columns] = np.linalg.solve(blocks, b[rows][:, :, None])[:, :, 0]
        return x

    return call


def by_levinson(A):
    return lambda b: linalg.solve_toeplitz((A[:, 0], A[0]), b, check_finite=False)


def by_fourier(A):
    return lambda b: linalg.solve_circulant(A[:, 0], b)


CASES = {
    "general": Case(general, by_lu),
    "positive definite": Case(definite, by_cholesky),
    "symmetric indefinite": Case(indefinite, by_sysv),
    "lower triangular": Case(lower, by_substitution),
    "triangular, permuted": Case(permuted_lower, by_ordered_substitution, gains=True),
    "band of n / 16": Case(band, by_band, gains=True),
    "blocks of 50, permuted": Case(permuted_blocks, by_blocks, gains=True),
    "Toeplitz": Case(toeplitz, by_levinson, gains=True),
    "circulant": Case(circulant, by_fourier, gains=True),
}


def rows(options: argparse.Namespace):
    orders_of = (1000,) if options.quick else (1000, 2000, 4000)
    for name, case in CASES.items():
        for n in orders_of:
            title = f"{name}, n = {n}"
            if is_wanted(options, title):
                yield dense_row(title, case, n)
    for name, make in (("general", general), ("positive definite", definite)):
        for n in (500, *orders_of):
            title = f"mixed precision, {name}, n = {n}"
            if is_wanted(options, title):
                yield mixed_row(title, make(n))
    side = 200 if options.quick else 1000
    title = f"sparse, Laplacian, n = {side**2}"
    if is_wanted(options, title):
        yield sparse_row(title, side)


def dense_row(title: str, case: Case, n: int) -> SolveRow:
    A, b = case.make(n), np.random.default_rng(2).standard_normal(n)
    expert = case.expert(A)
    times = times_of(
        {
            "ours": lambda: solve(A, b),
            "full": lambda: solve(A, b, precision="full"),
            "expert": lambda: expert(b),
            "scipy": lambda: linalg.solve(A, b),
            "numpy": lambda: np.linalg.solve(A, b),
        }
    )

    solution = certified_solve(A, b)
    error = error_of(A, solution.x, b)
    return SolveRow(title, solution.solver, **times, error=error, gains=case.gains)


def mixed_row(title: str, A: np.ndarray) -> SolveRow:
    b = np.random.default_rng(2).standard_normal(len(A))
    times = times_of(
        {
            "ours": lambda: solve(A, b, precision="mixed"),
            "scipy": lambda: solve(A, b, precision="full"),
            "numpy": lambda: np.linalg.solve(A, b),
        }
    )
    solution = certified_solve(A, b, precision="mixed")
    return SolveRow(
        title,
        solution.solver,
        times["ours"],
        None,
        times["scipy"],
        times["numpy"],
        error_of(A, solution.x, b),
        mixed=len(A) >= 2000,
    )


def sparse_row(title: str, side: int) -> SolveRow:
    line = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(side, side))
    unit = sparse.eye_array(side)
    A = sparse.csc_array(sparse.kron(line, unit) + sparse.kron(unit, line))
    b = np.random.default_rng(2).standard_normal(side**2)
    begin = time.perf_counter()
    x = solve(A, b)
    ours, memory = time.perf_counter() - begin, peak_memory()["VmHWM"]
    begin = time.perf_counter()
    spsolve(A, b)
    peer = time.perf_counter() - begin
    solver = certified_solve(A, b).solver if side < 500 else "sparse_cholesky"
    error = np.linalg.norm(b - A @ x) / (8 * np.linalg.norm(x) + np.linalg.norm(b))
    return SolveRow(title, solver, ours, None, peer, None, float(error), memory=memory)


def times_of(contestants: dict[str, Callable]) -> dict[str, float]:
    """Return the medians of alternating rounds; nobody begins beside another's spinning threads."""
    times = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, contestant in contestants.items():
            time.sleep(SETTLE_SECONDS)
            begin = time.perf_counter()
            contestant()
            times[name].append(time.perf_counter() - begin)
    return {name: median(values) for name, values in times.items()}


def error_of(A: np.ndarray, x: np.ndarray, b: np.ndarray) -> float:
    size = np.linalg.norm(A) * np.linalg.norm(x) + np.linalg.norm(b)
    return float(np.linalg.norm(b - A @ x) / size)


def summary(done: list[SolveRow]) -> dict[str, float]:
    """Return geometric means of the ratios."""
    figures = {}
    close = [row.ours / row.expert for row in done if row.expert is not None and not row.gains]
    gains = [row.scipy / row.ours for row in done if row.gains]
    if close:
        figures["over the expert, structures that scipy knows"] = geometric_mean(close)
    if gains:
        figures["scipy over ours, structures that it misses"] = geometric_mean(gains)
    return figures


if __name__ == "__main__":
    main(rows, __doc__, summary, arguments(__doc__))
