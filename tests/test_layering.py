"""Imports point down only: estimators -> engine -> solvers -> numpy."""
