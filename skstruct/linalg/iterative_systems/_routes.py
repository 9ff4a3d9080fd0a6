"""Which method with which preconditioner, and what to go on with where that is too slow."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from skstruct.linalg._config import get_config
from skstruct.linalg._machine import Cost
from skstruct.linalg._plan import Candidate, InapplicableSolver, Plan
from skstruct.linalg.iterative_systems import methods, preconditioners
from skstruct.linalg.iterative_systems._facts import SystemFacts
from skstruct.linalg.iterative_systems.methods import Method
from skstruct.linalg.iterative_systems.preconditioners import Preconditioner

FIRST = {
    "definite": (("cg", "jacobi"), ("cg", "amg"), ("cg", "ic")),
    "indefinite": (("minres", "jacobi"),),
    "general": (("bicgstab", "jacobi"), ("gmres", "ilu")),
    "products, definite": (("cg", "none"),),
    "products, indefinite": (("minres", "none"),),
    "products, general": (("gmres", "none"),),
}
"""Routes by what is known of the matrix, of which the cheapest comes first."""

THEN = {
    "definite": (("minres", "jacobi"), ("gmres", "ilu"), ("lgmres", "ilu_fine")),
    "indefinite": (("gmres", "ilu"), ("lgmres", "ilu_fine"), ("lgmres", "jacobi")),
    "general": (("lgmres", "ilu_fine"), ("lgmres", "jacobi")),
    "products, definite": (("minres", "none"), ("lgmres", "none")),
    "products, indefinite": (("lgmres", "none"), ("bicgstab", "none")),
    "products, general": (("lgmres", "none"), ("bicgstab", "none")),
}
"""What to go on with where those are slow or break down, in this order."""

PRECONDITIONERS = ("jacobi", "amg", "ic", "ilu"), ("ilu_fine",)
"""The same for the preconditioners of a method asked for by name."""

Pairs = list[tuple[str, Preconditioner]]


@dataclass(frozen=True)
class Route:
    """A method and a preconditioner.

    Attributes
    ----------
    method : str
        Name of the method.
    preconditioner : Preconditioner
        M.
    iterations : float
        How many are predicted for a right-hand side.
    cost : Cost
        What the whole route is predicted to take.
    seconds : float
        How long that is.
    seconds_per_iteration : float
        Predicted time of an iteration.
    """

    method: str
    preconditioner: Preconditioner
    iterations: float = 0.0
    cost: Cost = field(default_factory=Cost)
    seconds: float = 0.0
    seconds_per_iteration: float = 0.0

    @property
    def name(self) -> str:
        """What the plan calls it."""
        return f"{self.method} + {self.preconditioner.name}"

    def new_method(self) -> Method:
        """Return a method for one run."""
        return methods.BY_NAME[self.method]()


def plan_routes(
    facts: SystemFacts, n_rhs: int, method: str, preconditioner: str | Preconditioner, problem: str
) -> tuple[list[Route], Plan]:
    """Return the routes in the order of trial, and the plan that shows them.

    Parameters
    ----------
    facts : SystemFacts
        What is known of A.
    n_rhs : int
        Number of right-hand sides.
    method : str
        A name in :data:`methods.BY_NAME`, or "auto".
    preconditioner : str or Preconditioner
        One, or a name in :data:`preconditioners.BY_NAME`, or "auto".
    problem : str
        The question, in words.

    Raises
    ------
    InapplicableSolver
        What was asked for by name cannot be used.
    """
    considered = _all_considered(facts, n_rhs, method, preconditioner)
    routes = _acceptable(considered)
    candidates = tuple(candidate for _, candidate in considered)
    if not routes:
        raise InapplicableSolver(
            "; ".join(f"{c.solver} cannot be used here: {c.rejected}" for c in candidates)
        )
    return routes, Plan(
        problem,
        candidates,
        tuple(route.name for route in routes),
        passed_over="for where those are slow or break down",
    )


def routes_for(facts: SystemFacts, n_rhs: int) -> list[Route]:
    """Return the routes in the order of trial, none if there is not enough memory."""
    return _acceptable(_all_considered(facts, n_rhs, "auto", "auto"))


def _acceptable(considered: list[tuple[Route, Candidate]]) -> list[Route]:
    return [route for route, candidate in considered if candidate.rejected is None]


def _all_considered(
    facts: SystemFacts, n_rhs: int, method: str, preconditioner: str | Preconditioner
) -> list[tuple[Route, Candidate]]:
    """Return all routes, first those that may run, in the order of trial."""
    first, then = _pairs(facts, method, preconditioner)
    considered = sorted((_considered(*pair, facts, n_rhs) for pair in first), key=_by_time)
    considered += [_considered(*pair, facts, n_rhs) for pair in then]
    return sorted(considered, key=lambda found: found[1].rejected is not None)


def _pairs(
    facts: SystemFacts, method: str, preconditioner: str | Preconditioner
) -> tuple[Pairs, Pairs]:
    """Return what to try first, in an order to be found, and then, in this order."""
    by_name = preconditioners.BY_NAME
    kind = "general"
    if facts.self_adjoint:
        kind = "definite" if facts.may_be_definite else "indefinite"
    if facts.storage == "products":
        kind = f"products, {kind}"
    if isinstance(preconditioner, str) and preconditioner != "auto":
        preconditioner = by_name[preconditioner]
    if method == preconditioner == "auto":
        return tuple([(name, by_name[M]) for name, M in table[kind]] for table in (FIRST, THEN))
    if method == "auto":
        names = dict.fromkeys(name for name, _ in FIRST[kind] + THEN[kind])  # each once
        return [], [(name, preconditioner) for name in names]
    if preconditioner == "auto":
        stages = (("none",), ()) if facts.storage == "products" else PRECONDITIONERS
        return tuple([(method, by_name[M]) for M in stage] for stage in stages)
    return [], [(method, preconditioner)]


def _considered(
    name: str, M: Preconditioner, facts: SystemFacts, n_rhs: int
) -> tuple[Route, Candidate]:
    """Return a route with its predicted times, and how the plan shows it."""
    config, method, route = get_config(), methods.BY_NAME[name](), Route(name, M)
    memory, rejected = None, method.obstacle(facts, M) or M.obstacle(facts)
    if rejected is None:
        number = 8.0 if facts.is_real else 16.0
        index = 4.0 if facts.storage == "sparse" else 0.0
        product = Cost(traffic=(number + index) * facts.nnz)
        times = method.products
        once = method.work(facts) + (product + M.work(facts)).repeated(times)
        memory = M.setup(facts).memory + method.work(facts).memory
        iterations = M.iterations(facts) / times
        cost = M.setup(facts) + once.repeated(iterations * n_rhs)
        cost = replace(cost, memory=memory)
        seconds = config.machine.seconds
        route = Route(name, M, iterations, cost, seconds(cost), seconds(once))
        limit = config.memory_excess(memory)
        if limit is not None:
            rejected = f"{memory:.1e} bytes are more than the limit of {limit:.1e}"
    seconds = None if rejected else route.seconds
    return route, Candidate(
        route.name, seconds, memory, rejected, _reason(name, facts), False, robustness=0
    )


def _by_time(considered: tuple[Route, Candidate]) -> float:
    seconds = considered[1].seconds
    return np.inf if seconds is None else seconds


def _reason(method: str, facts: SystemFacts) -> str:
    if not facts.self_adjoint:
        return "the matrix is not self-adjoint"
    if method == "cg":
        doubt = "perhaps " if facts.positive is None else ""
        return f"the matrix is self-adjoint and {doubt}definite"
    return "the matrix is self-adjoint" + (", indefinite" if facts.positive is False else "")
