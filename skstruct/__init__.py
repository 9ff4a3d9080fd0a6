"""Scikit-learn-compatible estimators on the linear-algebra routine a matrix deserves."""

from importlib.metadata import version

from skstruct.linalg import config_context, get_config, set_config

__version__ = version("skstruct")
__all__ = ["__version__", "config_context", "doctor", "get_config", "set_config"]


def __getattr__(name: str) -> object:
    if name == "doctor":  # imported when it is used: few programs do
        from skstruct._doctor import doctor

        return doctor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
