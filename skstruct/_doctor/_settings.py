"""The settings to try: environment variables of the BLAS that is loaded, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skstruct._doctor._findings import Library, Processor, Setting
from skstruct._doctor._processor import allowed_core_types

# OpenBLAS's threads spin for 2^26 cycles after a call before they sleep; each of two libraries
# then finds the cores taken by the other's. 2^20 are 0.4 ms: pairs of 700 x 700 products of numpy
# and scipy took 14 instead of 28 ms on two cores. Below 2^18 calls that follow each other
# wake the threads every time: eigh of 300 x 300 took 9 instead of 5 ms.
SPIN_EXPONENT = 20

# For measurements that the spinning threads of the process measured before would disturb.
QUIET = {"OPENBLAS_THREAD_TIMEOUT": str(SPIN_EXPONENT), "KMP_BLOCKTIME": "0"}

THREAD_VARIABLES = {
    "openblas": "OPENBLAS_NUM_THREADS",
    "mkl": "MKL_NUM_THREADS",
    "blis": "BLIS_NUM_THREADS",
}

KERNEL_VARIABLES = ("OPENBLAS_CORETYPE", "MKL_ENABLE_INSTRUCTIONS", "BLIS_ARCH_TYPE")

# Everything that is worth showing where it is set.
RELEVANT = (
    *("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "OMP_PROC_BIND", "GOTO_NUM_THREADS"),
    *("OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "OPENBLAS_THREAD_TIMEOUT"),
    *("MKL_NUM_THREADS", "MKL_ENABLE_INSTRUCTIONS", "MKL_DYNAMIC", "KMP_BLOCKTIME"),
    *("BLIS_NUM_THREADS", "BLIS_ARCH_TYPE", "VECLIB_MAXIMUM_THREADS", "LOKY_MAX_CPU_COUNT"),
)


def kernel_settings(
    blas: Sequence[Library], processor: Processor, environment: Mapping[str, str]
) -> list[Setting]:
    """Return what chooses other kernels, of those that the processor can run."""
    names = {library.name for library in blas}
    settings = [
        Setting("kernels", {name: None}) for name in KERNEL_VARIABLES if environment.get(name)
    ]
    if "openblas" in names:
        # the four newest: older kernels have narrower vectors
        for core in allowed_core_types(processor.features)[-4:]:
            settings.append(Setting("kernels", {"OPENBLAS_CORETYPE": core}))
    if "mkl" in names:
        for needed, value in (("avx2", "AVX2"), ("avx512f", "AVX512")):
            if needed in processor.features:
                settings.append(Setting("kernels", {"MKL_ENABLE_INSTRUCTIONS": value}))
    if "blis" in names:
        for needed, value in (("avx2", "haswell"), ("avx2", "zen3"), ("avx512f", "skx")):
            if needed in processor.features:
                settings.append(Setting("kernels", {"BLIS_ARCH_TYPE": value}))
    return settings


def thread_settings(blas: Sequence[Library], processor: Processor) -> list[Setting]:
    """Return other numbers of threads: one, the physical cores, the cores that are granted."""
    if not blas:  # Accelerate, or a BLAS without threads
        return []
    now = {library.n_threads for library in blas}
    return [
        Setting("threads", dict.fromkeys(_thread_variables(blas), str(n)), n)
        for n in sorted({1, processor.physical, processor.granted})
        if now != {n}
    ]


def spinning_settings(blas: Sequence[Library]) -> list[Setting]:
    """Return what sends idle threads to sleep early."""
    variables = {}
    for library in blas:
        if library.n_threads == 1:
            continue
        if library.name == "mkl":
            variables["KMP_BLOCKTIME"] = "0"
        elif library.threading == "openmp":
            variables["OMP_WAIT_POLICY"] = "PASSIVE"
        elif library.name == "openblas":
            variables["OPENBLAS_THREAD_TIMEOUT"] = str(SPIN_EXPONENT)
    return [Setting("spinning", variables)] if variables else []


def _thread_variables(blas: Sequence[Library]) -> list[str]:
    names = {
        "OMP_NUM_THREADS"
        if library.threading == "openmp" and library.name == "openblas"
        else THREAD_VARIABLES.get(library.name, "OMP_NUM_THREADS")
        for library in blas
    }
    return sorted(names)
