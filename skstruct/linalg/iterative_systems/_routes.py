"""Which method with which preconditioner, and what to go on with where that is too slow."""

from __future__ import annotations

from dataclasses import dataclass

from skstruct.linalg._config import get_config
from skstruct.linalg._machine import Cost
from skstruct.linalg._plan import Candidate, InapplicableSolver, Plan
from skstruct.linalg.iterative_systems import methods, preconditioners
from skstruct.linalg.iterative_systems._facts import SystemFacts
from skstruct.linalg.iterative_systems.methods import Method
from skstruct.linalg.iterative_systems.preconditioners import Preconditioner

DEFINITE = (
    ("cg", "jacobi"),
    ("cg", "amg"),
    ("cg", "ic"),
    ("minres", "jacobi"),
    ("gmres", "ilu"),
    ("lgmres", "ilu_fine"),
)
INDEFINITE = (
    ("minres", "jacobi"),
    ("gmres", "ilu"),
    ("lgmres", "ilu_fine"),
    ("lgmres", "jacobi"),
)
GENERAL = (
    ("bicgstab", "jacobi"),
    ("gmres", "ilu"),
    ("lgmres", "ilu_fine"),
    ("lgmres", "jacobi"),
)
DEFINITE_PRODUCTS = (("cg", "none"), ("minres", "none"), ("lgmres", "none"))
PRODUCTS = (("gmres", "none"), ("lgmres", "none"), ("bicgstab", "none"))
"""Routes by what is known of the matrix, in the order of trial.

The cheap ones come first: their first iterations tell how many there will be, and are a small part
of what an incomplete factorisation takes.
"""

PRECONDITIONERS = ("jacobi", "none", "amg", "ic", "ilu", "ilu_fine")
"""What is tried with a method asked for by name."""


@dataclass(frozen=True)
class Route:
    """A method and a preconditioner.

    Attributes
    ----------
    method : str
        Name of the method.
    preconditioner : Preconditioner
        M.
    seconds : float
        Predicted time of the whole route.
    seconds_per_iteration : float
        Predicted time of an iteration.
    """

    method: str
    preconditioner: Preconditioner
    seconds: float = 0.0
    seconds_per_iteration: float = 0.0

    @property
    def name(self) -> str:
        """What the plan calls it."""
        return f"{self.method} + {self.preconditioner.name}"

    @property
    def at_a_time(self) -> int:
        """How many right-hand sides it takes."""
        return methods.BY_NAME[self.method].at_a_time

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
    routes, candidates = [], []
    for name, M in _pairs(facts, method, preconditioner):
        rejected = methods.BY_NAME[name]().obstacle(facts, M) or M.obstacle(facts)
        route = Route(name, M)
        memory = None
        if rejected is None:
            route, memory, rejected = _priced(route, facts, n_rhs)
        if rejected is None:
            routes.append(route)
        seconds = None if rejected else route.seconds
        reason = _reason(route, facts)
        candidates.append(
            Candidate(route.name, seconds, memory, rejected, reason, False, len(candidates))
        )
    if not routes:
        reasons = "; ".join(f"{c.solver} cannot be used here: {c.rejected}" for c in candidates)
        raise InapplicableSolver(reasons)
    shown = sorted(candidates, key=lambda c: (c.rejected is not None, c.robustness))
    return routes, Plan(
        problem,
        tuple(shown),
        tuple(route.name for route in routes),
        passed_over="kept for where that one is slow",
    )


def _pairs(
    facts: SystemFacts, method: str, preconditioner: str | Preconditioner
) -> list[tuple[str, Preconditioner]]:
    by_name = preconditioners.BY_NAME
    if facts.storage == "products":
        table = DEFINITE_PRODUCTS if facts.may_be_definite else PRODUCTS
        if facts.self_adjoint and not facts.may_be_definite:
            table = DEFINITE_PRODUCTS[1:]
    elif facts.self_adjoint:
        table = DEFINITE if facts.may_be_definite else INDEFINITE
    else:
        table = GENERAL
    if isinstance(preconditioner, str) and preconditioner != "auto":
        preconditioner = by_name[preconditioner]
    if method == "auto" and preconditioner == "auto":
        return [(name, by_name[M]) for name, M in table]
    if method == "auto":
        names = dict.fromkeys(name for name, _ in table)  # in order, each once
        return [(name, preconditioner) for name in names]
    if preconditioner == "auto":
        names = ["none"] if facts.storage == "products" else PRECONDITIONERS
        return [(method, by_name[M]) for M in names]
    return [(method, preconditioner)]


def _priced(route: Route, facts: SystemFacts, n_rhs: int) -> tuple[Route, float | None, str | None]:
    """Return the route with its times, its memory, and why it may not run."""
    config, method, M = get_config(), route.new_method(), route.preconditioner
    number = 8.0 if facts.is_real else 16.0
    product = Cost(traffic=(number + 4.0 * (facts.storage == "sparse")) * facts.nnz)
    both = config.machine.seconds(product + M.work(facts))
    once = method.products * both + config.machine.seconds(method.work(facts))
    setup = M.setup(facts)
    memory = setup.memory + method.work(facts).memory * min(n_rhs, method.at_a_time)
    limit = config.memory_excess(memory)
    if limit is not None:
        return route, memory, f"{memory:.1e} bytes are more than the limit of {limit:.1e}"
    iterations = M.iterations(facts) / method.products * n_rhs
    seconds = config.machine.seconds(setup) + iterations * once
    return Route(route.method, M, seconds, once), memory, None


def _reason(route: Route, facts: SystemFacts) -> str:
    matrix = "self-adjoint" if facts.self_adjoint else "not self-adjoint"
    if route.method == "cg":
        matrix += ", perhaps definite" if facts.positive is None else ", definite"
    elif facts.self_adjoint and facts.positive is False:
        matrix += ", indefinite"
    return f"the matrix is {matrix}"
