"""svd, complete and leading, against numpy."""

import numpy as np
import pytest
from scipy import sparse

from skstruct.linalg import svd


def random(m, n, dtype="float64"):
    rng = np.random.default_rng(0)
    A = rng.standard_normal((m, n))
    return (A + 1j * rng.standard_normal((m, n)) if dtype[0] == "c" else A).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("shape", [(30, 12), (12, 30), (1, 1), (5, 1), (0, 3), (4, 0)])
@pytest.mark.parametrize("container", [np.asarray, sparse.csc_array])
def test_complete(shape, dtype, container):
    A = random(*shape, dtype)
    if container is not np.asarray and 0 in shape:
        pytest.skip("scipy has no sparse matrices without rows")
    found = svd(container(A))
    k = min(shape)
    tol = 100 * np.finfo(dtype).eps
    assert (found.U.shape, found.s.shape, found.Vh.shape) == ((shape[0], k), (k,), (k, shape[1]))
    assert found.U.dtype == found.Vh.dtype == dtype
    np.testing.assert_allclose(found.s, np.linalg.svd(A, compute_uv=False), rtol=tol, atol=tol)
    np.testing.assert_allclose(found.U * found.s @ found.Vh, A, atol=10 * tol)
    np.testing.assert_allclose(found.U.conj().T @ found.U, np.eye(k), atol=tol)
    assert found.certificate.holds


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(60, 20), (20, 60), (300, 40)])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_leading(shape, dtype, container):
    A = random(*shape, dtype)
    found = svd(container(A), rank=4)
    U, s, Vh = np.linalg.svd(A.astype(float), full_matrices=False)
    tol, close = (1e-5, 1e-4) if dtype == "float32" else (1e-9, 1e-7)
    assert found.U.dtype == found.s.dtype == found.Vh.dtype == dtype
    np.testing.assert_allclose(found.s, s[:4], rtol=tol)
    best = U[:, :4] * s[:4] @ Vh[:4]
    np.testing.assert_allclose(found.U * found.s @ found.Vh, best, atol=close)
    np.testing.assert_allclose(found.U.T @ found.U, np.eye(4), atol=tol)
    assert found.certificate.holds
    assert found.plan.chosen == found.solver


def test_more_triplets_than_the_rank():
    A = np.outer(np.arange(1.0, 9.0), np.ones(5))
    found = svd(A, rank=3)
    np.testing.assert_allclose(found.s, [np.linalg.norm(A), 0, 0], atol=1e-12)
    np.testing.assert_allclose(found.U.T @ found.U, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(found.U * found.s @ found.Vh, A, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: svd([[np.nan, 1.0]]), "NaN or infinity"),
        (lambda: svd(np.eye(3), rank=4), "rank must be between 1 and 3"),
        (lambda: svd(np.eye(3), rank=0), "rank must be between 1 and 3"),
        (lambda: svd(np.eye(3) * 1j, rank=1), "real matrices"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
