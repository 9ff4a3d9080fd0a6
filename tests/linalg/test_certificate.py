"""Certificates: when they hold, and how they say so."""

from dataclasses import FrozenInstanceError

import pytest

from skstruct.linalg import Certificate


@pytest.mark.parametrize(
    ("value", "asked", "holds"),
    [
        (1e-12, 1e-10, True),
        (1e-10, 1e-10, True),  # what was asked for is enough
        (0.0, 0.0, True),
        (1.1e-10, 1e-10, False),
        (float("inf"), 1e-10, False),
        (float("nan"), 1e-10, False),  # a measurement that failed is no evidence
        (1e-12, float("nan"), False),
        (float("nan"), float("inf"), False),
    ],
)
def test_holds(value, asked, holds):
    # `is`: numpy's bool would leak into reports and fail `certificate.holds is True`
    assert Certificate("residual", value, asked).holds is holds


def test_text_states_both_figures_and_the_verdict():
    good = Certificate("largest residual / norm", 3.21e-14, 1e-10)
    assert str(good) == "largest residual / norm: 3.2e-14 (asked 1e-10): holds"
    bad = Certificate("largest residual / norm", 2e-3, 1e-10, remedy="use svd")
    assert str(bad) == "largest residual / norm: 2.0e-03 (asked 1e-10): DOES NOT HOLD"
    assert "DOES NOT HOLD" in str(Certificate("residual", float("nan"), 1e-10))


@pytest.mark.parametrize(("value", "color"), [(1e-12, "green"), (1.0, "red")])
def test_html_shows_the_same_in_colour(value, color):
    certificate = Certificate("residual", value, 1e-10)
    html = certificate._repr_html_()
    assert html.startswith(f'<span style="color:{color}">')
    assert str(certificate) in html


def test_a_certificate_cannot_be_tampered_with():
    certificate = Certificate("residual", 1.0, 1e-10)
    with pytest.raises(FrozenInstanceError):
        certificate.value = 0.0
    assert certificate.remedy == ""
