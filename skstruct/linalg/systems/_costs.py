"""What the steps cost that all solvers of linear systems share."""

from __future__ import annotations

from skstruct.linalg._machine import NARROW_FACTOR, Cost
from skstruct.linalg.systems._problem import LinearSystem

# Solves for the estimate of the condition number: two or three steps of two, and one more.
CONDITION_SOLVES = 5


def substitution_cost(problem: LinearSystem, operations: float) -> Cost:
    """Cost of the solves with a factorisation that takes so many operations for each column."""
    s, k = problem.structure, problem.n_rhs
    factor = NARROW_FACTOR if k < 8 else 1.0
    once = Cost(blas3=operations * k * factor * s.arithmetic, memory=2.0 * s.item_bytes * s.n * k)
    # One column at a time reads the whole factor: half a number for each operation.
    return once + Cost(traffic=CONDITION_SOLVES * operations / 2.0 * s.item_bytes)


def certificate_cost(problem: LinearSystem) -> Cost:
    """Cost of the norm of the matrix and of one residual."""
    return Cost(traffic=2.0 * problem.structure.stored_bytes, passes=2)


# LAPACK's band routines take, with 15 to 250 diagonals on either side, 30 ns for each of them and
# each unknown (Cholesky half of that), and 25 ns for an unknown; in operations of REFERENCE.
BAND_COLUMN = 2500.0
BAND_UNKNOWN = 2000.0


def band_flops(n: int, below: int, above: int) -> float:
    """Return the cost of a band LU whose upper factor has so many diagonals."""
    return n * (BAND_UNKNOWN + BAND_COLUMN * below + 2.0 * below * above)


# scipy.fft of 2000 numbers takes 16 us: 0.7 ns for each n log2 n; in operations of REFERENCE.
FFT_FLOPS = 65.0


def fft_cost(n: int, count: int) -> Cost:
    """Cost of so many Fourier transforms of length n."""
    return Cost(lapack=FFT_FLOPS * count * n * max(n, 2).bit_length(), memory=64.0 * n)


# Steps of refinement that factors in half the precision are expected to need.
EXPECTED_STEPS = 3


def mixed_cost(problem: LinearSystem, flops: float) -> Cost:
    """Cost of a factorisation in half the precision, `flops` n^3 in full, and of refinement."""
    s, k = problem.structure, problem.n_rhs
    products = EXPECTED_STEPS * 4.0 * s.n**2 * k * s.arithmetic
    factorise = Cost(
        lapack=flops * s.n**3 * s.arithmetic / 2.0,
        blas3=products * (1.0 if k >= 8 else NARROW_FACTOR),
        traffic=2.0 * s.stored_bytes,
        memory=s.item_bytes * s.n**2 / 2.0,
    )
    return factorise + substitution_cost(problem, 1.0 * s.n**2) + certificate_cost(problem)
