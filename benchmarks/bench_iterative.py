"""IterativeLeastSquares on sparse data against Ridge and LSMR at the same achieved gradient.

Data: TF-IDF of the standard library in pieces of a few lines, in single lines and in whole files,
and of the verses of four translations of the Bible, by words, and by words and pairs of words;
indicators of 100 000 categories, differences on a grid, and text in ill-chosen units. Targets: one
that the text has, or X w + noise with a dense random w.

Ours is the default, asked for a gradient of 1e-6 with columns scaled to unit norm, which is what
its certificate states. A peer gets the loosest tolerance of a list with which its gradient,
measured afterwards in the same way, is at most 1.5 times ours: once in that norm ("scaled") and,
where that takes another tolerance, once in the plain one. Gradients are relative to those at w = 0.
Where ours is a factorisation, the peer has to reach what was asked. Ridge is scikit-learn's with
solver 'auto', both with an intercept; LSMR is scipy's, both without.

Ratios of these rows are its time over ours, to be at least the target. Of the others, at most:
"path": 20 penalties over the hardest of them alone. "8 targets": over the mean of each alone.
"product": over the time in which memory delivers the stored matrix, once for X v and X'u, twice for
X'X v. "memory": numbers allocated at the peak of a fit, beyond its data, over the (n + p) t of t
targets; with Jacobi's preconditioner and with whatever was chosen.
"""

import time
import tracemalloc
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from _data import (
    Text,
    badly_scaled,
    differences,
    library_files,
    library_text,
    one_hot,
    verses,
)
from _harness import (
    arguments,
    contest,
    error_text,
    geometric_mean,
    is_wanted,
    main,
    seconds_text,
)
from _peers import quiet
from scipy import sparse
from scipy.sparse.linalg import lsmr
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from skstruct.linalg import make_operand
from skstruct.linear_model import IterativeLeastSquares

LEAST_PIECES, LEAST_LINES = 100_000, 500_000
TOL = 1e-6
SLACK = 1.5
# Gradients so much smaller than what was asked are not what a peer has to reach.
DIRECT = 1e-2
TOLERANCES = np.logspace(0, -14, 43)  # three a decade
MAX_ITER = 5_000  # of the peers
ALPHAS = {1.0: 5, 0.01: 8}  # with the target ratio against Ridge; against LSMR it is 3
LSMR_TARGET = 3
PATH = np.logspace(2, -2, 20)
# A peer that takes longer is timed once, as it was found.
ONCE_SECONDS = 5
MEMORY_BYTES = 400_000_000


@dataclass(frozen=True)
class IterativeRow:
    """One comparison; `ratio` is to be at least (most) the `target`."""

    case: str
    solver: str
    peer: str
    ours: str
    theirs: str
    ratio: float
    target: float | None = None
    at_least: bool = True
    our_sizes: tuple[float, ...] = ()
    their_sizes: tuple[float, ...] = ()

    @property
    def is_met(self) -> bool:
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target

    def cells(self) -> dict[str, str]:
        target = ""
        if self.target is not None:
            sign = ">=" if self.at_least else "<="
            target = f"{sign} {self.target:g} {'met' if self.is_met else 'MISSED'}"
        return {
            "case": f"{self.case:<75}",
            "solver": f"{self.solver:<18}",
            "against": f"{self.peer:<24}",
            "ours": f"{self.ours:>8}",
            "its": f"{self.theirs:>8}",
            "ratio": f"{self.ratio:6.2f}",
            "target": f"{target:<12}",
            "scaled, plain gradient": " ".join(map(error_text, self.our_sizes)) or " " * 11,
            "its gradients": " ".join(map(error_text, self.their_sizes)),
        }


@dataclass(frozen=True)
class Problem:
    """Minimise ||y - X w - b||^2 + alpha ||w||^2."""

    X: sparse.csr_array
    y: np.ndarray
    alpha: float
    intercept: bool

    def ours(self, alphas: np.ndarray | None = None) -> IterativeLeastSquares:
        model = IterativeLeastSquares(
            self.alpha, fit_intercept=self.intercept, alphas=alphas, tol=TOL
        )
        return model.fit(self.X, self.y)

    def ridge(self, tol: float) -> np.ndarray:
        model = Ridge(self.alpha, fit_intercept=self.intercept, tol=tol, max_iter=MAX_ITER)
        return model.fit(self.X, self.y).coef_

    def lsmr(self, tol: float) -> np.ndarray:
        damp = np.sqrt(self.alpha)
        limits = {"atol": tol, "btol": 0.0, "conlim": 0.0, "maxiter": MAX_ITER}
        return lsmr(self.X, self.y, damp, **limits)[0]

    def sizes(self, w: np.ndarray) -> tuple[float, float]:
        """Return the gradient with columns of unit norm and as it is, relative to w = 0."""
        X, n = self.X, self.X.shape[0]
        mean = X.sum(axis=0) / n * self.intercept
        squares = X.multiply(X).sum(axis=0) - n * mean**2
        scales = np.sqrt(np.maximum(squares, 0.0) + self.alpha)

        def gradient(w: np.ndarray) -> np.ndarray:
            residual = X @ w - self.y
            residual -= residual.mean() * self.intercept
            return X.T @ residual + self.alpha * w

        here, at_zero = gradient(w), gradient(np.zeros_like(w))
        norm = np.linalg.norm
        return (
            float(norm(here / scales) / norm(at_zero / scales)),
            float(norm(here) / norm(at_zero)),
        )


@dataclass
class Search:
    """Runs of a peer, and the loosest of `TOLERANCES` with which its gradient is small enough."""

    fit: Callable[[float], np.ndarray]
    measure: Callable[[np.ndarray], tuple[float, float]]
    runs: dict[int, tuple[float, tuple[float, float]]] = field(default_factory=dict)

    def run(self, index: int) -> tuple[float, tuple[float, float]]:
        if index not in self.runs:
            begin = time.perf_counter()
            w = self.fit(TOLERANCES[index])
            self.runs[index] = time.perf_counter() - begin, self.measure(w)
        return self.runs[index]

    def loosest(self, norm: int, bar: float) -> int | None:
        """Return the index, or None if no tolerance of the list suffices.

        The gradient is taken to be about proportional to the tolerance.
        """
        step = np.log(TOLERANCES[0] / TOLERANCES[1])
        fails, passes = -1, len(TOLERANCES)
        index = int(np.log(1.0 / bar) / step)
        while passes - fails > 1:
            index = min(max(index, fails + 1), passes - 1)
            size = self.run(index)[1][norm]
            away = np.log(size / bar) / step if size > 0 else -np.inf
            if size <= bar:
                passes = index
                index -= int(max(1, min(-away, index)))
            else:
                if fails >= 0 and size >= 0.999 * self.run(fails)[1][norm]:
                    return None  # a smaller tolerance changes nothing: it is at its bound
                fails = index
                index += int(max(1, np.ceil(away)))
        return passes if passes < len(TOLERANCES) else None


def rows(options):
    sets = _quick_texts() if options.quick else _texts()
    for name, (make, kind) in sets.items():
        text = _Lazy(name, make)
        for alpha in ALPHAS:
            for target in (TARGET_NAMES[kind], "synthetic"):
                yield from _against_peers(options, text, kind, target, alpha, ALPHAS)
        yield from _path(options, text, kind)
        yield from _many_targets(options, text)
        yield from _products(options, text)
        yield from _memory(options, text)
    designs = _quick_designs() if options.quick else _designs()
    for name, make in designs.items():
        text = _Lazy(name, make)
        for alpha in ALPHAS:
            yield from _against_peers(options, text, None, "synthetic", alpha, {})


TARGET_NAMES = {0: "position", 1: "characters"}  # columns of the targets of a text


def _texts():
    return {
        "library pieces": (lambda: library_text(LEAST_PIECES), 0),
        "library lines": (lambda: library_text(LEAST_LINES), 1),
        "library files": (library_files, 1),
        "verses": (verses, 0),
        "verses by pairs": (lambda: verses(pairs=True), 0),
    }


def _quick_texts():
    return {"library pieces": (_small_text, 0)}


@cache
def _small_text() -> Text:
    text = library_text(5_000)
    X = text.X[::20, ::20]
    (some,) = np.nonzero(np.diff(X.indptr))
    return Text(X[some], text.targets[::20][some])


def _designs():
    return {
        "one-hot": lambda: Text(one_hot(500_000, (100_000, 1_000, 24)), None),
        "differences": lambda: Text(differences(300), None),
        "badly scaled": lambda: Text(badly_scaled(library_text(10_000).X, 6), None),
    }


def _quick_designs():
    return {
        "one-hot": lambda: Text(one_hot(5_000, (1_000, 24)), None),
        "differences": lambda: Text(differences(20), None),
        "badly scaled": lambda: Text(badly_scaled(_small_text().X, 6), None),
    }


class _Lazy:
    """A text that is read when one of its cases is wanted."""

    def __init__(self, name: str, make: Callable[[], Text]) -> None:
        self.name, self.text = name, cache(make)

    @property
    def X(self) -> sparse.csr_array:
        return self.text().X

    def __str__(self) -> str:
        return f"{self.name} {self.X.shape[0]} x {self.X.shape[1]}"

    def target(self, kind: int | None, name: str) -> np.ndarray:
        if name != "synthetic":
            return self.text().targets[:, kind]
        # columns weigh the same whatever their units
        X, rng = self.X, np.random.default_rng(0)
        norms = np.sqrt(X.multiply(X).sum(axis=0))
        y = X @ (rng.standard_normal(X.shape[1]) / np.where(norms > 0, norms, 1.0))
        return y + 0.5 * y.std() * rng.standard_normal(len(y))


def _against_peers(options, text, kind, target, alpha, least):
    for peer, is_lsmr in (("Ridge", False), ("LSMR", True)):
        case = f"{text.name}, {target}, alpha {alpha:g}, {peer}"
        if not is_wanted(options, case):
            continue
        case = f"{text}, {target}, alpha {alpha:g}"
        ratio = None if options.quick or not least else LSMR_TARGET if is_lsmr else least[alpha]
        problem = Problem(text.X, text.target(kind, target), alpha, intercept=not is_lsmr)
        yield from _duels(case, problem, peer, problem.lsmr if is_lsmr else problem.ridge, ratio)


def _duels(case, problem, peer, fit, target):
    """Yield rows for the scaled gradient and, where that takes another run, for the plain one."""
    model = problem.ours()
    sizes = problem.sizes(model.coef_)
    search = Search(lambda tol: quiet(lambda: fit(tol))(), problem.sizes)
    found = {}
    for norm in (0, 1):
        bar = SLACK * sizes[norm] if sizes[0] >= DIRECT * TOL else TOL
        found.setdefault(search.loosest(norm, bar), norm)
    for index, norm in found.items():
        reached = index is not None
        if not reached:  # it gets the time of its best run
            index = max(search.runs)
        seconds, its_sizes = search.run(index)
        contestants = {"ours": problem.ours}
        if seconds <= ONCE_SECONDS:
            contestants["its"] = lambda index=index: search.fit(TOLERANCES[index])
        times = contest(contestants, 3 if reached else 1)
        seconds = times.get("its", (seconds,))[0]
        ours = times["ours"][0]
        which = "scaled" if norm == 0 else "plain"
        yield IterativeRow(
            f"{case}, {which}",
            _solver(model),
            f"{peer} (tol {TOLERANCES[index]:.0e})" if reached else f"{peer} (NOT REACHED)",
            seconds_text(ours),
            seconds_text(seconds),
            seconds / ours,
            target,
            our_sizes=sizes,
            their_sizes=its_sizes,
        )


def _solver(model):
    if model.preconditioner_ is None:
        return model.solver_
    return f"{model.solver_}, {model.preconditioner_}, {model.n_iter_.max()}"


def _path(options, text, kind):
    for name in (TARGET_NAMES[kind], "synthetic"):
        if not is_wanted(options, f"{text.name}, {name}, path"):
            continue
        problem = Problem(text.X, text.target(kind, name), PATH.min(), intercept=True)
        times = contest({"path": lambda: problem.ours(PATH), "one": problem.ours}, 3)  # noqa: B023
        (seconds, model), (single, alone) = times["path"], times["one"]
        worst = max(
            Problem(problem.X, problem.y, alpha, intercept=True).sizes(w)
            for alpha, w in zip(PATH, model.coef_path_, strict=True)
        )
        yield IterativeRow(
            f"{text}, {name}, path",
            _solver(model),
            f"alpha {PATH.min():g} ({alone.n_iter_.max()} iterations)",
            seconds_text(seconds),
            seconds_text(single),
            seconds / single,
            None if options.quick else 3,
            at_least=False,
            our_sizes=worst,
            their_sizes=problem.sizes(alone.coef_),
        )


def _many_targets(options, text):
    for alpha in ALPHAS:
        if not is_wanted(options, f"{text.name}, alpha {alpha:g}, 8 targets"):
            continue
        Y = text.text().targets
        problem = Problem(text.X, Y, alpha, intercept=True)
        singles = [Problem(text.X, y, alpha, intercept=True).ours for y in np.asfortranarray(Y).T]
        times = contest({"all": problem.ours} | dict(enumerate(singles)), 3)
        seconds, model = times.pop("all")
        single = float(np.mean([one[0] for one in times.values()]))
        iterations = np.mean([one[1].n_iter_.max() for one in times.values()])
        yield IterativeRow(
            f"{text}, alpha {alpha:g}, 8 targets",
            _solver(model),
            f"one ({iterations:.0f} iterations)",
            seconds_text(seconds),
            seconds_text(single),
            seconds / single,
            None if options.quick else 3,
            at_least=False,
            our_sizes=max(
                Problem(text.X, y, alpha, intercept=True).sizes(w)
                for y, w in zip(Y.T, model.coef_, strict=True)
            ),
        )


def _products(options, text):
    if not is_wanted(options, f"{text.name}, product"):
        return
    X, operand = text.X, make_operand(text.X)
    rng = np.random.default_rng(0)
    v, u = (rng.standard_normal((size, 1)) for size in reversed(X.shape))
    floor = (X.data.nbytes + X.indices.nbytes + X.indptr.nbytes) / _bandwidth(options.threads or 2)
    products = {
        "X v": (lambda: operand.matmat(v), 1),
        "X'u": (lambda: operand.rmatmat(u), 1),
        "X'X v": (lambda: operand.normal_product(v), 2),
    }
    for name, (product, n_reads) in products.items():
        product()
        seconds = np.median([_seconds(product) for _ in range(21)])
        yield IterativeRow(
            f"{text}, product {name}",
            f"{seconds / X.nnz * 1e9:.2f} ns an entry",
            f"{floor * n_reads * 1e9 / X.nnz:.2f} ns by memory",
            seconds_text(seconds),
            seconds_text(n_reads * floor),
            seconds / (n_reads * floor),
            None if options.quick else 2,
            at_least=False,
        )


def _bandwidth(threads: int) -> float:
    """Return the bytes per second at which so many threads read a large array."""
    parts = np.array_split(np.ones(MEMORY_BYTES // 8), threads)
    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
        read = lambda: list(pool.map(lambda part: part @ part, parts))  # noqa: E731
        return MEMORY_BYTES / min(_seconds(read) for _ in range(7))


def _seconds(call):
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _memory(options, text):
    for t in (1, 8):
        for chosen in ("jacobi", "auto"):
            if not is_wanted(options, f"{text.name}, memory, {t} targets, {chosen}"):
                continue
            X, y = text.X, text.text().targets[:, :t]
            model = IterativeLeastSquares(0.01, tol=TOL)
            if chosen == "jacobi":
                model.set_params(preconditioner=chosen, solver="cg")
            model.fit(X[:100], y[:100])  # whatever is imported or made once
            tracemalloc.start()
            model.fit(X, y)
            numbers = tracemalloc.get_traced_memory()[1] / 8
            tracemalloc.stop()
            unit = sum(X.shape) * t
            yield IterativeRow(
                f"{text}, memory, {t} targets, {chosen}",
                _solver(model),
                "(n + p) t numbers",
                f"{numbers:.2e}",
                f"{unit:.2e}",
                numbers / unit,
                10 if chosen == "jacobi" and not options.quick else None,
                at_least=False,
            )


def summary(done: list[IterativeRow]) -> dict[str, float]:
    """Return means of the ratios to each peer, and how many rows miss their targets."""
    figures = {}
    for peer in ("Ridge", "LSMR"):
        ratios = [row.ratio for row in done if row.peer.startswith(peer)]
        if ratios:
            figures[f"geometric mean of the ratios to {peer}"] = geometric_mean(ratios)
            figures[f"smallest ratio to {peer}"] = min(ratios)
    with_target = [row for row in done if row.target is not None]
    figures["rows with a target"] = len(with_target)
    figures["rows that miss it"] = sum(not row.is_met for row in with_target)
    return figures


if __name__ == "__main__":
    warnings.simplefilter("error")
    main(rows, __doc__, summary, arguments(__doc__))
