"""Where to begin the iteration for one penalty, given the solutions for others.

The solutions (A'A + alpha_i P)^-1 A'y span a rational Krylov space, in which the solution for an
alpha between them has an excellent approximation (Ruhe 1984). The best one in the norm of the error
costs no pass over the data, as the gradient that was measured at a solution tells A'A times it.
"""

from __future__ import annotations

import numpy as np

from skstruct.linalg._regression import Ridge

# Combinations of solutions that cancel to this share of them are left out.
DEPENDENT = 1e-10


def order_of_path(problem: Ridge) -> list[int]:
    """Return the order in which the repeats of the targets are solved.

    The least penalties first, which take longest, then from the largest down: 763 iterations for
    20 penalties from 100 to 0.01 on text, 250 of them for the first; 826 by halving the gaps, 1010
    from the least up, 1270 from the largest down.
    """
    t = problem.n_targets // problem.n_repeats
    alphas = problem.alphas.reshape(problem.n_repeats, t).sum(axis=1)
    hardest = int(np.argmin(alphas))
    falling = np.argsort(-alphas, kind="stable").tolist()
    return [hardest, *(repeat for repeat in falling if repeat != hardest)]


def start_on_path(
    problem: Ridge,
    columns: np.ndarray,
    solved: np.ndarray,
    coef: np.ndarray,
    gradient: np.ndarray,
) -> np.ndarray | None:
    """Return where to begin for some columns of a problem; None for zeros.

    Parameters
    ----------
    problem : Ridge
        The whole problem.
    columns : ndarray of shape (c,)
        The targets to be solved.
    solved : ndarray of shape (t,)
        Which targets were solved.
    coef, gradient : ndarray of shape (p, t)
        Their solutions, and the gradients measured there.
    """
    given = problem.iteration.start
    t = problem.n_targets // problem.n_repeats
    starts = []
    for column in columns.tolist():
        family = np.arange(column % t, problem.n_targets, t)
        known = family[solved[family]]
        if len(known):
            starts.append(_best_combination(problem, column, known, coef, gradient))
        elif given is not None:
            starts.append(given[:, column % t])
        else:
            starts.append(np.zeros(len(coef)))
    start = np.column_stack(starts)
    return start if start.any() else None


def _best_combination(
    problem: Ridge, column: int, known: np.ndarray, coef: np.ndarray, gradient: np.ndarray
) -> np.ndarray:
    coef, gradient = coef[:, known], gradient[:, known]
    penalised = problem.penalty.apply(coef)
    rhs = problem.correlations[:, column]
    images = gradient + rhs[:, None] - problem.alphas[known] * penalised  # A'A times coef
    matrix = coef.T @ (images + problem.alphas[column] * penalised)
    units = np.sqrt(np.abs(matrix.diagonal()))
    units[units == 0] = 1.0
    scaled = 0.5 * (matrix + matrix.T) / np.outer(units, units)
    weights = np.linalg.lstsq(scaled, coef.T @ rhs / units, rcond=DEPENDENT)[0]
    return coef @ (weights / units)
