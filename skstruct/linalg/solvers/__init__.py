"""One algorithm per file.

A solver is a module with

``NAME``
    what users call it;
``ROBUSTNESS``
    its place in the order of escalation: after a failure the engine goes on to the cheapest
    solver of higher robustness;
``ON_REQUEST``
    True for a solver that only runs when asked for by name;
``BY_PRODUCTS``
    True for a solver that needs nothing of the data but products; False if it is not there;
``applies(problem) -> str | None``
    None, or the reason why it cannot answer;
``cost(problem) -> Cost``
    what it would need;
``memory_use(problem) -> str``
    what takes most of its memory, for the message that rejects it;
``reason(problem) -> str``
    what speaks for it, for the plan;
``solve(problem)``
    the answer, or :class:`~skstruct.linalg._solution.Breakdown`.

To add one, write the file and list it here.
"""

from skstruct.linalg.solvers import (
    arpack,
    block_krylov,
    cg,
    covariance_eigh,
    dual_cholesky,
    eigen,
    extended_qr,
    fold_blocks,
    fold_grams,
    fold_refits,
    full,
    gram_cholesky,
    gram_eigh,
    lsmr,
    lsqr,
    mixed_gram,
    nonnegative,
    path_covariance,
    path_gram,
    path_svd,
    qr,
    randomized,
    sparse_cholesky,
    svd,
    system_banded,
    system_banded_cholesky,
    system_block_diagonal,
    system_cholesky,
    system_circulant,
    system_diagonal,
    system_iterative,
    system_ldl,
    system_lu,
    system_mixed_cholesky,
    system_mixed_lu,
    system_sparse_cholesky,
    system_sparse_lu,
    system_structured,
    system_toeplitz,
    system_triangular,
    system_tridiagonal,
)

SOLVERS = {
    "partial_svd": (covariance_eigh, gram_eigh, block_krylov, full, randomized, arpack),
    "ridge": (
        gram_cholesky,
        dual_cholesky,
        sparse_cholesky,
        eigen,
        cg,
        lsmr,
        lsqr,
        qr,
        svd,
        nonnegative,
    ),
    "ridge_path": (path_covariance, path_gram, path_svd),
    "ridge_folds": (fold_grams, fold_blocks, fold_refits),
    "linear_system": (
        system_banded,
        system_banded_cholesky,
        system_block_diagonal,
        system_cholesky,
        system_circulant,
        system_diagonal,
        system_iterative,
        system_ldl,
        system_lu,
        system_mixed_cholesky,
        system_mixed_lu,
        system_sparse_cholesky,
        system_sparse_lu,
        system_structured,
        system_toeplitz,
        system_triangular,
        system_tridiagonal,
    ),
    "least_squares": (gram_cholesky, sparse_cholesky, extended_qr, cg, qr, svd, nonnegative),
}
SOLVERS["mixed_least_squares"] = (mixed_gram, *SOLVERS["least_squares"])
"""The solvers of each kind of problem."""
