"""Data read in chunks against the same data in memory, and how often it is read."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import sparse

from skstruct.linalg import (
    PartialSVD,
    Ridge,
    _chunked_operand,
    _sources,
    config_context,
    make_operand,
    run,
)
from skstruct.linalg._chunked_operand import ChunkedOperand
from skstruct.linalg._sources import ArrayRows, BlockRows
from skstruct.linalg._spectral import tall_r_factor

EPS = np.finfo(np.float64).eps


class Counted(BlockRows):
    """Blocks that are handed out as they are, and how often."""

    def __init__(self, blocks):
        super().__init__(blocks)
        self.passes = 0

    def read(self):
        self.passes += 1
        yield from super().read()


def noise(n, p, seed=0):
    return np.random.default_rng([n, p, seed]).standard_normal((n, p))


def cut(X, *bounds):
    return [X[start:stop] for start, stop in zip((0, *bounds), (*bounds, None), strict=True)]


def thinned(n, p, share=0.3):
    kept = np.random.default_rng([n, p, 1]).random((n, p)) < share
    return (noise(n, p) + 1.0) * kept


MATRICES = {
    "tall": lambda: cut(noise(93, 7) + 2.0, 20, 21, 50),
    "float32": lambda: cut((noise(93, 7) + 2.0).astype(np.float32), 20, 21, 50),
    "fortran": lambda: [np.asfortranarray(block) for block in cut(noise(93, 7), 40)],
    "wide": lambda: cut(noise(20, 90) - 1.0, 3, 4, 15),
    "one row": lambda: cut(noise(1, 9)),
    "one chunk": lambda: cut(noise(20, 20)),
    "rows of one": lambda: cut(noise(4, 3), 1, 2, 3),
    "offset": lambda: cut(noise(93, 7) + 1e5, 20, 50),
    "drifting": lambda: cut(noise(93, 7) + np.linspace(0, 1e4, 93)[:, None] // 3e3 * 1e3, 31, 62),
    "sparse": lambda: [sparse.csr_array(block) for block in cut(thinned(93, 7), 20, 21, 50)],
    "rare": lambda: [sparse.csc_array(block) for block in cut(thinned(200, 60, 0.02), 80, 150)],
    "mixed": lambda: [noise(20, 7), sparse.coo_matrix(thinned(70, 7)), noise(3, 7)],
}
TREATMENTS = {
    "plain": (False, None, False),
    "centered": (False, "own", False),
    "given": (False, "given", False),
    "weighted": (True, None, False),
    "weighted-centered": (True, "own", False),
    "weighted-given": (True, "given", False),
    "zero-weights-centered": (True, "own", True),
}


class Case:
    def __init__(self, blocks, treatment):
        weighted, centring, with_zeros = TREATMENTS[treatment]
        dense = [b.toarray() if sparse.issparse(b) else b for b in blocks]
        self.X = np.concatenate(dense).astype(np.longdouble)
        n, p = self.X.shape
        w = np.random.default_rng(3).uniform(0.2, 2.0, n) if weighted else np.ones(n)
        if with_zeros:
            w[: n // 2] = 0.0
        self.mean = np.zeros(p)
        if centring == "own":
            self.mean = w.astype(np.longdouble) @ self.X / w.astype(np.longdouble).sum()
        elif centring == "given":
            self.mean = np.linspace(-1.0, 2.0, p)
        self.A = np.sqrt(w.astype(np.longdouble))[:, None] * (self.X - self.mean)
        self.source = Counted(blocks)
        self.settings = {
            "weights": w if weighted else None,
            "center": centring == "own",
            "mean": self.mean if centring == "given" else None,
        }
        # what a relative error of eps in the numbers that are handled makes of A
        self.scale = float(abs(self.X).max() + abs(self.mean).max())

    def operand(self):
        self.source.passes = 0
        return make_operand(self.source, **self.settings)

    def check(self, found, exact, size):
        assert found.dtype == np.float64
        assert found.shape == exact.shape
        assert np.all(abs(found - exact) <= 200 * EPS * (size + abs(exact)))


every_case = pytest.mark.parametrize(
    ("name", "treatment"), [(m, t) for m in MATRICES for t in TREATMENTS]
)


@every_case
def test_facts(name, treatment):
    case = Case(MATRICES[name](), treatment)
    operand = case.operand()
    structure = operand.structure
    assert type(operand) is ChunkedOperand
    assert case.source.passes == 0
    assert operand.shape == case.X.shape == (structure.n_rows, structure.n_columns)
    assert structure.dtype == ("float32" if name == "float32" else "float64")
    assert structure.is_sparse == (name in ("sparse", "rare"))
    assert not structure.is_sparse or structure.nnz == np.count_nonzero(case.X)
    assert structure.weighted == (case.settings["weights"] is not None)
    assert structure.centered == (treatment.endswith(("centered", "given")))
    assert operand.total_weight == pytest.approx(
        len(case.X) if case.settings["weights"] is None else case.settings["weights"].sum()
    )
    case.check(operand.mean, case.mean, case.scale)


@every_case
def test_products(name, treatment):
    case = Case(MATRICES[name](), treatment)
    n, p = case.X.shape
    A, operand = case.A, case.operand()
    V, U, rhs = noise(p, 3), noise(n, 3, 1), noise(n, 3, 2)
    size = n * case.scale * float(max(abs(V).max(), abs(U).max()))
    case.check(operand.matmat(V), A @ V, size)
    case.check(operand.rmatmat(U), A.T @ U, size)
    size *= n * float(abs(A).max() + abs(rhs).max())
    case.check(operand.normal_product(V), A.T @ (A @ V), size)
    case.check(operand.normal_product(V, rhs), A.T @ (A @ V - rhs), size)
    case.check(operand.projected_gram(V), V.T @ (A.T @ (A @ V)), size * p)
    case.check(operand.outer_product(U), A @ (A.T @ U), size * p)
    # <A V, U> = <V, A'U>
    left, right = (operand.matmat(V) * U).sum(), (V * operand.rmatmat(U)).sum()
    assert abs(left - right) <= 200 * EPS * n * p * case.scale


@every_case
@pytest.mark.parametrize("mean_first", [False, True])
def test_squares(name, treatment, mean_first):
    case = Case(MATRICES[name](), treatment)
    n, p = case.X.shape
    A, Y = case.A, noise(n, 2)
    # two digits may be lost by a correction, none that depends on the offset
    size = 10 * n * (float(abs(A).max()) + 1e-3 * case.scale) ** 2
    operand = case.operand()
    if mean_first:
        case.check(operand.mean, case.mean, case.scale)
    gram, cross = operand.normal_equations(Y)
    case.check(gram, A.T @ A, size)
    case.check(cross, A.T @ Y, n * case.scale)
    for squares in (operand, case.operand()):
        if mean_first:
            assert np.all(np.isfinite(squares.mean))
        case.check(squares.column_sq_norms, (A**2).sum(axis=0), size)
        assert np.all(squares.column_sq_norms >= 0)
        case.check(squares.gram(), A.T @ A, size)
        case.check(squares.row_sq_norms(), (A**2).sum(axis=1), p * size)
        assert squares.sq_norm == pytest.approx(float((A**2).sum()), rel=1e-9)


@every_case
@pytest.mark.parametrize("panel_rows", [1, 7, 10_000])
def test_outer_gram(name, treatment, panel_rows, monkeypatch):
    case = Case(MATRICES[name](), treatment)
    n, p = case.X.shape
    panel_rows = max(panel_rows, n // 20)  # each panel reads all of the data
    monkeypatch.setattr(_chunked_operand, "PANEL_BYTES", panel_rows * 8 * p)
    operand = case.operand()
    assert np.all(np.isfinite(operand.mean))
    case.source.passes = 0
    found = operand.outer_gram()
    case.check(found, case.A @ case.A.T, p * case.scale * float(abs(case.A).max()))
    assert operand.sq_norm == pytest.approx(float((case.A**2).sum()), rel=1e-9)
    assert case.source.passes == -(-n // panel_rows)


@every_case
def test_dense_rows(name, treatment):
    case = Case(MATRICES[name](), treatment)
    n = len(case.X)
    operand = case.operand()
    dense = operand.to_dense()
    case.check(dense, case.A, 2 * case.scale)
    dense[:] = np.nan  # the caller owns it
    case.source.passes = 0
    for size in (1, 9, 25, n):
        for start in range(0, n, size):
            rows = slice(start, min(start + size, n))
            case.check(operand.dense_block(rows), case.A[rows], 2 * case.scale)
    assert case.source.passes == 4
    case.check(operand.dense_block(slice(n // 2, n)), case.A[n // 2 :], 2 * case.scale)
    case.check(operand.dense_block(slice(0, 1)), case.A[:1], 2 * case.scale)
    case.check(operand.dense_block(slice(0, 1)), case.A[:1], 2 * case.scale)


@pytest.mark.parametrize("storage", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("weighted", [False, True])
def test_constant_columns_are_centred_to_exact_zeros(storage, weighted):
    X = noise(93, 5)
    X[:, 1], X[:, 3] = 0.1, 1e8 / 3
    weights = np.random.default_rng(0).uniform(0.1, 3.0, 93) if weighted else None
    for use in ("gram", "mean", "column_sq_norms"):
        source = BlockRows([storage(block) for block in cut(X, 31, 32, 50)])
        operand = make_operand(source, weights, center=True)
        first = getattr(operand, use)
        if use == "gram":
            gram = first()
            assert np.array_equal(gram[[1, 3]], np.zeros((2, 5)))
            assert np.array_equal(gram[:, [1, 3]], np.zeros((5, 2)))
        assert np.array_equal(operand.mean[[1, 3]], X[0, [1, 3]])
        assert np.array_equal(operand.to_dense()[:, [1, 3]], np.zeros((93, 2)))
        assert np.array_equal(operand.column_sq_norms[[1, 3]], np.zeros(2))


# -- reads --------------------------------------------------------------------------------


def dense_blocks(operand):
    for rows in operand.dense_row_blocks(min_rows=1):
        operand.dense_block(rows)


# how to use an operand, how often that reads data, and how often if it is to be centred
USES = {
    "mean": (lambda A: A.mean, 0, 1),
    "matmat": (lambda A: A.matmat(np.ones((7, 2))), 1, 2),
    "rmatmat": (lambda A: A.rmatmat(np.ones((93, 2))), 1, 2),
    "normal_product": (lambda A: A.normal_product(np.ones((7, 2))), 1, 2),
    "gradient": (lambda A: A.normal_product(np.ones((7, 2)), np.ones((93, 2))), 1, 2),
    "outer_product": (lambda A: A.outer_product(np.ones((93, 2))), 2, 3),
    "projected_gram": (lambda A: A.projected_gram(np.ones((7, 2))), 1, 2),
    "gram": (lambda A: A.gram(), 1, 1),
    "normal_equations": (lambda A: A.normal_equations(np.ones((93, 2))), 1, 1),
    "gram, norms and mean": (lambda A: (A.gram(), A.sq_norm, A.mean), 1, 1),
    "outer_gram and norm": (lambda A: (A.outer_gram(), A.sq_norm), 1, 2),
    "norms and mean": (lambda A: (A.column_sq_norms, A.sq_norm, A.mean), 1, 1),
    "mean and norms": (lambda A: (A.mean, A.column_sq_norms), 1, 1),
    "row_sq_norms": (lambda A: A.row_sq_norms(), 1, 2),
    "to_dense": (lambda A: A.to_dense(), 1, 2),
    "dense blocks": (dense_blocks, 1, 2),
    "r factor": (tall_r_factor, 1, 2),
}


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("name", USES)
def test_how_often_the_data_is_read(name, center):
    source = Counted(cut(noise(93, 7) + 2.0, 20, 21, 50))
    use, *passes = USES[name]
    operand = make_operand(source, center=center)
    use(operand)
    assert source.passes == passes[center]
    if "mean" not in name and center:  # the second time the mean is known
        before = source.passes
        use(operand)
        assert source.passes == before + passes[0]
    source.passes = 0
    use(make_operand(source, mean=np.arange(7.0)))
    assert source.passes == passes[0]


@pytest.mark.parametrize("use", ["gram", "column_sq_norms"])
@pytest.mark.parametrize("drift", [0.0, 10.0, 1e6])
@pytest.mark.parametrize("first_weight", [0.0, 1.0])
def test_data_whose_first_rows_are_unlike_the_others(first_weight, drift, use):
    X = noise(30_000, 3) + 1.0
    X[100:, 1] += drift
    weights = np.random.default_rng(0).uniform(0.2, 2.0, len(X))
    weights[:100] *= first_weight
    source = Counted(cut(X, 100, 10_000))
    operand = make_operand(source, weights, center=True)
    source.passes = 0
    found = operand.gram() if use == "gram" else operand.column_sq_norms
    mean = np.average(X.astype(np.longdouble), axis=0, weights=weights)
    exact = (X - mean).T @ (weights[:, None] * (X - mean))
    # a shift that is a few standard deviations off costs no digits
    assert source.passes == (2 if drift > 10.0 else 1)
    exact = exact if use == "gram" else exact.diagonal()
    np.testing.assert_allclose(found, exact.astype(float), rtol=1e-10, atol=1e-12 * exact.max())
    np.testing.assert_allclose(operand.mean, mean.astype(float), rtol=1e-13)


def test_single_precision():
    X = (noise(40_000, 20) + 2.0).astype(np.float32)
    exact = make_operand(X.astype(np.float64), center=True)
    operand = make_operand(cut(X, 20_000), center=True, single=True)
    assert operand.single
    error = abs(operand.gram() - exact.gram()).max() / exact.sq_norm
    assert 1e-12 < error < 1e-6
    double = operand.in_double()
    assert not double.single
    assert double.in_double() is double
    np.testing.assert_allclose(double.gram(), exact.gram(), rtol=1e-8, atol=1e-8 * exact.sq_norm)
    assert not make_operand(cut(X.astype(np.float64), 9), single=True).single
    assert not make_operand([sparse.csr_array(X)], single=True).single


def test_rare_entries_cost_no_second_read():
    rng = np.random.default_rng(0)
    X = sparse.csr_array(sparse.random(40_000, 200, density=1e-4, random_state=rng))
    source = Counted(cut(X, 10_000, 20_000))
    operand = make_operand(source, center=True)
    source.passes = 0
    np.testing.assert_allclose(operand.gram(), make_operand(X, center=True).gram(), atol=1e-12)
    assert source.passes == 1


# -- as part of the engine ----------------------------------------------------------------


@pytest.mark.parametrize("solver", ["covariance_eigh", "full", "block_krylov", "randomized"])
def test_partial_svd(solver):
    X = noise(400, 30) * np.linspace(1, 5, 30) + 3.0
    operand = make_operand(cut(X, 100, 101, 250), center=True)
    solution = run(PartialSVD(operand.structure, operand, rank=4), (solver,))
    s = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)[:4]
    rtol = 0.1 if solver == "randomized" else 1e-9
    np.testing.assert_allclose(solution.answer.values, s, rtol=rtol)
    assert solution.solver == solver


def test_gram_eigh_of_wide_data():
    X = noise(30, 400) + 3.0
    operand = make_operand(cut(X, 10, 11, 25), center=True)
    solution = run(PartialSVD(operand.structure, operand, rank=4), ("gram_eigh",))
    s = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)[:4]
    np.testing.assert_allclose(solution.answer.values, s, rtol=1e-12)
    assert solution.certificate.holds


@pytest.mark.parametrize("solver", ["gram_cholesky", "qr", "cg", "svd", "eigen"])
def test_ridge(solver):
    X, y = noise(400, 30) + 3.0, noise(400, 2, 1)
    coefs = []
    for data in (X, cut(X, 100, 101, 250)):
        operand = make_operand(data, center=True)
        targets, _ = operand.prepare_targets(y)
        problem = Ridge(operand.structure, operand, targets, np.full(2, 0.5))
        solution = run(problem, (solver,))
        assert solution.certificate.holds
        coefs.append(solution.answer.coef)
    np.testing.assert_allclose(coefs[1], coefs[0], rtol=1e-7, atol=1e-9)


def test_chunks_follow_from_the_shape_and_not_from_threads(monkeypatch):
    monkeypatch.setattr(_sources, "CHUNK_BYTES", 50_000)
    X, V = noise(3000, 20), noise(20, 3)

    def answers(_):
        operand = make_operand(ArrayRows(X), center=True)
        return operand.gram(), operand.normal_product(V), operand.mean

    expected = answers(None)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(answers, range(8)):
            for one, other in zip(expected, found, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-13)


def test_one_operand_may_be_used_by_several_threads():
    X, V = noise(300, 20) + 2.0, noise(20, 3)
    operand = make_operand(cut(X, 100, 101, 250), center=True)
    centred = X - X.mean(axis=0)
    barrier = threading.Barrier(4)

    def answers(_):
        barrier.wait(timeout=60)
        return operand.gram(), operand.normal_product(V), tall_r_factor(operand)

    with ThreadPoolExecutor(4) as pool:
        for gram, product, R in pool.map(answers, range(4)):
            np.testing.assert_allclose(gram, centred.T @ centred, atol=1e-10)
            np.testing.assert_allclose(product, centred.T @ (centred @ V), atol=1e-10)
            np.testing.assert_allclose(R.T @ R, centred.T @ centred, atol=1e-10)


@pytest.mark.parametrize("use", ["matmat", "gram", "mean", "dense_block"])
def test_an_error_of_the_data_ends_the_pass(use):
    X = noise(93, 7)
    X[60, 2] = np.nan
    operand = make_operand(cut(X, 20, 21, 50), center=use != "dense_block")
    for _ in range(2):
        with pytest.raises(ValueError, match="Input contains NaN in row 60"):
            if use == "matmat":
                operand.matmat(np.ones((7, 1)))
            elif use == "gram":
                operand.gram()
            elif use == "mean":
                operand.mean  # noqa: B018
            else:
                operand.dense_block(slice(0, 93))
    assert not [t for t in threading.enumerate() if t.name == "skstruct-reader"]


def test_an_error_of_the_caller_ends_the_pass():
    operand = make_operand(cut(noise(93, 7), 20, 21, 50))
    with pytest.raises(ValueError, match="mismatch"):
        operand.matmat(np.ones((8, 1)))
    assert not [t for t in threading.enumerate() if t.name == "skstruct-reader"]


def test_memory_mapped_data_is_read_in_chunks_if_it_is_large(tmp_path, monkeypatch):
    X = np.memmap(tmp_path / "data", np.float32, "w+", shape=(93, 7))
    X[:] = noise(93, 7)
    assert type(make_operand(X)) is not ChunkedOperand
    monkeypatch.setattr(_sources, "MAPPED_BYTES", X.nbytes)
    with config_context(memory_limit=5000):
        found = make_operand(X, center=True)
        gram = found.gram()
    assert type(found) is ChunkedOperand
    np.testing.assert_allclose(gram, make_operand(np.array(X), center=True).gram(), atol=1e-12)
