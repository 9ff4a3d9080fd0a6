"""Which solves leave BLAS its threads."""

import numpy as np
import pytest
from matrix_cases import dominant
from threadpoolctl import threadpool_info, threadpool_limits

from skstruct import config_context
from skstruct.linalg import Banded, BlockDiagonal, Kronecker, LowRankPlusDiagonal, Triangular
from skstruct.linalg.matrices import Dense
from skstruct.linalg.matrices._dense import DenseLU


def blas_threads():
    return {
        library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    }


class _Watching(DenseLU):
    """Remembers how many threads BLAS had."""

    seen: set

    def solve(self, rhs):
        type(self).seen = blas_threads()
        return super().solve(rhs)


def watched(order):
    kind = type("Watched", (Dense,), {"routes": (_Watching,)})
    return kind(dominant("float64", order))


def test_a_limit_is_kept_and_what_was_found_restored():
    with threadpool_limits(2, "blas"):
        before = blas_threads()
        with config_context(blas_threads=1):
            watched(1000).solve(np.ones(1000))
        assert _Watching.seen == {1}
        assert blas_threads() == before


def test_small_matrices_pay_for_nothing():
    with threadpool_limits(2, "blas"):
        before = blas_threads()
        watched(20).solve(np.ones(20))
        assert _Watching.seen == before


@pytest.mark.parametrize(
    ("matrix", "order"),
    [
        (Kronecker(np.eye(3), np.eye(5)), 5),
        (Kronecker(np.eye(3), np.eye(5)).shift(1.0), 5),
        (BlockDiagonal([np.eye(2), np.eye(50)]), 50),
        (BlockDiagonal([]), 0),
        (Triangular(np.eye(7)), 7),
        (LowRankPlusDiagonal(np.ones(30), np.ones((30, 2))), 2),
        (Banded((1, 1), np.ones((3, 9))), 0),
    ],
)
def test_what_blas_works_on(matrix, order):
    assert matrix._blas_order == order
