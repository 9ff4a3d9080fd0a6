"""The demonstration: real data, fitted by skstruct and by scikit-learn side by side."""

from skstruct._demo._report import run_demo

__all__ = ["run_demo"]
