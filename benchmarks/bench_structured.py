"""Systems with matrices of declared structure: the classes of skstruct.linalg and their rivals.

Ours: making the matrix, factoring it, solving and measuring the backward error, anew each time.
scipy: `scipy.linalg.solve` of all entries, with its own detection of structure. Expert: the
routine that who knows the structure would call, where numpy or scipy has one; it measures nothing.
Errors are backward errors ||b - A x|| / (||A|| ||x|| + ||b||) in the maximum norm, by the entries.

Targets: ten times faster than scipy.linalg.solve where that does not see the structure. The last
row is one run in a fresh process, with the memory it took beyond its data.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from _harness import contest, error_text, geometric_mean, is_wanted, main, peak_memory, seconds_text
from scipy import linalg

from skstruct.linalg import (
    Banded,
    BlockDiagonal,
    Circulant,
    Diagonal,
    Kronecker,
    LowRankPlusDiagonal,
    Toeplitz,
    Triangular,
)

TARGET = 10.0
LARGE = 10**6
IN_A_PROCESS_OF_ITS_OWN = "--large"


@dataclass(frozen=True)
class Case:
    """A matrix, how to make it, and what an expert would call for a right-hand side."""

    make: Callable
    expert: Callable | None = None
    seen_by_scipy: bool = False


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    case: str
    solver: str
    ours: float
    peer: float
    expert: float | None
    errors: tuple[float, ...]
    target: float | None
    memory: float | None = None

    @property
    def ratio(self):
        return self.peer / self.ours

    def cells(self):
        met = "met" if self.target is None or self.ratio >= self.target else "MISSED"
        return {
            "case": self.case,
            "solver": self.solver,
            "ours": seconds_text(self.ours),
            "scipy": seconds_text(self.peer),
            "ratio": f"{self.ratio:.1f}",
            "expert": "-" if self.expert is None else seconds_text(self.expert),
            "/expert": "-" if self.expert is None else f"{self.ours / self.expert:.2f}",
            "error": error_text(self.errors[0]),
            "its error": error_text(self.errors[1]),
            "target": "" if self.target is None else f">= {self.target:g} {met}",
            "memory": "" if self.memory is None else f"{self.memory / 1e6:.0f} MB",
        }


def cases(n):
    """Return the cases of order n, a multiple of 50 and of 20."""
    rng = np.random.default_rng(0)
    b = right_hand_side(n)
    d = rng.uniform(1, 2, n)
    bands = {width: rng.standard_normal((2 * width + 1, n)) for width in (1, 20)}
    for width, rows in bands.items():
        rows[width] += 10 * width**0.5
    triangle = np.tril(rng.standard_normal((n, n)) / n) + np.eye(n)
    kernel = np.exp(-np.arange(n) / 50)
    skewed = kernel * np.cos(np.arange(n))
    around = kernel + np.roll(kernel[::-1], 1)
    A, B = (rng.standard_normal((m, m)) + 5 * np.eye(m) for m in (n // 50, 50))
    blocks = rng.standard_normal((n // 20, 20, 20)) + 5 * np.eye(20)
    U = rng.standard_normal((n, 10))

    def kronecker():
        return np.linalg.solve(B, np.linalg.solve(A, b.reshape(-1, 50)).T).T.ravel()

    def woodbury():
        z, scaled = b / d, U / d[:, None]
        return z - scaled @ np.linalg.solve(np.eye(10) + U.T @ scaled, U.T @ z)

    return {
        "diagonal": Case(lambda: Diagonal(d), lambda: b / d, seen_by_scipy=True),
        "tridiagonal": Case(
            lambda: Banded((1, 1), bands[1]),
            lambda: linalg.solve_banded((1, 1), bands[1], b),
            seen_by_scipy=True,
        ),
        "lower triangular": Case(
            lambda: Triangular(triangle, lower=True),
            lambda: linalg.solve_triangular(triangle, b, lower=True),
            seen_by_scipy=True,
        ),
        "41 diagonals": Case(
            lambda: Banded((20, 20), bands[20]),
            lambda: linalg.solve_banded((20, 20), bands[20], b),
        ),
        "Toeplitz, positive definite": Case(
            lambda: Toeplitz(kernel), lambda: linalg.solve_toeplitz(kernel, b)
        ),
        "Toeplitz": Case(
            lambda: Toeplitz(kernel, skewed), lambda: linalg.solve_toeplitz((kernel, skewed), b)
        ),
        "circulant": Case(lambda: Circulant(around), lambda: linalg.solve_circulant(around, b)),
        f"Kronecker {n // 50} x 50": Case(lambda: Kronecker(A, B), kronecker),
        f"Kronecker {n // 50} x 50 + c I": Case(lambda: Kronecker(A, B).shift(1.0)),
        f"Kronecker {n // 50} x 50 + c I, symmetric": Case(
            lambda: Kronecker(A + A.T, B + B.T).shift(1.0)
        ),
        f"{n // 20} blocks of 20": Case(
            lambda: BlockDiagonal(blocks),
            lambda: np.linalg.solve(blocks, b.reshape(-1, 20, 1)).ravel(),
        ),
        "diagonal + rank 10": Case(lambda: LowRankPlusDiagonal(d, U), woodbury),
        "diagonal with zeros + rank 10": Case(
            lambda: LowRankPlusDiagonal(np.where(np.arange(n) < 5, 0, d), U)
        ),
    }


def right_hand_side(n):
    return np.random.default_rng(1).standard_normal(n)


def rows(options):
    n = 500 if options.quick else 2000
    b = right_hand_side(n)
    for name, case in cases(n).items():
        title = f"n = {n}, {name}"
        if not is_wanted(options, title):
            continue
        dense = case.make().to_dense()
        contestants = {
            "ours": lambda case=case: case.make().certified_solve(b),
            "scipy": lambda dense=dense: linalg.solve(dense, b),
        }
        if case.expert is not None:
            contestants["expert"] = case.expert
        times = contest(contestants, 5 if options.quick else 11)
        answer = times["ours"][1]
        found = [answer.x, times["scipy"][1]]
        yield Row(
            title,
            answer.method,
            times["ours"][0],
            times["scipy"][0],
            times["expert"][0] if case.expert is not None else None,
            tuple(backward_error(dense, x, b) for x in found),
            None if case.seen_by_scipy or options.quick else TARGET,
        )
    title = f"n = {LARGE}, 5 diagonals"
    if not options.quick and is_wanted(options, title):
        yield _large(title)


def backward_error(dense, x, b):
    size = np.abs(dense).sum(axis=1).max() * np.abs(x).max() + np.abs(b).max()
    return float(np.abs(b - dense @ x).max() / size)


def _large(title):
    """Solve a large banded system in a fresh process; scipy's routine for bands is the peer."""
    run = subprocess.run(
        [sys.executable, __file__, IN_A_PROCESS_OF_ITS_OWN],
        capture_output=True,
        check=True,
        text=True,
    )
    ours, peer, error, peer_error, memory = (float(text) for text in run.stdout.split()[1:])
    return Row(title, run.stdout.split()[0], ours, peer, peer, (error, peer_error), None, memory)


def solve_large():
    """Print the method, the seconds of both, their errors, and the bytes that ours took."""
    bands = np.random.default_rng(0).standard_normal((5, LARGE))
    bands[2] += 6
    b = right_hand_side(LARGE)
    before = peak_memory()["VmHWM"]
    begin = time.perf_counter()
    matrix = Banded((2, 2), bands)
    answer = matrix.certified_solve(b)
    ours = time.perf_counter() - begin
    memory = peak_memory()["VmHWM"] - before
    begin = time.perf_counter()
    x = linalg.solve_banded((2, 2), bands, b)
    peer = time.perf_counter() - begin
    size = matrix.norm(np.inf) * np.abs(x).max() + np.abs(b).max()
    peer_error = np.abs(b - matrix @ x).max() / size
    print(answer.method, ours, peer, answer.certificate.value, peer_error, memory)


def summary(done):
    unseen = [row.ratio for row in done if row.target is not None]
    if not unseen:
        return {}
    return {
        "geometric mean of the ratios where scipy does not see the structure": geometric_mean(
            unseen
        ),
        "smallest of them": min(unseen),
    }


if __name__ == "__main__":
    if IN_A_PROCESS_OF_ITS_OWN in sys.argv:
        solve_large()
    else:
        main(rows, __doc__, summary)
