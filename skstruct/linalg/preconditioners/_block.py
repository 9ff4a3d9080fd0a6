"""The diagonal blocks of A'A + alpha P for groups of columns that depend on each other.

What slows conjugate gradients on text, categories and click logs are columns that occur in nearly
the same rows, whose differences the data hardly determines, and the frequent ones, which all have
to do with each other. Columns that share the rows with the smallest values of two random
permutations make a group (min-wise hashing, Broder 1997: the chance is the square of the share of
rows in common), the frequent columns make another; blocks are inverted by LAPACK, equal sizes
stacked. A dense matrix has groups of neighbouring columns.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from skstruct.linalg._operand import Operand
from skstruct.linalg._regression import Ridge
from skstruct.linalg._sparse_operand import SparseOperand
from skstruct.linalg._sparse_products import CompressedRows

# TF-IDF 108 024 x 109 635, gradient 1e-6, iterations at alpha = 1 and 0.01: columns alone 92 and
# 455; groups by one permutation 61 and 203 (setup 0.45 s), by two 68 and 241 (0.14 s), by three
# 79 and 258; identical rows 92 and 280. The 100 heaviest columns in a block besides: 60 and 237,
# 300 of them 50 and 238.
N_PERMUTATIONS = 2
FREQUENT = 0.01
MAX_FREQUENT = 100
MAX_GROUP = 64
# Added to the unit diagonal of a block: the inverse of a singular one is then right to 1e-8.
DAMPING = 1e-8
# A penalty that differs by less than this factor gets the same M.
SAME_PENALTY = 3.0


class BlockPreconditioner:
    """M: the blocks of A'A + alpha P on groups of columns, else its diagonal.

    Parameters
    ----------
    problem : Ridge
        The problem, whose operand has entries.
    """

    name = "block"

    def __init__(self, problem: Ridge) -> None:
        operand = problem.operand
        sparse_data = isinstance(operand, SparseOperand)
        labels = _similar(operand) if sparse_data else np.arange(operand.shape[1]) // MAX_GROUP
        self._groups = _by_size(labels)
        self._grams = (_sparse_blocks if sparse_data else _dense_blocks)(operand, self._groups)
        self._inverses: dict[float, CompressedRows] = {}

    @staticmethod
    def obstacle(problem: Ridge) -> str | None:
        """Return why it cannot be made, or None."""
        if problem.structure.matrix_free or problem.structure.out_of_core:
            return "its blocks are formed from columns, which are not in memory"
        return None

    def bind(self, problem: Ridge) -> Callable[[np.ndarray], np.ndarray]:
        made = [self._made_for(problem, column) for column in range(problem.n_targets)]
        parts = {key: np.flatnonzero([key == other for other in made]) for key in set(made)}

        def apply(residual: np.ndarray) -> np.ndarray:
            if len(parts) == 1:
                return self._inverses[made[0]].times(residual)
            out = np.empty_like(residual)
            for key, columns in parts.items():
                out[:, columns] = self._inverses[key].times(residual[:, columns])
            return out

        return apply

    def _made_for(self, problem: Ridge, column: int) -> float:
        """Return the penalty, close to that of a target, for which M^-1 was made."""
        alpha = float(problem.alphas[column])
        for made in self._inverses:
            if made == alpha or made / SAME_PENALTY <= alpha <= made * SAME_PENALTY:
                return made
        self._inverses[alpha] = self._inverse(problem, alpha, problem.scales[:, column])
        return alpha

    def _inverse(self, problem: Ridge, alpha: float, scales: np.ndarray) -> CompressedRows:
        """Return M^-1 as a sparse matrix."""
        rows, columns, values = [], [], []
        for size, groups in self._groups.items():
            unit = scales[groups]
            blocks = self._grams[size] / (unit[:, :, None] * unit[:, None, :])
            diagonal = np.arange(size)
            penalties = alpha * problem.penalty.diagonal[groups]
            blocks[:, diagonal, diagonal] += penalties / np.square(unit) + DAMPING
            inverse = np.linalg.inv(blocks)
            inverse += inverse.swapaxes(1, 2).copy()
            inverse *= 0.5 / (unit[:, :, None] * unit[:, None, :])
            rows.append(np.repeat(groups, size, axis=1).ravel())
            columns.append(np.tile(groups, (1, size)).ravel())
            values.append(inverse.ravel())
        alone = np.ones(len(scales), dtype=bool)
        alone[np.concatenate(rows) if rows else []] = False
        (rest,) = np.nonzero(alone)
        entries = np.concatenate([*values, 1.0 / np.square(scales[rest])])
        where = np.concatenate([*rows, rest]), np.concatenate([*columns, rest])
        return CompressedRows(sparse.csr_array((entries, where), shape=(len(scales),) * 2))


def _similar(operand: SparseOperand) -> np.ndarray:
    """Return labels of the columns, equal for those that occur in similar rows."""
    n, p = operand.shape
    rng = np.random.default_rng(0)
    ranks = [rng.permutation(n) for _ in range(N_PERMUTATIONS)]
    lowest = np.full((N_PERMUTATIONS, p), n)
    counts = np.zeros(p)
    for rows, columns, _ in operand.entries():
        counts += np.bincount(columns, minlength=p)
        for rank, low in zip(ranks, lowest, strict=True):
            np.minimum.at(low, columns, rank[rows])
    labels = lowest[0].astype(np.int64)
    for low in lowest[1:]:
        labels = labels * (n + 1) + low
    labels[counts == 0] = -1 - np.flatnonzero(counts == 0)
    frequent = np.argsort(-operand.column_sq_norms, kind="stable")[:MAX_FREQUENT]
    frequent = frequent[counts[frequent] > FREQUENT * n]
    labels = np.unique(labels, return_inverse=True)[1]
    labels = _cut_groups(labels, MAX_GROUP)
    labels[frequent] = p
    return labels


def _cut_groups(labels: np.ndarray, size: int) -> np.ndarray:
    """Return labels of groups no larger than `size`."""
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    place = np.empty(len(labels), dtype=np.int64)
    place[order] = np.arange(len(labels)) - (np.cumsum(counts) - counts)[labels[order]]
    parts = labels * (counts.max() // size + 1) + place // size
    return np.unique(parts, return_inverse=True)[1]


def _by_size(labels: np.ndarray) -> dict[int, np.ndarray]:
    """Return the groups of more than one column: by size s an array of shape (g, s)."""
    _, labels, counts = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.argsort(labels, kind="stable")
    starts = np.cumsum(counts) - counts
    groups = {}
    for size in np.unique(counts).tolist():
        if size > 1:
            first = starts[counts == size]
            groups[size] = order[first[:, None] + np.arange(size)]
    return groups


def _sparse_blocks(operand: SparseOperand, groups: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Return the blocks of A'A for the groups, by size s an array of shape (g, s, s)."""
    p = operand.shape[1]
    group, place = np.full(p, -1), np.zeros(p, dtype=np.int64)
    n_groups = 0
    for size, columns in groups.items():
        group[columns] = np.arange(n_groups, n_groups + len(columns))[:, None]
        place[columns] = np.arange(size)
        n_groups += len(columns)
    product = _product_within(operand, group, n_groups)
    i, j = product.coords
    blocks, first = {}, 0
    for size, columns in groups.items():
        (inside,) = np.nonzero((group[i] >= first) & (group[i] < first + len(columns)))
        rows, others = i[inside], j[inside]
        block = np.zeros((len(columns), size, size))
        block[group[rows] - first, place[rows], place[others]] = product.data[inside]
        if operand.structure.centered:
            means = operand.mean[columns]
            block -= operand.total_weight * means[:, :, None] * means[:, None, :]
        blocks[size] = block
        first += len(columns)
    return blocks


def _product_within(operand: SparseOperand, group: np.ndarray, n_groups: int) -> sparse.coo_array:
    """Return the entries of X'WX between columns of one group.

    By the product of a matrix that has a row for each pair of a row and a group of X.
    """
    keys, columns, values = [], [], []
    for i, j, x in operand.weighted_entries():
        (inside,) = np.nonzero(group[j] >= 0)
        keys.append(i[inside] * np.int64(n_groups) + group[j[inside]])
        columns.append(j[inside])
        values.append(x[inside])
    if not keys:
        return sparse.coo_array((operand.shape[1],) * 2)
    keys, rows = np.unique(np.concatenate(keys), return_inverse=True)
    shape = (len(keys), operand.shape[1])
    matrix = sparse.csr_array(
        (np.concatenate(values), (rows, np.concatenate(columns))), shape=shape
    )
    return (matrix.T @ matrix).tocoo()


def _dense_blocks(operand: Operand, groups: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Return the blocks of A'A for the groups, by size s an array of shape (g, s, s)."""
    blocks = {size: np.zeros((*columns.shape, size)) for size, columns in groups.items()}
    for rows in operand.dense_row_blocks(min_rows=1):
        dense = operand.dense_block(rows)
        for size, columns in groups.items():
            panel = dense[:, columns].transpose(1, 2, 0)
            blocks[size] += panel @ panel.swapaxes(1, 2)
    return blocks
