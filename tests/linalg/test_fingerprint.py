"""Fingerprints of arrays: equal contents give equal ones, and nothing else does."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from skstruct.linalg._fingerprint import BLOCK_WORDS, TASK_WORDS, can_fingerprint, fingerprint

LENGTHS = [0, 1, 7, BLOCK_WORDS, BLOCK_WORDS + 1, TASK_WORDS + 3]


def numbers(length, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).standard_normal(length).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, np.uint8])
@pytest.mark.parametrize("length", LENGTHS)
def test_copies_have_the_same_and_changed_entries_another_one(length, dtype):
    array = (100 * numbers(length)).astype(dtype)
    assert fingerprint((array,)) == fingerprint((array.copy(),))
    for i in {0, length // 2, length - 1} if length else ():
        changed = array.copy()
        changed[i] += 1
        assert fingerprint((changed,)) != fingerprint((array,))


@pytest.mark.parametrize("places", [(0, 1), (3, BLOCK_WORDS - 1), (1, 2, 3, 4)])
@pytest.mark.parametrize("bit", [0, 1, 31, 34, 52, 62, 63])
def test_the_same_bit_flipped_in_several_words_is_seen(places, bit):
    # Sums of odd multiples modulo 2^64 would lose the highest bit of an even number of words.
    words = numbers(BLOCK_WORDS).view(np.uint64)
    changed = words.copy()
    changed[list(places)] ^= np.uint64(1 << bit)
    assert fingerprint((changed,)) != fingerprint((words,))


def test_exchanged_entries_blocks_and_arrays_are_seen():
    array = numbers(3 * BLOCK_WORDS)
    whole = fingerprint((array,))
    for a, b in ((0, 1), (5, BLOCK_WORDS + 5)):
        changed = array.copy()
        changed[[a, b]] = changed[[b, a]]
        assert fingerprint((changed,)) != whole
    blocks = array.reshape(3, BLOCK_WORDS)
    assert fingerprint((blocks[[1, 0, 2]],)) != fingerprint((blocks,))
    first, second = array[:10], array[10:20]
    assert fingerprint((first, second)) != fingerprint((second, first))
    assert fingerprint((array[:20],)) != fingerprint((first, second))


def test_shape_type_order_and_facts_belong_to_it():
    array = numbers(64)
    square = array.reshape(8, 8)
    found = {
        fingerprint((array,)),
        fingerprint((square,)),
        fingerprint((array.reshape(4, 16),)),
        fingerprint((array.view(np.int64),)),
        fingerprint((np.asfortranarray(square.T.copy().T),)),
        fingerprint((square,), True),
        fingerprint((square,), False),
    }
    assert len(found) == 7
    zeros = fingerprint((np.zeros(5),))
    assert fingerprint((-np.zeros(5),)) != zeros  # other bits


def test_threads_do_not_change_it():
    array = numbers(5 * TASK_WORDS + 11)
    whole = fingerprint((array,))
    with threadpool_limits(1):
        assert fingerprint((array,)) == whole


def test_only_contiguous_memory_can_be_read():
    square = numbers(64).reshape(8, 8)
    assert can_fingerprint(square)
    assert can_fingerprint(square.T)
    assert not can_fingerprint(square[::2, ::2])
