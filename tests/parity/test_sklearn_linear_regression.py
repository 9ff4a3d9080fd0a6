"""scikit-learn's tests of its LinearRegression, run on our LeastSquares."""

import pytest
from _exclusions import defect, stale, superset
from _loading import load_tests

from skstruct.linear_model import LeastSquares

# Ours says so where the design is rank-deficient; scikit-learn does not.
pytestmark = pytest.mark.filterwarnings("ignore:The design has rank")

EXCLUSIONS = {
    "test_raises_value_error_if_positive_and_sparse": superset("positive=True takes sparse data"),
    r"test_inplace_data_preprocessing\[.*-None\]": defect(
        "copy_X=False means that X may be overwritten; the test wants it to be"
    ),
}

globals().update(load_tests("sklearn.linear_model.tests.test_base", LinearRegression=LeastSquares))


def test_every_exclusion_names_a_test(names_of_tests):
    assert stale(EXCLUSIONS, names_of_tests) == []
