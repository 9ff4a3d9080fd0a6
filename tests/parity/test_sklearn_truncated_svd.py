"""scikit-learn's tests of its TruncatedSVD, run on our RandomizedSVD.

The PCA in these tests, which they compare with, stays scikit-learn's.
"""

import pytest
from _exclusions import stale, superset
from _loading import load_tests

from skstruct.decomposition import RandomizedSVD

# Ours says so where a given number of power iterations leaves a rough answer.
pytestmark = pytest.mark.filterwarnings("ignore:RandomizedSVD did not reach the accuracy")

EXCLUSIONS = {
    r"test_too_many_components\[arpack-55\]": superset("arpack finds all components too"),
}

globals().update(
    load_tests("sklearn.decomposition.tests.test_truncated_svd", TruncatedSVD=RandomizedSVD)
)


def test_every_exclusion_names_a_test(names_of_tests):
    assert stale(EXCLUSIONS, names_of_tests) == []
