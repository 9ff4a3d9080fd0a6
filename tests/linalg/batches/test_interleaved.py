"""Chunks, blocks and threads: every slice is computed once, to the same bits."""

import threading

import numpy as np
import pytest
from stack_cases import definite_stack, hermitian_stack, random_stack

from skstruct.linalg import batched_cholesky, batched_eigh, batched_solve, batched_svd
from skstruct.linalg.batches import _interleaved, _stacked
from skstruct.linalg.batches._exchange import Exchange
from skstruct.linalg.batches._interleaved import Kernel, run_kernel
from skstruct.linalg.batches._scratch import KEPT_BYTES, Scratch, _idle


def doubled(chunk, scratch):
    source, target = scratch.array((2, 3, chunk), float), scratch.array((3, 2, chunk), float)
    return Kernel(
        (source,), (target,), [lambda: np.multiply(source.transpose(1, 0, 2), 2, out=target)]
    )


@pytest.mark.parametrize("chunk", [1, 2, 5, 7, 100])
@pytest.mark.parametrize("length", [1, 2, 7, 10, 11])
def test_every_slice_is_computed(length, chunk, monkeypatch):
    monkeypatch.setattr(_interleaved, "CHUNK", chunk)
    monkeypatch.setattr(_interleaved, "LOADED", 3)
    stack = random_stack("float64", (length, 2, 3))
    out = np.full((length, 3, 2), np.nan)
    run_kernel(doubled, (stack,), (out,))
    np.testing.assert_array_equal(out, 2 * stack.swapaxes(1, 2))


def answers():
    b = random_stack("float64", (3000, 3, 2), seed=1)
    yield batched_solve(random_stack("float64", (3000, 3, 3)), b)
    yield batched_solve(random_stack("float64", (3000, 12, 12)), np.ones(12))
    yield batched_cholesky(definite_stack("complex64", (3000, 3, 3)))
    yield from batched_eigh(hermitian_stack("float32", (3000, 4, 4)))
    yield from batched_eigh(hermitian_stack("complex128", (300, 9, 9)))
    yield from batched_svd(random_stack("float64", (3000, 3, 4)))


def test_chunks_and_threads_change_no_bit(monkeypatch):
    expected = list(answers())
    for threads, chunk in ((1, 700), (2, 1100), (3, 999)):
        monkeypatch.setattr(_interleaved, "CHUNK", chunk)
        monkeypatch.setattr(_stacked, "BLOCK_FLOPS", 1000.0 * chunk)
        monkeypatch.setattr(_stacked, "allowed_threads", lambda threads=threads: threads)
        for ours, first in zip(answers(), expected, strict=True):
            np.testing.assert_array_equal(ours, first)


def test_the_order_of_bytes_does_not_matter():
    a = definite_stack("float64", (3000, 3, 3))
    for function in (batched_cholesky, batched_eigh, batched_svd):
        expected, ours = function(a), function(a.astype(">f8"))
        np.testing.assert_array_equal(ours[-1], expected[-1])


def test_calls_side_by_side_do_not_disturb_each_other():
    expected, wrong = list(answers()), []

    def work():
        for ours, first in zip(answers(), expected, strict=True):
            if not np.array_equal(ours, first):
                wrong.append(ours)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_arrays_of_a_scratch_do_not_overlap():
    scratch = Scratch()
    arrays = [scratch.array((k, 5), kind) for k in (1, 3, 700) for kind in (float, bool, complex)]
    for number, array in enumerate(arrays):
        array[...] = number % 2
    for number, array in enumerate(arrays):
        assert (array == number % 2).all()
    assert not any(
        np.shares_memory(one, other) for i, one in enumerate(arrays) for other in arrays[:i]
    )


def test_small_buffers_are_kept_and_large_ones_are_not():
    _idle.clear()
    scratch = Scratch()
    kept = scratch.array((1000,), float)
    scratch.give_back()
    assert np.shares_memory(Scratch().array((1000,), float), kept)
    scratch = Scratch()
    scratch.array((KEPT_BYTES + 1,), np.uint8)
    scratch.give_back()
    assert not _idle


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_rows_change_places_where_the_first_is_less(dtype):
    keys = np.array([1.0, 2, 3, 0, np.inf]).astype(np.dtype(dtype).char.lower())
    others = np.array([2.0, 1, 3, 5, 0]).astype(keys.dtype)
    one, other = random_stack(dtype, (3, 5)), random_stack(dtype, (3, 5), seed=1)
    one[1, 0], other[2, 3] = np.nan, -0.0
    expected = np.where(keys < others, other, one), np.where(keys < others, one, other)
    exchange = Exchange(np.empty((4, 5), dtype), Scratch())
    for step in exchange.steps(keys, others, one, other):
        step()
    np.testing.assert_array_equal(one, expected[0])
    np.testing.assert_array_equal(other, expected[1])
