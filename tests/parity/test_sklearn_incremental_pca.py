"""scikit-learn's tests of its IncrementalPCA, run on the `partial_fit` of our PCA.

The PCA in these tests, which they compare with, stays scikit-learn's.
"""

from _exclusions import stale, superset, wording
from _loading import load_tests
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_array

from skstruct.decomposition import PCA


class IncrementalPCA(PCA):
    """Our PCA with the constructor and the loop over batches of scikit-learn's IncrementalPCA."""

    def __init__(self, n_components=None, *, whiten=False, copy=True, batch_size=None):
        super().__init__(n_components, whiten=whiten, copy=copy)
        self.batch_size = batch_size

    def fit(self, X, y=None):
        parameters = self.get_params()
        vars(self).clear()  # as new, whatever partial_fit keeps
        self.__init__(**parameters)
        X = check_array(X, accept_sparse="csr")  # a format that has rows
        batch_size = self.batch_size or 5 * X.shape[1]
        for batch in gen_batches(X.shape[0], batch_size, min_batch_size=self.n_components or 0):
            self.partial_fit(X[batch])
        return self

    def fit_transform(self, X, y=None):
        return self.fit(X).transform(X)


EXCLUSIONS = {
    r"test_incremental_pca_sparse.*": superset("partial_fit takes sparse batches"),
    "test_incremental_pca_set_params": superset("n_components may change between batches"),
    "test_incremental_pca_validation": wording("the bounds of n_components"),
}

globals().update(
    load_tests("sklearn.decomposition.tests.test_incremental_pca", IncrementalPCA=IncrementalPCA)
)


def test_every_exclusion_names_a_test(names_of_tests):
    assert stale(EXCLUSIONS, names_of_tests) == []
