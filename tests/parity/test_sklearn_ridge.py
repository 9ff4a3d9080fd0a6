"""scikit-learn's tests of its Ridge and RidgeCV, run on our Tikhonov and TikhonovCV.

The other classes in these tests, which they compare with, stay scikit-learn's.
"""

import pytest
from _exclusions import convention, foreign, stale, superset, wording
from _loading import load_tests

from skstruct.linear_model import Tikhonov, TikhonovCV, _tikhonov

pytestmark = [
    # Ours says so where the coefficients are not unique or another solver was used instead;
    # scikit-learn does not.
    pytest.mark.filterwarnings("ignore:.*not unique, those of minimum norm are returned"),
    pytest.mark.filterwarnings("ignore:.*was used instead"),
    # And where the best of the penalties is the first or the last.
    pytest.mark.filterwarnings("ignore:The best of the penalties is at the end of their range"),
    # Folds of one row, in a test of RidgeCV.
    pytest.mark.filterwarnings("ignore:.*not well-defined with less than two samples"),
    pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite"),
    pytest.mark.filterwarnings("ignore:No penalty has a finite score"),
]


class Ridge(Tikhonov):
    """Our Tikhonov, with scikit-learn's name of the solver in `solver_`."""

    def _fit(self, design):
        super()._fit(design)
        if self.solver_ in _tikhonov.SOLVERS[self.solver]:
            self.solver_ = self.solver


OURS = {"Ridge": Ridge, "RidgeCV": TikhonovCV}

EXCLUSIONS = {
    r"test_ridge_fit_intercept_sparse_error.*": superset("every solver takes sparse data"),
    r"test_ridge_fit_intercept_sparse_sag.*": superset(
        "solver='sag' needs no particular settings for sparse data"
    ),
    "test_lbfgs_solver_error": superset("an active set method ends, whatever max_iter"),
    r"test_regularization_limits_ridge_gcv\[csr.*-svd-.*": superset(
        "sparse data has an SVD too", since="1.7"
    ),
    r"test_ridge_(store_)?cv_values_deprecated": foreign("names of before 1.5", before="1.7"),
    "test_ridge_cv_individual_penalties": superset("alpha_per_target goes with any cv"),
    r"test_.*\[RidgeClassifierCV.*": foreign("RidgeClassifierCV"),
    "test_n_iter": convention("n_iter_ counts what was done, whatever max_iter and the solver"),
    r"test_ridge_positive_error_test.*": wording("a solver that knows no bounds"),
}

globals().update(load_tests("sklearn.linear_model.tests.test_ridge", **OURS))


def test_every_exclusion_names_a_test(names_of_tests):
    assert stale(EXCLUSIONS, names_of_tests) == []
