"""PCA's time per row from 100 000 to 10 000 000 rows, beside scikit-learn's automatic choice.

All sizes are the first rows of one array. Errors: worst relative error of a variance against
LAPACK's eigenvalues of the centred Gram matrix in float64. The last figure is the time per row at
the largest size over that at the smallest.
"""

import warnings

import numpy as np
from _harness import Row, arguments, duel, gram_seconds, is_wanted, main, mean_and_least
from _peers import quiet
from sklearn.decomposition import PCA as SklearnPCA  # noqa: N811 - two classes of one name

from skstruct.decomposition import PCA

N_COLUMNS = 50
N_COMPONENTS = 10
SIZES = [100_000, 316_000, 1_000_000, 3_160_000, 10_000_000]
CHUNK = 100_000


class ScalingRow(Row):
    """A row that shows the time per data row."""

    @property
    def n_rows(self):
        return int(self.case.split(" x ")[0].replace(" ", ""))

    def cells(self) -> dict[str, str]:
        cells = super().cells()
        del cells["target"]
        return cells | {
            "ns/row": f"{self.ours / self.n_rows * 1e9:.0f}",
            "its ns/row": f"{self.peer / self.n_rows * 1e9:.0f}",
        }


def rows(options):
    sizes = [1_000, 10_000, 100_000] if options.quick else SIZES
    cases = {n: f"{n:_} x {N_COLUMNS}, k = {N_COMPONENTS}".replace("_", " ") for n in sizes}
    sizes = [n for n in sizes if is_wanted(options, cases[n])]
    X = _data(max(sizes, default=0), options.dtype)
    for n in sizes:
        block = X[:n]
        ours, peer, pca, sklearn_pca = duel(
            lambda block=block: PCA(N_COMPONENTS, random_state=0).fit(block),
            quiet(lambda block=block: SklearnPCA(N_COMPONENTS, random_state=0).fit(block)),
            51 if n <= 10_000 else 21 if n <= 1_000_000 else 5,
        )
        exact = _variances(block)
        errors = [
            float(np.abs(fitted.explained_variance_ / exact - 1).max())
            for fitted in (pca, sklearn_pca)
        ]
        floor = gram_seconds(n, N_COLUMNS)
        yield ScalingRow(cases[n], pca.solver_, ours, peer, *errors, floor)


def _data(n, dtype):
    """Return rows of 50 columns with an offset and variances that fall like 1/i."""
    rng = np.random.default_rng(0)
    mixing = np.linalg.qr(rng.standard_normal((N_COLUMNS, N_COLUMNS)))[0]
    mixing *= np.arange(1, N_COLUMNS + 1.0)[:, None] ** -0.5
    offset = rng.standard_normal(N_COLUMNS)
    X = np.empty((n, N_COLUMNS), dtype)
    for start in range(0, n, CHUNK):
        rows = X[start : start + CHUNK]
        rows[:] = rng.standard_normal(rows.shape) @ mixing + offset
    return X


def _variances(X):
    mean = X.mean(axis=0, dtype=np.float64)
    gram = np.zeros((N_COLUMNS, N_COLUMNS))
    for start in range(0, len(X), CHUNK):
        centered = X[start : start + CHUNK] - mean
        gram += centered.T @ centered
    return np.linalg.eigvalsh(gram)[: -N_COMPONENTS - 1 : -1] / (len(X) - 1)


def summary(rows):
    smallest, largest = min(rows, key=lambda row: row.n_rows), max(rows, key=lambda row: row.n_rows)
    per_row = [row.ours / row.n_rows for row in (smallest, largest)]
    return mean_and_least(rows) | {"time per row, largest over smallest": per_row[1] / per_row[0]}


if __name__ == "__main__":
    warnings.simplefilter("error")
    parser = arguments(__doc__)
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    main(rows, __doc__, summary, parser)
