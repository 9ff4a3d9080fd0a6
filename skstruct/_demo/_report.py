"""Running the cases and printing what came of them."""

from __future__ import annotations

import json
import textwrap
import time
import warnings
from dataclasses import asdict, dataclass
from statistics import median

from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_diabetes

from skstruct._demo._cases import Case, cases, tuned_pipelines

REPEATS = 5
# Slow cases are repeated less often, so that the whole takes about a minute.
SECONDS_PER_CASE = 6.0
WIDTH = 100


@dataclass(frozen=True)
class Result:
    """What one case showed."""

    title: str
    shape: tuple[int, int]
    solver: str
    plan: str
    measure: str
    seconds: float
    sklearn_seconds: float
    error: float
    sklearn_error: float
    sklearn_warned: bool
    certificate: str
    certified: bool


def run_demo(*, as_json: bool = False, max_documents: int = 12_000) -> int:
    """Run every case and print the outcome.

    Parameters
    ----------
    as_json : bool
        Whether to print one JSON document instead of text.
    max_documents : int
        Size of the text corpus.

    Returns
    -------
    int
        Exit status: 0 if every certificate holds, else 1.
    """
    results = []
    for case in cases(max_documents):
        results.append(_run(case))
        if not as_json:
            _print_result(results[-1])
    search = _run_search()
    if as_json:
        print(json.dumps({"cases": [asdict(r) for r in results], "search": search}, indent=2))
    else:
        _print_search(search)
        _print_summary(results)
    return 0 if all(result.certified for result in results) else 1


def _run(case: Case) -> Result:
    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    fitted, warned = {}, False
    begin = time.perf_counter()
    while len(times["theirs"]) < REPEATS:
        for name, estimator in (("ours", case.ours), ("theirs", case.theirs)):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                fitted[name], seconds = _timed_fit(estimator, case.data)
            times[name].append(seconds)
            warned |= name == "theirs" and bool(caught)
        if time.perf_counter() - begin > SECONDS_PER_CASE:
            break
    ours = fitted["ours"]
    return Result(
        title=case.title,
        shape=case.data[0].shape,
        solver=ours.solver_,
        plan=str(ours.plan_),
        measure=case.measure,
        seconds=median(times["ours"]),
        sklearn_seconds=median(times["theirs"]),
        error=case.error(ours),
        sklearn_error=case.error(fitted["theirs"]),
        sklearn_warned=warned,
        certificate=str(ours.certificate_),
        certified=ours.certificate_.holds,
    )


def _timed_fit(estimator: BaseEstimator, data: tuple) -> tuple[BaseEstimator, float]:
    estimator = clone(estimator)
    # BLAS threads of the previous contestant spin for some 25 ms before they go to sleep.
    time.sleep(0.05)
    begin = time.perf_counter()
    estimator.fit(*data)
    return estimator, time.perf_counter() - begin


def _run_search() -> dict:
    X, y = load_diabetes(return_X_y=True)
    ours, theirs = tuned_pipelines()
    ours, seconds = _timed_fit(ours, (X, y))
    theirs, sklearn_seconds = _timed_fit(theirs, (X, y))
    return {
        "best": {name: float(value) for name, value in ours.best_params_.items()},
        "score": float(ours.best_score_),
        "sklearn_score": float(theirs.best_score_),
        "seconds": seconds,
        "sklearn_seconds": sklearn_seconds,
    }


def _print_result(result: Result) -> None:
    print(f"\n{result.title}\n{'=' * len(result.title)}")
    for line in result.plan.splitlines():
        head, *rest = textwrap.wrap(line, WIDTH - 2, drop_whitespace=False)
        print("\n".join([head.rstrip(), *(" " * 6 + part.strip() for part in rest)]))
    print(f"\n{'':14}{'time':>10}   {result.measure}")
    print(f"  {'skstruct':<12}{_milliseconds(result.seconds):>10}   {result.error:.1e}")
    note = "with a warning" if result.sklearn_warned else "no warning"
    theirs = _milliseconds(result.sklearn_seconds)
    print(f"  {'scikit-learn':<12}{theirs:>10}   {result.sklearn_error:.1e}  ({note})", flush=True)


def _print_search(search: dict) -> None:
    title = (
        "Pipeline of StandardScaler, PCA and Tikhonov, tuned by GridSearchCV on the diabetes data"
    )
    best = ", ".join(f"{name} = {value:g}" for name, value in search["best"].items())
    print(f"\n{title}\n{'=' * len(title)}")
    print(f"  best: {best}")
    print(
        f"  mean R2: {search['score']:.6f} (scikit-learn's PCA and Ridge: "
        f"{search['sklearn_score']:.6f})"
    )
    print(
        f"  time: {_milliseconds(search['seconds'])} (scikit-learn: "
        f"{_milliseconds(search['sklearn_seconds'])})"
    )


def _print_summary(results: list[Result]) -> None:
    print("\nSummary\n=======")
    print(f"{'':52}{'time':>9}{'sklearn':>9}{'error':>9}{'sklearn':>9}  certified")
    for r in results:
        print(
            f"{textwrap.shorten(r.title, 51, placeholder='...'):<52}{_milliseconds(r.seconds):>9}"
            f"{_milliseconds(r.sklearn_seconds):>9}{r.error:>9.0e}{r.sklearn_error:>9.0e}  "
            f"{'yes' if r.certified else 'NO'}"
        )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.2f} s"
