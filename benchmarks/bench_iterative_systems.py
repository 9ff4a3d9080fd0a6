"""solve_iteratively against splu and scipy's cg and gmres at the same residual, and solve's choice.

Systems: Laplacians of grids of two and three dimensions (Poisson's equation with constant and with
rough coefficients), convection-diffusion by upwind and by central differences, and Helmholtz's
equation beyond its first eigenvalues, which is indefinite. Right-hand sides are random, and eight
at a time in the rows that say so.

"residual": |b - A x| / |b| as measured afterwards. A peer that iterates is given the loosest
tolerance of a list with which its residual is at most 1.5 times what was asked, and at most
`MAX_ITER` iterations: "-" where it does not get there. "its": those of ours. Ratios are the peer's
time over ours. "scipy": cg for the symmetric positive definite systems, gmres with restarts after
40 for the others, both with the diagonal as preconditioner; "scipy + ilu": the same with
``spilu(drop_tol=1e-3)``, its setup included. "splu": factorisation and solve; "-" where its factors
would not fit in `MEMORY` bytes by the estimate of the planner. "without amg" is ours where pyamg is
not used. The last column is what ``solve`` chooses for the system.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from _harness import (
    SETTLE_SECONDS,
    arguments,
    error_text,
    geometric_mean,
    is_wanted,
    main,
    seconds_text,
)
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg, gmres, spilu, splu

from skstruct.linalg import explain, solve_iteratively, structure_of

TOL = 1e-10
SLACK = 1.5
TOLERANCES = np.logspace(-10, -13, 7)
MAX_ITER = 5_000
RESTART = 40
MEMORY = 5e9
FACTOR_BYTES = 24.0
# Peers that take longer than this once are not tried with a tighter tolerance, nor repeated.
ONCE_SECONDS = 10.0
REPEATS = 3
# SuperLU without row exchanges, for symmetric positive definite matrices.
SYMMETRIC = {
    "permc_spec": "MMD_AT_PLUS_A",
    "diag_pivot_thresh": 0.0,
    "options": {"SymmetricMode": True},
}


@dataclass(frozen=True)
class SystemRow:
    """One system; a peer's time is None where it did not get there."""

    case: str
    solver: str
    ours: float
    n_iter: int
    residual: float
    chosen: str
    peers: dict[str, float | None] = field(default_factory=dict)
    residuals: dict[str, float | None] = field(default_factory=dict)

    def ratio(self, name: str) -> float | None:
        seconds = self.peers[name]
        return None if seconds is None else seconds / self.ours

    def cells(self) -> dict[str, str]:
        cells = {
            "case": self.case,
            "solver": f"{self.solver:<22}",
            "ours": f"{seconds_text(self.ours):>8}",
            "its": f"{self.n_iter:>6}",
            "residual": f"{error_text(self.residual):>8}",
        }
        for name in self.peers:
            ratio = self.ratio(name)
            text = "-" if ratio is None else f"{ratio:.2f} ({error_text(self.residuals[name])})"
            cells[name] = f"{text:>14}"
        return cells | {"solve": f"{self.chosen:<16}"}


def second_difference(m: int) -> sparse.dia_array:
    return sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(m, m))


def laplacian(m: int, dimensions: int) -> sparse.csr_array:
    """Return the Laplacian of a grid of m^d points."""
    total = sparse.csr_array((m**dimensions,) * 2)
    for axis in range(dimensions):
        before, after = sparse.eye_array(m**axis), sparse.eye_array(m ** (dimensions - axis - 1))
        total = total + sparse.kron(sparse.kron(before, second_difference(m)), after)
    return sparse.csr_array(total)


def rough(m: int) -> sparse.csr_array:
    """Return diffusion on a plane whose coefficients vary by six decades from edge to edge."""
    rng = np.random.default_rng(0)
    step = sparse.diags_array([-1.0, 1.0], offsets=[0, 1], shape=(m - 1, m))
    one = sparse.eye_array(m)
    gradient = sparse.vstack([sparse.kron(step, one), sparse.kron(one, step)])
    weights = sparse.diags_array(10.0 ** rng.uniform(-3, 3, gradient.shape[0]))
    return sparse.csr_array(gradient.T @ weights @ gradient + 1e-3 * sparse.eye_array(m * m))


def convection(m: int, dimensions: int, speed: float, upwind: bool) -> sparse.csr_array:
    """Return diffusion, and convection along the first axis."""
    slope = ([-1.0, 1.0], [-1, 0]) if upwind else ([-0.5, 0.5], [-1, 1])
    first = sparse.diags_array(slope[0], offsets=slope[1], shape=(m, m))
    along = sparse.kron(first, sparse.eye_array(m ** (dimensions - 1)))
    return sparse.csr_array(laplacian(m, dimensions) + speed * along)


def waves(m: int, shift: float) -> sparse.csr_array:
    return sparse.csr_array(laplacian(m, 2) - shift * sparse.eye_array(m * m))


def systems(quick: bool) -> dict[str, tuple[Callable[[], sparse.csr_array], bool]]:
    """Return what makes each matrix, and whether it is definite."""
    small = 0.25 if quick else 1.0
    plane, line, space = int(400 * small), int(1000 * small), int(50 * small)
    return {
        f"Laplacian {plane}^2": (lambda: laplacian(plane, 2), True),
        f"Laplacian {line}^2": (lambda: laplacian(line, 2), True),
        f"Laplacian {space}^3": (lambda: laplacian(space, 3), True),
        f"rough diffusion {plane}^2": (lambda: rough(plane), True),
        f"upwind convection {plane}^2": (lambda: convection(plane, 2, 0.5, True), False),
        f"central convection {plane}^2": (lambda: convection(plane, 2, 2.0, False), False),
        f"upwind convection {space}^3": (lambda: convection(space, 3, 0.5, True), False),
        f"Helmholtz {plane // 2}^2": (lambda: waves(plane // 2, 0.1), False),
    }


def rows(options) -> Iterator[SystemRow]:
    for name, (make, definite) in systems(options.quick).items():
        for k in (1, 8):
            case = f"{name}, {k} right-hand side{'s' * (k > 1)}"
            if is_wanted(options, case) and (k == 1 or "^3" in name):
                yield compare(case, make(), definite, k)


def compare(case: str, A: sparse.csr_array, definite: bool, k: int) -> SystemRow:
    b = np.random.default_rng(0).standard_normal((A.shape[0], k))
    seconds, found = timed(lambda: solve_iteratively(A, b, tol=TOL))
    peers, residuals = {}, {}
    plain = timed_without_amg(A, b)
    peers["without amg"], residuals["without amg"] = plain
    for name, incomplete in (("scipy", False), ("scipy + ilu", True)):
        peers[name], residuals[name] = iterated(A, b, definite, incomplete)
    peers["splu"], residuals["splu"] = factorised(A, b, definite)
    return SystemRow(
        case,
        f"{found.method} + {found.preconditioner}",
        seconds,
        int(found.n_iter.max()),
        residual(A, found.x, b),
        explain(A, b).chosen,
        peers,
        residuals,
    )


def timed(run: Callable) -> tuple[float, object]:
    """Return the median seconds of a few runs, and the last result."""
    times = []
    while len(times) < REPEATS and sum(times) < ONCE_SECONDS:
        time.sleep(SETTLE_SECONDS)
        begin = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - begin)
    return float(np.median(times)), result


def timed_without_amg(A: sparse.csr_array, b: np.ndarray) -> tuple[float, float]:
    from skstruct.linalg.iterative_systems.preconditioners import _multigrid

    before = _multigrid.multigrid_obstacle
    _multigrid.multigrid_obstacle = lambda: "left out"
    try:
        seconds, found = timed(lambda: solve_iteratively(A, b, tol=TOL))
    finally:
        _multigrid.multigrid_obstacle = before
    return seconds, residual(A, found.x, b)


def iterated(
    A: sparse.csr_array, b: np.ndarray, definite: bool, incomplete: bool
) -> tuple[float | None, float | None]:
    """Return the seconds of scipy's iteration and its residual, with the loosest tolerance."""
    for tol in TOLERANCES:
        begin = time.perf_counter()
        x = scipy_solution(A, b, definite, incomplete, tol)
        once = time.perf_counter() - begin
        if x is None:
            break
        size = residual(A, x, b)
        if size <= SLACK * TOL:
            if once > ONCE_SECONDS:
                return once, size
            seconds, _ = timed(lambda t=tol: scipy_solution(A, b, definite, incomplete, t))
            return seconds, size
        if once > ONCE_SECONDS:
            break
    return None, None


def scipy_solution(
    A: sparse.csr_array, b: np.ndarray, definite: bool, incomplete: bool, tol: float
) -> np.ndarray | None:
    """Return scipy's solution, None where it does not converge."""
    diagonal = A.diagonal()
    M = LinearOperator(A.shape, lambda v: v / diagonal)
    if incomplete:
        try:
            factors = spilu(sparse.csc_array(A), drop_tol=1e-3, **(SYMMETRIC if definite else {}))
        except RuntimeError:  # it met a zero
            return None
        M = LinearOperator(A.shape, factors.solve)
    columns = []
    for column in b.T:
        if definite:
            x, info = cg(A, column, rtol=tol, maxiter=MAX_ITER, M=M)
        else:
            cycles = MAX_ITER // RESTART
            x, info = gmres(A, column, rtol=tol, restart=RESTART, maxiter=cycles, M=M)
        if info != 0:
            return None
        columns.append(x)
    return np.column_stack(columns)


def factorised(
    A: sparse.csr_array, b: np.ndarray, definite: bool
) -> tuple[float | None, float | None]:
    if FACTOR_BYTES * structure_of(A).factor_nnz > MEMORY:
        return None, None
    options = SYMMETRIC if definite else {}
    seconds, x = timed(lambda: splu(sparse.csc_array(A), **options).solve(b))
    return seconds, residual(A, x, b)


def residual(A: sparse.csr_array, x: np.ndarray, b: np.ndarray) -> float:
    sizes = np.linalg.norm(b - A @ x, axis=0) / np.linalg.norm(b, axis=0)
    return float(sizes.max())


def summary(done: list[SystemRow]) -> dict[str, float]:
    figures = {}
    for name in done[0].peers:
        ratios = [row.ratio(name) for row in done if row.ratio(name) is not None]
        if ratios:
            figures[f"geometric mean over {name} ({len(ratios)} of {len(done)})"] = geometric_mean(
                ratios
            )
    return figures


if __name__ == "__main__":
    main(rows, __doc__, summary, arguments(__doc__))
