"""Matrices of declared structure solve themselves."""

from types import SimpleNamespace

import numpy as np
import pytest

from skstruct.linalg import Certificate, certified_solve, explain, factorize, solve
from skstruct.linalg.matrices import StructuredMatrix


class Scaled(StructuredMatrix):
    """c times the identity."""

    def __init__(self, c, n):
        super().__init__(np.result_type(c, np.float64), (n, n))
        self.c = c

    def _matmat(self, V):
        return self.c * V

    def _transposed(self):
        return self

    def _map(self, function):
        return Scaled(function(np.array(self.c))[()], self.shape[0])

    def _magnitude_sums(self, axis):
        return np.full(self.shape[0], abs(self.c))

    def _scaled(self, c):
        return Scaled(c * self.c, self.shape[0])

    def solve(self, b):
        return b / self.c

    def certified_solve(self, b):
        return SimpleNamespace(x=b / self.c, certificate=Certificate("error", 1e-17, 1e-15))

    def logdet(self):
        return np.sign(self.c) ** self.shape[0], self.shape[0] * np.log(abs(self.c))

    def rcond(self):
        return 1.0


@pytest.mark.parametrize("b", [np.arange(4.0), np.ones((4, 3)), np.arange(4) * 1j])
def test_it_is_asked_for_its_own_solution(b):
    solution = certified_solve(Scaled(2.0, 4), b)
    np.testing.assert_array_equal(solution.x, b / 2)
    np.testing.assert_array_equal(solve(Scaled(2.0, 4), b), b / 2)
    assert solution.solver == "structured"
    assert solution.certificate.value == 1e-17
    assert solution.rcond == 1.0
    assert solution.structure.storage == "structured"
    assert explain(Scaled(2.0, 4), b).chosen == "structured"


def test_its_factorisation():
    F = factorize(Scaled(-2.0, 3))
    np.testing.assert_array_equal(F.solve(np.ones(3)), -0.5 * np.ones(3))
    sign, log = F.logdet()
    assert sign == -1
    assert log == pytest.approx(3 * np.log(2))
    assert F.rcond() == 1.0


def test_the_size_is_checked():
    with pytest.raises(ValueError, match="b must have shape"):
        solve(Scaled(2.0, 4), np.ones(3))
