"""What a route costs, and how long that takes on the machine the planner assumes.

Costs are never timed during a fit: the same data and configuration give the same plan
everywhere. The rates below were measured once; a user whose machine has other proportions
passes another :class:`Machine` to ``set_config``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Cost:
    """What a route needs.

    Attributes
    ----------
    blas3 : float
        Floating point operations in products of dense matrices.
    lapack : float
        Floating point operations in dense factorisations, stated as the equivalent number of
        `blas3` operations (see the constants in this file).
    sparse : float
        Multiply-adds of a sparse matrix with a dense block.
    sparse_product : float
        Multiply-adds in the product of two sparse matrices.
    traffic : float
        Bytes moved between memory and processor.
    memory : float
        Bytes at the peak, beyond the data.
    passes : float
        How often the data is read.
    """

    blas3: float = 0.0
    lapack: float = 0.0
    sparse: float = 0.0
    sparse_product: float = 0.0
    traffic: float = 0.0
    memory: float = 0.0
    passes: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.blas3 + other.blas3,
            self.lapack + other.lapack,
            self.sparse + other.sparse,
            self.sparse_product + other.sparse_product,
            self.traffic + other.traffic,
            self.memory + other.memory,
            self.passes + other.passes,
        )

    def repeated(self, times: float) -> Cost:
        """Return the cost of doing this so many times, in the same memory."""
        work = {
            field.name: times * getattr(self, field.name)
            for field in fields(self)
            if field.name != "memory"
        }
        return replace(self, **work)


@dataclass(frozen=True, slots=True)
class Machine:
    """Rates of a machine, from which costs become predicted seconds.

    Attributes
    ----------
    blas3 : float
        Floating point operations per second in large matrix products.
    sparse : float
        Multiply-adds per second of a sparse matrix with a dense block.
    sparse_product : float
        Multiply-adds per second in the product of two sparse matrices.
    bandwidth : float
        Bytes per second between memory and processor.
    pass_overhead : float
        Seconds that a pass over the data costs however small it is.
    """

    blas3: float
    sparse: float
    sparse_product: float
    bandwidth: float
    pass_overhead: float

    def seconds(self, cost: Cost) -> float:
        """Predict how long `cost` takes."""
        return (
            (cost.blas3 + cost.lapack) / self.blas3
            + cost.sparse / self.sparse
            + cost.sparse_product / self.sparse_product
            + cost.traffic / self.bandwidth
            + cost.passes * self.pass_overhead
        )


# Two cores of an AMD EPYC 9004 (AVX-512), numpy 2.4 with OpenBLAS 0.3.31, two threads:
# 2000 x 2000 matmul 109 GFLOP/s, X'X (counted n p^2) 80-95; CSR 50 000 x 20 000 of density
# 0.003 times 20 columns 2.6e9 multiply-adds/s on one thread; S'S of it 7e7/s; reading
# 160 MB for a column mean 20 GB/s on one thread, about 30 on two.
REFERENCE = Machine(blas3=90e9, sparse=4e9, sparse_product=7e7, bandwidth=25e9, pass_overhead=20e-6)

# LAPACK in the currency of BLAS-3 operations: nanoseconds per m^3 measured at m = 1000 and
# 2000, times the 90 GFLOP/s of REFERENCE.
EIGH_FLOPS = 7.3  # numpy.linalg.eigh, all pairs: 0.079-0.084 ns
EIGH_SUBSET_FLOPS = 3.8  # scipy eigh(driver="evr"), a tenth of the pairs: 0.043 ns
SVD_FLOPS = 18.0  # numpy.linalg.svd of a square matrix: 0.20-0.23 ns
LU_FLOPS = 1.3  # scipy's getrf: 0.014-0.020 ns
POTRF_FLOPS = 0.6  # scipy's potrf: 0.0065-0.009 ns
LDL_FLOPS = 1.1  # scipy's sytrf: 0.011-0.018 ns
CHOLESKY_FLOPS = 0.9  # numpy.linalg.cholesky: 0.010 ns
QR_FLOPS = 2.7  # numpy.linalg.qr(mode="r"), per 2 n p^2: 0.021-0.065 ns for p = 1000-100

# Products of a dense matrix with 8-40 columns run at a third of the BLAS-3 rate: 24-36 GFLOP/s
# for 3000 x 3000.
NARROW_FACTOR = 3.0
