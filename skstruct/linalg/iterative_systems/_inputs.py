"""Options of :func:`solve_iteratively`, checked; matrices are checked as those of ``solve``."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real

import numpy as np


def checked_option(value: object, names: Iterable[str], name: str) -> None:
    """Raise ValueError unless `value` is one of `names`."""
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"{name} must be one of {', '.join(names)}; got {value!r}")


def checked_limits(tol: float, max_iter: int | None) -> None:
    """Raise ValueError unless these are a tolerance and a number of iterations or None."""
    if not isinstance(tol, Real) or not 0 <= tol < 1:
        raise ValueError(f"tol must be a number from 0 to less than 1, got {tol!r}")
    if max_iter is not None and not (isinstance(max_iter, Integral) and max_iter >= 1):
        raise ValueError(f"max_iter must be a positive number or None, got {max_iter!r}")


def solution_type(*dtypes: np.dtype | None) -> np.dtype:
    """Return the type of a solution; what is no floating point number counts as float64."""
    given = (np.dtype(np.float64 if dtype is None else dtype) for dtype in dtypes)
    return np.result_type(*(dtype if dtype.kind in "fc" else np.float64 for dtype in given))
