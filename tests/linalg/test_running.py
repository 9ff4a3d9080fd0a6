"""Summaries of rows that are read once, against the operand of all rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skstruct.linalg import PartialSVD, make_operand, run, running_summary
from skstruct.linalg._running import MAX_GRAM_COLUMNS, RunningFactor, RunningMoments

X = np.random.default_rng(0).standard_normal((60, 7)) + 3.0
WEIGHTS = np.random.default_rng(1).uniform(0, 2, 60)
CUTS = [slice(0, 1), slice(1, 40), slice(40, 60)]


def seen(kind=RunningMoments, *, center=True, weights=WEIGHTS, **settings):
    summary = kind(7, center=center, **settings)
    for rows in CUTS:
        summary.add(X[rows], None if weights is None else weights[rows])
    return summary


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize(("kind", "rank"), [(RunningMoments, {}), (RunningFactor, {"rank": 2})])
def test_facts(center, weights, kind, rank):
    summary = seen(kind, center=center, weights=weights, **rank)
    whole = make_operand(X, weights, center=center)
    assert summary.shape == (60, 7)
    assert_allclose(summary.total_weight, whole.total_weight, rtol=1e-14)
    assert_allclose(summary.mean, whole.mean, rtol=1e-13)
    assert_allclose(summary.column_means(), whole.column_means(), rtol=1e-13)
    assert_allclose(summary.sq_norm, whole.sq_norm, rtol=1e-12)
    operand = summary.operand()
    # 2 * 2 + 10 rows hold everything of seven columns.
    assert_allclose(operand.gram(), whole.gram(), rtol=0, atol=1e-12 * whole.sq_norm)
    assert_allclose(operand.sq_norm, whole.sq_norm, rtol=1e-12)


def test_moments_can_do_what_needs_no_rows():
    operand, whole = seen().operand(), make_operand(X, WEIGHTS, center=True)
    V = np.random.default_rng(2).standard_normal((7, 3))
    assert_allclose(operand.normal_product(V), whole.normal_product(V), rtol=1e-11)
    assert_allclose(operand.projected_gram(V), whole.projected_gram(V), rtol=1e-11)
    assert_allclose(operand.column_sq_norms, whole.column_sq_norms, rtol=1e-12)
    assert operand.structure.n_rows == 60
    assert "A'A is known" in str(operand.structure)


@pytest.mark.parametrize(
    "use",
    [
        lambda A: A.matmat(np.ones((7, 1))),
        lambda A: A.rmatmat(np.ones((60, 1))),
        lambda A: A.outer_gram(),
        lambda A: A.dense_block(slice(0, 2)),
        lambda A: A.normal_product(np.ones((7, 1)), np.ones((60, 1))),
    ],
)
def test_moments_refuse_what_needs_rows(use):
    with pytest.raises(TypeError, match="were not kept"):
        use(seen().operand())


def test_plans_reject_solvers_that_need_rows():
    operand = seen().operand()
    plan = run(PartialSVD(operand.structure, operand, rank=2)).plan
    verdicts = {row[0]: row[3] for row in plan.rows()}
    assert "needs the rows" in verdicts["full"]
    assert "needs the rows" in verdicts["gram_eigh"]


def test_rows_without_weight_change_nothing_but_their_number():
    summary, expected = seen(), seen()
    summary.add(np.full((3, 7), 1e9), np.zeros(3))
    assert summary.shape == (63, 7)
    assert_array_equal(summary.operand().gram(), expected.operand().gram())
    assert_array_equal(summary.mean, expected.mean)
    first = RunningMoments(7, center=True)
    first.add(np.ones((3, 7)), np.zeros(3))
    first.add(X)
    assert_allclose(first.operand().gram(), make_operand(X, center=True).gram(), rtol=1e-11)


def test_a_factor_keeps_the_leading_part():
    rng = np.random.default_rng(3)
    data = rng.standard_normal((200, 2)) * [30, 20] @ rng.standard_normal((2, 40))
    data += 0.01 * rng.standard_normal(data.shape)
    summary = RunningFactor(40, rank=2, center=False)
    for start in range(0, 200, 20):
        summary.add(sparse.csr_array(data[start : start + 20]))
    kept = summary.operand()
    assert kept.shape == (14, 40)
    # F'F <= A'A, and the trace of the difference is what was truncated.
    lost = data.T @ data - kept.gram()
    assert np.linalg.eigvalsh(lost)[0] > -1e-9 * summary.sq_norm
    truncated = summary.sq_norm - np.square(kept.to_dense()).sum()
    assert_allclose(np.trace(lost), truncated, rtol=1e-6)
    assert 0 < truncated < 200 * 40 * 1e-4
    assert_allclose(kept.sq_norm, np.square(data).sum(), rtol=1e-13)


@pytest.mark.parametrize("kind", [RunningMoments, RunningFactor])
def test_starting_from_rows_seen_before(kind):
    rank = {"rank": 3} if kind is RunningFactor else {}
    first, whole = make_operand(X[:40], center=True), make_operand(X, center=True)
    factor = np.linalg.qr(first.to_dense(), mode="r")
    summary = kind(7, center=True, **rank)
    summary.starting_from(factor, 40, first.mean, 40.0, first.sq_norm).add(X[40:])
    assert summary.shape == (60, 7)
    gram = summary.operand().gram()
    assert_allclose(gram, whole.gram(), rtol=0, atol=1e-12 * whole.sq_norm)
    assert_allclose(summary.mean, whole.mean, rtol=1e-13)


@pytest.mark.parametrize(
    ("n_columns", "kind"),
    [(MAX_GRAM_COLUMNS, RunningMoments), (MAX_GRAM_COLUMNS + 1, RunningFactor)],
)
def test_which_summary(n_columns, kind):
    assert type(running_summary(n_columns, 5, center=True)) is kind
