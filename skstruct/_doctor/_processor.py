"""What the processor offers, and which kernels of OpenBLAS may run on it."""

from __future__ import annotations

import os
import platform
import time
import warnings
from pathlib import Path

import joblib
import numpy as np

from skstruct._doctor._findings import Processor

_AVX2 = {"avx2", "fma"}
_AVX512 = _AVX2 | {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}

# The instruction sets that each core type of OpenBLAS needs (its driver/others/dynamic.c and
# Makefile.x86_64). A core type whose instructions are missing ends in a crash.
CORE_TYPES: dict[str, set[str]] = {
    "Sandybridge": {"avx"},
    "Haswell": _AVX2,
    "Zen": _AVX2,
    "SkylakeX": _AVX512,
    "Cooperlake": _AVX512 | {"avx512_bf16"},
    "SapphireRapids": _AVX512 | {"avx512_bf16", "amx_bf16"},
    "NeoverseN1": {"asimd", "asimddp"},
    "NeoverseV1": {"asimd", "sve"},
}

BUSY_SECONDS = 0.5  # 50 ticks of each core

# Width of the vectors that kernels compute with, for those that OpenBLAS, BLIS and MKL name.
_KERNEL_BITS = {
    512: {"skylakex", "cooperlake", "sapphirerapids", "skx", "zen4", "zen5", "knl"},
    256: {
        "haswell", "zen", "zen2", "zen3", "sandybridge", "bulldozer", "piledriver",
        "steamroller", "excavator",
    },
    128: {
        "prescott", "core2", "nehalem", "katmai", "coppermine", "northwood", "banias", "atom",
        "penryn", "dunnington", "athlon", "opteron", "opteron_sse3", "barcelona", "nano",
        "bobcat", "generic",
    },
}  # fmt: skip


def processor() -> Processor:
    """Describe the processor of this machine."""
    model, features = _from_cpuinfo(_cpuinfo())
    granted = joblib.cpu_count()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # systems that do not tell: all are taken for physical
        physical = joblib.cpu_count(only_physical_cores=True)
    return Processor(
        model=model or platform.processor() or platform.machine() or "unknown processor",
        cores=os.cpu_count() or 1,
        granted=granted,
        physical=min(physical, granted),
        features=frozenset(features or _features_found_by_numpy()),
    )


def busy_cores() -> float:
    """Return how many cores are busy during half a second in which this process sleeps."""
    try:
        idle, total = _ticks()
        time.sleep(BUSY_SECONDS)
        still_idle, later = _ticks()
    except (OSError, ValueError):  # not Linux
        return 0.0
    share = (still_idle - idle) / max(later - total, 1)
    return (os.cpu_count() or 1) * max(0.0, 1.0 - share)


def _ticks() -> tuple[int, int]:
    first, *_ = Path("/proc/stat").read_text(encoding="utf-8").splitlines()
    ticks = [int(value) for value in first.split()[1:]]
    return sum(ticks[3:5]), sum(ticks[:8])  # idle and waiting for disks; all, guests counted once


def allowed_core_types(features: frozenset[str]) -> list[str]:
    """Return the core types of OpenBLAS whose instructions this processor has, newest last."""
    return [name for name, needed in CORE_TYPES.items() if needed <= features]


def vector_bits(features: frozenset[str]) -> int | None:
    """Return the width of the widest vectors of an x86 processor."""
    for bits, needed in ((512, _AVX512), (256, {"avx"}), (128, {"sse2"})):
        if needed <= features:
            return bits
    return None


def kernel_bits(kernels: str | None) -> int | None:
    """Return the width of the vectors of these kernels, None if unknown."""
    for bits, names in _KERNEL_BITS.items():
        if (kernels or "").lower() in names:
            return bits
    return None


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return ""


def _from_cpuinfo(text: str) -> tuple[str, set[str]]:
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip().lower(), value.strip())
    features = fields.get("flags") or fields.get("features") or ""
    return fields.get("model name", ""), set(features.split())


def _features_found_by_numpy() -> set[str]:
    simd = np.show_config(mode="dicts").get("SIMD Extensions", {})
    found = {*simd.get("baseline", ()), *simd.get("found", ())}
    if found & {"X86_V4", "AVX512_SKX"}:
        return {"sse2", "avx"} | _AVX512
    if found & {"X86_V3", "AVX2"}:
        return {"sse2", "avx"} | _AVX2
    return {"sse2"} if "SSE2" in found else set()
