"""Linear systems solved by iteration: large sparse ones, and those known by their products."""

from skstruct.linalg.iterative_systems._solution import IterativeSolution
from skstruct.linalg.iterative_systems._solve import solve_iteratively
from skstruct.linalg.iterative_systems._watch import IterationState

__all__ = ["IterationState", "IterativeSolution", "solve_iteratively"]
