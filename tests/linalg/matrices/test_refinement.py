"""Iterative refinement: when it goes on, and when it ends."""

import numpy as np
import pytest

from skstruct.linalg.matrices._refinement import refine


class Rough:
    """Of the identity: a solution with a relative error of `share`."""

    def __init__(self, share):
        self.share, self.solves = share, 0

    def solve(self, rhs):
        self.solves += 1
        return rhs * (1 - self.share)


@pytest.mark.parametrize(
    ("share", "steps"),
    [
        (0.0, 0),
        (0.01, 4),  # each step gains a factor of 100
        (0.4, 6),  # no more than are allowed
        (0.6, 1),  # a step that gains less than a half is kept, and the last
        (1.5, 0),  # a step that makes it worse is not kept
    ],
)
def test_steps(share, steps):
    factor, rhs = Rough(share), np.ones((3, 2))
    x, error, taken = refine(
        factor,
        factor.solve(rhs),
        lambda x: rhs - x,
        lambda x, residual: float(np.abs(residual).max()),
        goal=1e-9,
        max_steps=6,
    )
    assert taken == steps
    assert error == np.abs(rhs - x).max() == pytest.approx(share ** (steps + 1), abs=1e-15)


def test_what_is_not_finite_is_not_refined():
    factor = Rough(np.nan)
    _, error, taken = refine(
        factor,
        factor.solve(np.ones((3, 1))),
        lambda x: 1 - x,
        lambda x, residual: float(np.abs(residual).max()),
        goal=1e-9,
        max_steps=6,
    )
    assert np.isnan(error)
    assert (taken, factor.solves) == (0, 1)
