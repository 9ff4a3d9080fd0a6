"""RandomizedSVD and PCA of slowly decaying spectra and large text against scikit-learn.

Data: TF-IDF of the standard library's text in at least 100 000 pieces, and dense matrices. Three
kinds of rows:

"equal energy": against TruncatedSVD by its default, a sketch with five power iterations; ours with
the loosest tolerance of a fixed list that captures at least as much of the squared norm.
"tol 1e-6": against Lanczos iteration (algorithm or svd_solver 'arpack') with the same tolerance,
which means the same in both: |A'A v - s^2 v| <= tol s^2.
"energy": the components that hold 90 % of the variance, against LAPACK's SVD.

"captured": |A V|^2 / |A|^2 for an orthonormal basis V of the components found. Errors: the largest
residual |A'A v - s^2 v| / s^2, measured afterwards for both in the same way.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from _data import library_rows, matrix, slow_spectrum
from _harness import Row, duel, is_wanted, main, repeats_for
from _peers import quiet
from scipy import sparse
from sklearn.decomposition import PCA as SklearnPCA  # noqa: N811 - two classes of one name
from sklearn.decomposition import TruncatedSVD

from skstruct.decomposition import PCA, RandomizedSVD

LEAST_ROWS = 100_000
COMPONENTS = (20, 50, 100)
TOLERANCES = (1.0, 3e-1, 1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 1e-4, 1e-6, 1e-8)
TOL = 1e-6


@dataclass(frozen=True)
class EnergyRow(Row):
    """A row that also says what share of the squared norm was captured."""

    captured: float = 0.0
    peer_captured: float = 0.0

    def cells(self) -> dict[str, str]:
        cells = super().cells()
        for name in ("/floor", "target"):
            del cells[name]
        cells["its error"] = cells["its error"].removesuffix(" rough")  # a residual, not an error
        return cells | {
            "captured": f"{self.captured:.6%}",
            "it captured": f"{self.peer_captured:.6%}",
        }


def rows(options):
    components = (5, 10) if options.quick else COMPONENTS
    for name, make in (_quick_data() if options.quick else _data()).items():
        cases = [(f"{name}, k = {k}, equal energy", k, _equal_energy) for k in components]
        cases += [(f"{name}, k = {k}, tol {TOL:.0e}", k, _equal_tol) for k in components]
        cases.append((f"{name}, PCA, k = {components[-1]}, tol {TOL:.0e}", components[-1], _pca))
        cases = [(case, *rest) for case, *rest in cases if is_wanted(options, case)]
        X = make() if cases else None
        for case, k, compare in cases:
            yield compare(case.replace(name, f"{name} {X.shape[0]} x {X.shape[1]}"), X, k)
    case = "s = i^-0.5, PCA, energy 0.9"
    if is_wanted(options, case):
        n, p = (400, 300) if options.quick else (4_000, 3_000)
        X = slow_spectrum(n, p)
        yield _row(case, X, PCA(0.9, random_state=0), SklearnPCA(0.9, svd_solver="full"))


def _data():
    return {
        "TF-IDF": lambda: library_rows(LEAST_ROWS),
        "s = i^-0.5": lambda: slow_spectrum(4_000, 3_000),
        "decay": lambda: matrix(20_000, 2_000, "decay"),
    }


def _quick_data():
    return {
        "TF-IDF": lambda: library_rows(5_000)[:, :5_000],
        "s = i^-0.5": lambda: slow_spectrum(400, 300),
    }


def _equal_energy(case, X, k):
    peer = TruncatedSVD(k, random_state=0)
    least = _captured(X, quiet(lambda: peer.fit(X))())
    for tol in TOLERANCES:
        ours = RandomizedSVD(k, tol=tol, random_state=0)
        if _captured(X, ours.fit(X)) >= least:
            break
    return _row(f"{case} (tol {tol:.0e})", X, ours, peer)


def _equal_tol(case, X, k):
    peer = TruncatedSVD(k, algorithm="arpack", tol=TOL, random_state=0)
    return _row(case, X, RandomizedSVD(k, tol=TOL, random_state=0), peer)


def _pca(case, X, k):
    peer = SklearnPCA(k, svd_solver="arpack", tol=TOL, random_state=0)
    return _row(case, X, PCA(k, tol=TOL, random_state=0), peer)


def _row(case, X, ours, peer):
    n_numbers = X.size if not sparse.issparse(X) else 1e8
    seconds, peer_seconds, ours, peer = duel(
        lambda: ours.fit(X), quiet(lambda: peer.fit(X)), repeats_for(n_numbers)
    )
    counts = len(ours.singular_values_), len(peer.singular_values_)
    if counts[0] != counts[1]:
        case += f" ({counts[0]} and {counts[1]} components)"
    elif isinstance(ours.n_components, float):
        case += f" ({counts[0]} components)"
    return EnergyRow(
        case,
        getattr(ours, "solver_", ""),
        seconds,
        peer_seconds,
        _residual(X, ours),
        _residual(X, peer),
        captured=_captured(X, ours),
        peer_captured=_captured(X, peer),
    )


def _captured(X, fitted):
    mean = _mean(X, fitted)
    Q = np.linalg.qr(np.asarray(fitted.components_, dtype=np.float64).T)[0]
    numbers = X.data if sparse.issparse(X) else X.ravel()
    squared_norm = numbers @ numbers - X.shape[0] * mean @ mean
    return float(np.square(X @ Q - mean @ Q).sum() / squared_norm)


def _residual(X, fitted):
    mean, V, values = _mean(X, fitted), fitted.components_.T, fitted.singular_values_
    scores = X @ V - mean @ V
    residual = X.T @ scores - np.outer(mean, scores.sum(axis=0)) - V * values**2
    return float((np.linalg.norm(residual, axis=0) / values**2).max())


def _mean(X, fitted):
    """Return what was subtracted: the mean by PCA, zero by a truncated SVD."""
    return np.asarray(getattr(fitted, "mean_", np.zeros(X.shape[1])))


if __name__ == "__main__":
    warnings.simplefilter("error")
    main(rows, __doc__)
