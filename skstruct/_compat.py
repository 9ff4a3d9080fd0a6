"""What differs between the supported versions of scikit-learn, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

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


__all__ = ["CallbackSupportMixin", "with_callbacks"]
