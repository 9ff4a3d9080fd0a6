"""scikit-learn's own checks, for every estimator in several configurations."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skstruct.decomposition import PCA, RandomizedSVD
from skstruct.linear_model import IterativeLeastSquares, LeastSquares, Tikhonov, TikhonovCV

ESTIMATORS = [
    PCA(),
    PCA(n_components=1, whiten=True),
    PCA(n_components=0.9),
    PCA(svd_solver="full"),
    PCA(svd_solver="covariance_eigh"),
    PCA(svd_solver="gram_eigh"),
    PCA(svd_solver="block_krylov"),
    PCA(svd_solver="randomized"),
    PCA(svd_solver="arpack"),
    RandomizedSVD(),
    RandomizedSVD(n_components=0.9, center=True),
    RandomizedSVD(n_components="auto", tol=0.3),
    RandomizedSVD(algorithm="block_krylov"),
    RandomizedSVD(algorithm="randomized", n_iter="auto"),
    RandomizedSVD(algorithm="arpack"),
    RandomizedSVD(algorithm="single_pass"),
    IterativeLeastSquares(),
    IterativeLeastSquares(alpha=0.0),
    IterativeLeastSquares(solver="cg", fit_intercept=False),
    IterativeLeastSquares(solver="lsmr", preconditioner="block"),
    IterativeLeastSquares(solver="lsqr", alphas=[0.1, 1.0]),
    IterativeLeastSquares(solver="direct"),
    LeastSquares(),
    LeastSquares(fit_intercept=False),
    LeastSquares(positive=True),
    LeastSquares(solver="gram_cholesky"),
    LeastSquares(solver="svd"),
    LeastSquares(solver="cg"),
    TikhonovCV(),
    TikhonovCV("auto"),
    TikhonovCV("auto", penalty=("difference", 1)),
    TikhonovCV(fit_intercept=False),
    TikhonovCV("auto", cv=3),
    TikhonovCV(cv=2, scoring="neg_mean_absolute_error", alpha_per_target=True),
    TikhonovCV(gcv_mode="svd", alpha_per_target=True),
    Tikhonov(penalty=("difference", 1)),
    Tikhonov(),
    Tikhonov(alpha=0.1, fit_intercept=False),
    Tikhonov(positive=True),
    Tikhonov(solver="dual_cholesky"),
    Tikhonov(solver="eigen"),
    Tikhonov(solver="qr"),
    Tikhonov(solver="svd"),
    Tikhonov(solver="cg"),
]


@pytest.mark.filterwarnings("default")  # the checks provoke warnings of their own
@parametrize_with_checks(ESTIMATORS)
def test_sklearn_checks(estimator, check):
    check(estimator)
