"""Gram matrices that are kept, so that a search over penalties forms each of them once.

``GridSearchCV`` clones its estimator and cuts its data anew for every candidate: only the contents
tell that the same matrix has come back. Reading them costs a tenth of a Gram matrix of 1000
columns, so wider ones are fingerprinted at once; of others only a few entries are compared until a
matrix with the same ones comes back. A single fit then costs nothing more, and a search forms the
Gram matrix of each fold twice.

What is kept is what was computed: a hit and a miss give the same bits.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from copy import deepcopy

import numpy as np

from skstruct.linalg._config import get_config
from skstruct.linalg._fingerprint import can_fingerprint, fingerprint
from skstruct.linalg._operand import Operand

# Gram matrices of data below this size are formed faster than they are found.
MIN_BYTES = 2**20
# A fingerprint is taken at first sight if it costs at most this share of the Gram matrix. For an
# entry of the data: 1.1 ns (two threads; 40 000 x 300 in 13 ms) against p / 90 ns.
MAX_SHARE = 0.1
FINGERPRINT_SECONDS = 1.1e-9
# Entries compared at first sight, and how many such samples are remembered.
N_SAMPLED = 64
N_SIGHTS = 4096

# What an operand learns in a pass over its data.
LEARNED = ("mean", "column_sq_norms", "sq_norm")


class FactorCache:
    """Arrays by key, the least recently used of which make room for new ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[bytes, tuple[tuple, dict, int]] = OrderedDict()
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._n_bytes = 0
        self.hits = self.misses = 0

    @property
    def n_bytes(self) -> int:
        """Bytes held."""
        return self._n_bytes

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._seen.clear()
            self._n_bytes = self.hits = self.misses = 0

    def get(self, key: bytes) -> tuple[tuple, dict] | None:
        """Return what was put, and mark it as used."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                self.misses += 1
                return None
            self.hits += 1
            self._entries.move_to_end(key)
            return entry[:2]

    def put(self, key: bytes, arrays: tuple[np.ndarray, ...], learned: dict) -> None:
        """Keep arrays, which must not be changed any more, within the limit."""
        limit = get_config().factor_cache
        size = sum(array.nbytes for array in (*arrays, *learned.values()) if np.ndim(array))
        if size > limit:
            return
        for array in arrays:
            array.flags.writeable = False
        with self._lock:
            if key in self._entries:
                self._n_bytes -= self._entries.pop(key)[2]
            self._entries[key] = (arrays, learned, size)
            self._n_bytes += size
            while self._n_bytes > limit:
                self._n_bytes -= self._entries.popitem(last=False)[1][2]

    def saw_before(self, sample: bytes) -> bool:
        """Whether this sample was asked about before."""
        with self._lock:
            known = sample in self._seen
            self._seen[sample] = None
            self._seen.move_to_end(sample)
            if len(self._seen) > N_SIGHTS:
                self._seen.popitem(last=False)
            return known


CACHE = FactorCache()


def normal_equations(operand: Operand, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ``operand.normal_equations(Y)``, kept or new."""
    order = operand.shape[1]
    return _remembered(operand, "A'A, A'Y", (Y,), lambda: operand.normal_equations(Y), order)


def gram(operand: Operand) -> np.ndarray:
    """Return ``operand.gram()``, kept or new."""
    return _remembered(operand, "A'A", (), lambda: (operand.gram(),), operand.shape[1])[0]


def outer_gram(operand: Operand) -> np.ndarray:
    """Return ``operand.outer_gram()``, kept or new."""
    return _remembered(operand, "AA'", (), lambda: (operand.outer_gram(),), operand.shape[0])[0]


def _remembered(
    operand: Operand,
    what: str,
    others: tuple[np.ndarray, ...],
    compute: Callable[[], tuple[np.ndarray, ...]],
    order: int,
) -> tuple[np.ndarray, ...]:
    key = _key(operand, what, others, order)
    if key is None:
        return compute()
    kept = CACHE.get(key)
    if kept is not None:
        vars(operand).update(deepcopy(kept[1]))
        return kept[0]
    arrays = compute()
    # Copies: estimators hand means to their users, who may change them.
    learned = {name: deepcopy(vars(operand)[name]) for name in LEARNED if name in vars(operand)}
    CACHE.put(key, arrays, learned)
    return arrays


def _key(operand: Operand, what: str, others: tuple[np.ndarray, ...], order: int) -> bytes | None:
    """Return the key of a result, None if it is not worth one (yet)."""
    if not get_config().factor_cache or operand.structure.stored_bytes < MIN_BYTES:
        return None
    buffers = operand.buffers()
    if not buffers:
        return None
    weights = () if operand.weights is None else (operand.weights,)
    arrays = (*buffers, *weights, *others)
    if not all(can_fingerprint(array) for array in arrays):
        return None
    facts = (
        what,
        type(operand).__name__,
        operand.shape,
        operand.structure.centered,
        operand.single,
        # Sums about a mean that was known are rounded otherwise.
        np.asarray(operand.mean).tobytes() if "mean" in vars(operand) else None,
    )
    share = FINGERPRINT_SECONDS / (order / get_config().machine.blas3)
    if share > MAX_SHARE and not CACHE.saw_before(_sample(arrays, facts)):
        return None
    return fingerprint(arrays, *facts)


def _sample(arrays: tuple[np.ndarray, ...], facts: tuple) -> bytes:
    """Return a digest of a few entries of each array."""
    entries = []
    for array in arrays:
        flat = array.reshape(-1, order="C" if array.flags.c_contiguous else "F")
        step = max(1, len(flat) // N_SAMPLED)
        entries.append(np.ascontiguousarray(flat[::step]))
    return fingerprint(entries, *facts)
