"""Blocks of slices: their order, and what BLAS may do meanwhile."""

import numpy as np
import pytest
import scipy.linalg  # noqa: F401 - its BLAS must be loaded before the limits are counted
from threadpoolctl import threadpool_info

from skstruct.linalg import config_context
from skstruct.linalg._threads import allowed_threads
from skstruct.linalg.batches import _stacked
from skstruct.linalg.batches._stacked import run_stacked


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


class Recorder:
    """Returns its block and twice that, and notes how many threads BLAS had."""

    def __init__(self):
        self.lengths, self.threads = [], set()

    def __call__(self, stack):
        self.lengths.append(len(stack))
        self.threads |= blas_threads()
        return stack, 2 * stack


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(("length", "blocks"), [(1, 1), (6, 1), (7, 2), (30, 5), (31, 6)])
def test_blocks_are_put_together_in_order(length, blocks, threads, monkeypatch):
    monkeypatch.setattr(_stacked, "allowed_threads", lambda: threads)
    recorder, stack = Recorder(), np.random.default_rng(0).random((length, 2, 2))
    one, two = run_stacked(recorder, (stack,), _stacked.BLOCK_FLOPS / 6)
    np.testing.assert_array_equal(one, stack)
    np.testing.assert_array_equal(two, 2 * stack)
    assert len(recorder.lengths) == blocks


@pytest.mark.parametrize(
    ("length", "lengths"), [(3, [2, 1]), (4, [2, 2]), (5, [3, 2]), (9, [4, 4, 1])]
)
def test_few_slices_are_shared(length, lengths, monkeypatch):
    monkeypatch.setattr(_stacked, "allowed_threads", lambda: 2)
    recorder = Recorder()
    run_stacked(recorder, (np.ones((length, 300, 300)),), 1e9)
    assert sorted(recorder.lengths, reverse=True) == lengths


def test_blas_has_one_thread_while_blocks_have_the_cores():
    recorder = Recorder()
    run_stacked(recorder, (np.ones((7, 2, 2)),), _stacked.BLOCK_FLOPS)
    assert recorder.threads == {1}


def test_blas_has_the_cores_for_few_large_matrices(monkeypatch):
    monkeypatch.setattr(_stacked, "MIN_THREADED_ORDER", 2)
    recorder = Recorder()
    run_stacked(recorder, (np.ones((1, 700, 700)),), _stacked.BLOCK_FLOPS)
    assert recorder.lengths == [1]
    assert recorder.threads == {allowed_threads()}


@pytest.mark.parametrize(("length", "order"), [(1, 2), (7, 2), (1, 700)])
def test_a_limit_is_kept(length, order):
    recorder = Recorder()
    with config_context(blas_threads=1):
        run_stacked(recorder, (np.ones((length, order, order)),), _stacked.BLOCK_FLOPS)
    assert recorder.threads == {1}
