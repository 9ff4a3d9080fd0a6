"""The bridge between scikit-learn and the engine: the only place that knows both.

Data is validated into an operand; a solution is recorded as fitted attributes; an answer that
is not certified becomes a warning.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy

import numpy as np
from scipy import sparse
from scipy.linalg import LinAlgWarning
from scipy.sparse.linalg import LinearOperator
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_array, check_consistent_length, validate_data

from skstruct._compat import CallbackSupportMixin, has_callbacks
from skstruct.linalg import Certificate, Problem, RowSource, Solution, row_source, run

Report = Callable[[Callable[[], dict]], bool]
"""Tells callbacks of a step, with what returns the attributes fitted so far; True asks to stop."""


class StructuredEstimator(CallbackSupportMixin, BaseEstimator):
    """Base of every estimator: runs problems through the engine and reports what happened."""

    @contextmanager
    def _fitting(
        self, X: object, y: object = None, n_steps: int | None = 0
    ) -> Iterator[Report | None]:
        """Call callbacks around a fit, and leave the estimator unchanged if it fails.

        If there are callbacks the value is a function that tells them of a step. `n_steps` is the
        number of steps, None if it is not known.
        """
        before = dict(vars(self))
        try:
            if has_callbacks(self):
                context = self._init_callback_context(max_subtasks=n_steps)
                context.call_on_fit_task_begin(estimator=self, X=X, y=y)

                def report(attributes: Callable[[], dict]) -> bool:
                    step = context.subcontext(task_name="iteration")
                    step.call_on_fit_task_begin(estimator=self, X=X, y=y)
                    return step.call_on_fit_task_end(
                        estimator=self, X=X, y=y, reconstruction_attributes=attributes
                    )

                yield report
                context.call_on_fit_task_end(estimator=self, X=X, y=y)
            else:
                yield None
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    def _solve(self, problem: Problem, parameter: str, requested: tuple[str, ...]) -> Solution:
        """Run `problem`, set ``solver_``, ``plan_`` and ``certificate_``, and warn if needed.

        `parameter` is the name of the constructor parameter that chooses the solver.
        """
        solution = self._run(problem, parameter, requested)
        self._certify(solution.certificate)
        return solution

    def _run(self, problem: Problem, parameter: str, requested: tuple[str, ...]) -> Solution:
        """Do the same, but leave the certificate to the caller."""
        solution = run(problem, requested)
        self.solver_ = solution.solver
        self.plan_ = solution.plan
        if requested and solution.escalated_from is not None:
            outcome = solution.plan.attempts[0].outcome
            warnings.warn(
                f"{parameter}={getattr(self, parameter)!r} ({solution.escalated_from}) "
                f"{outcome}; {solution.solver!r} was used instead.",
                LinAlgWarning,
                stacklevel=user_stacklevel(),
            )
        return solution

    def _certify(self, certificate: Certificate) -> None:
        """Set ``certificate_`` and warn if it does not hold."""
        self.certificate_ = certificate
        if not certificate.holds:
            warnings.warn(
                f"{type(self).__name__} did not reach the accuracy asked for: "
                f"{certificate.quantity} is {certificate.value:.1e}, asked "
                f"{certificate.asked:.0e} (solver {self.solver_!r}). "
                f"To remedy: {certificate.remedy}.",
                ConvergenceWarning,
                stacklevel=user_stacklevel(),
            )


def user_stacklevel() -> int:
    """Return the ``stacklevel`` with which the caller's warning names the user's own line.

    The first one outside of this package and scikit-learn, whose pipelines and decorators call it.
    """
    frame, level = sys._getframe(1), 1
    packages = ("skstruct", "sklearn")
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in packages:
        frame, level = frame.f_back, level + 1
    return level


def check_rows(
    estimator: BaseEstimator, X: object, *, reset: bool
) -> np.ndarray | sparse.sparray | RowSource:
    """Return X as float32 or float64 rows: an array, a CSR or CSC matrix, or a source of chunks.

    With `reset` the number and names of its features are recorded, else compared.
    """
    source = row_source(X)
    if source is not None:
        validate_data(estimator, source, skip_check_array=True, reset=reset)
        return source
    return validate_data(
        estimator,
        X,
        dtype=[np.float64, np.float32],
        accept_sparse=("csr", "csc"),
        reset=reset,
    )


def check_source(estimator: BaseEstimator, X: object, *, reset: bool) -> LinearOperator | RowSource:
    """Return X as a real linear operator or a source of chunks of rows, whichever it is."""
    if not isinstance(X, LinearOperator):
        return check_rows(estimator, X, reset=reset)
    if np.dtype(X.dtype).kind not in "fiub":
        raise ValueError(f"Complex data not supported: X is a linear operator of type {X.dtype}.")
    validate_data(estimator, X, skip_check_array=True, reset=reset)
    return X


def check_sample_weight(sample_weight: object, X: object) -> np.ndarray | None:
    """Return non-negative float64 weights of shape (n_samples,), or None for unit weights."""
    if sample_weight is None:
        return None
    n_samples = X.shape[0]
    if np.isscalar(sample_weight):
        weights = np.full(n_samples, float(sample_weight))
    else:
        weights = check_array(
            sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight"
        )
    if weights.ndim != 1:
        raise ValueError(
            f"Sample weights must be 1D array or scalar, got {weights.ndim}D array. "
            "Expected either a scalar value or a 1D array."
        )
    check_consistent_length(X, weights)
    if np.any(weights < 0):
        raise ValueError("Negative values in data passed to `sample_weight`")
    if not np.any(weights > 0):
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weights


def as_fitted(counterpart: BaseEstimator, estimator: BaseEstimator, names: Sequence[str]) -> object:
    """Return `counterpart` with those fitted attributes of `estimator` that it has."""
    for name in (*names, "n_features_in_", "feature_names_in_"):
        if name in vars(estimator):
            setattr(counterpart, name, copy(getattr(estimator, name)))
    return counterpart


def result_dtype(*arrays: np.ndarray | sparse.sparray) -> np.dtype:
    """Return float32 if every array is, else float64."""
    single = all(np.dtype(array.dtype) == np.float32 for array in arrays)
    return np.dtype(np.float32 if single else np.float64)
