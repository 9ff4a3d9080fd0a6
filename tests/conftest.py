"""Settings that have to be made before numpy is loaded, and the same examples in every run."""

import os

from hypothesis import settings

# OpenBLAS's threads wait for work by spinning, for up to 200 ms unless told otherwise, and then
# keep the cores from the tests of the other process (`pytest -n 2`, which inherits this).
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
