"""scikit-learn's own test modules, with classes of ours in the place of its.

The tests are those of the installed scikit-learn: its current version and the lowest supported one
are both tested with what they expect themselves, and nothing is copied.
"""

import ast
import importlib.util
from pathlib import Path


def load_tests(name, **ours):
    """Run the source of ``sklearn.decomposition.tests.<name>`` with `ours`; return what it defines.

    Each name in `ours` is rebound right after the import that binds it, since decorators use the
    classes while the module runs. Patching `sklearn.decomposition` for that long instead would
    leave our classes in every module of scikit-learn that happens to be imported meanwhile.
    """
    spec = importlib.util.find_spec(f"sklearn.decomposition.tests.{name}")
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    missing = set(ours)
    body = []
    for statement in tree.body:
        body.append(statement)
        if isinstance(statement, ast.ImportFrom):
            for imported in {alias.name for alias in statement.names} & set(ours):
                body += ast.parse(f"{imported} = __ours__[{imported!r}]").body
                missing.discard(imported)
    if missing:
        raise ImportError(f"{spec.name} does not import {sorted(missing)}")
    tree.body = body
    namespace = {"__name__": f"{name}_with_skstruct", "__file__": spec.origin, "__ours__": ours}
    exec(compile(tree, spec.origin, "exec"), namespace)
    return {key: value for key, value in namespace.items() if not key.startswith("__")}
