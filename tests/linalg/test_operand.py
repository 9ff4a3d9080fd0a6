"""Every operand against the explicit dense matrix in extended precision."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from operand_cases import CASES, MATRICES, as_dense, build, make_case
from scipy import sparse
from threadpoolctl import threadpool_limits

from skstruct.linalg import _sparse_operand, make_operand
from skstruct.linalg._sparse_operand import MAX_CANCELLATION

EPS = np.finfo(np.float64).eps
# Rounding errors allowed, in units of eps times the numbers that were added up.
FACTOR = 16.0
# Of a dense matrix that a test may ask for.
LARGEST_ORDER = 1600

every_case = pytest.mark.parametrize("name", CASES)
# Those whose Gram matrices of p x p, or of n x n, are small enough to be told in extended
# precision.
narrow = pytest.mark.parametrize("name", [n for n in CASES if not n.startswith("wide-in-blocks")])
short = pytest.mark.parametrize("name", [n for n in CASES if "in-blocks" not in n or "wide" in n])
cached = cache(build)


def vectors(rows, columns, seed=0):
    return np.random.default_rng([rows, columns, seed]).standard_normal((rows, columns))


def assert_within(found, exact, numbers):
    """Compare entry by entry; `numbers` holds the sums of the magnitudes that were added up."""
    assert found.dtype == np.float64
    assert found.shape == exact.shape
    assert np.all(np.abs(found - exact) <= FACTOR * EPS * numbers)


def assert_gram(found, exact, case):
    """Compare by norm: what cancels of X'X may not exceed what the operand promises."""
    assert found.dtype == np.float64
    assert found.shape == exact.shape
    np.testing.assert_allclose(found, found.T, rtol=1e-13, atol=FACTOR * EPS * norm(case.A) ** 2)
    allowed = norm(case.magnitude) * norm(case.size)
    if sparse.issparse(case.X):
        allowed += MAX_CANCELLATION * norm(case.A) ** 2
    assert norm(found - exact) <= FACTOR * EPS * allowed


def norm(M):
    return np.sqrt((M * M).sum())


@every_case
def test_facts(name):
    case = cached(name)
    operand, structure = case.operand, case.operand.structure
    dense = as_dense(case.X)
    assert operand.shape == dense.shape == (structure.n_rows, structure.n_columns)
    assert structure.dtype == case.X.dtype.name
    assert structure.is_sparse == sparse.issparse(case.X)
    assert structure.weighted == (case.weights is not None)
    assert structure.centered == ("centered" in name or "given-mean" in name)
    n_observations = dense.shape[0] if case.weights is None else case.weights.sum()
    assert operand.total_weight == pytest.approx(n_observations, rel=1e-15)
    # relative to the largest entry: there a sum of n numbers has its errors
    largest = np.abs(dense).max(axis=0) + np.abs(case.mean)
    assert np.all(np.abs(operand.mean - case.mean) <= FACTOR * EPS * largest)


@every_case
def test_matmat(name):
    case = cached(name)
    for k in (1, 3):
        V = vectors(case.A.shape[1], k)
        assert_within(case.operand.matmat(V), case.A @ V, case.size @ abs(V))


@every_case
def test_rmatmat(name):
    case = cached(name)
    for k in (1, 3):
        U = vectors(case.A.shape[0], k)
        assert_within(case.operand.rmatmat(U), case.A.T @ U, case.size.T @ abs(U))


@every_case
@pytest.mark.parametrize("with_rhs", [False, True])
def test_normal_product(name, with_rhs):
    case = cached(name)
    V = vectors(case.A.shape[1], 3)
    rhs = vectors(case.A.shape[0], 3) if with_rhs else None
    residual = case.A @ V - (0 if rhs is None else rhs)
    errors = case.size @ abs(V) + abs(residual)
    numbers = case.size.T @ abs(residual) + case.magnitude.T @ errors
    before = None if rhs is None else rhs.copy()
    assert_within(case.operand.normal_product(V, rhs), case.A.T @ residual, numbers)
    assert rhs is None or np.array_equal(rhs, before)


@every_case
def test_outer_product(name):
    case = cached(name)
    U = vectors(case.A.shape[0], 3)
    image = case.A.T @ U
    numbers = case.size @ abs(image) + case.magnitude @ (case.size.T @ abs(U))
    assert_within(case.operand.outer_product(U), case.A @ image, numbers)


@every_case
def test_adjoint(name):
    case = cached(name)
    n, p = case.A.shape
    V, U = vectors(p, 2), vectors(n, 2, seed=1)
    left = (case.operand.matmat(V) * U).sum(axis=0)
    right = (V * case.operand.rmatmat(U)).sum(axis=0)
    numbers = (abs(U) * (case.size @ abs(V))).sum(axis=0)
    assert np.all(np.abs(left - right) <= FACTOR * EPS * numbers)


@narrow
def test_gram(name):
    case = build(name)  # a fresh one: gram() also settles other norms
    assert_gram(case.operand.gram(), case.A.T @ case.A, case)
    assert_column_sq_norms(case)


@short
def test_outer_gram(name):
    case = build(name)
    assert_gram(case.operand.outer_gram(), case.A @ case.A.T, case)
    assert case.operand.sq_norm == pytest.approx(float(norm(case.A) ** 2), rel=1e-9)


@narrow
def test_normal_equations(name):
    case = build(name)
    Y = vectors(case.A.shape[0], 2)
    gram, correlations = case.operand.normal_equations(Y)
    assert_gram(gram, case.A.T @ case.A, case)
    assert_within(correlations, case.A.T @ Y, case.size.T @ abs(Y))


def assert_column_sq_norms(case):
    exact = (case.A**2).sum(axis=0)
    found = case.operand.column_sq_norms
    assert found.shape == exact.shape
    assert np.all(found >= 0)
    numbers = (case.magnitude * case.size).sum(axis=0)
    if sparse.issparse(case.X):
        numbers += MAX_CANCELLATION * exact
    assert np.all(np.abs(found - exact) <= FACTOR * EPS * numbers)


@every_case
def test_column_sq_norms(name):
    case = build(name)
    assert_column_sq_norms(case)
    assert case.operand.sq_norm == pytest.approx(float(norm(case.A) ** 2), rel=1e-9, abs=1e-15)


@every_case
def test_row_sq_norms(name):
    case = cached(name)
    numbers = (case.magnitude * case.size).sum(axis=1)
    assert_within(case.operand.row_sq_norms(), (case.A**2).sum(axis=1), numbers)


@every_case
def test_to_dense(name):
    case = cached(name)
    dense = case.operand.to_dense()
    assert_within(dense, case.A, case.size)
    dense[:] = np.nan  # the caller owns it
    assert_within(case.operand.to_dense(), case.A, case.size)


@every_case
def test_dense_blocks(name):
    case = cached(name)
    for min_rows in (1, 50):
        blocks = case.operand.dense_row_blocks(min_rows)
        rows = np.concatenate([np.arange(case.A.shape[0])[block] for block in blocks])
        assert np.array_equal(rows, np.arange(case.A.shape[0]))
        for block in blocks:
            assert_within(case.operand.dense_block(block), case.A[block], case.size[block])


@every_case
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_prepare_targets(name, offset):
    case = cached(name)
    n = case.A.shape[0]
    Y = vectors(n, 2) + offset
    before = Y.copy()
    prepared, means = case.operand.prepare_targets(Y)
    assert np.array_equal(Y, before)
    w = np.ones(n) if case.weights is None else case.weights
    exact, w = Y.astype(np.longdouble), w.astype(np.longdouble)
    mean = (w @ exact) / w.sum() if case.operand.structure.centered else np.zeros(2)
    root = np.sqrt(w)[:, None]
    assert np.all(np.abs(means - mean) <= FACTOR * EPS * abs(exact).max(axis=0))
    assert_within(prepared, root * (exact - mean), root * (abs(exact).max(axis=0) + abs(mean)))


@every_case
def test_the_data_is_never_modified(name):
    case = build(name)
    X = case.X
    parts = [X.data, X.indices, X.indptr] if sparse.issparse(X) else [X]
    before = [part.copy() for part in parts]
    weights = None if case.weights is None else case.weights.copy()
    use_everything(case.operand)
    after = [X.data, X.indices, X.indptr] if sparse.issparse(X) else [X]
    for part, kept, same in zip(after, before, parts, strict=True):
        assert part is same
        assert np.array_equal(part, kept)
    if weights is not None:
        assert np.array_equal(case.weights, weights)


def use_everything(operand):
    """Return the result of every primitive, without matrices of more than 20 MB."""
    n, p = operand.shape
    V, U, rhs = vectors(p, 5), vectors(n, 5), vectors(n, 5, seed=1)
    results = {
        "mean": operand.mean,
        "matmat": operand.matmat(V),
        "rmatmat": operand.rmatmat(U),
        "normal_product": operand.normal_product(V),
        "gradient": operand.normal_product(V, rhs),
        "outer_product": operand.outer_product(U),
        "one column": operand.normal_product(V[:, :1]),
    }
    if p <= LARGEST_ORDER:  # before the norms, which are its diagonal where it was formed
        results["normal_equations"], results["correlations"] = operand.normal_equations(rhs)
        results["gram"] = operand.gram()
    if n <= LARGEST_ORDER:
        results["outer_gram"] = operand.outer_gram()
    results["column_sq_norms"] = operand.column_sq_norms.copy()
    results["sq_norm"] = np.array(operand.sq_norm)
    if n * p <= LARGEST_ORDER**2:
        results["row_sq_norms"] = operand.row_sq_norms()
        results["to_dense"] = operand.to_dense()
    return results


@pytest.mark.parametrize("treatment", ["plain", "weighted-centered"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(90, 7), (7, 90), (9000, 40), (40, 9000)], ids=str)
def test_read_only_data(shape, order, treatment):
    # as joblib hands large arrays to its workers
    X = np.asarray(vectors(*shape), order=order)
    weights = np.linspace(0.1, 2.0, shape[0]) if "weighted" in treatment else None
    center = "centered" in treatment
    expected = use_everything(make_operand(X.copy(order="K"), weights, center=center))
    X.flags.writeable = False
    if weights is not None:
        weights.flags.writeable = False
    found = use_everything(make_operand(X, weights, center=center))
    assert all(np.array_equal(expected[key], found[key]) for key in expected)


@pytest.mark.parametrize("kind", ["csr", "csc"])
@pytest.mark.parametrize("is_canonical", [True, False])
def test_read_only_sparse_data(kind, is_canonical):
    X = MATRICES[f"{kind}-tall" if is_canonical else f"{kind}-not-canonical"]()
    expected = use_everything(make_operand(X.copy(), center=True))
    for part in (X.data, X.indices, X.indptr):
        part.flags.writeable = False
    found = use_everything(make_operand(X, center=True))
    assert all(np.array_equal(expected[key], found[key]) for key in expected)


# The weighted norms of a column that has all its entries: what is left of the weights is zero,
# whatever the order in which they are added.
@pytest.mark.parametrize("seed", range(10))
def test_no_weight_is_left_for_entries_that_are_not_there(seed):
    weights = np.random.default_rng(seed).uniform(0.2, 3.0, 90)
    X = vectors(90, 2) * [1.0, 0.0] + 1e6
    dense = make_operand(X, weights, center=True)
    found = make_operand(sparse.csr_array(X), weights, center=True)
    assert np.all(found.column_sq_norms >= 0)
    np.testing.assert_allclose(found.column_sq_norms, dense.column_sq_norms, rtol=1e-8, atol=1e-15)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("storage", [np.asarray, np.asfortranarray, sparse.csr_array])
@pytest.mark.parametrize("shape", [(777, 5), (7, 90)], ids=str)
def test_constant_columns_are_centred_to_exact_zeros(shape, storage, weighted):
    # A column norm of 1e-17 instead would be taken for a column like any other.
    X = vectors(*shape)
    X[:, 1], X[:, 3] = 0.1, 1e8 / 3
    weights = np.random.default_rng(0).uniform(0.1, 3.0, shape[0]) if weighted else None
    operand = make_operand(storage(X), weights, center=True)
    assert np.array_equal(operand.mean[[1, 3]], X[0, [1, 3]])
    assert np.array_equal(operand.to_dense()[:, [1, 3]], np.zeros((shape[0], 2)))
    assert np.array_equal(operand.column_sq_norms[[1, 3]], np.zeros(2))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(30_000, 4), (1000, 2000)], ids=str)
def test_the_mean_of_many_large_offsets_is_right_to_rounding(shape, weighted):
    X = vectors(*shape) + 1e8
    w = np.random.default_rng(0).uniform(0.1, 3.0, shape[0]) if weighted else np.ones(shape[0])
    operand = make_operand(X, w if weighted else None, center=True)
    exact = w.astype(np.longdouble) @ X.astype(np.longdouble) / w.astype(np.longdouble).sum()
    assert np.all(np.abs(operand.mean - exact) <= 2 * EPS * 1e8)


def test_overwriting_a_result_leaves_the_operand_alone():
    for name in ("tall-centered", "wide-plain", "csr-tall-centered", "tall-plain"):
        operand = build(name).operand
        first = {key: value.copy() for key, value in use_everything(operand).items()}
        owned = first.keys() - {"mean", "column_sq_norms", "sq_norm"}
        results = use_everything(operand)
        for key in owned:
            results[key][:] = np.nan
        again = use_everything(operand)
        assert all(np.array_equal(first[key], again[key]) for key in first), name


# -- whatever the threads -----------------------------------------------------------------


def rare_with_many_entries(n, p, density):
    rng = np.random.default_rng(0)
    return sparse.csr_array(sparse.random(n, p, density=density, random_state=rng))


IN_BLOCKS = {
    "tall": lambda: vectors(30_000, 40),
    "tall-float32-fortran": lambda: np.asfortranarray(vectors(30_000, 40).astype(np.float32)),
    "wide": lambda: vectors(40, 30_000),
    "wide-float32-fortran": lambda: np.asfortranarray(vectors(40, 30_000).astype(np.float32)),
    "csr": lambda: rare_with_many_entries(40_000, 1000, 0.01),
    "csc": lambda: rare_with_many_entries(1000, 40_000, 0.01).tocsc(),
    "csr-rather-dense": lambda: rare_with_many_entries(8000, 400, 0.2),
}
# Where a Gram matrix is a single product, or a large one, BLAS has the threads: it may round
# differently.
WITH_BLAS_THREADS = {
    "square": lambda: vectors(900, 900),
    "one-block": lambda: vectors(500, 240),
    "one-wide-block": lambda: vectors(240, 500),
}


def answers_of_all_threads(X, treatment):
    """Return the results on one thread, on two, and of two threads at once."""
    weights = np.linspace(0.0, 2.0, X.shape[0]) if "weighted" in treatment else None

    def answers():
        return use_everything(make_operand(X, weights, center="centered" in treatment))

    barrier = Barrier(2)

    def at_once(_):
        barrier.wait(timeout=60)
        return answers()

    with threadpool_limits(1, "blas"):
        found = [answers()]
    with threadpool_limits(2, "blas"):
        found.append(answers())
    with ThreadPoolExecutor(2) as pool:
        return [*found, *pool.map(at_once, range(2))]


@pytest.mark.parametrize("treatment", ["plain", "weighted-centered"])
@pytest.mark.parametrize("name", IN_BLOCKS)
def test_bits_do_not_depend_on_the_threads(name, treatment):
    alone, threaded, *at_once = answers_of_all_threads(IN_BLOCKS[name](), treatment)
    assert not [key for key in alone if not np.array_equal(alone[key], threaded[key])]
    for other in at_once:
        assert_rounded_differently_at_most(other, alone)


def assert_rounded_differently_at_most(found, expected):
    """Compare results of threads side by side.

    BLAS has its threads again when the region of one of them ends, be it amidst a product of
    another one.
    """
    for key, value in expected.items():
        allowed = 1e-13 * np.abs(value).max()
        np.testing.assert_allclose(found[key], value, rtol=0, atol=allowed, err_msg=key)


@pytest.mark.parametrize("treatment", ["plain", "weighted-centered"])
@pytest.mark.parametrize("name", WITH_BLAS_THREADS)
def test_blas_threads_only_round_differently(name, treatment):
    alone, *others = answers_of_all_threads(WITH_BLAS_THREADS[name](), treatment)
    for other in others:
        assert_rounded_differently_at_most(other, alone)


@pytest.mark.parametrize("name", ["tall", "wide", "csr-rather-dense"])
def test_one_operand_may_be_used_by_several_threads(name):
    X = IN_BLOCKS[name]()
    weights = np.linspace(0.0, 2.0, X.shape[0])
    expected = use_everything(make_operand(X, weights, center=True))
    shared = make_operand(X, weights, center=True)
    with ThreadPoolExecutor(3) as pool:
        for found in pool.map(use_everything, [shared] * 6):
            assert_rounded_differently_at_most(found, expected)


# -- shapes that nobody thought of --------------------------------------------------------


@st.composite
def problems(draw):
    n, p = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    X = rng.standard_normal((n, p)) * draw(st.sampled_from([1e-6, 1.0, 1e6]))
    X += draw(st.sampled_from([0.0, 1.0, 1e7]))
    X = X * (rng.random((n, p)) < draw(st.sampled_from([0.0, 0.3, 1.0])))
    X = X.astype(draw(st.sampled_from([np.float64, np.float32])))
    storage = draw(st.sampled_from(["C", "F", "csr_array", "csc_array", "csr_matrix"]))
    X = np.asarray(X, order=storage) if storage in "CF" else getattr(sparse, storage)(X)
    weights = draw(st.sampled_from([None, "positive", "integer"]))
    if weights == "positive":
        weights = rng.uniform(0.1, 2.0, n)
    elif weights == "integer":
        weights = np.r_[rng.integers(0, 4, n - 1), 1].astype(float)
    return make_case(X, weights, draw(st.sampled_from([None, "own", "given"])))


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(problems())
def test_random_small_problems(case):
    n, p = case.A.shape
    V, U = vectors(p, 2), vectors(n, 2)
    operand = case.operand
    assert_within(operand.matmat(V), case.A @ V, case.size @ abs(V))
    assert_within(operand.rmatmat(U), case.A.T @ U, case.size.T @ abs(U))
    assert_within(operand.to_dense(), case.A, case.size)
    assert_gram(operand.outer_gram(), case.A @ case.A.T, case)
    assert_column_sq_norms(case)
    assert_gram(operand.gram(), case.A.T @ case.A, case)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(st.integers(1, 10), st.integers(1, 10), st.integers(0, 1000), st.booleans())
def test_integer_weights_are_repetitions(n, p, seed, is_sparse):
    rng = np.random.default_rng(seed)
    X, weights = rng.standard_normal((n, p)) + 2.0, rng.integers(0, 4, n)
    weights[0] += 1
    convert = sparse.csr_array if is_sparse else np.asarray
    weighted = make_operand(convert(X), weights.astype(float), center=True)
    repeated = make_operand(convert(np.repeat(X, weights, axis=0)), center=True)
    assert weighted.total_weight == repeated.total_weight
    np.testing.assert_allclose(weighted.mean, repeated.mean, rtol=1e-14)
    np.testing.assert_allclose(weighted.gram(), repeated.gram(), atol=1e-12)
    np.testing.assert_allclose(weighted.sq_norm, repeated.sq_norm, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("ratio", [3, 6, 9])
def test_a_full_column_behind_an_offset_costs_the_sparse_gram_no_digits(ratio):
    rng = np.random.default_rng(0)
    X = np.where(rng.random((4000, 80)) < 0.03, rng.standard_normal((4000, 80)), 0.0)
    spread = np.sqrt(np.square(X).sum() / 4000)
    X[:, 0] = 0.2 * rng.standard_normal(4000) + ratio * spread
    centered = X.astype(np.longdouble) - X.astype(np.longdouble).mean(axis=0)
    exact = (centered.T @ centered).astype(float)
    gram = make_operand(sparse.csr_array(X), center=True).gram()
    # By a sparse product less the mean's share it would be 47 to 1800 eps.
    assert np.abs(gram - exact).max() <= 4 * np.finfo(float).eps * np.trace(exact)


@pytest.mark.parametrize("kind", ["csr", "csc"])
def test_only_duplicates_cost_a_copy(kind, monkeypatch):
    monkeypatch.setattr(_sparse_operand, "ENTRIES_AT_ONCE", 10)
    for name in (f"{kind}-unsorted", f"{kind}-not-canonical"):
        X = MATRICES[name]()
        operand = make_operand(X)
        assert np.shares_memory(operand._stored.data, X.data) == name.endswith("unsorted")
        assert not X.has_sorted_indices  # as it was given
        np.testing.assert_allclose(operand.matmat(np.eye(X.shape[1])), as_dense(X), atol=1e-15)
