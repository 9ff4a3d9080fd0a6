"""The determinant of what a factorisation consists of."""

import numpy as np
import pytest

from skstruct.linalg.matrices._determinants import permutation_sign, sign_and_log


def test_determinants():
    assert sign_and_log(np.array([2.0, -4.0])) == (-1.0, pytest.approx(np.log(8)))
    assert sign_and_log(np.array([2.0, 0.0])) == (0.0, -np.inf)
    assert sign_and_log(np.array([1j, 1j]), -1.0)[0] == pytest.approx(1.0)
    assert sign_and_log(np.array([])) == (1.0, 0.0)
    for seed in range(6):
        order = np.random.default_rng(seed).permutation(9)
        assert permutation_sign(order) == pytest.approx(np.linalg.det(np.eye(9)[order]))
