"""Why a test of scikit-learn may be excluded: six reasons, none of them our accuracy.

An excluded test still runs unless it is `foreign` or a `defect`, and must fail in the way its
reason says. So an exclusion that is no longer needed is an error, and what the test asserts before
that point holds.
"""

import re
from typing import NamedTuple

import pytest
import sklearn
from sklearn.utils.fixes import parse_version


class Exclusion(NamedTuple):
    """A reason, the exception the test ends with (None: it does not run), and versions.

    `since` and `before` bound the versions of scikit-learn that have a test of this name.
    """

    reason: str
    raises: type[BaseException] | None
    since: str = "0"
    before: str = "9999"


def foreign(reason, **versions):
    """The test runs nothing of ours, or an input type that is not offered."""
    return Exclusion(reason, None, **versions)


def private(reason, **versions):
    """The test reads a private attribute of scikit-learn's class."""
    return Exclusion(f"private to scikit-learn: {reason}", AttributeError, **versions)


def superset(reason, **versions):
    """The test demands an error where ours answers."""
    return Exclusion(f"scikit-learn raises: {reason}", pytest.fail.Exception, **versions)


def wording(reason, **versions):
    """The test demands scikit-learn's message; ours raises the same exception with another."""
    return Exclusion(f"other words: {reason}", AssertionError, **versions)


def convention(reason, **versions):
    """The test demands another meaning of an attribute that is not about the answer."""
    return Exclusion(f"other convention: {reason}", AssertionError, **versions)


def defect(reason, **versions):
    """The test demands a result that scikit-learn's own documentation contradicts."""
    return Exclusion(f"scikit-learn's defect: {reason}", None, **versions)


def mark_excluded(item, exclusions):
    """Mark `item` by the first of `exclusions`, {regular expression: Exclusion}, that fits."""
    for pattern, exclusion in exclusions.items():
        if re.fullmatch(pattern, item.name):
            if exclusion.raises is None:
                mark = pytest.mark.skip(reason=exclusion.reason)
            else:
                mark = pytest.mark.xfail(
                    raises=exclusion.raises, reason=exclusion.reason, strict=True
                )
            item.add_marker(mark)
            return


def stale(exclusions, names):
    """Return the patterns that fit none of `names`, the tests of the installed scikit-learn."""
    version = parse_version(parse_version(sklearn.__version__).base_version)
    return [
        pattern
        for pattern, exclusion in exclusions.items()
        if parse_version(exclusion.since) <= version < parse_version(exclusion.before)
        and not any(re.fullmatch(pattern, name) for name in names)
    ]
