"""Run in a fresh process, by its path: what BLAS is loaded there, and how fast it is.

Reads requests from standard input, one JSON document a line, and answers each with one line.
It knows numpy, scipy, threadpoolctl and joblib only, as importing skstruct costs time.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from statistics import median
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info


def _files(user_api: str) -> set[str]:
    return {lib["filepath"] for lib in threadpool_info() if lib["user_api"] == user_api}


OF_NUMPY = _files("blas")
import scipy.linalg.blas  # noqa: E402 - after numpy's BLAS was found, so that scipy's own is seen

OF_SCIPY = (_files("blas") - OF_NUMPY) or OF_NUMPY
OF_BOTH = _files("openmp")

SMALL = 200  # a matrix whose eigenvalues take milliseconds, for which BLAS starts its threads
FIT_SHAPE = (1000, 150)
TASKS_PER_JOB = 4
GEMV_SHAPE = (4096, 2048)  # 64 MB in float64: read from memory, not from a cache


def libraries(with_sklearn: bool) -> list[dict]:
    """Describe every library with threads, and who loaded it."""
    if with_sklearn:
        with suppress(ImportError):
            import sklearn.utils  # noqa: F401 - loads its OpenMP runtime
    found = []
    for lib in threadpool_info():
        file = lib["filepath"]
        users = ["numpy"] * (file in OF_NUMPY) + ["scipy"] * (file in OF_SCIPY)
        users = users or ["numpy", "scipy"] * (file in OF_BOTH) or ["scikit-learn"]
        found.append({**lib, "users": users})
    return found


def seconds(function: Callable[[], object], repeats: int) -> list[float]:
    """Return how long each of some calls took, after a first one that is not counted."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return times


class Operations:
    """The operations, on matrices of one order. Each returns its speed.

    Rates are those of the best call. Where others disturb and that is the question, it is the
    median.
    """

    def __init__(self, size: int, n_jobs: int, repeats: int) -> None:
        self.size, self.n_jobs, self.repeats = size, n_jobs, repeats
        A = np.random.default_rng(0).standard_normal((size, size))
        self.matrices = {dtype: A.astype(dtype) for dtype in ("float64", "float32")}
        S = A[:SMALL, :SMALL]
        self.symmetric = S + S.T
        self.blocks = [np.ones(200_000) for _ in range(n_jobs)]
        self.long_matrix: np.ndarray | None = None

    def speed(self, name: str) -> float:
        """Return the speed of an operation, named like 'gemm numpy float64'."""
        operation, *details = name.split()
        return getattr(self, operation)(*details)

    def gemm(self, package: str, dtype: str) -> float:
        """Return GFLOP/s of A A."""
        A = self.matrices[dtype]
        if package == "numpy":
            out = np.empty_like(A)
            times = seconds(lambda: np.matmul(A, A, out=out), self.repeats)
        else:
            times = seconds(_scipy_product(A), self.repeats)
        return 2 * self.size**3 / min(times) / 1e9

    def syrk(self, package: str, dtype: str) -> float:
        """Return GFLOP/s of A'A, of which half is computed."""
        A = self.matrices[dtype]
        return self.size**3 / min(seconds(lambda: A.T @ A, self.repeats)) / 1e9

    def gemv(self, package: str, dtype: str) -> float:
        """Return GB/s of A x."""
        if self.long_matrix is None:
            self.long_matrix = np.ones(GEMV_SHAPE)
        A = self.long_matrix.view(dtype)  # read as float32, ones are pairs of 0 and 1.875
        x = np.ones(A.shape[1], dtype)
        return A.nbytes / min(seconds(lambda: A @ x, 2 * self.repeats)) / 1e9

    def small_eigh(self) -> float:
        """Return eigendecompositions of a small matrix per second."""
        return 1 / median(seconds(lambda: np.linalg.eigh(self.symmetric), 4 * self.repeats))

    def turns(self) -> float:
        """Return pairs of a product by numpy and one by scipy per second."""
        A = self.matrices["float64"]
        product = _scipy_product(A)
        return 1 / median(seconds(lambda: (A @ A, product()), 3 * self.repeats))

    def blocks_after_blas(self) -> float:
        """Return passes of Python threads per second, right after a threaded product."""
        A = self.matrices["float64"]
        times = []
        with ThreadPoolExecutor(self.n_jobs) as pool:
            for _ in range(2 * self.repeats):
                A @ A
                start = time.perf_counter()
                list(pool.map(_exponentials, self.blocks))
                times.append(time.perf_counter() - start)
        return 1 / median(times)

    def loop(self) -> float:
        """Return small fits per second, one after the other."""
        seeds = range(TASKS_PER_JOB * self.n_jobs)
        return len(seeds) / min(seconds(lambda: [_fit(i) for i in seeds], self.repeats))

    def joblib(self, backend: str) -> float:
        """Return small fits per second in a joblib run."""
        from joblib import Parallel, delayed

        seeds = range(TASKS_PER_JOB * self.n_jobs)

        def fit_all() -> None:
            Parallel(self.n_jobs, backend=backend)(delayed(_fit)(i) for i in seeds)

        return len(seeds) / min(seconds(fit_all, self.repeats))


def _scipy_product(A: np.ndarray) -> Callable[[], np.ndarray]:
    F = np.asfortranarray(A)
    out = np.empty_like(F)
    gemm = scipy.linalg.blas.get_blas_funcs("gemm", (F,))
    return lambda: gemm(1.0, F, F, c=out, overwrite_c=1)


def _exponentials(block: np.ndarray) -> None:
    for _ in range(20):
        np.exp(block)


def _fit(seed: int) -> float:
    """Do what many estimators do: a Gram matrix by numpy, its eigenvalues by scipy."""
    X = np.random.default_rng(seed).standard_normal(FIT_SHAPE)
    return float(scipy.linalg.eigh(X.T @ X, eigvals_only=True)[0])


def check() -> None:
    """Run a small product of every kind: wrong kernels crash here, or err."""
    for dtype in (np.float32, np.float64):
        A = np.ones((65, 65), dtype)
        if not ((A @ A == 65).all() and (A.T @ A == 65).all() and (A @ A[0] == 65).all()):
            raise ArithmeticError("its kernels compute wrong products")


def answer(request: dict, state: dict) -> Any:  # noqa: ANN401 - as the request
    """Answer a request."""
    if request["ask"] == "libraries":
        return libraries(request["with_sklearn"])
    key = request["size"], request["n_jobs"], request["repeats"]
    if state.get("key") != key:
        state.update(key=key, operations=Operations(*key))
    speeds, failed = {}, {}
    for name in request["operations"]:
        try:
            speeds[name] = state["operations"].speed(name)
        except Exception as error:  # whatever joblib meets on this system
            failed[name] = f"{type(error).__name__}: {error}"
    return {"speeds": speeds, "failed": failed}


def main() -> None:
    """Answer requests until there are no more."""
    # What libraries print must not get between the answers.
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    check()
    state: dict = {}
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), state)), file=channel, flush=True)


if __name__ == "__main__":
    main()
