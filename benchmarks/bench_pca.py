"""PCA against scikit-learn's PCA with its automatic choice, on the same array.

Errors: worst relative error of a variance against LAPACK's eigenvalues of the centred Gram
matrix (for the text: against Lanczos iteration to machine precision, run on its own). Floor: one
Gram product of the data at the rate of a large matrix product.
"""

import warnings

import numpy as np
from _data import SPECTRA, library_counts, matrix, tfidf
from _harness import Row, duel, gram_seconds, main, repeats_for
from scipy import sparse
from sklearn.decomposition import PCA as SklearnPCA  # noqa: N811 - two classes of one name

from skstruct._demo._cases import leading_variances
from skstruct.decomposition import PCA

# (rows, columns, components, target ratio or None[, type of the entries])
CASES = [
    (500, 50_000, 20, 5.0),
    (100, 500_000, 20, 10.0),
    (20_000, 2_000, 50, 2.5),
    (3_000, 3_000, 20, 1.5),
    (200_000, 100, 20, 1.0),
    (200_000, 100, None, 1.0),
    (50_000, 1_000, 20, 1.0),
    (50_000, 1_000, None, 1.0),
    # sizes nobody named
    (1_500, 9_000, 30, None),
    (7_000, 700, 10, None),
    (40_000, 300, 150, None),
    (40_000, 300, 20, None, "float32"),
    (1_000_000, 20, 5, None),
    (1_200, 1_100, None, None),
]
QUICK = [(500, 5_000, 20, None), (20_000, 100, 20, None), (1_000, 1_000, 20, None)]


def rows(quick):
    for n, p, k, target, *dtype in QUICK if quick else CASES:
        for spectrum in SPECTRA:
            X = matrix(n, p, spectrum).astype(*dtype or ["float64"], copy=False)
            case = " ".join([f"{n} x {p}, k = {k}, {spectrum}", *dtype])
            yield _row(case, X, k, _variances(X), target, gram_seconds(n, p))
    if not quick:
        counts, _ = library_counts(10**6)
        text = tfidf(counts)
        reference = leading_variances(text, 100)
        for k in (20, 50, 100):
            yield _row(f"TF-IDF {text.shape[0]} x {text.shape[1]}, k = {k}", text, k, reference)


def _row(case, X, k, reference, target=None, floor=None):
    ours, peer, pca, sklearn_pca = duel(
        lambda: PCA(k, random_state=0).fit(X),
        lambda: SklearnPCA(k, random_state=0).fit(X),
        repeats_for(X.size if not sparse.issparse(X) else 1e8),
    )
    reference = reference[: len(pca.explained_variance_)]
    relevant = reference > 1e-10 * reference[0]
    return Row(
        case,
        pca.solver_,
        ours,
        peer,
        _error(pca, reference, relevant),
        _error(sklearn_pca, reference, relevant),
        floor,
        target,
    )


def _error(pca, reference, relevant):
    return float(
        np.abs(pca.explained_variance_ / np.where(relevant, reference, 1) - 1)[relevant].max()
    )


def _variances(X):
    centered = X.astype(np.float64)
    centered -= centered.mean(axis=0)
    gram = centered.T @ centered if X.shape[0] >= X.shape[1] else centered @ centered.T
    return np.linalg.eigvalsh(gram)[::-1] / (X.shape[0] - 1)


if __name__ == "__main__":
    warnings.simplefilter("error")  # ours must not end uncertified
    main(rows, __doc__)
