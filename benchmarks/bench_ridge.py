"""Tikhonov against scikit-learn's Ridge with its automatic choice, on the same array.

Errors: relative error of the fitted values against a QR factorisation of the augmented matrix
(for the text: against Tikhonov with a tolerance of 1e-12).
"""

import warnings

import numpy as np
from _data import library_counts, matrix, tfidf
from _harness import Row, duel, gemm_rate, main, repeats_for
from scipy import sparse
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


def rows(quick):
    rate = gemm_rate()
    for n, p, t in QUICK if quick else CASES:
        X = matrix(n, p, "noise")
        y = X @ np.random.default_rng(1).standard_normal((p, t))
        y += np.random.default_rng(2).standard_normal(y.shape)
        floor = max(n, p) * min(n, p) ** 2 / rate
        yield _row(f"{n} x {p}, {t} target(s)", X, y if t > 1 else y[:, 0], 1.0, floor)
    if not quick:
        counts, lengths = library_counts(10**6)
        for alpha in (1.0, 0.01):
            text = tfidf(counts)
            # to the same accuracy: the default of scikit-learn ends at 1e-4
            yield _row(
                f"TF-IDF {text.shape[0]} x {text.shape[1]}", text, lengths, alpha, None, 1e-8
            )


def _row(case, X, y, alpha, floor, tol=1e-4):
    ours, peer, model, reference_model = duel(
        lambda: Tikhonov(alpha).fit(X, y),
        lambda: Ridge(alpha, tol=tol).fit(X, y),
        repeats_for(X.size if not sparse.issparse(X) else 1e8),
    )
    fitted = _fitted_values(X, y, alpha)
    spread = np.linalg.norm(fitted - fitted.mean(axis=0))
    errors = [
        float(np.linalg.norm(m.predict(X) - fitted) / spread) for m in (model, reference_model)
    ]
    return Row(f"{case}, alpha = {alpha:g}", model.solver_, ours, peer, *errors, floor)


def _fitted_values(X, y, alpha):
    if sparse.issparse(X):
        return Tikhonov(alpha, tol=1e-12, max_iter=20_000).fit(X, y).predict(X)
    centered = X - X.mean(axis=0)
    if X.shape[0] >= X.shape[1]:
        stacked = np.vstack([centered, np.sqrt(alpha) * np.eye(X.shape[1])])
        Q = np.linalg.qr(stacked)[0][: len(X)]
        return y.mean(axis=0) + Q @ (Q.T @ (y - y.mean(axis=0)))
    U, s, _ = np.linalg.svd(centered, full_matrices=False)
    y_centered = y - y.mean(axis=0)
    shrink = (s**2 / (s**2 + alpha)).reshape((-1,) + (1,) * (y.ndim - 1))
    return y.mean(axis=0) + U @ (shrink * (U.T @ y_centered))


if __name__ == "__main__":
    warnings.simplefilter("error")
    main(rows, __doc__)
