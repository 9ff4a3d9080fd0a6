"""Where the rows of data come from that does not fit in memory.

A source reads every row once, in order, as often as it is asked to. Whatever it reads from, it
hands out chunks that are float32 or float64, dense or CSR, and finite.
"""

from __future__ import annotations

import mmap
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping, Set
from itertools import cycle, pairwise

import numpy as np
from scipy import sparse

from skstruct.linalg._config import get_config
from skstruct.linalg._prefetch import read_ahead

# Bytes of a chunk in float64. Of a memory-mapped 1 GB file with 100 columns, in chunks of 8, 16,
# 32, 64, 128 MB: A'A takes 0.63, 0.57, 0.48, 0.46, 0.44 s, A'A V with 10 columns 0.42, 0.31, 0.34,
# 0.34, 0.31 s (two cores), and the process grows by 70, 130, 110, 200, 370 MB.
CHUNK_BYTES = 32 * 2**20
# With many columns it takes 2 p rows to outweigh that p x p matrices are added up: A'A of 1 GB with
# 2000 columns takes 15, 7.6, 5.7, 5.8 s in chunks of p/2, p, 2 p, 4 p rows. Up to this size.
MAX_CHUNK_BYTES = 128 * 2**20
# Two chunks are alive at a time, and as much again for what is computed of them.
MEMORY_SHARE = 4

# Memory-mapped files from this size are read in chunks. A smaller one is an array like others: if
# it is in the system's cache products need not wait for a copy (of 1 GB: A'A 0.26 s instead of
# 0.48, A'A V 0.14 s instead of 0.34), but all of it stays in memory.
MAPPED_BYTES = 2**30

# Modes in which the file has, or will get, every page that is dropped from memory. Pages of a
# copy-on-write mapping ("c") exist nowhere else.
DROPPABLE_MODES = ("r", "r+", "w+")

# Rows that an error about their numbers names.
NAMED_ROWS = 5

Chunks = Generator[tuple[slice, np.ndarray | sparse.csr_array], None, None]


class RowSource(ABC):
    """The rows of an n x p matrix X, in chunks.

    Attributes
    ----------
    shape : tuple of int
        (n, p).
    dtype : dtype
        float32 or float64, as the chunks are.
    nnz : int or None
        Number of stored entries if every chunk is sparse, else None.
    """

    shape: tuple[int, int]
    dtype: np.dtype
    nnz: int | None = None

    @abstractmethod
    def read(self) -> Chunks:
        """Yield the slices of consecutive rows, and the rows, in this thread.

        A chunk is valid until the next one is asked for.
        """

    def chunks(self) -> Iterator[tuple[slice, np.ndarray | sparse.csr_array]]:
        """Yield what `read` yields; the next chunk is read while the current one is used."""
        return read_ahead(self.read)


class ArrayRows(RowSource):
    """Rows of anything with a shape, a dtype and ``X[start:stop]``: HDF5 datasets, zarr arrays.

    Parameters
    ----------
    X : object of shape (n, p)
        Of real numbers. What is neither float32 nor float64 is converted chunk by chunk.
    first_row : int
        The number by which the first row of X is known to the caller.
    """

    def __init__(self, X: object, first_row: int = 0) -> None:
        _require_matrix(X.shape)
        self.X = X
        self.shape = tuple(X.shape)
        self.dtype = _working_dtype(X.dtype)
        self._first_row = first_row

    def read(self) -> Chunks:
        for own_rows in row_slices(self.shape):
            rows = _shifted(own_rows, self._first_row)
            block = self.X[own_rows]
            if np.ma.is_masked(block):
                raise ValueError(f"Input contains missing values in rows {_name(rows)}.")
            block = np.asarray(block, dtype=self.dtype)
            if block.shape != (rows.stop - rows.start, self.shape[1]):
                raise ValueError(
                    f"rows {_name(rows)} of a {type(self.X).__name__} of shape {self.shape} "
                    f"have the shape {block.shape}"
                )
            yield rows, _finite(block, rows)


class MappedRows(ArrayRows):
    """Rows of a memory-mapped file, of which no more than the chunks stays in memory.

    X is a memmap or a view of one. Its rows are copied and the pages they came from are dropped,
    or else a pass would fill the memory that the process may use, although the file can be read
    again. In Fortran order every chunk takes a piece of every column, which is slow if the columns
    are short.
    """

    def read(self) -> Chunks:
        all_rows, p = row_slices(self.shape), self.shape[1]
        # Two buffers in turn: copying 1 GB takes 0.13 s, to new arrays 0.33 s. In one array, as
        # glibc gives memory back to the system at once only if it is more than 32 MB.
        size = max(rows.stop - rows.start for rows in all_rows) * p
        buffers = cycle(np.empty((min(2, len(all_rows)), size), self.dtype))
        order = "F" if self.X.flags.f_contiguous and not self.X.flags.c_contiguous else "C"
        for own_rows, buffer in zip(all_rows, buffers, strict=False):
            n_rows = own_rows.stop - own_rows.start
            block = buffer[: n_rows * p].reshape((n_rows, p), order=order)
            np.copyto(block, self.X[own_rows])
            self._drop_pages()
            rows = _shifted(own_rows, self._first_row)
            yield rows, _finite(block, rows)

    def _drop_pages(self) -> None:
        mapping = getattr(self.X, "_mmap", None)
        if self.X.mode in DROPPABLE_MODES and mapping and hasattr(mmap, "MADV_DONTNEED"):
            mapping.madvise(mmap.MADV_DONTNEED)


class BlockRows(RowSource):
    """Rows that come in blocks, which are first read once to learn how many there are.

    Parameters
    ----------
    blocks : iterable
        Matrices with equally many columns: arrays, memory-mapped ones, HDF5 datasets, sparse
        matrices. Iterating over it again must give the same blocks. Large dense blocks are cut.
    """

    def __init__(self, blocks: Iterable) -> None:
        if iter(blocks) is blocks:
            raise TypeError(
                f"a {type(blocks).__name__} can be iterated over only once, and the data is read "
                "several times: pass a list of blocks, or an object whose __iter__ starts anew, "
                "or call PCA.partial_fit block by block."
            )
        self.blocks = blocks
        n_rows, n_columns, nnz, dtypes = 0, None, 0, set()
        for index, block in self._validated(None):
            n_rows += block.shape[0]
            n_columns = block.shape[1]
            nnz = nnz + block.nnz if sparse.issparse(block) and nnz is not None else None
            dtypes.add(_working_dtype(block.dtype, f"block {index}"))
        if n_rows == 0:
            raise ValueError("Found array with 0 sample(s): no block has any rows.")
        _require_matrix((n_rows, n_columns))
        self.shape = (n_rows, n_columns)
        self.dtype = np.result_type(*dtypes)
        self.nnz = nnz

    def read(self) -> Chunks:
        start = 0
        for _, block in self._validated(self.shape[1]):
            if start + block.shape[0] > self.shape[0]:
                start += block.shape[0]
                break
            yield from _chunks_of(block, start)
            start += block.shape[0]
        if start != self.shape[0]:
            raise ValueError(
                f"the blocks had {self.shape[0]} rows when they were read first and now have "
                f"{'at least ' if start > self.shape[0] else ''}{start}"
            )

    def _validated(self, n_columns: int | None) -> Iterator[tuple[int, object]]:
        """Yield the blocks that have rows, as arrays if they are neither that nor sparse."""
        for index, given in enumerate(self.blocks):
            is_array = isinstance(getattr(given, "dtype", None), np.dtype)
            block = given if is_array else np.asarray(given)
            if len(block.shape) != 2:
                raise ValueError(
                    f"block {index} has the shape {tuple(block.shape)}; a block is 2-dimensional"
                )
            n_columns = block.shape[1] if n_columns is None else n_columns
            if block.shape[1] != n_columns:
                raise ValueError(
                    f"block {index} has {block.shape[1]} columns, those before it have {n_columns}"
                )
            if block.shape[0] > 0:
                yield index, block


def row_source(X: object) -> RowSource | None:
    """Return a source of the rows of X if it is to be read in chunks, else None.

    Parameters
    ----------
    X : object
        A source is made of a memory-mapped array of at least `MAPPED_BYTES`, of an array store
        (it has a shape, a numpy dtype and row slices, but no arithmetic: HDF5, zarr), and of an
        iterable of 2-dimensional blocks. Arrays, sparse matrices, data frames and lists of
        numbers are none.

    Returns
    -------
    RowSource or None

    Examples
    --------
    >>> import numpy as np
    >>> from skstruct.linalg import row_source
    >>> row_source([np.ones((3, 2)), np.ones((4, 2))]).shape
    (7, 2)
    >>> row_source([[1.0, 2.0], [3.0, 4.0]]) is None
    True
    """
    if isinstance(X, RowSource):
        return X
    if isinstance(X, np.ndarray):
        return MappedRows(X) if _is_large_mapping(X) else None
    if sparse.issparse(X):
        return None
    if _is_store(X):
        return ArrayRows(X)
    if _holds_blocks(X):
        return BlockRows(X)
    return None


def row_blocks(X: np.ndarray | sparse.sparray | RowSource) -> Iterator[tuple[slice, object]]:
    """Yield slices of consecutive rows, and the rows: of a source, an array or a sparse matrix."""
    if isinstance(X, RowSource):
        yield from X.chunks()
    else:
        X = X.tocsr() if sparse.issparse(X) else X
        for rows in row_slices(X.shape):
            yield rows, X[rows]


def row_slices(shape: tuple[int, int]) -> list[slice]:
    """Cut the rows of a matrix into nearly equal chunks."""
    n, p = shape
    n_bytes = min(max(CHUNK_BYTES, 8 * p * 2 * p), MAX_CHUNK_BYTES)
    limit = get_config().memory_limit
    if limit is not None:
        n_bytes = min(n_bytes, int(limit) // MEMORY_SHARE)
    size = max(1, n_bytes // (8 * p))
    n_chunks = -(-n // size)
    return [slice(*bounds) for bounds in pairwise(n * i // n_chunks for i in range(n_chunks + 1))]


def _is_large_mapping(X: np.ndarray) -> bool:
    is_mapped = isinstance(X, np.memmap) and X._mmap is not None
    return is_mapped and X.ndim == 2 and X.nbytes >= MAPPED_BYTES


def _is_store(X: object) -> bool:
    # Arrays in memory (of pandas, jax, torch, dask, ...) can be added, stores cannot.
    return (
        isinstance(getattr(X, "dtype", None), np.dtype)
        and isinstance(getattr(X, "shape", None), tuple)
        and hasattr(X, "__getitem__")
        and not hasattr(X, "__add__")
    )


def _holds_blocks(X: object) -> bool:
    if isinstance(X, (str, bytes, Mapping, Set, type)) or not hasattr(X, "__iter__"):
        return False
    if any(hasattr(X, name) for name in ("shape", "__array__", "__array_interface__")):
        return False
    if not (hasattr(X, "__len__") and hasattr(X, "__getitem__")):
        return True
    # A sequence: numpy makes an array of it, unless it is one of matrices.
    return len(getattr(next(iter(X), None), "shape", ())) == 2


def _chunks_of(block: object, start: int) -> Chunks:
    """Yield a block in chunks, whose rows are counted from `start`."""
    if sparse.issparse(block):
        rows = slice(start, start + block.shape[0])
        block = sparse.csr_array(block).astype(_working_dtype(block.dtype), copy=False)
        yield rows, _finite(block, rows)
        return
    kind = MappedRows if _is_large_mapping(block) else ArrayRows
    yield from kind(block, start).read()


def _working_dtype(dtype: np.dtype, name: str = "X") -> np.dtype:
    """Return the dtype in which numbers of this one are handed out."""
    if dtype.kind == "f" and dtype.itemsize <= 4:
        return np.dtype(np.float32)
    if dtype.kind in "fiub":
        return np.dtype(np.float64)
    raise ValueError(f"{name} must hold real numbers, its dtype is {dtype}")


def _require_matrix(shape: tuple[int, ...]) -> None:
    if len(shape) != 2:
        raise ValueError(f"Expected 2D array, got {len(shape)}D array instead: shape {shape}.")
    for length, what in zip(shape, ("sample", "feature"), strict=True):
        if length == 0:
            raise ValueError(
                f"Found array with 0 {what}(s) (shape={tuple(shape)}) while a minimum of 1 is "
                "required."
            )


def _finite(block: np.ndarray | sparse.csr_array, rows: slice) -> np.ndarray | sparse.csr_array:
    """Return the block, which holds these rows, if all of its numbers are finite."""
    numbers = block.data if sparse.issparse(block) else block
    with np.errstate(over="ignore", invalid="ignore"):
        # The sum costs 1.5 ms of 32 MB; only if it is not finite look at every number.
        if np.isfinite(numbers.sum()):
            return block
    bad = ~np.isfinite(numbers)
    if not bad.any():
        return block
    found = np.flatnonzero(bad) if numbers.ndim == 1 else np.flatnonzero(bad.any(axis=1))
    if sparse.issparse(block):
        found = np.unique(np.searchsorted(block.indptr, found, side="right") - 1)
    what = "NaN" if np.isnan(numbers).any() else "infinity"
    named = ", ".join(str(rows.start + row) for row in found[:NAMED_ROWS])
    more = f" and {len(found) - NAMED_ROWS} more" if len(found) > NAMED_ROWS else ""
    raise ValueError(
        f"Input contains {what} in row {named}{more} (of rows {_name(rows)}, those after them "
        "were not read)."
    )


def _shifted(rows: slice, by: int) -> slice:
    return slice(rows.start + by, rows.stop + by)


def _name(rows: slice) -> str:
    return f"{rows.start} to {rows.stop - 1}"
