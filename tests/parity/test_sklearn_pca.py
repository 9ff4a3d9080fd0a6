"""scikit-learn's tests of its PCA, run on ours."""

import pytest
from _exclusions import defect, foreign, private, stale, superset, wording
from _loading import load_tests

from skstruct.decomposition import PCA
from skstruct.linalg import minka_rank

# Ours says so where the likelihood leaves directions out; scikit-learn does not.
pytestmark = pytest.mark.filterwarnings("ignore:the covariance of the model is singular")

EXCLUSIONS = {
    r"test_pca(_mle)?_array_api_compliance.*-(array_api_strict|cupy|torch|dpnp)-.*": foreign(
        "arrays of other namespaces than numpy's are not offered"
    ),
    "test_array_api_error_and_warnings_on_unsupported_params": foreign(
        "arrays of other namespaces than numpy's are not offered"
    ),
    r"test_assess_dim.*|test_small_eigenvalues_mle": foreign(
        "tests _assess_dimension, the private evidence of one rank; minka_rank has that of all"
    ),
    r"test_pca_svd_solver_auto.*": private("_fit_svd_solver; ours is solver_ and chosen otherwise"),
    r"test_sparse_pca_solver_error.*": superset("every solver takes sparse data"),
    r"test_n_components_mle_error.*": superset("every solver can find all components"),
    r"test_pca_validation\[arpack.*": superset("arpack finds all components too"),
    r"test_pca_score\[.*": defect(
        "the likelihood of the data may not depend on whiten, which only rescales scores; "
        "scikit-learn's does, and the test wants it to (issue 13898)"
    ),
    r"test_pca_validation\[auto.*": wording("the bounds, and the solver that was asked for"),
}

globals().update(
    load_tests("sklearn.decomposition.tests.test_pca", PCA=PCA, _infer_dimension=minka_rank)
)


def test_every_exclusion_names_a_test(names_of_tests):
    assert stale(EXCLUSIONS, names_of_tests) == []
