"""The engine: structure + problem -> plan -> solver -> solution with certificate.

It depends on numpy and scipy only and knows nothing of scikit-learn.
"""

from skstruct.linalg._cache import CACHE
from skstruct.linalg._certificate import Certificate
from skstruct.linalg._choice import (
    LOWEST,
    automatic_grid,
    best_penalty,
    grid_of,
    interpolated_minimum,
)
from skstruct.linalg._coefficient_path import CoefficientPath, coefficient_path
from skstruct.linalg._config import config_context, get_config, set_config
from skstruct.linalg._criteria import CRITERIA, NEEDS_NOISE, VANISHES, noise_variance, variance
from skstruct.linalg._engine import Problem, plan_for, run
from skstruct.linalg._factorize import Factorization, factorize
from skstruct.linalg._held_out import HeldOut
from skstruct.linalg._iteration import Iteration, Progress
from skstruct.linalg._left_out import left_out_at, left_out_error, left_out_residuals
from skstruct.linalg._lstsq import LeastSquaresSolution, lstsq
from skstruct.linalg._machine import Cost, Machine
from skstruct.linalg._operand import Operand
from skstruct.linalg._operands import make_operand
from skstruct.linalg._penalty import (
    DiagonalPenalty,
    IdentityPenalty,
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
from skstruct.linalg._ridge_folds import FoldScores, RidgeFolds
from skstruct.linalg._ridge_path import RidgePath
from skstruct.linalg._running import RunningSummary, running_summary
from skstruct.linalg._solution import Breakdown, Solution
from skstruct.linalg._solve import SystemSolution, certified_solve, explain, solve, structure_of
from skstruct.linalg._sources import RowSource, row_blocks, row_source
from skstruct.linalg._sparse_gram import analysed
from skstruct.linalg._spectral import complete as complete_triplets
from skstruct.linalg._spectrum import Spectrum
from skstruct.linalg._standard_form import StandardForm
from skstruct.linalg._structure import Fill, Structure
from skstruct.linalg._svd import SingularValueDecomposition, svd
from skstruct.linalg._variances import score_variances
from skstruct.linalg.batches import (
    BatchedLeastSquares,
    batched_cholesky,
    batched_eigh,
    batched_lstsq,
    batched_solve,
    batched_svd,
)
from skstruct.linalg.iterative_systems import (
    IterationState,
    IterativeSolution,
    solve_iteratively,
)
from skstruct.linalg.matrices import (
    Banded,
    BlockDiagonal,
    CertifiedSolution,
    Circulant,
    Diagonal,
    Kronecker,
    LowRankPlusDiagonal,
    ShiftedKronecker,
    StructuredMatrix,
    Toeplitz,
    Triangular,
)
from skstruct.linalg.systems import LinearSystem, MatrixStructure

__all__ = [
    "CACHE",
    "CRITERIA",
    "LOWEST",
    "NEEDS_NOISE",
    "VANISHES",
    "Attempt",
    "Banded",
    "BatchedLeastSquares",
    "BlockDiagonal",
    "Breakdown",
    "Candidate",
    "Certificate",
    "CertifiedSolution",
    "Circulant",
    "CoefficientPath",
    "Cost",
    "Diagonal",
    "DiagonalPenalty",
    "Factorization",
    "Fill",
    "FoldScores",
    "HeldOut",
    "IdentityPenalty",
    "InapplicableSolver",
    "Iteration",
    "IterationState",
    "IterativeSolution",
    "Kronecker",
    "LeastSquares",
    "LeastSquaresSolution",
    "LinearSystem",
    "LowRankPlusDiagonal",
    "Machine",
    "MatrixStructure",
    "Operand",
    "PartialSVD",
    "Penalty",
    "Plan",
    "Problem",
    "Progress",
    "RangeFinder",
    "Ridge",
    "RidgeCoefficients",
    "RidgeFolds",
    "RidgePath",
    "RowSource",
    "RunningSummary",
    "ShiftedKronecker",
    "SingularTriplets",
    "SingularValueDecomposition",
    "Solution",
    "Spectrum",
    "StandardForm",
    "Structure",
    "StructuredMatrix",
    "SystemSolution",
    "Toeplitz",
    "Triangular",
    "analysed",
    "automatic_grid",
    "batched_cholesky",
    "batched_eigh",
    "batched_lstsq",
    "batched_solve",
    "batched_svd",
    "best_penalty",
    "certified_solve",
    "coefficient_path",
    "complete_triplets",
    "config_context",
    "difference_penalty",
    "explain",
    "factorize",
    "get_config",
    "grid_of",
    "interpolated_minimum",
    "laplacian_penalty",
    "left_out_at",
    "left_out_error",
    "left_out_residuals",
    "lstsq",
    "make_operand",
    "minka_rank",
    "noise_variance",
    "plan_for",
    "row_blocks",
    "row_source",
    "run",
    "running_summary",
    "score_variances",
    "set_config",
    "solve",
    "solve_iteratively",
    "structure_of",
    "svd",
    "variance",
]
