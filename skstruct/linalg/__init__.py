"""The engine: structure + problem -> plan -> solver -> solution with certificate.

It depends on numpy and scipy only and knows nothing of scikit-learn.
"""

from skstruct.linalg._certificate import Certificate
from skstruct.linalg._config import config_context, get_config, set_config
from skstruct.linalg._engine import plan_for, run
from skstruct.linalg._machine import Cost, Machine
from skstruct.linalg._operand import Operand
from skstruct.linalg._operands import make_operand
from skstruct.linalg._penalty import (
    DiagonalPenalty,
    Penalty,
    difference_penalty,
    laplacian_penalty,
)
from skstruct.linalg._plan import Attempt, Candidate, InapplicableSolver, Plan
from skstruct.linalg._problems import (
    PartialSVD,
    RangeFinder,
    SingularTriplets,
)
from skstruct.linalg._rank import minka_rank
from skstruct.linalg._regression import LeastSquares, Ridge, RidgeCoefficients
from skstruct.linalg._running import RunningSummary, running_summary
from skstruct.linalg._solution import Breakdown, Solution
from skstruct.linalg._sources import RowSource, row_blocks, row_source
from skstruct.linalg._spectral import complete as complete_triplets
from skstruct.linalg._structure import Structure
from skstruct.linalg._variances import score_variances

__all__ = [
    "Attempt",
    "Breakdown",
    "Candidate",
    "Certificate",
    "Cost",
    "DiagonalPenalty",
    "InapplicableSolver",
    "LeastSquares",
    "Machine",
    "Operand",
    "PartialSVD",
    "Penalty",
    "Plan",
    "RangeFinder",
    "Ridge",
    "RidgeCoefficients",
    "RowSource",
    "RunningSummary",
    "SingularTriplets",
    "Solution",
    "Structure",
    "complete_triplets",
    "config_context",
    "difference_penalty",
    "get_config",
    "laplacian_penalty",
    "make_operand",
    "minka_rank",
    "plan_for",
    "row_blocks",
    "row_source",
    "run",
    "running_summary",
    "score_variances",
    "set_config",
]
