"""Scikit-learn-compatible estimators on the linear-algebra routine a matrix deserves."""

from importlib.metadata import version

from skstruct.linalg import config_context, get_config, set_config

__version__ = version("skstruct")
__all__ = ["__version__", "config_context", "get_config", "set_config"]
