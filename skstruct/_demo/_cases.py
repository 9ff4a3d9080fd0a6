"""The cases: what is fitted, by whom, and the reference that both are measured against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, eigsh
from sklearn import decomposition, linear_model
from sklearn.base import BaseEstimator
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skstruct._demo import _data
from skstruct.decomposition import PCA
from skstruct.linear_model import LeastSquares, Tikhonov, TikhonovCV

ALPHAS = np.logspace(0, 6, 25)


@dataclass(frozen=True)
class Case:
    """One comparison.

    Attributes
    ----------
    title : str
        What is fitted.
    ours, theirs : estimator
        The contestants, not fitted.
    data : tuple
        Arguments of ``fit``.
    error : callable
        Takes a fitted estimator and returns its error against the reference.
    measure : str
        What the error is.
    """

    title: str
    ours: BaseEstimator
    theirs: BaseEstimator
    data: tuple
    error: Callable[[BaseEstimator], float]
    measure: str


def cases(max_documents: int) -> Iterator[Case]:
    """Yield the cases; data is made when it is needed."""
    digits = load_digits().data
    yield _pca_case("digits", digits, 10)
    yield _pca_case("digits + 1e7", digits + 1e7, 10)
    images = _data.photographs()
    if images is None:
        yield _pca_case("digits, a pixel a row", np.ascontiguousarray(digits.T), 20)
    else:
        yield _pca_case("photograph, patches", _data.patches_of(images[0]), 20)
        yield _pca_case("photographs, lines", _data.lines_of(images), 20)
    counts, lengths = _data.library_counts(max_documents)
    yield _pca_case("library text, TF-IDF", _data.tfidf(counts), 20)
    X, y = load_diabetes(return_X_y=True)
    yield _ridge_case("diabetes", X, y, 0.1)
    units = np.ones(X.shape[1])
    units[0] = 1e9
    yield _least_squares_case("diabetes, one column in nano", X * units, y)
    words = _data.most_frequent(counts, 600)
    yield _ridge_case("library text, 600 words", words, lengths, 1e-3)
    yield _tuned_ridge_case("library text", words.toarray(), lengths)


def tuned_pipelines() -> tuple[GridSearchCV, GridSearchCV]:
    """Return the same search with our estimators and with scikit-learn's."""

    def search(pca: BaseEstimator, ridge: BaseEstimator) -> GridSearchCV:
        steps = make_pipeline(StandardScaler(), pca, ridge)
        names = [name for name, _ in steps.steps]
        return GridSearchCV(
            steps,
            {f"{names[1]}__n_components": [2, 4, 8], f"{names[2]}__alpha": [0.1, 1.0, 10.0, 100.0]},
        )

    return (
        search(PCA(), Tikhonov()),
        search(decomposition.PCA(), linear_model.Ridge()),
    )


def _pca_case(title: str, X: np.ndarray | sparse.csr_array, k: int) -> Case:
    reference = leading_variances(X, k)

    def error(pca: BaseEstimator) -> float:
        return float(np.abs(pca.explained_variance_ / reference - 1).max())

    return Case(
        f"PCA, k = {k}: {title}",
        PCA(k, random_state=0),
        decomposition.PCA(k, random_state=0),
        (X,),
        error,
        "worst relative error of a variance",
    )


def leading_variances(X: np.ndarray | sparse.csr_array, k: int) -> np.ndarray:
    """Return variances by LAPACK's SVD of the centred matrix, or by Lanczos if it is sparse."""
    n = X.shape[0]
    if not sparse.issparse(X):
        exact = np.asarray(X, dtype=np.longdouble)
        centered = np.asarray(exact - exact.mean(axis=0), dtype=np.float64)
        if n > X.shape[1]:
            centered = np.linalg.qr(centered, mode="r")
        return np.linalg.svd(centered, compute_uv=False)[:k] ** 2 / (n - 1)
    mean = np.asarray(X.mean(axis=0)).ravel()

    def gram_times(u: np.ndarray) -> np.ndarray:
        u = u.ravel()
        v = X.T @ u - mean * u.sum()
        return X @ v - mean @ v

    gram = LinearOperator((n, n), matvec=gram_times, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(n)
    values = eigsh(gram, k, tol=0, v0=start, return_eigenvectors=False)
    return np.sort(values)[::-1] / (n - 1)


def _ridge_case(title: str, X: np.ndarray | sparse.csr_array, y: np.ndarray, alpha: float) -> Case:
    fitted = _ridge_fit(X.toarray() if sparse.issparse(X) else X, y, alpha)
    spread = np.linalg.norm(fitted - fitted.mean())

    def error(model: BaseEstimator) -> float:
        return float(np.linalg.norm(model.predict(X) - fitted) / spread)

    return Case(
        f"ridge, alpha = {alpha:g}: {title}",
        Tikhonov(alpha),
        linear_model.Ridge(alpha),
        (X, y),
        error,
        "relative error of the fitted values",
    )


def _least_squares_case(title: str, X: np.ndarray, y: np.ndarray) -> Case:
    case = _ridge_case(title, X, y, 0.0)
    return replace(
        case,
        title=f"least squares: {title}",
        ours=LeastSquares(),
        theirs=linear_model.LinearRegression(),
    )


def _tuned_ridge_case(title: str, X: np.ndarray, y: np.ndarray) -> Case:
    def error(model: BaseEstimator) -> float:
        alpha = model.alpha_ if hasattr(model, "alpha_") else model.best_params_["alpha"]
        fitted = _ridge_fit(X, y, alpha)
        return float(np.linalg.norm(model.predict(X) - fitted) / np.linalg.norm(fitted - y.mean()))

    return Case(
        f"ridge, alpha by 5 folds: {title}",
        TikhonovCV(ALPHAS, cv=5),
        GridSearchCV(linear_model.Ridge(), {"alpha": ALPHAS}, cv=5),
        (X, y),
        error,
        "relative error of the fitted values at the alpha chosen",
    )


def _ridge_fit(X: np.ndarray, y: np.ndarray, alpha: float) -> np.ndarray:
    """Return fitted values by LAPACK's QR of the augmented matrix with scaled columns."""
    centered, y_mean = X - X.mean(axis=0), y.mean()
    stacked = np.vstack([centered, np.sqrt(alpha) * np.eye(X.shape[1])])
    Q = np.linalg.qr(stacked / np.linalg.norm(stacked, axis=0))[0][: len(X)]
    return y_mean + Q @ (Q.T @ (y - y_mean))
