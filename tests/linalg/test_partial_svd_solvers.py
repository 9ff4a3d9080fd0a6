"""Every solver of partial SVDs against LAPACK on the explicit matrix."""

import numpy as np
import pytest
from scipy import sparse

from skstruct.linalg import (
    PartialSVD,
    RangeFinder,
    make_operand,
    run,
)
from skstruct.linalg.solvers import SOLVERS

EXACT = ("covariance_eigh", "gram_eigh", "block_krylov", "full")
SHAPES = {"tall": (90, 24), "wide": (24, 90), "square": (40, 40)}
# The residual that is asked of iterative solvers where digits are counted: an eigenvalue's error
# is at most the residual, whose default of 1e-8 would hide the small ones.
TIGHT = 1e-9


def with_spectrum(values, n, p, rng):
    U = np.linalg.qr(rng.standard_normal((n, len(values))))[0]
    V = np.linalg.qr(rng.standard_normal((p, len(values))))[0]
    return (U * values) @ V.T


def white_noise(n, p, rng):
    return rng.standard_normal((n, p))


def slow_decay(n, p, rng):
    return with_spectrum(np.arange(1.0, min(n, p) + 1) ** -0.5, n, p, rng)


def fast_decay(n, p, rng):
    # eigenvalues of A'A from 1 to 1e-14: some are lost to any Gram matrix
    return with_spectrum(np.logspace(0, -7, min(n, p)), n, p, rng)


def clustered(n, p, rng):
    k = min(n, p)
    return with_spectrum(np.repeat([8.0, 4.0, 2.0, 1.0], [3, 3, 3, k - 9]), n, p, rng)


def rank_deficient(n, p, rng):
    return rng.standard_normal((n, 7)) @ rng.standard_normal((7, p))


def duplicated_columns(n, p, rng):
    return np.hstack([rng.standard_normal((n, p - p // 2))] * 2)[:, :p]


def constant_and_zero_columns(n, p, rng):
    X = rng.standard_normal((n, p))
    X[:, 1] = 3.7
    X[:, 4] = 0.0
    return X


def badly_scaled(n, p, rng):
    return rng.standard_normal((n, p)) * np.logspace(0, -4, p)


def zero(n, p, rng):
    return np.zeros((n, p))


SPECTRA = [
    white_noise,
    slow_decay,
    fast_decay,
    clustered,
    rank_deficient,
    duplicated_columns,
    constant_and_zero_columns,
    badly_scaled,
    zero,
]

# name -> (storage, dtype, weighted, centred)
VARIANTS = {
    "dense-centred": ("C", np.float64, False, True),
    "dense-fortran-weighted": ("F", np.float64, True, False),
    "dense-float32-weighted-centred": ("C", np.float32, True, True),
    "csr-weighted-centred": ("csr", np.float64, True, True),
    "csr-float32": ("csr", np.float32, False, False),
    "csc-centred": ("csc", np.float64, False, True),
}


def store(X, storage, dtype, rng):
    X = X.astype(dtype)
    if storage in ("csr", "csc"):
        # Three of four entries, so that unstored zeros are centred as well.
        return getattr(sparse, f"{storage}_array")(X * (rng.random(X.shape) < 0.75))
    return np.asarray(X, order=storage)


def dense_of(X):
    return X.toarray() if sparse.issparse(X) else X


def explicit(X, weights=None, *, center):
    """A in extended precision, rounded once."""
    A = dense_of(X).astype(np.longdouble)
    w = np.ones(len(A), dtype=np.longdouble) if weights is None else weights.astype(np.longdouble)
    if center:
        A = A - (w @ A) / w.sum()
    return (np.sqrt(w)[:, None] * A).astype(np.float64)


def some_weights(n, rng):
    weights = rng.uniform(0.2, 3.0, n)
    weights[::5] = 0.0
    return weights


def assert_triplets(answer, A, rank):
    """Every digit that was promised, against LAPACK."""
    _, s, right = np.linalg.svd(A, full_matrices=False)
    exact, found = s[:rank] ** 2, answer.values**2
    assert found.shape == exact.shape
    assert answer.right.shape == (rank, A.shape[1])
    assert np.all(np.diff(answer.values) <= 0)
    assert np.all(found >= 0)
    large = exact > 1e-10 * exact[0]
    assert np.all(np.abs(found - exact)[large] <= 1e-9 * exact[large])
    assert np.all(np.abs(found - exact)[~large] <= 1e-12 * exact[0])
    np.testing.assert_allclose(answer.right @ answer.right.T, np.eye(rank), atol=1e-10)
    # Vectors within a cluster are arbitrary; the space of everything above a gap is not.
    gaps = -np.diff(np.r_[s**2, 0.0])[:rank]
    for k in np.flatnonzero(gaps > 1e-3 * exact[0]) + 1:
        ours, theirs = answer.right[:k], right[:k]
        assert np.linalg.norm(theirs - (theirs @ ours.T) @ ours) <= 1e-8


def ask(solver, X, weights=None, *, center, **question):
    operand = make_operand(X, weights, center=center)
    return run(PartialSVD(operand.structure, operand, **question), (solver,))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("spectrum", SPECTRA, ids=lambda f: f.__name__)
@pytest.mark.parametrize("solver", [*EXACT, "arpack"])
def test_accuracy(solver, spectrum, shape, variant):
    storage, dtype, weighted, center = VARIANTS[variant]
    rng = np.random.default_rng([len(spectrum.__name__), *shape])
    X = spectrum(*shape, rng)
    if center:
        X = X + rng.uniform(-5, 5, shape[1]) * X.any()
    X = store(X, storage, dtype, rng)
    weights = some_weights(shape[0], rng) if weighted else None
    A = explicit(X, weights, center=center)
    # ARPACK leaves rounding errors relative to the largest value in the smallest vectors.
    tol = TIGHT if solver != "arpack" else 10 * TIGHT
    for rank in (4, None):
        solution = ask(solver, X, weights, center=center, rank=rank, tol=tol)
        assert_triplets(solution.answer, A, min(shape) if rank is None else rank)
        assert solution.certificate.holds


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("rank", [None, 1])
@pytest.mark.parametrize(
    "shape", [(2, 7), (7, 2), (2, 2), (9, 1), (1, 9), (1, 1), (2, 1), (5, 5)], ids=str
)
@pytest.mark.parametrize("solver", [*EXACT, "arpack", "randomized"])
def test_tiny_shapes(solver, shape, rank, center):
    X = np.random.default_rng(sum(shape)).standard_normal(shape) + 2.0
    for matrix in (X, sparse.csr_array(X)):
        # the sketch of `randomized` is as wide as these matrices are: it is exact here
        answer = ask(solver, matrix, center=center, rank=rank, tol=TIGHT).answer
        assert_triplets(answer, explicit(X, center=center), min(shape) if rank is None else rank)


@pytest.mark.parametrize("offset", [1e3, 1e6, 1e9])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("solver", [*EXACT, "arpack"])
def test_an_offset_costs_no_digits(solver, shape, offset):
    X = np.random.default_rng(3).standard_normal(shape) + offset
    answer = ask(solver, X, center=True, rank=5, tol=TIGHT).answer
    assert_triplets(answer, explicit(X, center=True), 5)


@pytest.mark.parametrize("unit", [1e-60, 1e60])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("solver", [*EXACT, "arpack"])
def test_units_do_not_matter(solver, shape, unit):
    X = white_noise(*shape, np.random.default_rng(3)) * unit
    solution = ask(solver, X, center=True, rank=3, tol=TIGHT)
    s = np.linalg.svd(explicit(X, center=True), compute_uv=False)[:3]
    np.testing.assert_allclose(solution.answer.values, s, rtol=1e-10)
    assert solution.certificate.holds


@pytest.mark.parametrize("unit", [1e-100, 1e100])
@pytest.mark.parametrize("solver", EXACT)
def test_extreme_units_are_not_certified_wrongly(solver, unit):
    # The squared residual leaves the range of float64; relative to s_1^2 it would not.
    X = white_noise(60, 30, np.random.default_rng(3)) * unit
    solution = ask(solver, X, center=True, rank=3)
    s = np.linalg.svd(explicit(X, center=True), compute_uv=False)[:3]
    assert solution.certificate.holds
    np.testing.assert_allclose(solution.answer.values, s, rtol=1e-8)


@pytest.mark.parametrize("shape", [(500, 350), (350, 500)], ids=str)
@pytest.mark.parametrize("spectrum", [white_noise, slow_decay, fast_decay, clustered])
@pytest.mark.parametrize("solver", ["block_krylov", "covariance_eigh", "gram_eigh", "arpack"])
def test_beyond_one_krylov_basis(solver, spectrum, shape):
    # Larger than the basis of 300 vectors that block_krylov restarts from.
    X = spectrum(*shape, np.random.default_rng(5))
    solution = ask(solver, X, center=True, rank=12, tol=1e-11)
    assert_triplets(solution.answer, explicit(X, center=True), 12)
    assert solution.certificate.holds


@pytest.mark.parametrize("spectrum", [white_noise, slow_decay, fast_decay, clustered])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("solver", EXACT)
def test_default_tolerance_bounds_the_error_of_every_eigenvalue(solver, shape, spectrum):
    # Weyl: an eigenvalue lies within the norm of the residual.
    X = spectrum(*shape, np.random.default_rng(8))
    solution = ask(solver, X, center=True, rank=5)
    s = np.linalg.svd(explicit(X, center=True), compute_uv=False)[:5]
    assert solution.certificate.holds
    assert solution.certificate.value <= solution.certificate.asked == 1e-8
    assert np.all(np.abs(solution.answer.values**2 - s**2) <= 1e-8 * s[0] ** 2)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("spectrum", [white_noise, slow_decay, fast_decay, badly_scaled])
@pytest.mark.parametrize("solver", EXACT)
def test_energy_fraction(solver, spectrum, shape, variant):
    storage, dtype, weighted, center = VARIANTS[variant]
    rng = np.random.default_rng([7, *shape])
    X = store(spectrum(*shape, rng), storage, dtype, rng)
    weights = some_weights(shape[0], rng) if weighted else None
    A = explicit(X, weights, center=center)
    shares = np.cumsum(np.linalg.svd(A, compute_uv=False) ** 2) / np.sum(A**2)
    for energy in (0.05, 0.5, 0.9, 0.999):
        expected = int(np.flatnonzero(shares > energy)[0]) + 1  # the first that exceeds it
        answer = ask(solver, X, weights, center=center, energy=energy, tol=TIGHT).answer
        assert_triplets(answer, A, expected)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("solver", EXACT)
def test_nearly_all_the_energy_of_exact_rank(solver, shape):
    X = rank_deficient(*shape, np.random.default_rng(2))
    answer = ask(solver, X, center=False, energy=1 - 1e-6).answer
    assert_triplets(answer, X, 7)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("spectrum", SPECTRA, ids=lambda f: f.__name__)
def test_randomized(spectrum, shape, variant):
    storage, dtype, weighted, center = VARIANTS[variant]
    rng = np.random.default_rng([9, *shape])
    X = store(spectrum(*shape, rng), storage, dtype, rng)
    weights = some_weights(shape[0], rng) if weighted else None
    s = np.linalg.svd(explicit(X, weights, center=center), compute_uv=False)
    for normalizer in ("qr", "lu", "none"):
        settings = RangeFinder(n_oversamples=8, n_iter=3, normalizer=normalizer)
        solution = ask("randomized", X, weights, center=center, rank=4, range_finder=settings)
        # never replaced by another, however rough: who asks for it wants it
        assert solution.solver == "randomized"
        values, right = solution.answer.values, solution.answer.right
        # A projection onto a subspace only shortens; three power iterations lose little: the
        # expected loss is a factor of about (s_13 / s_4)^14 of the tail.
        assert np.all(values <= s[:4] * (1 + 1e-12) + 1e-15 * s[0])
        assert np.all(values >= 0.9 * s[:4])
        np.testing.assert_allclose(right @ right.T, np.eye(4), atol=1e-10)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("spectrum", [fast_decay, rank_deficient])
def test_randomized_is_accurate_where_the_spectrum_decays(spectrum, shape):
    X = spectrum(*shape, np.random.default_rng(4))
    settings = RangeFinder(n_oversamples=12, n_iter=None, normalizer="qr")
    solution = ask("randomized", X, center=True, rank=4, range_finder=settings, tol=1e-8)
    assert solution.certificate.holds
    s = np.linalg.svd(explicit(X, center=True), compute_uv=False)[:4]
    np.testing.assert_allclose(solution.answer.values, s, rtol=1e-9)


def test_randomized_on_white_noise_says_that_it_is_rough():
    X = white_noise(300, 200, np.random.default_rng(4))
    solution = ask("randomized", X, center=True, rank=5, range_finder=RangeFinder(n_iter=0))
    assert solution.solver == "randomized"
    assert not solution.certificate.holds
    assert solution.certificate.value > 1e-3


@pytest.mark.parametrize("solver", ["block_krylov", "randomized", "arpack"])
def test_seeds(solver):
    X = slow_decay(60, 50, np.random.default_rng(1))
    first, again, other = (
        ask(solver, X, center=True, rank=3, seed=seed, range_finder=RangeFinder(n_iter=2)).answer
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first.right, again.right)
    assert np.array_equal(first.values, again.values)
    assert not np.array_equal(first.right, other.right)  # the seed is used


@pytest.mark.parametrize("solver", [*EXACT, "arpack"])
def test_signs_do_not_depend_on_the_solver(solver):
    X = slow_decay(60, 50, np.random.default_rng(1))
    right = ask(solver, X, center=True, rank=6, tol=TIGHT).answer.right
    largest = np.abs(right).argmax(axis=1)
    assert np.all(right[np.arange(6), largest] > 0)
    reference = ask("full", X, center=True, rank=6).answer.right
    np.testing.assert_allclose(right, reference, atol=1e-8)


@pytest.mark.parametrize("storage", ["C", "csr"])
@pytest.mark.parametrize("solver", [*EXACT, "arpack", "randomized"])
def test_the_data_is_not_changed(solver, storage):
    rng = np.random.default_rng(1)
    X = store(white_noise(30, 20, rng), storage, np.float64, rng)
    weights = some_weights(30, rng)
    before, weights_before = dense_of(X).copy(), weights.copy()
    ask(solver, X, weights, center=True, rank=3)
    assert np.array_equal(dense_of(X), before)
    assert np.array_equal(weights, weights_before)


@pytest.mark.parametrize("solver", EXACT)
def test_integer_weights_are_repetitions(solver):
    rng = np.random.default_rng(6)
    X, weights = slow_decay(30, 12, rng), rng.integers(0, 4, 30)
    weighted = ask(solver, X, weights.astype(float), center=True, rank=5, tol=TIGHT).answer
    repeated = ask(solver, np.repeat(X, weights, axis=0), center=True, rank=5, tol=TIGHT).answer
    np.testing.assert_allclose(weighted.values, repeated.values, rtol=1e-10)
    np.testing.assert_allclose(weighted.right, repeated.right, atol=1e-8)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("solver", EXACT)
def test_an_energy_fraction_of_nothing(solver, shape):
    solution = ask(solver, np.full(shape, 2.5), center=True, energy=0.9)
    assert np.array_equal(solution.answer.values, np.zeros(len(solution.answer.values)))
    right = solution.answer.right
    np.testing.assert_allclose(right @ right.T, np.eye(len(right)), atol=1e-10)
    assert solution.certificate.holds


def test_every_solver_is_tested():
    names = {solver.NAME for solver in SOLVERS["partial_svd"]}
    assert names == {*EXACT, "arpack", "randomized"}
