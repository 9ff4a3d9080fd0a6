"""One table of data matrices, with an explicit dense reference for each.

A case is a matrix of `MATRICES` with a treatment of `TREATMENTS`. To test a new kind of data,
add a row; every test of the operands then runs on it, with some of the treatments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from skstruct.linalg import Operand, make_operand
from skstruct.linalg._chunked_operand import ChunkedOperand
from skstruct.linalg._dense_operand import DenseOperand
from skstruct.linalg._sources import BlockRows
from skstruct.linalg._wide_operand import WideDenseOperand

# Offset of the rows of `MATRICES` so named, in units of their spread.
OFFSET = 1e5


def _noise(n, p, seed=0):
    return np.random.default_rng([n, p, seed]).standard_normal((n, p))


def _thinned(n, p, share=0.3):
    """Noise about 1 with only a share of its entries, so that means are not zero."""
    kept = np.random.default_rng([n, p, 1]).random((n, p)) < share
    return (_noise(n, p) + 1.0) * kept


def _with_long_indices(X):
    X = sparse.csr_array(X)
    return sparse.csr_array(
        (X.data, X.indices.astype(np.int64), X.indptr.astype(np.int64)), shape=X.shape
    )


def _with_explicit_zeros(X):
    X = sparse.csr_array(X)
    X.data[::3] = 0.0
    return X


def _not_canonical(X, kind):
    """Every entry as two that add up to it, in descending order of the inner index."""
    X = getattr(sparse, f"{kind}_array")(X)
    lines = [slice(start, stop) for start, stop in zip(X.indptr, X.indptr[1:], strict=False)]
    data = np.concatenate([np.r_[0.75 * X.data[s], 0.25 * X.data[s]][::-1] for s in lines])
    indices = np.concatenate([np.r_[X.indices[s], X.indices[s]][::-1] for s in lines])
    return type(X)((data, indices, 2 * X.indptr), shape=X.shape)


def _unsorted(X, kind):
    """Every entry once, in descending order of the inner index."""
    X = getattr(sparse, f"{kind}_array")(X)
    lines = [slice(start, stop) for start, stop in zip(X.indptr, X.indptr[1:], strict=False)]
    parts = [np.concatenate([part[s][::-1] for s in lines]) for part in (X.data, X.indices)]
    return type(X)((*parts, X.indptr), shape=X.shape)


def _with_empty_lines(n, p):
    X = _thinned(n, p)
    X[[0, n // 2, n - 1]] = 0.0
    X[:, [0, p // 2, p - 1]] = 0.0
    return X


def _rare(n, p):
    """Sparse enough for products of two sparse matrices."""
    return sparse.coo_array(
        sparse.random(
            n,
            p,
            density=0.02,
            random_state=np.random.default_rng(2),
            data_rvs=lambda size: np.random.default_rng(3).uniform(size=size),
        )
    )


MATRICES = {
    "tall": lambda: _noise(90, 7),
    "wide": lambda: _noise(7, 90),
    "square": lambda: _noise(20, 20),
    "fortran-tall": lambda: np.asfortranarray(_noise(90, 7)),
    "fortran-wide": lambda: np.asfortranarray(_noise(7, 90)),
    "float32-tall": lambda: _noise(90, 7).astype(np.float32),
    "float32-wide": lambda: np.asfortranarray(_noise(7, 90).astype(np.float32)),
    "every-other-row": lambda: _noise(180, 7)[::2],
    "columns-reversed": lambda: _noise(90, 7)[:, ::-1],
    "every-other-column-float32": lambda: _noise(9, 120).astype(np.float32)[::-1, ::2],
    "transposed-view": lambda: _noise(7, 90).T,
    "offset-tall": lambda: _noise(90, 7) + OFFSET,
    "offset-wide": lambda: _noise(7, 90) - OFFSET,
    "offset-float32": lambda: (_noise(90, 7) + 1e3).astype(np.float32),
    "offsets-of-many-sizes": lambda: _noise(90, 7) + np.logspace(-3, 5, 7),
    "constant-and-zero-columns": lambda: _noise(30, 6) * [1, 0, 1, 0, 1, 1] + [0, 0.1, 0, 0, 3, 7],
    "one-row": lambda: _noise(1, 9),
    "one-column": lambda: _noise(9, 1),
    "one-entry": lambda: np.array([[3.0]]),
    "zero": lambda: np.zeros((8, 5)),
    # larger than a block, in both directions
    "tall-in-blocks": lambda: _noise(9000, 40) + 3.0,
    "wide-in-blocks": lambda: _noise(40, 9000) + 3.0,
    "fortran-float32-in-blocks": lambda: np.asfortranarray(_noise(9000, 40).astype(np.float32)),
    "csr-tall": lambda: sparse.csr_array(_thinned(90, 7)),
    "csr-wide": lambda: sparse.csr_array(_thinned(7, 90)),
    "csc-tall": lambda: sparse.csc_array(_thinned(90, 7)),
    "csc-wide": lambda: sparse.csc_array(_thinned(7, 90)),
    "csr-float32": lambda: sparse.csr_array(_thinned(90, 7).astype(np.float32)),
    "csr-matrix": lambda: sparse.csr_matrix(_thinned(30, 20)),
    "csc-matrix": lambda: sparse.csc_matrix(_thinned(20, 30)),
    "csr-int64-indices": lambda: _with_long_indices(_thinned(30, 20)),
    "csr-explicit-zeros": lambda: _with_explicit_zeros(_thinned(30, 20)),
    "csr-not-canonical": lambda: _not_canonical(_thinned(30, 20), "csr"),
    "csc-not-canonical": lambda: _not_canonical(_thinned(30, 20), "csc"),
    "csr-unsorted": lambda: _unsorted(_thinned(30, 20), "csr"),
    "csc-unsorted": lambda: _unsorted(_thinned(20, 30), "csc"),
    "csr-unsorted-rare": lambda: _unsorted(_rare(60, 400), "csr"),
    "csr-empty-lines": lambda: sparse.csr_array(_with_empty_lines(30, 20)),
    "csc-empty-lines": lambda: sparse.csc_array(_with_empty_lines(20, 30)),
    "csr-no-entries": lambda: sparse.csr_array((6, 4)),
    "csr-one-row": lambda: sparse.csr_array(_thinned(1, 9, 0.6)),
    "csr-one-column": lambda: sparse.csr_array(_thinned(9, 1, 0.6)),
    "csr-rare-tall": lambda: _rare(400, 60).tocsr(),
    "csr-rare-wide": lambda: _rare(60, 400).tocsr(),
    "csc-rare-float32": lambda: _rare(200, 150).astype(np.float32).tocsc(),
    # a full column far from zero among rare ones
    "csr-offset-column": lambda: sparse.hstack(
        [_rare(400, 60), sparse.coo_array(_noise(400, 1) + OFFSET)], format="csr"
    ),
    "csr-offset": lambda: sparse.csr_array(_noise(90, 7) + OFFSET),
    "csr-in-blocks": lambda: sparse.csr_array(_thinned(12_000, 12, 0.8)),
}

# Those that are also read in chunks.
IN_CHUNKS = [
    "tall",
    "wide",
    "fortran-tall",
    "float32-wide",
    "every-other-row",
    "offset-tall",
    "offsets-of-many-sizes",
    "constant-and-zero-columns",
    "one-row",
    "zero",
    "csr-tall",
    "csc-wide",
    "csr-float32",
    "csr-not-canonical",
    "csr-no-entries",
    "csr-rare-tall",
    "csr-offset-column",
]

# name -> (weights, centring)
TREATMENTS = {
    "plain": (None, None),
    "centered": (None, "own"),
    "given-mean": (None, "given"),
    "weighted": ("positive", None),
    "weighted-centered": ("some zero", "own"),
    "weighted-given-mean": ("some zero", "given"),
}


@dataclass(frozen=True)
class Case:
    """An operand and the same matrix in extended precision.

    `size` bounds the numbers that any way to compute an entry of A has to handle, the largest
    of its column: errors are measured in units of eps times it.
    """

    X: object
    weights: np.ndarray | None
    operand: Operand
    A: np.ndarray
    size: np.ndarray
    mean: np.ndarray

    @property
    def magnitude(self) -> np.ndarray:
        """|A|, and where that vanishes what rounding leaves of it."""
        return abs(self.A) + np.finfo(np.float64).eps * self.size


def as_dense(X):
    """Return X as a dense array, duplicates added up, without touching X."""
    return X.toarray() if sparse.issparse(X) else np.array(X)


def weights_for(kind, n):
    if kind is None:
        return None
    weights = np.random.default_rng([n, 5]).uniform(0.2, 3.0, n)
    if kind == "some zero":
        weights[::3] = 0.0
        weights[-1] = 1.5  # so that no case is without any
    return weights


def read_in_blocks(X, weights=None, **centring):
    """Return the operand that small dense data would have if it were large."""
    kind = DenseOperand if X.shape[0] >= X.shape[1] else WideDenseOperand
    return kind(X, weights, **centring)


def read_in_chunks(X, weights=None, **centring):
    """Return the operand that data would have if it did not fit in memory."""
    n = X.shape[0]
    blocks = [X[: n // 3], X[n // 3 : n // 2], X[n // 2 :]]  # some are empty if n is small
    return ChunkedOperand(BlockRows(blocks), make_operand, weights, **centring)


def make_case(X, weights, centring, make=make_operand):
    """Return the case of a matrix with a treatment."""
    exact = as_dense(X).astype(np.longdouble)
    n, p = exact.shape
    w = np.ones(n, np.longdouble) if weights is None else weights.astype(np.longdouble)
    given = None
    mean = np.zeros(p, np.longdouble)
    if centring == "own":
        mean = (w[:, None] * exact).sum(axis=0) / w.sum()
    elif centring == "given":
        given = exact.mean(axis=0).astype(np.float64) + np.linspace(-1.0, 2.0, p)
        mean = given.astype(np.longdouble)
    root = np.sqrt(w)[:, None]
    operand = make(X, weights, center=centring == "own", mean=given)
    size = root * (abs(exact).max(axis=0) + abs(mean))
    return Case(X, weights, operand, root * (exact - mean), size, mean)


# Those that get every treatment; the others take turns.
FULLY_TREATED = [
    "tall",
    "wide",
    "square",
    "offset-tall",
    "tall-in-blocks",
    "csr-tall",
    "csc-wide",
    "csr-rare-tall",
    "csr-offset-column",
    "csr-in-blocks",
]


def _cases(matrices, make, suffix="", fully=()):
    plain, weighted = list(TREATMENTS)[:3], list(TREATMENTS)[3:]
    cases = {}
    for i, matrix in enumerate(matrices):
        turns = TREATMENTS if matrix in fully else (plain[i % 3], weighted[(i + i // 3) % 3])
        cases |= {f"{matrix}-{treatment}{suffix}": (matrix, treatment, make) for treatment in turns}
    return cases


IN_BLOCKS = [name for name in MATRICES if not name.startswith("cs") and "in-blocks" not in name]

CASES = (
    _cases(MATRICES, make_operand, fully=FULLY_TREATED)
    | _cases(IN_BLOCKS, read_in_blocks, "-as-if-large", fully=["offset-tall"])
    | _cases(IN_CHUNKS, read_in_chunks, "-in-chunks", fully=["tall", "csr-tall", "csc-wide"])
)


def build(name):
    """Return the case of this name in `CASES`."""
    matrix, treatment, make = CASES[name]
    X = MATRICES[matrix]()
    weights, centring = TREATMENTS[treatment]
    return make_case(X, weights_for(weights, X.shape[0]), centring, make)
