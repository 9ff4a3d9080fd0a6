"""Tikhonov against scikit-learn's Ridge with its automatic choice, on the same array.

Errors: largest error of a fitted value, relative to the fitted values' standard deviation. The
reference is a QR factorisation of the augmented matrix, an SVD if it is wide, and for the text
a Cholesky factorisation of the dense matrix of inner products of its rows.
"""

import warnings

import numpy as np
from _data import library_counts, matrix, tfidf
from _harness import Row, duel, gram_seconds, is_wanted, main, repeats_for
from scipy import linalg, sparse
from sklearn.linear_model import Ridge

from skstruct.linear_model import Tikhonov

# (rows, columns, targets)
CASES = [
    (50_000, 300, 1),
    (5_000, 1_000, 1),
    (300, 5_000, 1),
    (200_000, 50, 1),
    (20_000, 100, 10),
    (2_000, 2_000, 1),
    (800, 40_000, 3),
]
QUICK = [(5_000, 100, 1), (100, 2_000, 1)]


def rows(options):
    for n, p, t in QUICK if options.quick else CASES:
        case = f"{n} x {p}, {t} target(s)"
        if not is_wanted(options, case):
            continue
        X = matrix(n, p, "noise")
        y = X @ np.random.default_rng(1).standard_normal((p, t))
        y += np.random.default_rng(2).standard_normal(y.shape)
        y = y if t > 1 else y[:, 0]
        yield _row(case, X, y, 1.0, _fitted_values(X, y, 1.0), gram_seconds(n, p))
    if not options.quick and is_wanted(options, "TF-IDF"):
        counts, y = library_counts(12_000)  # the reference needs a dense matrix of this order
        text = tfidf(counts)
        for alpha in (1.0, 0.01):
            fitted = _fitted_values_of_text(text, y, alpha)
            # scikit-learn's default of 1e-4, and the accuracy that ours has by default
            for tol in (1e-4, 1e-8):
                case = f"TF-IDF {text.shape[0]} x {text.shape[1]}, tol {tol:.0e}"
                yield _row(case, text, y, alpha, fitted, tol=tol)


def _row(case, X, y, alpha, fitted, floor=None, tol=1e-4):
    ours, peer, *models = duel(
        lambda: Tikhonov(alpha).fit(X, y),
        lambda: Ridge(alpha, tol=tol).fit(X, y),
        repeats_for(X.size if not sparse.issparse(X) else 1e8),
    )
    spread = fitted.std(axis=0)
    errors = [float((np.abs(model.predict(X) - fitted) / spread).max()) for model in models]
    return Row(f"{case}, alpha {alpha:g}", models[0].solver_, ours, peer, *errors, floor)


def _fitted_values(X, y, alpha):
    centered = X - X.mean(axis=0)
    if X.shape[0] >= X.shape[1]:
        stacked = np.vstack([centered, np.sqrt(alpha) * np.eye(X.shape[1])])
        Q = np.linalg.qr(stacked)[0][: len(X)]
        return y.mean(axis=0) + Q @ (Q.T @ (y - y.mean(axis=0)))
    U, s, _ = np.linalg.svd(centered, full_matrices=False)
    y_centered = y - y.mean(axis=0)
    shrink = (s**2 / (s**2 + alpha)).reshape((-1,) + (1,) * (y.ndim - 1))
    return y.mean(axis=0) + U @ (shrink * (U.T @ y_centered))


def _fitted_values_of_text(X, y, alpha):
    """Return K (K + alpha I)^-1 y for K = XX', doubly centred: TF-IDF rows have little mean."""
    K = (X @ X.T).toarray()
    K -= K.mean(axis=0)
    K -= K.mean(axis=1)[:, None]
    residual = y - y.mean()
    K.flat[:: len(K) + 1] += alpha
    factor = linalg.cho_factor(K, overwrite_a=True, check_finite=False)
    return y - alpha * linalg.cho_solve(factor, residual)


if __name__ == "__main__":
    warnings.simplefilter("error")
    main(rows, __doc__)
