"""The demonstration: on fewer documents, and with a certificate that fails."""

import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from skstruct.__main__ import main
from skstruct._demo import _report, run_demo
from skstruct._demo._cases import Case
from skstruct.linear_model import Tikhonov


@pytest.fixture(autouse=True)
def _once(monkeypatch):
    monkeypatch.setattr(_report, "REPEATS", 1)


def test_every_case_is_certified_and_right(capsys):
    assert run_demo(as_json=True, max_documents=1500) == 0
    shown = json.loads(capsys.readouterr().out)
    assert len(shown["cases"]) >= 6
    for case in shown["cases"]:
        assert case["certified"]
        assert case["error"] < 1e-9
        assert case["solver"] in case["plan"]
    by_title = {case["title"]: case for case in shown["cases"]}
    wrong = by_title["PCA, 10 components: Digits plus an offset of 1e7"]
    assert wrong["sklearn_error"] > 1e-4
    assert not wrong["sklearn_warned"]
    assert shown["search"]["score"] == pytest.approx(shown["search"]["sklearn_score"], abs=1e-9)


def test_text_fits_the_terminal(capsys):
    assert run_demo(max_documents=500) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert any(line.startswith("Summary") for line in lines)


def test_exit_status_tells_of_a_failed_certificate(monkeypatch, capsys):
    X, y = load_diabetes(return_X_y=True)
    hopeless = Case("hopeless", Tikhonov(tol=0.0), Ridge(), (X, y), lambda _: np.nan, "nothing")
    monkeypatch.setattr(_report, "cases", lambda _: [hopeless])
    assert main(["demo"]) == 1
    assert "NO" in capsys.readouterr().out


def test_command_line():
    run = subprocess.run(
        [sys.executable, "-m", "skstruct", "dance"], capture_output=True, text=True, check=False
    )
    assert run.returncode != 0
    assert "usage" in run.stderr
