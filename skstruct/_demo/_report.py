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

from skstruct import config_context
from skstruct._demo import _data
from skstruct._demo._cases import Case, cases, tuned_pipelines

REPEATS = 5
# Slow cases are repeated less often, so that the whole takes about a minute.
SECONDS_PER_CASE = 6.0
WIDTH = 100
# An error that a user would want to be told of.
NOTABLE_ERROR = 1e-6

INTRODUCTION = """\
skstruct and scikit-learn fit the same real data in turns; times are medians. Every plan shows
the routines that were considered (> marks the one chosen) and the certificate, which is measured
on the data after the fit. Errors are distances from an independent float64 reference: LAPACK
on the dense matrix, or Lanczos to machine precision on the sparse one."""
NO_PHOTOGRAPHS = (
    "The photographs are left out, as reading them needs Pillow (python -m pip install pillow)."
)


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
    left_out = [] if _data.photographs() else [NO_PHOTOGRAPHS]
    if not as_json:
        print("\n".join([INTRODUCTION, *left_out]))
    results = []
    for case in cases(max_documents):
        results.append(_run(case))
        if not as_json:
            _print_result(results[-1])
    search = _run_search()
    if as_json:
        document = {"cases": [asdict(r) for r in results], "search": search, "left_out": left_out}
        print(json.dumps(document, indent=2))
    else:
        _print_search(search)
        _print_summary(results)
    certified = search["certified"] and all(result.certified for result in results)
    return 0 if certified else 1


def _run(case: Case) -> Result:
    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    fitted, warned = {}, False
    begin = time.perf_counter()
    while len(times["theirs"]) < REPEATS:
        for name, estimator in (("ours", case.ours), ("theirs", case.theirs)):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                # Repeated fits are to be fits: nothing is kept from the one before.
                with config_context(factor_cache=0):
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
    # BLAS threads of the previous contestant spin for up to 200 ms before they go to sleep.
    time.sleep(0.2)
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
        "certified": all(step.certificate_.holds for step in ours.best_estimator_[1:]),
    }


def _print_result(result: Result) -> None:
    print(f"\n{result.title}\n{'=' * len(result.title)}")
    print(_wrapped(result.plan))
    print(f"\n{'':14}{'time':>10}   {result.measure}")
    print(f"  {'skstruct':<12}{_milliseconds(result.seconds):>10}   {result.error:.1e}")
    note = ""
    if result.sklearn_error > NOTABLE_ERROR:
        note = "  with a warning" if result.sklearn_warned else "  without a warning"
    theirs = _milliseconds(result.sklearn_seconds)
    print(f"  {'scikit-learn':<12}{theirs:>10}   {result.sklearn_error:.1e}{note}", flush=True)


def _wrapped(plan: str) -> str:
    """Break the lines of a plan; verdicts continue in their own column."""
    lines = plan.splitlines()
    verdict = lines[1].index("verdict")
    wrapped = []
    for line in lines:
        in_table = line[:2] in ("> ", "  ")
        indent = " " * (verdict if in_table else 2)
        wrapped += textwrap.wrap(line, WIDTH, drop_whitespace=True, subsequent_indent=indent)
    return "\n".join(wrapped)


def _print_search(search: dict) -> None:
    title = "StandardScaler, PCA and Tikhonov in a Pipeline, tuned by GridSearchCV: diabetes"
    best = ", ".join(f"{name} = {value:g}" for name, value in search["best"].items())
    print(f"\n{title}\n{'=' * len(title)}\n  best: {best}")
    for name, prefix in (("skstruct", ""), ("scikit-learn", "sklearn_")):
        seconds = _milliseconds(search[f"{prefix}seconds"])
        print(f"  {name:<12}{seconds:>10}   mean R2 {search[f'{prefix}score']:.6f}")
    print(f"  certificates of the best pipeline: {'hold' if search['certified'] else 'FAIL'}")


def _print_summary(results: list[Result]) -> None:
    print("\nSummary\n=======")
    print(f"{'':46}{'-------- time --------':>25}{'----- error -----':>19}")
    print(
        f"{'':46}{'skstruct':>9}{'sklearn':>9}{'ratio':>7}{'skstruct':>10}{'sklearn':>9}"
        f"{'certified':>10}"
    )
    for r in results:
        times = f"{_milliseconds(r.seconds):>9}{_milliseconds(r.sklearn_seconds):>9}"
        errors = f"{r.error:>10.0e}{r.sklearn_error:>9.0e}"
        ratio = f"{r.sklearn_seconds / r.seconds:>7.2f}"
        print(f"{r.title:<46}{times}{ratio}{errors}{'yes' if r.certified else 'NO':>10}")
    silent = [r.title for r in results if r.sklearn_error > NOTABLE_ERROR and not r.sklearn_warned]
    if silent:
        print(f"\nscikit-learn is off by more than {NOTABLE_ERROR:.0e}, without a warning, in:")
        print("\n".join(f"  {title}" for title in silent))


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.2f} s"
