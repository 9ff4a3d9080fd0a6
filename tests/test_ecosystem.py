"""What users of scikit-learn do with estimators: pipelines, searches, frames, threads."""

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skstruct._compat import CallbackSupportMixin
from skstruct.decomposition import PCA, RandomizedSVD
from skstruct.linear_model import Tikhonov


@pytest.fixture
def frame():
    return load_diabetes(as_frame=True, return_X_y=True)


def make_pipe():
    return Pipeline([("scale", StandardScaler()), ("pca", PCA()), ("ridge", Tikhonov())])


def test_pipeline_tuned_on_a_frame_with_weights(frame):
    X, y = frame
    weights = np.random.default_rng(0).uniform(0.5, 2, len(X))
    with sklearn.config_context(enable_metadata_routing=True):
        pipe = Pipeline(
            [
                ("scale", StandardScaler().set_fit_request(sample_weight=True)),
                ("pca", PCA().set_fit_request(sample_weight=True)),
                ("ridge", Tikhonov().set_fit_request(sample_weight=True)),
            ]
        ).set_output(transform="pandas")
        search = GridSearchCV(
            pipe,
            {"pca__n_components": [2, 5, None], "ridge__alpha": [0.1, 10.0]},
            scoring=get_scorer("r2").set_score_request(sample_weight=True),
            n_jobs=2,
            cv=3,
        )
        search.fit(X, y, sample_weight=weights)
        best = search.best_estimator_
        assert isinstance(best[:-1].transform(X), pd.DataFrame)
        by_hand = clone(best).fit(X, y, sample_weight=weights)
        restored = pickle.loads(pickle.dumps(search))
    assert_allclose(by_hand.predict(X), search.predict(X), rtol=1e-10)
    assert np.array_equal(restored.predict(X), search.predict(X))
    # the weights arrived: without them the coefficients differ
    unweighted = clone(best).fit(X, y)
    assert np.abs(unweighted[-1].coef_ - best[-1].coef_).max() > 1e-3


def test_search_agrees_with_sklearn(frame):
    X, y = frame
    grid = {"alpha": np.logspace(-3, 3, 7)}
    ours = GridSearchCV(Tikhonov(), grid).fit(X, y)
    theirs = GridSearchCV(Ridge(), grid).fit(X, y)
    assert ours.best_params_ == theirs.best_params_
    assert_allclose(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"], rtol=1e-9
    )


def test_refitting_in_threads_gives_the_same(frame):
    X, y = frame
    expected = make_pipe().fit(X, y).predict(X)
    with ThreadPoolExecutor(4) as pool:
        predictions = list(pool.map(lambda _: make_pipe().fit(X, y).predict(X), range(16)))
    for prediction in predictions:
        assert_allclose(prediction, expected, rtol=1e-10)


def test_large_fits_in_threads_give_the_same():
    X = np.random.default_rng(0).standard_normal((20_000, 40))
    expected = PCA(5).fit(X).explained_variance_
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: PCA(5).fit(X).explained_variance_, range(6)))
    for values in results:
        assert_allclose(values, expected, rtol=1e-12)


def test_output_containers_and_names(frame):
    X, _ = frame
    pca = PCA(2).fit(X)
    assert list(pca.get_feature_names_out()) == ["pca0", "pca1"]
    assert list(pca.feature_names_in_) == list(X.columns)
    assert list(pca.set_output(transform="pandas").transform(X).columns) == ["pca0", "pca1"]
    with pytest.warns(UserWarning, match="valid feature names"):
        pca.transform(X.to_numpy())
    polars = PCA(2).set_output(transform="polars").fit_transform(pl.DataFrame(X.to_dict("list")))
    assert isinstance(polars, pl.DataFrame)


def test_notebook_display_does_not_fail(frame):
    X, y = frame
    pipe = make_pipeline(PCA(2), Tikhonov()).fit(X, y)
    assert "Tikhonov" in pipe._repr_html_()


@pytest.mark.skipif(
    not hasattr(CallbackSupportMixin, "set_callbacks"), reason="scikit-learn < 1.9 has no callbacks"
)
@pytest.mark.parametrize("estimator", [PCA(2), Tikhonov()])
def test_callbacks_are_called(estimator, frame):
    calls = []

    class Recorder:
        max_estimator_depth = None

        def setup(self, estimator, context):
            calls.append("setup")

        def on_fit_task_begin(self, estimator, context, **_):
            calls.append("begin")

        def on_fit_task_end(self, estimator, context, **_):
            calls.append("end")
            return False

        def teardown(self, estimator, context):
            calls.append("teardown")

    clone(estimator).set_callbacks(Recorder()).fit(*frame)
    assert calls == ["setup", "begin", "end", "teardown"]


@pytest.mark.parametrize(
    ("estimator", "fit"),
    [
        (PCA(5, svd_solver="randomized", iterated_power=0), "fit"),
        (PCA(5, svd_solver="randomized", iterated_power=0), "fit_transform"),
        (make_pipeline(PCA(5, svd_solver="randomized", iterated_power=0)), "fit"),
        (RandomizedSVD(5, algorithm="randomized", n_iter=0), "fit"),
        (Tikhonov(solver="cg", max_iter=1), "fit"),
    ],
)
def test_warnings_name_the_line_of_the_user(estimator, fit):
    X = np.random.default_rng(0).standard_normal((300, 80))
    with pytest.warns(Warning) as caught:
        getattr(estimator, fit)(X, X @ np.arange(80.0))
    assert {warning.filename for warning in caught} == {__file__}


@pytest.mark.parametrize("estimator", [PCA(), RandomizedSVD()])
def test_where_scores_are_written_is_not_routed(estimator):
    assert estimator.get_metadata_routing().transform.requests == {}
    assert set(estimator.get_metadata_routing().fit.requests) == {"sample_weight"}


def test_import_is_light():
    code = (
        "import sys; import skstruct.decomposition, skstruct.linear_model;"
        "heavy = [m for m in ('matplotlib', 'sklearn.decomposition',"
        " 'sklearn.linear_model') if m in sys.modules]; print(heavy)"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"
