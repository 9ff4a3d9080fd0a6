"""The demonstration: on fewer documents, without Pillow, and with a certificate that fails."""

import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn import decomposition
from sklearn.datasets import load_digits

from skstruct.__main__ import main
from skstruct._demo import _data, _report, run_demo
from skstruct._demo._cases import Case
from skstruct.decomposition import PCA

# `python -m skstruct demo --json`, with each case run once and on a small corpus.
SMALL_DEMO = """
import sys
from functools import partial
from skstruct import _demo
from skstruct.__main__ import main
_demo._report.REPEATS = 1
_demo.run_demo = partial(_demo.run_demo, max_documents=700)
sys.exit(main(["demo", "--json"]))
"""


@pytest.fixture
def _once(monkeypatch):
    monkeypatch.setattr(_report, "REPEATS", 1)


def test_every_case_is_certified_and_right():
    run = subprocess.run(
        [sys.executable, "-c", SMALL_DEMO], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    shown = json.loads(run.stdout)
    assert len(shown["cases"]) >= 6
    for case in shown["cases"]:
        assert case["certified"]
        assert case["error"] < 1e-9
        assert case["solver"] in case["plan"]
    by_title = {case["title"]: case for case in shown["cases"]}
    wrong = by_title["PCA, k = 10: digits + 1e7"]
    assert wrong["sklearn_error"] > 1e-4
    assert not wrong["sklearn_warned"]
    assert shown["search"]["certified"]
    assert shown["search"]["score"] == pytest.approx(shown["search"]["sklearn_score"], abs=1e-9)


def test_text_fits_the_terminal_and_names_what_was_left_out(_once, monkeypatch, capsys):
    monkeypatch.setattr(_data, "photographs", lambda: None)
    assert run_demo(max_documents=200) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines.count("Summary") == 1
    assert _report.NO_PHOTOGRAPHS in lines
    assert any(line.startswith("scikit-learn is off by more than") for line in lines)


def _rough_case():
    # Without power iterations a random sketch cannot reach 1e-12.
    rough = PCA(5, svd_solver="randomized", iterated_power=0, tol=1e-12, random_state=0)
    data = (load_digits().data,)
    return Case("rough", rough, decomposition.PCA(5), data, lambda _: np.inf, "nothing")


def test_exit_status_tells_of_a_failed_certificate(_once, monkeypatch, capsys):
    monkeypatch.setattr(_report, "cases", lambda _: [_rough_case()])
    assert main(["demo"]) == 1
    summary = capsys.readouterr().out.split("Summary")[1]
    assert "NO" in next(line for line in summary.splitlines() if line.startswith("rough"))


def test_exit_status_tells_of_a_failed_certificate_in_the_search(_once, monkeypatch):
    search = dict.fromkeys(("score", "sklearn_score", "seconds", "sklearn_seconds"), 0.0)
    monkeypatch.setattr(_report, "cases", lambda _: [])
    for certified, status in ((True, 0), (False, 1)):
        outcome = {"best": {}, "certified": certified, **search}
        monkeypatch.setattr(_report, "_run_search", lambda outcome=outcome: outcome)
        assert main(["demo", "--json"]) == status


@pytest.mark.parametrize("arguments", [[], ["dance"]])
def test_unknown_commands_show_the_usage(arguments):
    run = subprocess.run(
        [sys.executable, "-m", "skstruct", *arguments], capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert "usage" in run.stderr
    assert "demo" in run.stderr
