"""Sparse matrices of the kinds that are iterated, small enough for LAPACK to be the oracle."""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import aslinearoperator


def line(m):
    return sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(m, m))


def grid(m, dimensions=2):
    """The Laplacian of a grid of m^d points."""
    one, total = sparse.eye_array(m), sparse.csr_array((m**dimensions,) * 2)
    for axis in range(dimensions):
        term = sparse.eye_array(1)
        for other in range(dimensions):
            term = sparse.kron(term, line(m) if other == axis else one)
        total = total + term
    return sparse.csr_array(total)


def convection(m, speed=0.5):
    """Diffusion and upwind convection."""
    upwind = sparse.diags_array([-1.0, 1.0], offsets=[-1, 0], shape=(m, m))
    one = sparse.eye_array(m)
    return sparse.csr_array(grid(m) + speed * (sparse.kron(upwind, one) + sparse.kron(one, upwind)))


def waves(m, shift=0.3):
    """Helmholtz: the Laplacian minus a multiple of the identity, indefinite."""
    return sparse.csr_array(grid(m) - shift * sparse.eye_array(m * m))


def magnetic(m):
    """A Hermitian positive definite matrix with complex entries."""
    n = m * m
    turn = sparse.diags_array([0.4j, -0.4j], offsets=[1, -1], shape=(n, n))
    return sparse.csr_array(grid(m) + turn + 0.9 * sparse.eye_array(n))


def rough(m, decades=6, seed=0):
    """Diffusion whose coefficients differ by many decades."""
    rng = np.random.default_rng(seed)
    step = sparse.diags_array([-1.0, 1.0], offsets=[0, 1], shape=(m - 1, m))
    one = sparse.eye_array(m)
    gradient = sparse.vstack([sparse.kron(step, one), sparse.kron(one, step)])
    weights = 10.0 ** rng.uniform(-decades / 2, decades / 2, gradient.shape[0])
    matrix = gradient.T @ sparse.diags_array(weights) @ gradient
    return sparse.csr_array(matrix + 1e-3 * sparse.eye_array(m * m))


MATRICES = {
    "definite": grid(12),
    "definite, 3-D": grid(6, 3),
    "Hermitian": magnetic(10),
    "indefinite": waves(12),
    "general": convection(12),
    "complex general": sparse.csr_array(convection(12) + 0.3j * sparse.eye_array(144)),
    "rough": rough(12),
}

STORAGES = {
    "csr": sparse.csr_array,
    "csc": sparse.csc_array,
    "coo": sparse.coo_matrix,
    "dense": lambda A: A.toarray(),
    "products": lambda A: aslinearoperator(sparse.csr_array(A)),
}


def residual(A, x, b):
    """The largest relative residual of the columns."""
    A = A.toarray() if sparse.issparse(A) else A
    gap = np.linalg.norm((b - A @ x).reshape(len(b), -1), axis=0)
    return (gap / np.linalg.norm(b.reshape(len(b), -1), axis=0)).max(initial=0.0)


def sides(n, k=None, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    shape = (n,) if k is None else (n, k)
    b = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        b = b + 1j * rng.standard_normal(shape)
    return b.astype(dtype)
