"""Imports point down only: estimators -> engine -> solvers -> numpy.

Every rule is a function of one import; a violation is named with its file and line.
"""

import ast
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import skstruct

ROOT = Path(skstruct.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
ENGINE = "skstruct.linalg"
SOLVERS = "skstruct.linalg.solvers"
ESTIMATORS = ("skstruct.decomposition", "skstruct.linear_model")


@dataclass(frozen=True)
class Import:
    """One imported name: `target` is the module, or the module and the name in it."""

    where: str
    importer: str
    target: str


def imports_in(source, importer, path, *, is_package=False):
    """Return every import of a file, those inside functions and conditions too."""
    found = []
    for node in ast.walk(ast.parse(source)):
        where = f"{path}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import):
            found += [Import(where, importer, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                parts = importer.split(".")
                kept = len(parts) - node.level + is_package
                module = ".".join([*parts[:kept], *filter(None, [module])])
            found += [Import(where, importer, f"{module}.{alias.name}") for alias in node.names]
    return found


def module_of(path):
    parts = ["skstruct", *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


IMPORTS = [
    found
    for path in FILES
    for found in imports_in(
        path.read_text(encoding="utf-8"),
        module_of(path),
        path.relative_to(ROOT.parent),
        is_package=path.name == "__init__.py",
    )
]


def within(name, package):
    return name == package or name.startswith(f"{package}.")


def is_estimator(module):
    return any(within(module, package) for package in ESTIMATORS)


# -- the rules: each returns what is wrong with an import, or None ------------------------


def engine_knows_no_scikit_learn(found):
    if within(found.importer, ENGINE) and within(found.target, "sklearn"):
        return "the engine does not know scikit-learn"
    return None


def engine_needs_nothing_above_it(found):
    if (
        within(found.importer, ENGINE)
        and within(found.target, "skstruct")
        and not within(found.target, ENGINE)
    ):
        return "the engine imports nothing of skstruct but itself"
    return None


def engine_needs_numpy_and_scipy_only(found):
    allowed = ("numpy", "scipy", "threadpoolctl", "skstruct", *sys.stdlib_module_names)
    if found.importer == f"{ENGINE}.preconditioners._multigrid":
        allowed += ("pyamg",)  # used where it is installed
    if within(found.importer, ENGINE) and not any(within(found.target, name) for name in allowed):
        return "the engine depends on numpy, scipy and threadpoolctl"
    return None


def only_the_engine_calls_solvers(found):
    if (
        within(found.target, SOLVERS)
        and not within(found.importer, SOLVERS)
        and found.importer != f"{ENGINE}._engine"
    ):
        return "only the engine's loop imports solvers"
    return None


def solvers_do_not_know_the_engine(found):
    parent, _, name = found.target.rpartition(".")
    from_the_public_engine = parent == ENGINE and name != "solvers" and not name.startswith("_")
    above = from_the_public_engine or any(
        within(found.target, f"{ENGINE}.{module}") for module in ("_engine", "_plan")
    )
    if within(found.importer, SOLVERS) and above:
        return "a solver does not know who calls it"
    return None


def solvers_do_not_know_each_other(found):
    name = found.target.removeprefix(f"{SOLVERS}.")
    if (
        within(found.importer, f"{SOLVERS}")
        and found.importer != SOLVERS
        and found.target.startswith(f"{SOLVERS}.")
        and not name.startswith("_")
    ):
        return "a solver is understood without opening another one"
    return None


def estimators_use_the_public_engine(found):
    if (
        not within(found.importer, ENGINE)
        and within(found.target, ENGINE)
        and any(part.startswith("_") for part in found.target.split("."))
    ):
        return "what is outside the engine uses the names of skstruct.linalg"
    return None


def estimators_do_no_numerics(found):
    if not is_estimator(found.importer):
        return None
    numerics = ("numpy.linalg", "scipy.linalg", "scipy.sparse.linalg", "scipy.optimize")
    # a class of warnings is no routine, nor is a kind of data
    if any(within(found.target, name) for name in numerics) and not found.target.endswith(
        ("Warning", "LinearOperator")
    ):
        return "an estimator leaves the numerics to the engine"
    return None


def estimators_do_not_know_each_other(found):
    families = [name for name in ESTIMATORS if within(found.importer, name)]
    others = [name for name in ESTIMATORS if within(found.target, name)]
    if families and others and families != others:
        return "families of estimators are independent of each other"
    return None


RULES = [
    engine_knows_no_scikit_learn,
    engine_needs_nothing_above_it,
    engine_needs_numpy_and_scipy_only,
    only_the_engine_calls_solvers,
    solvers_do_not_know_the_engine,
    solvers_do_not_know_each_other,
    estimators_use_the_public_engine,
    estimators_do_no_numerics,
    estimators_do_not_know_each_other,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_imports(rule):
    broken = [f"{i.where} imports {i.target}: {rule(i)}" for i in IMPORTS if rule(i)]
    assert not broken, "\n".join(broken)


# Attributes reach the same routines without an import of their own. Errors are no routines.
HARMLESS = {"LinAlgError", "LinAlgWarning"}


@pytest.mark.parametrize(
    "path", [p for p in FILES if is_estimator(module_of(p))], ids=lambda p: p.stem
)
def test_estimators_call_no_linear_algebra(path):
    broken = [
        f"{path.relative_to(ROOT.parent)}:{node.lineno} uses {ast.unparse(node)}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node.value) in {"np.linalg", "numpy.linalg", "scipy.linalg"}
        and node.attr not in HARMLESS
    ]
    assert not broken, "\n".join(broken)


def test_the_engine_imports_no_solver_by_another_name():
    # `from skstruct.linalg import solvers` and `importlib` would escape the rules above.
    assert not [
        i.where for i in IMPORTS if within(i.target, "importlib") and "linalg" in i.importer
    ]
    assert not [
        i.where for i in IMPORTS if i.target == SOLVERS and i.importer != f"{ENGINE}._engine"
    ]


# -- the rules catch what they are for ----------------------------------------------------


@pytest.mark.parametrize(
    ("importer", "line", "rule"),
    [
        ("skstruct.linalg._plan", "import sklearn", engine_knows_no_scikit_learn),
        ("skstruct.linalg.solvers.cg", "from sklearn.utils import x", engine_knows_no_scikit_learn),
        ("skstruct.linalg._plan", "from skstruct import _estimator", engine_needs_nothing_above_it),
        ("skstruct.linalg._plan", "from .._estimator import x", engine_needs_nothing_above_it),
        ("skstruct.linalg._plan", "import pandas as pd", engine_needs_numpy_and_scipy_only),
        ("skstruct.linalg._plan", "from .solvers import cg", only_the_engine_calls_solvers),
        (
            "skstruct.decomposition._pca",
            "def f():\n    from skstruct.linalg.solvers import full",
            only_the_engine_calls_solvers,
        ),
        (
            "skstruct.linalg.solvers.cg",
            "from skstruct.linalg._engine import run",
            solvers_do_not_know_the_engine,
        ),
        (
            "skstruct.linalg.solvers.cg",
            "from skstruct.linalg import run",
            solvers_do_not_know_the_engine,
        ),
        (
            "skstruct.linalg.solvers.cg",
            "from skstruct.linalg.solvers.qr import solve",
            solvers_do_not_know_each_other,
        ),
        (
            "skstruct.linear_model._tikhonov",
            "from skstruct.linalg._spectral import svd",
            estimators_use_the_public_engine,
        ),
        (
            "skstruct.linear_model._tikhonov",
            "from skstruct.linalg import _spectral",
            estimators_use_the_public_engine,
        ),
        (
            "skstruct.decomposition._pca",
            "from scipy.linalg import svd",
            estimators_do_no_numerics,
        ),
        ("skstruct.decomposition._pca", "from scipy import linalg", estimators_do_no_numerics),
        (
            "skstruct.decomposition._pca",
            "from skstruct.linear_model import Tikhonov",
            estimators_do_not_know_each_other,
        ),
    ],
)
def test_the_rules_can_fail(importer, line, rule):
    (found,) = imports_in(line, importer, "file.py")
    assert rule(found)
    assert found.where == f"file.py:{line.count(chr(10)) + 1}"


def test_every_file_is_read():
    assert len(FILES) > 30
    importers = {found.importer for found in IMPORTS}
    assert {"skstruct.linalg._engine", "skstruct.linalg.solvers.cg"} <= importers
    assert any(is_estimator(importer) for importer in importers)
