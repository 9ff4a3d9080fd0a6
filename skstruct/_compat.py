"""What differs between the supported versions of scikit-learn, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn < 1.9 has no callbacks: the same names do nothing

    class _NoContext:
        def call_on_fit_task_begin(self, **_: object) -> None:
            """Do nothing."""

        def call_on_fit_task_end(self, **_: object) -> bool:
            """Never ask to stop."""
            return False

    class CallbackSupportMixin:
        """Stand-in for scikit-learn's mixin."""

        def _init_callback_context(self, **_: object) -> _NoContext:
            return _NoContext()

    def with_callbacks(method: Callable) -> Callable:
        """Return the method as it is."""
        return method


def has_callbacks(estimator: object) -> bool:
    """Return whether callbacks were set on the estimator or on one that contains it.

    Setting up a context takes 60 microseconds, a fifth of a fit of the iris data: estimators
    without callbacks go without.
    """
    return not {"_skl_callbacks", "_parent_callback_ctx"}.isdisjoint(vars(estimator))


def accepts_sample_weight(scorer: Callable) -> bool:
    """Return whether a scorer takes sample weights; scikit-learn < 1.8 has no method that tells."""
    if hasattr(scorer, "_accept_sample_weight"):
        return scorer._accept_sample_weight()
    return "sample_weight" in signature(getattr(scorer, "_score_func", scorer)).parameters


__all__ = ["CallbackSupportMixin", "accepts_sample_weight", "has_callbacks", "with_callbacks"]
