"""Randomized range finder with power iterations: a rough answer in a fixed number of passes.

Halko, Martinsson & Tropp (2011), algorithms 4.4 and 5.1. How rough depends on the decay of the
spectrum; the certificate says what was reached.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from skstruct.linalg._machine import NARROW_FACTOR, QR_FLOPS, Cost
from skstruct.linalg._problems import PartialSVD, SingularTriplets
from skstruct.linalg._spectral import svd, triplets

NAME = "randomized"
ROBUSTNESS = 0
ON_REQUEST = True


def applies(problem: PartialSVD) -> str | None:
    if problem.energy is not None:
        return "an energy fraction needs a sketch whose width is not known beforehand"
    return None


def cost(problem: PartialSVD) -> Cost:
    s = problem.structure
    width = _sketch_width(problem)
    passes = 2 * _n_iter(problem) + 2
    if s.is_sparse:
        product = Cost(sparse=float(s.nnz) * width * passes)
    else:
        product = Cost(blas3=NARROW_FACTOR * 2.0 * s.n_rows * s.n_columns * width * passes)
    sides = s.n_rows + s.n_columns
    return product + Cost(
        lapack=QR_FLOPS * 2 * sides * width**2 * passes / 2,
        traffic=passes * s.stored_bytes,
        memory=3 * 8.0 * sides * width,
        passes=passes,
    )


def memory_use(problem: PartialSVD) -> str:
    return "the sketch"


def reason(problem: PartialSVD) -> str:
    return f"asked for: {2 * _n_iter(problem) + 2} passes whatever the spectrum"


def solve(problem: PartialSVD) -> SingularTriplets:
    operand = problem.operand
    normalize = _NORMALIZERS[problem.range_finder.normalizer]
    rng = np.random.default_rng(problem.seed)
    sketch = operand.matmat(rng.standard_normal((operand.shape[1], _sketch_width(problem))))
    for _ in range(_n_iter(problem)):
        sketch = operand.matmat(normalize(operand.rmatmat(normalize(sketch))))
    Q = np.linalg.qr(sketch)[0]
    _, s, right = svd(operand.rmatmat(Q).T)
    return problem.truncate(triplets(s, right))


def _sketch_width(problem: PartialSVD) -> int:
    return min(
        problem.n_wanted + problem.range_finder.n_oversamples, problem.structure.shorter_side
    )


def _n_iter(problem: PartialSVD) -> int:
    if problem.range_finder.n_iter is not None:
        return problem.range_finder.n_iter
    return 7 if problem.n_wanted < 0.1 * problem.structure.shorter_side else 4


_NORMALIZERS = {
    "qr": lambda sketch: np.linalg.qr(sketch)[0],
    "lu": lambda sketch: linalg.lu(sketch, permute_l=True, check_finite=False)[0],
    "none": lambda sketch: sketch,
}
