"""What planning and certifying cost where there is little to compute, and importing.

Targets: fits of small data within 1.5 times scikit-learn's, imports within 1.3 times.
"""

import subprocess
import sys
from statistics import median

from _harness import Row, duel, is_wanted, main
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA as SklearnPCA  # noqa: N811 - two classes of one name
from sklearn.linear_model import Ridge

from skstruct.decomposition import PCA
from skstruct.linear_model import Tikhonov

FITS_PER_SAMPLE = 20


def rows(options):
    quick = options.quick
    for name, load in (("iris 150 x 4", load_iris), ("diabetes 442 x 10", load_diabetes)):
        X, y = load(return_X_y=True)
        for label, ours, peer in (
            ("PCA", PCA(), SklearnPCA()),
            ("PCA, k = 2", PCA(2), SklearnPCA(2)),
            ("ridge", Tikhonov(), Ridge()),
        ):
            if not is_wanted(options, f"{label}: {name}"):
                continue
            times = duel(_many(ours, X, y), _many(peer, X, y), 5 if quick else 41)
            seconds, peer_seconds = (value / FITS_PER_SAMPLE for value in times[:2])
            yield Row(
                f"{label}: {name}",
                times[2].solver_,
                seconds,
                peer_seconds,
                None,
                None,
                target=1 / 1.5,
            )
    repeats = 2 if quick else 9
    for module in ("decomposition", "linear_model"):
        if not is_wanted(options, f"import {module}"):
            continue
        ours, peer = _Import(f"skstruct.{module}"), _Import(f"sklearn.{module}")
        duel(ours, peer, repeats)
        yield Row(f"import {module}", "", ours.median(), peer.median(), None, None, target=1 / 1.3)


def _many(estimator, X, y):
    def fit():
        for _ in range(FITS_PER_SAMPLE):
            estimator.fit(X, y)
        return estimator

    return fit


class _Import:
    """Importing a module in a fresh interpreter, timed inside it: without the start-up."""

    def __init__(self, module):
        self.code = (
            "import time; begin = time.perf_counter(); "
            f"import {module}; print(time.perf_counter() - begin)"
        )
        self.seconds = []

    def __call__(self):
        command = [sys.executable, "-c", self.code]
        self.seconds.append(float(subprocess.run(command, capture_output=True, check=True).stdout))

    def median(self):
        return median(self.seconds)


if __name__ == "__main__":
    main(rows, __doc__)
