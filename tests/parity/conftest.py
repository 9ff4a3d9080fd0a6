"""What scikit-learn's tests expect of its own conftest, and the marks of excluded tests."""

import numpy as np
import pytest
from _exclusions import mark_excluded

# Parametrises `global_random_seed`: 42, or as SKLEARN_TESTS_GLOBAL_RANDOM_SEED says.
from sklearn.conftest import pytest_generate_tests  # noqa: F401
from threadpoolctl import threadpool_limits

NAMES = pytest.StashKey()


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Matrices this small gain nothing from threads, which cost minutes beside a busy core."""
    with threadpool_limits(1):
        yield


@pytest.fixture(params=[np.float32, np.float64])
def global_dtype(request):
    return request.param


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector):
    """Mark the tests of a module as they are made, and remember their names.

    Made are all of them, whichever are then selected to run. Where scikit-learn expects its own
    class to fail, ours has to pass.
    """
    made = yield
    if isinstance(made, list):
        for item in made:
            item.own_markers = [mark for mark in item.own_markers if mark.name != "xfail"]
            mark_excluded(item, getattr(collector.obj, "EXCLUSIONS", {}))
            collector.stash.setdefault(NAMES, []).append(item.name)
    return made


@pytest.fixture
def names_of_tests(request):
    return request.node.parent.stash[NAMES]
