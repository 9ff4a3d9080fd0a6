"""Certificate: one measured quantity that says how good an answer is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Certificate:
    """Evidence for an answer, measured on the data after the solver has finished.

    Attributes
    ----------
    quantity : str
        What was measured, with its norm and its scale.
    value : float
        The figure reached.
    asked : float
        The figure asked for; the answer is certified when ``value <= asked``.
    remedy : str
        What to do if it does not hold.
    """

    quantity: str
    value: float
    asked: float
    remedy: str = ""

    @property
    def holds(self) -> bool:
        """Whether the figure reached is within the figure asked for (never true of NaN)."""
        return bool(self.value <= self.asked)

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "DOES NOT HOLD"
        return f"{self.quantity}: {self.value:.1e} (asked {self.asked:.0e}): {verdict}"

    def _repr_html_(self) -> str:
        color = "green" if self.holds else "red"
        return f'<span style="color:{color}">{self}</span>'
