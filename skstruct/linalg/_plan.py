"""Plan: which solvers were considered, what each would cost, which runs, and why.

Planning is a pure function of a problem's facts and the configuration: no data is read and
nothing is timed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from skstruct.linalg._certificate import Certificate
from skstruct.linalg._config import get_config


class InapplicableSolver(ValueError):
    """A solver that was asked for by name cannot answer the problem; says why."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One solver as the planner sees it.

    Attributes
    ----------
    solver : str
        Its name.
    seconds : float or None
        Predicted time; None if the solver does not apply.
    memory : float or None
        Predicted peak memory in bytes, beyond the data.
    rejected : str or None
        Why it may not run; None if it may.
    reason : str
        What speaks for it.
    on_request : bool
        Whether it only runs when asked for by name.
    robustness : int
        Where it stands in the order of escalation; a failed solver is followed by the
        cheapest one of higher robustness.
    """

    solver: str
    seconds: float | None
    memory: float | None
    rejected: str | None
    reason: str
    on_request: bool
    robustness: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One solver that ran, and what came of it."""

    solver: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What was considered for a problem, and what happened.

    Attributes
    ----------
    problem : str
        The question, in words.
    candidates : tuple of Candidate
        Every solver of this kind of problem: first those that may run, by predicted time.
    order : tuple of str
        The solvers in the order in which they would be tried.
    attempts : tuple of Attempt
        What ran; empty before the run.
    certificate : Certificate or None
        Evidence for the answer; None before the run.
    passed_over : str
        Why a faster solver was not chosen.
    """

    problem: str
    candidates: tuple[Candidate, ...]
    order: tuple[str, ...]
    attempts: tuple[Attempt, ...] = ()
    certificate: Certificate | None = None
    passed_over: str = "not asked for"

    @property
    def chosen(self) -> str:
        """Name of the solver that is tried first."""
        return self.order[0]

    def seconds_of_second(self) -> float:
        """Return the predicted time of the solver that is tried second; infinite if none is."""
        if len(self.order) == 1:
            return float("inf")
        return next(c.seconds for c in self.candidates if c.solver == self.order[1])

    def completed(self, attempts: Sequence[Attempt], certificate: Certificate) -> Plan:
        """Return this plan with the story of its run."""
        return replace(self, attempts=tuple(attempts), certificate=certificate)

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return (solver, predicted time, memory, verdict) of every candidate, as text."""
        return [
            (c.solver, _seconds(c.seconds), _bytes(c.memory), self._verdict(c))
            for c in self.candidates
        ]

    def _verdict(self, candidate: Candidate) -> str:
        if candidate.solver == self.chosen:
            return f"chosen: {candidate.reason}"
        if candidate.rejected is not None:
            return f"rejected: {candidate.rejected}"
        if candidate.on_request:
            return "only on request: approximate or slower by design"
        chosen = next(c for c in self.candidates if c.solver == self.chosen)
        return "slower" if candidate.seconds >= chosen.seconds else self.passed_over

    def _story(self) -> list[str]:
        lines = [f"{a.solver}: {a.outcome}" for a in self.attempts[:-1]]
        if lines:
            lines.append(f"{self.attempts[-1].solver}: {self.attempts[-1].outcome}")
        if self.certificate is not None:
            lines.append(f"certificate: {self.certificate}")
        return lines

    def __str__(self) -> str:
        header = ("solver", "predicted", "memory", "verdict")
        rows = [header, *self.rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = [self.problem]
        for row in rows:
            mark = ">" if row[0] == self.chosen else " "
            lines.append(
                f"{mark} {row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  "
                f"{row[3]}"
            )
        return "\n".join(lines + self._story())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def row(cells: Sequence[str], tag: str, bold: bool = False) -> str:
            weight = ' style="font-weight:bold"' if bold else ""
            return f"<tr{weight}>" + "".join(f"<{tag}>{escape(c)}</{tag}>" for c in cells) + "</tr>"

        body = "".join(row(cells, "td", cells[0] == self.chosen) for cells in self.rows())
        header = row(("solver", "predicted", "memory", "verdict"), "th")
        story = "".join(f"<div>{escape(line)}</div>" for line in self._story())
        return (
            f"<div><div>{escape(self.problem)}</div><table><thead>{header}</thead>"
            f"<tbody>{body}</tbody></table>{story}</div>"
        )


def make_plan(problem: object, solvers: Sequence, requested: Sequence[str] = ()) -> Plan:
    """Choose among `solvers` for `problem`.

    Parameters
    ----------
    problem : PartialSVD or Ridge
        What is asked.
    solvers : sequence of modules
        The solvers of that kind of problem.
    requested : sequence of str
        Names asked for by the user: the cheapest applicable one goes first, whatever others
        would cost. Empty for a free choice.

    Returns
    -------
    Plan

    Raises
    ------
    InapplicableSolver
        No requested solver applies; the message says why.
    MemoryError
        Every solver that applies exceeds the memory limit.
    """
    candidates = sorted((_consider(problem, solver) for solver in solvers), key=_by_time)
    eligible = [c for c in candidates if c.rejected is None and not c.on_request]
    if requested:
        asked = [c for c in candidates if c.solver in requested]
        if not asked:
            names = [c.solver for c in candidates]
            raise InapplicableSolver(f"there is no solver {requested[0]!r}, only {names}")
        first = [c for c in asked if c.rejected is None]
        if not first:
            reasons = [f"{c.solver} cannot be used here: {c.rejected}" for c in asked]
            raise InapplicableSolver("; ".join(reasons))
    else:
        first = [c for c in eligible if c.solver in problem.preferred] or eligible
        if not first:
            raise MemoryError(
                f"no solver fits the memory limit for {problem}: "
                + "; ".join(f"{c.solver}: {c.rejected}" for c in candidates)
                + ". Raise it with skstruct.set_config(memory_limit=...)"
            )
    return Plan(
        str(problem),
        tuple(candidates),
        _escalation(first[0], eligible),
        passed_over="not asked for" if requested else "faster, but less accurate",
    )


def _by_time(candidate: Candidate) -> tuple[bool, float]:
    return candidate.rejected is not None, candidate.seconds or 0.0


def _consider(problem: object, solver: object) -> Candidate:
    rejected = solver.applies(problem)
    if problem.structure.matrix_free and not getattr(solver, "BY_PRODUCTS", False):
        rejected = "the data is known by its products only"
    seconds, memory, reason = None, None, ""
    if rejected is None:
        config, cost = get_config(), solver.cost(problem)
        seconds, memory = config.machine.seconds(cost), cost.memory
        reason = solver.reason(problem)
        limit = config.memory_excess(memory)
        if limit is not None:
            rejected = (
                f"{_bytes(memory)} for {solver.memory_use(problem)}, more than the limit of "
                f"{_bytes(limit)}"
            )
    return Candidate(
        solver.NAME, seconds, memory, rejected, reason, solver.ON_REQUEST, solver.ROBUSTNESS
    )


def _escalation(first: Candidate, eligible: list[Candidate]) -> tuple[str, ...]:
    """Order of trial: after each solver, the cheapest of the more robust ones."""
    order = [first]
    while True:
        stronger = [c for c in eligible if c.robustness > order[-1].robustness]
        if not stronger:
            return tuple(candidate.solver for candidate in order)
        order.append(stronger[0])


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    if value < 1e-3:
        return f"{value * 1e6:.0f} us"
    return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.3g} s"


def _bytes(value: float | None) -> str:
    if value is None:
        return "-"
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f} B"
