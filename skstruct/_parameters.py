"""Checks of constructor parameters, with one form of message for all estimators."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state


def check_option(estimator: object, name: str, options: Sequence[str]) -> None:
    """Raise unless the parameter is one of the strings in `options`."""
    value = getattr(estimator, name)
    if not (isinstance(value, str) and value in options):
        raise ValueError(_message(estimator, name, f"one of {list(options)}"))


def check_bool(estimator: object, name: str) -> None:
    """Raise unless the parameter is a bool."""
    if not isinstance(getattr(estimator, name), bool | np.bool_):
        raise ValueError(_message(estimator, name, "a bool"))


def check_number(
    estimator: object, name: str, *, integer: bool = False, minimum: float = 0.0
) -> None:
    """Raise unless the parameter is a finite number of at least `minimum`."""
    value = getattr(estimator, name)
    kind = Integral if integer else Real
    fits = isinstance(value, kind) and not isinstance(value, bool | np.bool_)
    if not (fits and np.isfinite(value) and value >= minimum):
        what = "an int" if integer else "a float"
        raise ValueError(_message(estimator, name, f"{what} of at least {minimum:g}"))


def is_integer(value: object) -> bool:
    """Whether `value` is an int, which a bool is not."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_fraction(value: object) -> bool:
    """Whether `value` is a float between 0 and 1, ends excluded."""
    return isinstance(value, Real) and not isinstance(value, Integral) and 0 < value < 1


def random_seed(random_state: object) -> int:
    """Return the seed that scikit-learn's `random_state` stands for.

    An int is the seed itself and None draws from numpy's global generator, as in scikit-learn.
    """
    if isinstance(random_state, Integral) and random_state >= 0:
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _message(estimator: object, name: str, expected: str) -> str:
    return (
        f"The {name!r} parameter of {type(estimator).__name__} must be {expected}. "
        f"Got {getattr(estimator, name)!r} instead."
    )
