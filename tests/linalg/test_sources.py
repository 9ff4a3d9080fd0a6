"""Sources of rows: every row once, in order, converted, finite, and one chunk ahead."""

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from skstruct.linalg import _sources, config_context, row_source
from skstruct.linalg._prefetch import read_ahead
from skstruct.linalg._sources import ArrayRows, BlockRows, MappedRows, row_slices


class Store:
    """An array on disk, as h5py and zarr show it: no more than row slices can be had."""

    def __init__(self, array):
        self._array = np.asarray(array)
        self.shape, self.dtype = self._array.shape, self._array.dtype
        self.reads = []

    def __getitem__(self, rows):
        assert isinstance(rows, slice)
        assert rows.step is None
        self.reads.append((rows.start, rows.stop))
        return self._array[rows].copy()


class Again:
    """An iterable of blocks that starts anew."""

    def __init__(self, blocks):
        self._blocks = blocks
        self.passes = 0

    def __iter__(self):
        self.passes += 1
        yield from self._blocks


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of ten rows of seven columns."""
    monkeypatch.setattr(_sources, "CHUNK_BYTES", 8 * 7 * 10)
    monkeypatch.setattr(_sources, "MAX_CHUNK_BYTES", 8 * 7 * 10)


def noise(n, p, seed=0):
    return np.random.default_rng([n, p, seed]).standard_normal((n, p))


def mapped(path, X, mode="r+", order="C", offset=0):
    X = np.asarray(X)
    found = np.memmap(path, X.dtype, "w+", offset, X.shape, order)
    found[:] = X
    found.flush()
    return np.memmap(path, X.dtype, mode, offset, X.shape, order)


def collected(chunks):
    """Return all rows as a dense array; they must come once and in order."""
    parts, stop = [], 0
    for rows, block in chunks:
        assert rows.start == stop
        assert block.shape[0] == rows.stop - rows.start > 0
        stop = rows.stop
        parts.append(block.toarray() if sparse.issparse(block) else np.array(block))
    return np.concatenate(parts)


def readers():
    return [thread for thread in threading.enumerate() if thread.name == "skstruct-reader"]


# -- reading ------------------------------------------------------------------------------


SOURCES = {
    "store": lambda X, _: ArrayRows(Store(X)),
    "array": lambda X, _: ArrayRows(np.asfortranarray(X)),
    "mapped": lambda X, path: MappedRows(mapped(path, X)),
    "mapped-fortran": lambda X, path: MappedRows(mapped(path, X, order="F")),
    "mapped-offset": lambda X, path: MappedRows(mapped(path, X, offset=1003)),
    "mapped-rows": lambda X, path: MappedRows(mapped(path, np.repeat(X, 2, axis=0))[1::2]),
    "mapped-reversed": lambda X, path: MappedRows(mapped(path, X[::-1, ::-1])[::-1, ::-1]),
    "mapped-transposed": lambda X, path: MappedRows(mapped(path, X.T).T),
    "mapped-copy-on-write": lambda X, path: MappedRows(mapped(path, X, "c")),
    "blocks": lambda X, _: BlockRows([X[:3], X[3:60], X[60:60], X[60:]]),
    "blocks-anew": lambda X, _: BlockRows(Again([X[:50], X[50:]])),
    "blocks-of-frames": lambda X, _: BlockRows([pd.DataFrame(X[:50]), pl.DataFrame(X[50:])]),
    "blocks-of-sources": lambda X, path: BlockRows([mapped(path, X[:50]), Store(X[50:])]),
    "sparse-blocks": lambda X, _: BlockRows([sparse.csr_array(X[:40]), sparse.coo_array(X[40:])]),
    "mixed-blocks": lambda X, _: BlockRows((X[:40], sparse.csc_matrix(X[40:]))),
}


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.usefixtures("small_chunks")
def test_every_row_is_read_once_in_order(name, order, tmp_path):
    X = np.asarray(noise(93, 7), order=order)
    source = SOURCES[name](X, tmp_path / "data")
    assert source.shape == X.shape
    assert source.dtype == np.float64
    assert source.nnz == (X.size if name == "sparse-blocks" else None)
    for _ in range(2):
        assert np.array_equal(collected(source.chunks()), X)
        assert np.array_equal(collected(source.read()), X)
    assert not readers()


DTYPES = [
    ("float32", "float32"),
    ("float16", "float32"),
    (">f8", "float64"),
    (">f4", "float32"),
    ("longdouble", "float64"),
    ("int64", "float64"),
    ("uint8", "float64"),
    ("bool", "float64"),
]


@pytest.mark.parametrize(("dtype", "expected"), DTYPES)
@pytest.mark.parametrize("name", ["store", "mapped", "mapped-fortran", "blocks"])
def test_numbers_are_converted(name, dtype, expected, tmp_path):
    X = (10 * abs(noise(93, 7))).astype(dtype)
    source = SOURCES[name](X, tmp_path / "data")
    found = [block for _, block in source.read()]
    assert source.dtype == expected
    assert all(block.dtype == source.dtype and block.dtype.isnative for block in found)
    assert np.array_equal(collected(source.chunks()), X.astype(expected))


@pytest.mark.parametrize(("dtype", "expected"), [("float32", "float32"), ("int32", "float64")])
def test_sparse_numbers_are_converted(dtype, expected):
    X = (10 * noise(20, 7)).astype(dtype)
    source = BlockRows([sparse.csr_array(X)])
    (_, block), *_ = source.read()
    assert block.dtype == source.dtype == expected
    assert np.array_equal(block.toarray(), X)


def test_blocks_of_two_precisions_make_float64():
    assert BlockRows([np.ones((2, 3), np.float32), np.ones((2, 3))]).dtype == np.float64
    assert BlockRows([np.ones((2, 3), np.float32), np.ones((2, 3), np.float16)]).dtype == "float32"


def test_chunks_are_cut_by_shape_and_within_the_memory_limit():
    for n, p in [(1, 1), (10**6, 100), (10**7, 3), (5000, 10**6), (3, 10**9)]:
        slices = row_slices((n, p))
        lengths = [rows.stop - rows.start for rows in slices]
        assert [rows.start for rows in slices] == [0, *(rows.stop for rows in slices[:-1])]
        assert slices[-1].stop == n
        assert max(lengths) - min(lengths) <= 1
        assert max(lengths) <= max(_sources.MAX_CHUNK_BYTES // (8 * p), 1)
    assert len(row_slices((10**6, 100))) == -(-8 * 10**8 // _sources.CHUNK_BYTES)
    assert len(row_slices((10**6, 2000))) == 250  # 2 p rows each
    with config_context(memory_limit=10**6):
        slices = row_slices((10**5, 100))
    assert max(rows.stop - rows.start for rows in slices) * 800 <= 250_000
    with config_context(memory_limit=1):
        assert len(row_slices((50, 7))) == 50


def test_the_limit_in_force_where_chunks_are_asked_for_counts():
    store = Store(noise(93, 7))
    with config_context(memory_limit=4 * 560):
        collected(ArrayRows(store).chunks())
    assert len(store.reads) == 10


# -- memory-mapped files ------------------------------------------------------------------


def resident_kilobytes(path):
    """Return how much of the mapping of a file is in memory."""
    found, is_of_file = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0] and not words[0].endswith(":"):
            is_of_file = words[-1] == str(path)
        elif is_of_file and words[0] == "Rss:":
            found += int(words[1])
    return found


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("mode", ["r", "r+"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_pass_leaves_no_pages_in_memory(mode, order, tmp_path, monkeypatch):
    monkeypatch.setattr(_sources, "CHUNK_BYTES", 2**20)
    X = mapped(tmp_path / "data", noise(40_000, 50), mode, order)
    assert X[::100].sum() != 0  # a page of every 10 rows
    assert resident_kilobytes(tmp_path / "data") > 4000
    for _ in MappedRows(X).read():
        assert resident_kilobytes(tmp_path / "data") == 0
    assert resident_kilobytes(tmp_path / "data") == 0


def test_changes_that_are_not_in_the_file_are_kept(tmp_path):
    X = noise(93, 7)
    private = mapped(tmp_path / "data", X, "c")
    shared = mapped(tmp_path / "other", X, "r+")
    for changed in (private, shared):
        changed[5] = 1.0
        for _ in range(2):
            assert np.all(collected(MappedRows(changed).chunks())[5] == 1.0)
        assert np.all(changed[5] == 1.0)


def test_a_system_without_madvise(tmp_path, monkeypatch):
    monkeypatch.delattr(_sources.mmap, "MADV_DONTNEED", raising=False)
    X = noise(93, 7)
    assert np.array_equal(collected(MappedRows(mapped(tmp_path / "data", X)).chunks()), X)


# -- errors -------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.usefixtures("small_chunks")
def test_numbers_that_are_not_finite(name, bad, tmp_path):
    X = noise(93, 7)
    X[71, 3] = X[71, 5] = X[72, 1] = bad
    source = SOURCES[name](X, tmp_path / "data")
    what = "NaN" if np.isnan(bad) else "infinity"
    with pytest.raises(ValueError, match=rf"Input contains {what} in row 71, 72\b"):
        collected(source.chunks())
    assert not readers()


def test_many_bad_rows_are_not_all_named():
    with pytest.raises(ValueError, match="in row 0, 1, 2, 3, 4 and 88 more"):
        collected(ArrayRows(np.full((93, 7), np.nan)).chunks())


@pytest.mark.parametrize(("dtype", "huge"), [("float64", 1e308), ("float32", 3e38)])
def test_huge_numbers_are_finite(dtype, huge):
    X = np.full((93, 7), huge, dtype)
    X[::2] *= -1
    X[:50] = huge
    assert np.array_equal(collected(ArrayRows(X).chunks()), X)


def test_missing_values():
    class Masked(Store):
        def __getitem__(self, rows):
            return np.ma.masked_greater(super().__getitem__(rows), 1.0)

    with pytest.raises(ValueError, match="missing values in rows 0 to 92"):
        collected(ArrayRows(Masked(noise(93, 7))).chunks())
    assert collected(ArrayRows(Masked(np.zeros((9, 7)))).chunks()).shape == (9, 7)


@pytest.mark.parametrize("source", [ArrayRows, lambda X: BlockRows([X])])
@pytest.mark.parametrize("dtype", ["complex128", "object", "U3", "datetime64[s]"])
def test_what_is_no_number(source, dtype):
    with pytest.raises(ValueError, match=r"must hold real numbers, its dtype is"):
        source(np.zeros((3, 2)).astype(dtype))


def test_shapes_that_are_no_matrix():
    for shape in [(3,), (3, 2, 2), ()]:
        with pytest.raises(ValueError, match=f"Expected 2D array, got {len(shape)}D array"):
            ArrayRows(Store(np.zeros(shape)))
    with pytest.raises(ValueError, match=r"0 sample\(s\) \(shape=\(0, 2\)\)"):
        ArrayRows(Store(np.zeros((0, 2))))
    with pytest.raises(ValueError, match=r"0 feature\(s\) \(shape=\(2, 0\)\)"):
        ArrayRows(Store(np.zeros((2, 0))))


def test_a_store_whose_slices_do_not_fit_its_shape():
    class Short(Store):
        def __getitem__(self, rows):
            return super().__getitem__(rows)[:-1]

    with pytest.raises(ValueError, match=r"rows 0 to 8 of a Short .* have the shape \(8, 7\)"):
        collected(ArrayRows(Short(noise(9, 7))).chunks())


def test_blocks_that_do_not_fit_together():
    with pytest.raises(ValueError, match="block 2 has 6 columns, those before it have 7"):
        BlockRows([noise(3, 7), sparse.csr_array(noise(3, 7)), noise(3, 6)])
    with pytest.raises(ValueError, match=r"block 1 has the shape \(7,\); a block is 2-dim"):
        BlockRows([noise(3, 7), noise(3, 7)[0]])
    for blocks in ([], [noise(3, 7)[:0]], Again([])):
        with pytest.raises(ValueError, match=r"0 sample\(s\): no block has any rows"):
            BlockRows(blocks)
    with pytest.raises(ValueError, match=r"0 feature\(s\)"):
        BlockRows([np.empty((3, 0))])


@pytest.mark.parametrize(
    "blocks", [lambda X: iter([X]), lambda X: (b for b in [X]), lambda X: zip(X)]
)
def test_what_can_be_iterated_over_only_once(blocks):
    with pytest.raises(TypeError, match=r"pass a list of blocks, .* or call PCA.partial_fit"):
        row_source(blocks(noise(3, 7)))


@pytest.mark.parametrize(("count", "found"), [(1, "60"), (3, "at least 120")])
def test_blocks_that_change_between_passes(count, found):
    blocks = [noise(60, 7)] * 2
    source = BlockRows(blocks)
    blocks[:] = [noise(60, 7)] * count
    if count == 3:
        source.shape = (100, 7)
    with pytest.raises(ValueError, match=rf"had \d+ rows when .* read first and now have {found}"):
        collected(source.chunks())
    blocks[:] = [noise(60, 8)]
    with pytest.raises(ValueError, match="block 0 has 8 columns"):
        collected(source.chunks())


# -- one chunk ahead ----------------------------------------------------------------------


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_the_next_item_is_made_while_the_current_one_is_used_and_no_other():
    begun = []

    def read():
        for i in range(5):
            begun.append(i)
            yield i

    for i in read_ahead(read):
        wait_for(lambda: len(begun) >= min(i + 2, 5))  # noqa: B023
        time.sleep(0.01)
        assert begun == list(range(min(i + 2, 5)))


def test_at_most_two_chunks_are_alive():
    alive = weakref.WeakSet()

    class Chunk:
        pass

    def read():
        for _ in range(6):
            chunk = Chunk()
            alive.add(chunk)
            yield chunk

    for _ in read_ahead(read):
        gc.collect()
        time.sleep(0.01)
        assert len(alive) <= 2


def test_an_error_of_the_reader_is_raised_where_the_chunk_was_expected():
    def read():
        yield 1
        raise OSError("the disk is gone")

    items = read_ahead(read)
    assert next(items) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(items)
    assert not readers()


@pytest.mark.parametrize("stop", ["break", "close", "error"])
def test_the_thread_ends_with_the_pass(stop):
    opened, closed = [], []

    def read():
        opened.append(threading.get_ident())
        try:
            yield from range(1000)
        finally:
            closed.append(threading.get_ident())

    if stop == "break":
        for i in read_ahead(read):
            if i == 3:
                break
    elif stop == "close":
        items = read_ahead(read)
        next(items)
        assert readers()
        items.close()
    else:
        with pytest.raises(RuntimeError), closing(read_ahead(read)) as items:
            next(items)
            raise RuntimeError
    assert not readers()
    # by the thread that opened it, as a connection to a database demands
    assert opened == closed != [threading.get_ident()]


def test_an_iterator_never_started_starts_no_thread():
    items = read_ahead(lambda: iter(()))
    assert not readers()
    items.close()


@pytest.mark.usefixtures("small_chunks")
def test_several_threads_read_at_once(tmp_path):
    X = noise(93, 7)
    for name, make in SOURCES.items():
        source = make(X, tmp_path / name)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: collected(source.chunks()), range(8)))  # noqa: B023
        assert all(np.array_equal(rows, X) for rows in found)
    assert not readers()


# -- what becomes a source ----------------------------------------------------------------


class OnlyArray:
    def __array__(self, dtype=None, copy=None):
        return np.ones((3, 2))


class Computes(Store):
    """What jax, torch or dask offer: they can be computed with."""

    def __add__(self, other):
        return NotImplemented


class OtherDtype(Store):
    def __init__(self, array):
        super().__init__(array)
        self.dtype = "torch.float64"


class Rows:
    """A sequence of rows, as numpy understands it."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return [1.0, 2.0][: 3 - index]

    def __iter__(self):
        return iter([[1.0, 2.0]] * 3)


NO_SOURCES = {
    "array": lambda: noise(3, 2),
    "three dimensions": lambda: np.ones((3, 2, 2)),
    "masked": lambda: np.ma.masked_invalid(noise(3, 2)),
    "csr": lambda: sparse.csr_array(noise(3, 2)),
    "dok": lambda: sparse.dok_matrix((3, 2)),
    "pandas": lambda: pd.DataFrame(noise(3, 2)),
    "columns with such names": lambda: pd.DataFrame(noise(3, 2), columns=["dtype", "__iter__"]),
    "series": lambda: pd.Series([1.0, 2.0]),
    "polars": lambda: pl.DataFrame(noise(3, 2)),
    "lazy polars": lambda: pl.DataFrame(noise(3, 2)).lazy(),
    "lists": lambda: [[1.0, 2.0], [3.0, 4.0]],
    "tuples": lambda: ((1.0, 2.0), (3.0, 4.0)),
    "numbers": lambda: [1.0, 2.0],
    "nothing": lambda: [],
    "list of 1-d arrays": lambda: list(noise(3, 2)),
    "list of series": lambda: [pd.Series([1.0, 2.0])],
    "list of 3-d arrays": lambda: [np.ones((3, 2, 2))],
    "sequence of rows": Rows,
    "range": lambda: range(3),
    "text": lambda: "abc",
    "texts": lambda: ["a", "b"],
    "bytes": lambda: b"abc",
    "dict": lambda: {"a": noise(3, 2)},
    "set": lambda: {1, 2},
    "number": lambda: 3.0,
    "scalar": lambda: np.float64(3.0),
    "none": lambda: None,
    "class": lambda: Again,
    "only __array__": OnlyArray,
    "computes": lambda: Computes(noise(3, 2)),
    "another dtype": lambda: OtherDtype(noise(3, 2)),
}


@pytest.mark.parametrize("name", NO_SOURCES)
def test_what_scikit_learn_validates_is_no_source(name):
    assert row_source(NO_SOURCES[name]()) is None


def test_what_is_a_source(tmp_path, monkeypatch):
    X = noise(93, 7)
    assert type(row_source(Store(X))) is ArrayRows
    for blocks in ([X], (X,), [sparse.csr_array(X)], Again([X]), [pd.DataFrame(X)], [Store(X)]):
        assert type(row_source(blocks)) is BlockRows
    source = row_source([X])
    assert row_source(source) is source
    X = mapped(tmp_path / "data", X)
    assert row_source(X) is None
    monkeypatch.setattr(_sources, "MAPPED_BYTES", 1)
    assert type(row_source(X)) is MappedRows
    assert type(row_source(X[:, ::2])) is MappedRows
    for no_longer_mapped in (X[[0, 1]], np.asarray(X), X[0], np.empty((9, 2)).view(np.memmap)):
        assert row_source(no_longer_mapped) is None
