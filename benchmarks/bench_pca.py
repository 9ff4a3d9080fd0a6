"""PCA against scikit-learn's PCA with its automatic choice, on the same array.

Errors: worst relative error of a variance against LAPACK in float64, by the centred Gram matrix,
or if all variances are asked for by the singular values of the triangular factor (for the text:
against Lanczos iteration to machine precision, run on its own); variances below 1e-10 of the
largest do not count. "rough": scikit-learn's error is above 1e-6 and more than ten times ours.
Floor: one Gram product of the data at the rate of a large float64 matrix product.

With --peers also, as ratios to our time with their errors: "best", the fastest of scikit-learn's
solvers that is as accurate as ours in that sense (all are run once, the fastest is timed), and
fbpca, scikit-learn-intelex ("sklearnex") and dask-ml as `_peers.py` sets them up.
"""

import time
import warnings
from itertools import product

import numpy as np
from _data import SPECTRA, library_counts, matrix, tfidf
from _harness import (
    Peer,
    Row,
    accuracy_bar,
    arguments,
    contest,
    geometric_mean,
    gram_seconds,
    is_wanted,
    main,
    repeats_for,
)
from _peers import PEERS, available, quiet
from scipy import linalg, sparse
from sklearn.decomposition import PCA as SklearnPCA  # noqa: N811 - two classes of one name

from skstruct._demo._cases import leading_variances
from skstruct.decomposition import PCA

# (rows, columns, components, target ratio in float64 or None)
CASES = [
    (500, 50_000, 20, 5.0),
    (500, 50_000, None, None),
    (100, 500_000, 20, 10.0),
    (20_000, 2_000, 50, 2.5),
    (3_000, 3_000, 20, 1.5),
    (200_000, 100, 20, 1.0),
    (200_000, 100, None, 1.0),
    (50_000, 1_000, 20, 1.0),
    (50_000, 1_000, None, 1.0),
    # sizes nobody named
    (1_500, 9_000, 30, None),
    (1_500, 9_000, None, None),
    (7_000, 700, 10, None),
    (40_000, 300, 150, None),
    (40_000, 300, 20, None),
    (1_000_000, 20, 5, None),
    (1_000, 1_000, 10, None),
    (1_200, 1_100, None, None),
]
QUICK = [(200, 3_000, 20, None), (20_000, 100, None, None), (400, 400, 20, None)]
DTYPES = ("float64", "float32")
TEXT_COMPONENTS = (20, 50, 100)

# What may be picked by hand: two more iterated ones than the names of the solvers.
SOLVERS = [
    {"svd_solver": "covariance_eigh"},
    {"svd_solver": "full"},
    {"svd_solver": "arpack"},
    {"svd_solver": "randomized"},
    {"svd_solver": "randomized", "iterated_power": 15},
]
CHOICES = ("best", *PEERS)
MOST_COLUMNS = 5_000  # of a covariance matrix that is tried


def rows(options):
    chosen = () if options.peers is None else options.peers or CHOICES
    peers = available([name for name in chosen if name in PEERS], options.threads)
    with_best = "best" in chosen
    for (n, p, k, target), dtype, spectrum in product(
        QUICK if options.quick else CASES, DTYPES, SPECTRA
    ):
        case = f"{n} x {p}, k = {k}, {spectrum}, {dtype}"
        if not is_wanted(options, case):
            continue
        X = matrix(n, p, spectrum).astype(dtype, copy=False)
        kind = "wide" if p > n else "tall" if n >= 5 * p else "square"
        row = _row(case, kind, X, k, _variances(X, k), with_best, peers)
        target = target if dtype == "float64" else None
        yield row(floor=gram_seconds(n, p), target=target)
    wanted = [k for k in TEXT_COMPONENTS if is_wanted(options, f"TF-IDF, k = {k}")]
    if not options.quick and wanted:
        counts, _ = library_counts(10**6)
        text = tfidf(counts)
        reference = leading_variances(text, max(wanted))
        for k in wanted:
            case = f"TF-IDF {text.shape[0]} x {text.shape[1]}, k = {k}"
            yield _row(case, "sparse", text, k, reference, with_best, peers)()


def _row(case, kind, X, k, reference, with_best, peers):
    """Return a function that makes the row, given floor and target."""

    def error(pca):
        variances = pca.explained_variance_
        exact = reference[: len(variances)]
        counts = exact > 1e-10 * exact[0]
        return float(np.abs(variances[counts] / exact[counts] - 1).max())

    contestants = {
        "ours": lambda: PCA(k, random_state=0).fit(X),
        "scikit-learn": quiet(lambda: SklearnPCA(k, random_state=0).fit(X)),
    }
    notes = {}
    if with_best:
        bar = accuracy_bar(error(contestants["ours"]()))
        contestants["best"], notes["best"] = _best(X, k, lambda pca: error(pca) <= bar)
    for name, peer in peers.items():
        fit = peer(X, k)
        contestants[name] = fit and quiet(fit)
    running = {name: fit for name, fit in contestants.items() if fit is not None}
    n_numbers = 1e8 if sparse.issparse(X) else X.size
    results = contest(running, repeats_for(n_numbers))
    others = dict.fromkeys([*contestants][2:])
    for name in others:
        if name in results:
            seconds, pca = results[name]
            others[name] = Peer(seconds, error(pca), notes.get(name, ""))
    (ours, pca), (peer, sklearn_pca) = results["ours"], results["scikit-learn"]
    errors = error(pca), error(sklearn_pca)

    def make(floor=None, target=None):
        return Row(case, pca.solver_, ours, peer, *errors, floor, target, kind, others)

    return make


def _best(X, k, is_accurate):
    """Return the fit by scikit-learn's fastest accurate solver, and its name; or None twice."""
    best, shortest, name = None, np.inf, ""
    for settings in SOLVERS:
        solver = settings["svd_solver"]
        if solver == "covariance_eigh" and X.shape[1] > MOST_COLUMNS:
            continue
        if solver == "full" and best is not None and X.shape[0] >= X.shape[1]:
            continue  # does strictly more than an eigenproblem of the covariance
        if solver in ("arpack", "randomized") and (k is None or k >= min(X.shape)):
            continue
        fit = quiet(lambda settings=settings: SklearnPCA(k, random_state=0, **settings).fit(X))
        begin = time.perf_counter()
        try:
            pca = fit()
        except (ValueError, MemoryError, linalg.LinAlgError):
            continue  # not for sparse data, not enough memory
        seconds = time.perf_counter() - begin
        if seconds < shortest and is_accurate(pca):
            best, shortest, name = fit, seconds, " ".join(map(str, settings.values()))
    return best, name


def _variances(X, k):
    n, p = X.shape
    centered = X.astype(np.float64)
    centered -= centered.mean(axis=0)
    if k is None:  # of the smallest ones a Gram matrix has no digits
        tall = centered if n >= p else centered.T
        return linalg.svdvals(np.linalg.qr(tall, mode="r")) ** 2 / (n - 1)
    gram = centered.T @ centered if n >= p else centered @ centered.T
    return np.linalg.eigvalsh(gram)[::-1] / (n - 1)


def summary(rows):
    """Return geometric means and least ratios, of all dense rows and the wide ones."""
    figures = {}
    dense = [row for row in rows if row.kind != "sparse"]
    groups = {"all dense": dense, "wide": [row for row in rows if row.kind == "wide"]}
    columns = {
        "scikit-learn's automatic choice": lambda row: row.ratio,
        "the same where it is as accurate": lambda row: None if row.is_rough else row.ratio,
    }
    if any("best" in row.others for row in rows):
        columns |= {
            "scikit-learn's best solver as accurate as ours": lambda row: row.ratio_to("best"),
            "its automatic choice, where rough its best solver": lambda row: (
                row.ratio_to("best") if row.is_rough else row.ratio
            ),
        }
    for name in PEERS:
        columns[name] = lambda row, name=name: row.ratio_to(name)
        columns[f"{name} where as accurate"] = lambda row, name=name: (
            row.ratio_to(name) if row.is_accurate(name) else None
        )
    for column, ratio in columns.items():
        for group, members in groups.items():
            ratios = [value for value in map(ratio, members) if value is not None]
            if ratios:
                mean, least = geometric_mean(ratios), min(ratios)
                figures[f"{column}, {group} ({len(ratios)}): geometric mean"] = mean
                figures[f"{column}, {group} ({len(ratios)}): least"] = least
    return figures


if __name__ == "__main__":
    warnings.simplefilter("error")  # ours must not end uncertified
    parser = arguments(__doc__)
    parser.add_argument(
        "--peers", nargs="*", choices=CHOICES, help="compare with these too, by default with all"
    )
    main(rows, __doc__, summary, parser)
