"""The engine: plan -> solve -> certify -> escalate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from skstruct.linalg._config import NEGLIGIBLE_MEMORY, Config, get_config
from skstruct.linalg._plan import Attempt, Plan, make_plan
from skstruct.linalg._problems import PartialSVD
from skstruct.linalg._regression import Ridge
from skstruct.linalg._ridge_folds import RidgeFolds
from skstruct.linalg._ridge_path import RidgePath
from skstruct.linalg._solution import Breakdown, Solution
from skstruct.linalg._structure import Structure
from skstruct.linalg._threads import parallel_region
from skstruct.linalg.solvers import SOLVERS
from skstruct.linalg.systems import LinearSystem

Problem = PartialSVD | Ridge | RidgePath | RidgeFolds | LinearSystem
"""What can be asked; :class:`LeastSquares` is a :class:`Ridge`."""

# Claiming the cores costs 50-100 microseconds, a tenth of a fit of data below this size. For larger
# data it also keeps BLAS threads out of small factorisations, which they can delay by seconds
# where other processes need the cores.
SMALL_BYTES = 2**17

# Solvers of dense systems take up to eight times the bytes of the matrix or the right-hand sides.
PLAIN_SYSTEM_BYTES = NEGLIGIBLE_MEMORY // 8


def plan_for(problem: Problem, requested: Sequence[str] = ()) -> Plan:
    """Return the plan for `problem` without reading any data."""
    if problem.kind == "linear_system":
        s = problem.structure
        size = max(s.stored_bytes, s.item_bytes * s.n * problem.n_rhs)
        if size < (PLAIN_SYSTEM_BYTES if s.is_dense else SMALL_BYTES):
            return _remembered_plan(problem.without_data(), tuple(requested), get_config())
    return make_plan(problem, SOLVERS[problem.kind], requested)


# A plan takes 0.3 ms, longer than a small system, and the next one is often alike. Plans for larger
# ones depend on the memory that is available.
@lru_cache(maxsize=256)
def _remembered_plan(problem: LinearSystem, requested: tuple[str, ...], _: Config) -> Plan:
    return make_plan(problem, SOLVERS[problem.kind], requested)


def run(problem: Problem, requested: Sequence[str] = ()) -> Solution:
    """Answer `problem` by the first solver of its plan whose answer is certified.

    Parameters
    ----------
    problem : PartialSVD, Ridge, LeastSquares, RidgePath, RidgeFolds or LinearSystem
        What is asked.
    requested : sequence of str
        Solvers asked for by name; the cheapest of them goes first. A solver that exists for
        approximate answers is then trusted to be wanted: it is not replaced when its
        certificate fails, only when it breaks down.

    Returns
    -------
    Solution
        Certified, or else the attempt whose certificate came closest: check
        ``solution.certificate.holds``.

    Raises
    ------
    numpy.linalg.LinAlgError
        Every solver broke down.
    """
    plan = plan_for(problem, requested)
    if not requested and hasattr(problem, "patience"):  # a problem that is never iterated has none
        problem = replace(problem, patience=plan.seconds_of_second())
    # Small data pays for the region only where a limit must be kept, and a linear system leaves
    # BLAS its threads: there are no passes over blocks that would use them.
    plain = problem.kind == "linear_system" or _is_small(problem.structure)
    if plain and get_config().blas_threads is None:
        return _carry_out(plan, problem)
    with parallel_region():
        return _carry_out(plan, problem)


def _carry_out(plan: Plan, problem: Problem) -> Solution:
    solvers = {solver.NAME: solver for solver in SOLVERS[problem.kind]}
    attempts, answers = [], []
    for name in plan.order:
        try:
            answer = solvers[name].solve(problem)
        except Breakdown as breakdown:
            attempts.append(Attempt(name, f"broke down: {breakdown}"))
            continue
        certificate = problem.certify(answer)
        answers.append((certificate, answer, name))
        if certificate.holds:
            attempts.append(Attempt(name, "certified"))
            break
        attempts.append(Attempt(name, f"not certified, {certificate.value:.1e}"))
        if solvers[name].ON_REQUEST or _is_final(problem):
            break
    if not answers:
        raise np.linalg.LinAlgError(
            f"no solver could answer: {problem}. "
            + "; ".join(f"{a.solver} {a.outcome}" for a in attempts)
        )
    certificate, answer, name = min(answers, key=lambda found: _badness(found[0].value))
    return Solution(answer, name, plan.completed(attempts, certificate), certificate)


def _is_small(structure: Structure) -> bool:
    """Whether neither the data nor the smaller Gram matrix, which may be denser, has many bytes."""
    return max(structure.stored_bytes, 8 * structure.shorter_side**2) < SMALL_BYTES


def _is_final(problem: Problem) -> bool:
    return isinstance(problem, Ridge) and problem.iteration.is_final


def _badness(value: float) -> float:
    return np.inf if np.isnan(value) else value
