"""Runs every code block of the documentation and of README.md and compares the output.

Figures that legitimately differ between machines and versions of the libraries are blurred:
predicted times and sizes in plans, and rounding errors such as 3.1e-15.
"""

import doctest
import re
from pathlib import Path

import pytest
import sklearn
from sklearn.utils.fixes import parse_version

DOCS = Path(__file__).parent
PAGES = [DOCS.parent / "README.md", *sorted(DOCS.glob("*.rst")), *sorted(DOCS.glob("guide/*.rst"))]
# Pages that show what scikit-learn does, which older versions do otherwise.
SINCE = {"least_squares.rst": "1.7"}
FLAGS = doctest.NORMALIZE_WHITESPACE
MEASURED = re.compile(
    r"[\d.]+(e[+-]\d+)? (?:us|ms|s|B|kB|MB|GB|TB)\b|\d\.\de-(?:0[5-9]|1\d)|\de-1\d"
)


class BlurringChecker(doctest.OutputChecker):
    """Compares output with measured figures replaced by a mark."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(MEASURED.sub("~", want), MEASURED.sub("~", got), optionflags)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_blocks_give_the_output_shown(page):
    since = SINCE.get(page.name, "0")
    if parse_version(sklearn.__version__) < parse_version(since):
        pytest.skip(f"it shows scikit-learn {since} or later")
    text = re.sub(r"^```.*$", "", page.read_text("utf-8"), flags=re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    report = []
    doctest.DocTestRunner(BlurringChecker(), optionflags=FLAGS).run(test, out=report.append)
    assert not report, "".join(report)
