"""scikit-learn's own test modules, with classes of ours in the place of its.

The tests are those of the installed scikit-learn: its current version and the lowest supported one
are both tested with what they expect themselves, and nothing is copied. Tests in which none of our
classes occurs are left out.
"""

import ast
import importlib.util
from pathlib import Path


def load_tests(module, **ours):
    """Run the source of `module` with `ours`; return what it defines.

    Each name in `ours` is rebound right after the import that binds it, since decorators use the
    classes while the module runs. Patching the package of scikit-learn for that long instead
    would leave our classes in every module that happens to be imported meanwhile.
    """
    spec = importlib.util.find_spec(module)
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    idle = _tests_without(tree, set(ours))
    missing = set(ours)
    body = []
    for statement in tree.body:
        if getattr(statement, "name", None) in idle:
            continue
        body.append(statement)
        if isinstance(statement, ast.ImportFrom):
            for imported in {alias.name for alias in statement.names} & set(ours):
                body += ast.parse(f"{imported} = __ours__[{imported!r}]").body
                missing.discard(imported)
    if missing:
        raise ImportError(f"{spec.name} does not import {sorted(missing)}")
    tree.body = body
    name = f"{module.rpartition('.')[2]}_with_skstruct"
    namespace = {"__name__": name, "__file__": spec.origin, "__ours__": ours}
    exec(compile(tree, spec.origin, "exec"), namespace)
    return {key: value for key, value in namespace.items() if not key.startswith("__")}


def _tests_without(tree, names):
    """Return the names of the tests that use none of `names`, nor a fixture or helper that does."""
    uses = {}
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            defined = [statement.name]
        elif isinstance(statement, ast.Assign):
            defined = [target.id for target in statement.targets if isinstance(target, ast.Name)]
        else:
            continue
        used = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        used |= {node.arg for node in ast.walk(statement) if isinstance(node, ast.arg)}
        for name in defined:
            uses[name] = uses.get(name, set()) | used
    reached, grown = set(names), True
    while grown:
        more = {name for name, used in uses.items() if used & reached} - reached
        reached |= more
        grown = bool(more)
    return {name for name in uses if name.startswith(("test_", "Test"))} - reached
