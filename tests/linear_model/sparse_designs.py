"""One table of sparse designs as they occur in practice, and those of the papers on LSQR and LSMR.

To test another kind of design, add a row; every solver then runs on it.
"""

import importlib
import inspect
import re

import numpy as np
from scipy import sparse

MODULES = ["calendar", "shlex", "textwrap"]


def _rng(seed=0):
    return np.random.default_rng(seed)


def _random(n, p, density=0.02, seed=0):
    """Counts of entries that differ between columns as in text."""
    rng = _rng(seed)
    nnz = int(density * n * p)
    columns = np.minimum(rng.zipf(1.3, nnz) - 1, p - 1)
    return sparse.csr_array(
        (rng.standard_normal(nnz), (rng.integers(0, n, nnz), columns)), shape=(n, p)
    )


def tf_idf():
    """Paragraphs of the source of standard modules as rows of unit norm, its words as columns."""
    rows, columns, vocabulary, count = [], [], {}, 0
    for module in MODULES:
        source = inspect.getsource(importlib.import_module(module))
        for paragraph in re.split(r"\n\s*\n", source):
            words = re.findall(r"[a-z_]{3,}", paragraph.lower())
            rows += [count] * len(words)
            columns += [vocabulary.setdefault(word, len(vocabulary)) for word in words]
            count += bool(words)
    counts = sparse.csr_array((np.ones(len(rows)), (rows, columns)))
    frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    X = sparse.csr_array(counts * np.log(1 + count / frequency))
    norms = np.sqrt(X.multiply(X).sum(axis=1))
    return sparse.csr_array(X / norms[:, None])


def one_hot():
    """Two categorical features, of 100 000 and of 50 levels."""
    rng = _rng()
    n = 120_000
    many, few = rng.permutation(n) % 100_000, rng.integers(0, 50, n)
    indices = np.column_stack([many, 100_000 + few]).ravel()
    return sparse.csr_array((np.ones(2 * n), indices, np.arange(0, 2 * n + 1, 2)))


def finite_differences():
    """The five-point Laplacian of a 24 x 24 grid."""
    line = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(24, 24))
    eye = sparse.eye_array(24)
    return sparse.csr_array(sparse.kron(line, eye) + sparse.kron(eye, line))


def badly_scaled():
    return sparse.csr_array(_random(600, 80, 0.1) * np.logspace(-6, 6, 80))


def dense_rows():
    return sparse.vstack([_random(2000, 600), _rng(1).standard_normal((3, 600))], format="csr")


def dense_columns():
    rng = _rng(1)
    columns = np.column_stack([rng.standard_normal(2000), rng.uniform(1, 2, 2000)])
    return sparse.hstack([_random(2000, 600), sparse.coo_array(columns)], format="csr")


def rank_deficient():
    X = _random(800, 100, 0.05)
    return sparse.hstack([X, X[:, :10], X[:, :5] + X[:, 5:10]], format="csr")


def empty_lines():
    X = _random(800, 200).tolil()
    X[::7] = 0
    X[:, ::5] = 0
    return sparse.csr_array(X.tocsr())


def explicit_zeros():
    X = _random(500, 100)
    X.data[::3] = 0.0
    return X


def duplicates():
    X = _random(500, 100).tocsr()
    # every entry as two that add up to it
    data, indices = np.repeat(0.5 * X.data, 2), np.repeat(X.indices, 2)
    return sparse.csr_array((data, indices, 2 * X.indptr), shape=X.shape)


def long_indices():
    X = _random(500, 100)
    long = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return sparse.csr_array((X.data, *long), shape=X.shape)


def by_columns():
    return _random(700, 150).tocsc()


def single_precision():
    return _random(700, 150).astype(np.float32)


def wide():
    return _random(150, 900)


def lower_bidiagonal(m=60, n=40):
    """1, 2, 3, ... on the diagonal and below it, as in the tests of LSMR."""
    numbers = np.arange(1.0, min(m, n) + 1)
    below = np.arange(1.0, min(m - 1, n) + 1)
    return sparse.csr_array(sparse.diags_array([numbers, below], offsets=[0, -1], shape=(m, n)))


def short_bidiagonal():
    return lower_bidiagonal(40, 60)


def householder(m=60, n=40, repeats=4, power=2):
    """A = Y D Z with Householder reflections Y, Z and (i / n)^power in D, each some times over.

    The test problem of C. C. Paige and M. A. Saunders, "LSQR" (1982), section 8.
    """
    first, second = np.sin(np.arange(1.0, m + 1)), np.cos(np.arange(1.0, n + 1))
    values = (np.ceil(np.arange(1, n + 1) / repeats) * repeats / n) ** power
    D = np.zeros((m, n))
    np.fill_diagonal(D, values)
    return sparse.csr_array(_reflection(first) @ D @ _reflection(second))


def _reflection(vector):
    unit = vector / np.linalg.norm(vector)
    return np.eye(len(unit)) - 2.0 * np.outer(unit, unit)


DESIGNS = {
    "tf-idf": tf_idf,
    "one-hot": one_hot,
    "finite-differences": finite_differences,
    "badly-scaled": badly_scaled,
    "dense-rows": dense_rows,
    "dense-columns": dense_columns,
    "rank-deficient": rank_deficient,
    "empty-lines": empty_lines,
    "explicit-zeros": explicit_zeros,
    "duplicates": duplicates,
    "int64-indices": long_indices,
    "by-columns": by_columns,
    "float32": single_precision,
    "wide": wide,
    "bidiagonal": lower_bidiagonal,
    "short-bidiagonal": short_bidiagonal,
    "householder": householder,
}
