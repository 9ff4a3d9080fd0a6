"""Randomized range finder with power iterations.

Halko, Martinsson & Tropp (2011), algorithms 4.4 and 5.1: with a given number of power iterations
a rough answer in a fixed number of passes. How rough depends on the decay of the spectrum; the
certificate says what was reached. Without one, the sketch starts a block Krylov iteration (Musco &
Musco, 2015) that goes on until the residual asked for is reached.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import linalg

from skstruct.linalg._krylov import krylov_cost, krylov_triplets
from skstruct.linalg._machine import NARROW_FACTOR, QR_FLOPS, Cost
from skstruct.linalg._problems import NEEDS_ROWS, PartialSVD, SingularTriplets
from skstruct.linalg._spectral import svd, triplets
from skstruct.linalg.solvers._growth import with_growing_rank

NAME = "randomized"
ROBUSTNESS = 0
ON_REQUEST = True


def applies(problem: PartialSVD) -> str | None:
    if not problem.structure.has_rows and problem.range_finder.n_iter is not None:
        return NEEDS_ROWS
    return None


def cost(problem: PartialSVD) -> Cost:
    s, width, n_iter = problem.structure, _sketch_width(problem), problem.range_finder.n_iter
    if n_iter is None:
        return krylov_cost(problem, width)
    passes = 2 * n_iter + 3
    if s.is_sparse:
        product = Cost(sparse=float(s.nnz) * width * passes)
    else:
        product = Cost(blas3=NARROW_FACTOR * 2.0 * s.n_rows * s.n_columns * width * passes)
    sides = s.n_rows + s.n_columns
    return product + Cost(
        lapack=QR_FLOPS * 2 * sides * width**2 * passes / 2,
        traffic=passes * s.pass_traffic,
        memory=3 * 8.0 * sides * width,
        passes=passes,
    )


def memory_use(problem: PartialSVD) -> str:
    return "the sketch"


def reason(problem: PartialSVD) -> str:
    n_iter = problem.range_finder.n_iter
    if n_iter is None:
        return "asked for: a sketch, iterated until the residual is reached"
    return f"asked for: {2 * n_iter + 3} passes whatever the spectrum"


def solve(problem: PartialSVD) -> SingularTriplets:
    n_iter = problem.range_finder.n_iter
    if n_iter is None:
        return krylov_triplets(problem, _sketch_width(problem))
    if problem.energy is not None:
        return with_growing_rank(problem, solve)
    operand = problem.operand
    normalize = _NORMALIZERS[problem.range_finder.normalizer]
    rng = np.random.default_rng(problem.seed)
    sketch = operand.matmat(rng.standard_normal((operand.shape[1], _sketch_width(problem))))
    for _ in range(n_iter):
        sketch = operand.matmat(normalize(operand.rmatmat(normalize(sketch))))
    Q = np.linalg.qr(sketch)[0]
    right = svd(operand.rmatmat(Q).T)[2]
    # One more product makes s the norms of A V, whose columns are then orthogonal.
    _, s, rotation = svd(np.linalg.qr(operand.matmat(right.T), mode="r"))
    return problem.truncate(replace(triplets(s, rotation @ right), n_iter=n_iter))


def _sketch_width(problem: PartialSVD) -> int:
    wanted = 1 if problem.energy is not None else problem.n_wanted
    return min(wanted + problem.range_finder.n_oversamples, problem.structure.shorter_side)


_NORMALIZERS = {
    "qr": lambda sketch: np.linalg.qr(sketch)[0],
    "lu": lambda sketch: linalg.lu(sketch, permute_l=True, check_finite=False)[0],
    "none": lambda sketch: sketch,
}
