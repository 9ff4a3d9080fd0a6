"""Stacks of small matrices: skstruct.linalg.batched_* against numpy.linalg on the same stack.

numpy's lstsq takes one matrix at a time and is called in a loop. Errors, the largest of all slices:
||B - A X|| / (||A|| ||X|| + ||B||) of systems, ||A - L L^H|| / ||A|| of factors,
||A V - V W|| / ||A|| of eigenpairs, ||A - U S Vh|| / ||A|| of singular triplets, and the residual
||A^H (B - A X)|| / (||A|| (||A|| ||X|| + ||B||)) of least squares; ||.|| is the largest entry.

Target: 100 000 systems of order 3 at least 5 times as fast as numpy at no larger error.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from _harness import contest, error_text, is_wanted, main, mean_and_least, seconds_text

from skstruct.linalg import (
    batched_cholesky,
    batched_eigh,
    batched_lstsq,
    batched_solve,
    batched_svd,
)

REPEATS = 31
# (routine, slices, rows, columns, dtype)
CASES = [
    ("solve", 100_000, 2, 2, "float64"),
    ("solve", 100_000, 3, 3, "float64"),
    ("solve", 100_000, 3, 3, "float32"),
    ("solve", 100_000, 3, 3, "complex128"),
    ("solve", 1_000_000, 3, 3, "float64"),
    ("solve", 1_000, 3, 3, "float64"),
    ("solve", 50_000, 4, 4, "float64"),
    ("solve", 30_000, 6, 6, "float64"),
    ("solve", 20_000, 8, 8, "float64"),
    ("solve", 10_000, 16, 16, "float64"),
    ("solve", 5_000, 32, 32, "float64"),
    ("solve", 500, 128, 128, "float64"),
    ("solve", 100, 256, 256, "float64"),
    ("cholesky", 100_000, 3, 3, "float64"),
    ("cholesky", 10_000, 16, 16, "float64"),
    ("eigh", 100_000, 2, 2, "float64"),
    ("eigh", 100_000, 3, 3, "float64"),
    ("eigh", 30_000, 5, 5, "float64"),
    ("eigh", 5_000, 16, 16, "float64"),
    ("svd", 100_000, 3, 3, "float64"),
    ("svd", 50_000, 6, 3, "float64"),
    ("svd", 5_000, 16, 16, "float64"),
    ("lstsq", 20_000, 9, 3, "float64"),
    ("lstsq", 5_000, 50, 5, "float64"),
]
QUICK = [("solve", 100_000, 3, 3, "float64"), ("eigh", 20_000, 3, 3, "float64")]
TARGETS = {("solve", 100_000, 3, 3, "float64"): 5.0}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    case: str
    solver: str
    ours: float
    numpy: float
    our_error: float
    its_error: float
    target: float | None = None

    @property
    def ratio(self):
        return self.numpy / self.ours

    def cells(self):
        verdict = ""
        if self.target is not None:
            verdict = f">= {self.target:.3g} {'met' if self.ratio >= self.target else 'MISSED'}"
        return {
            "case": self.case,
            "solver": self.solver,
            "ours": seconds_text(self.ours),
            "numpy": seconds_text(self.numpy),
            "ratio": f"{self.ratio:.2f}",
            "error": error_text(self.our_error),
            "its error": error_text(self.its_error),
            "target": verdict,
        }


def rows(options):
    for case in QUICK if options.quick else CASES:
        routine, length, n_rows, n_columns, dtype = case
        name = f"{routine}: {length} x {n_rows} x {n_columns}, {dtype}"
        solver = f"batched_{routine}"
        if not is_wanted(options, name):
            continue
        rng = np.random.default_rng(0)
        a = random(rng, (length, n_rows, n_columns), dtype)
        b = random(rng, (length, n_rows, 1), dtype)
        if routine == "cholesky":
            a = a @ a.conj().swapaxes(1, 2) + np.eye(n_rows, dtype=dtype)
        if routine == "eigh":
            a = a + a.conj().swapaxes(1, 2)
        ours, peer, error = ROUTINES[routine]
        data = (a, b) if routine in ("solve", "lstsq") else (a,)
        contestants = {"ours": partial(ours, *data), "numpy": partial(peer, *data)}
        contest(contestants, 1)
        (seconds, answer), (its_seconds, its_answer) = contest(contestants, REPEATS).values()
        yield Row(
            name,
            solver,
            seconds,
            its_seconds,
            error(*data, answer),
            error(*data, its_answer),
            TARGETS.get(case),
        )


def random(rng, shape, dtype):
    values = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def lstsq_loop(a, b):
    found = [np.linalg.lstsq(matrix, rhs, rcond=None) for matrix, rhs in zip(a, b, strict=True)]
    return np.array([answer[0] for answer in found])


def size(stack):
    return np.abs(stack).max(axis=(1, 2))


def solve_error(a, b, x):
    return float((size(b - a @ x) / (a.shape[1] * size(a) * size(x) + size(b))).max())


def cholesky_error(a, factor):
    return float((size(a - factor @ factor.conj().swapaxes(1, 2)) / size(a)).max())


def eigh_error(a, pairs):
    values, vectors = pairs
    return float((size(a @ vectors - vectors * values[:, None]) / size(a)).max())


def svd_error(a, factors):
    U, S, Vh = factors
    return float((size(a - (U * S[:, None]) @ Vh) / size(a)).max())


def lstsq_error(a, b, x):
    x = getattr(x, "x", x)
    scale = len(a[0]) * size(a) * (a.shape[2] * size(a) * size(x) + size(b))
    return float((size(a.conj().swapaxes(1, 2) @ (b - a @ x)) / scale).max())


ROUTINES = {
    "solve": (batched_solve, np.linalg.solve, solve_error),
    "cholesky": (batched_cholesky, np.linalg.cholesky, cholesky_error),
    "eigh": (batched_eigh, np.linalg.eigh, eigh_error),
    "svd": (batched_svd, partial(np.linalg.svd, full_matrices=False), svd_error),
    "lstsq": (batched_lstsq, lstsq_loop, lstsq_error),
}


if __name__ == "__main__":
    main(rows, __doc__, mean_and_least)
