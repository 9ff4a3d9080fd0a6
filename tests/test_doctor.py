"""The doctor: advice from made-up findings, processes that fail, and one examination for real."""

import html
import json
import os
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest
import scipy.linalg  # noqa: F401 - its BLAS counts among the libraries of this process
from threadpoolctl import threadpool_info

import skstruct
from skstruct import _doctor
from skstruct.__main__ import main
from skstruct._doctor import (
    Effort,
    _examine,
    _measure,
    _processor,
    _subprocess,
    advise,
    remarks,
)
from skstruct._doctor._advice import LABELS
from skstruct._doctor._findings import Findings, Gain, Library, Processor, Setting, Trial
from skstruct._doctor._measure import matrix_size, measure
from skstruct._doctor._processor import allowed_core_types, kernel_bits, vector_bits
from skstruct._doctor._report import Report
from skstruct._doctor._settings import (
    KERNEL_VARIABLES,
    kernel_settings,
    spinning_settings,
    thread_settings,
)
from skstruct._doctor._subprocess import Worker, WorkerError

TINY = Effort(rounds=2, seconds=0.0, repeats=1, size=48, n_jobs=2)

SSE = {"sse2", "sse4_2"}
AVX2 = SSE | {"avx", "avx2", "fma"}
AVX512 = AVX2 | {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}


def a_processor(features=AVX512, granted=2, physical=None):
    return Processor("a processor", granted, granted, physical or granted, frozenset(features))


def openblas(users=("numpy",), kernels="Haswell", n_threads=2, threading="pthreads"):
    path = f"/lib/{users[0]}/libopenblas.so"
    return Library(users, "openblas", "0.3.30", kernels, threading, n_threads, path)


TWO = (openblas(("numpy",)), openblas(("scipy",)))
MKL = Library(("numpy", "scipy"), "mkl", "2025.0", None, "intel", 2, "/lib/libmkl_rt.so")
BLIS = Library(("numpy", "scipy"), "blis", "1.0", "haswell", "openmp", 2, "/lib/libblis.so")
LIBGOMP = Library(("scikit-learn",), "libgomp", None, None, None, 2, "/lib/libgomp.so")

BASE = {
    "gemm numpy float64": (109.0, 108.0, 109.0, 110.0),
    "gemm numpy float32": (222.0, 221.0, 222.0, 223.0),
    "gemm scipy float64": (107.0, 107.0, 106.0, 107.0),
    "small_eigh": (400.0, 401.0, 399.0, 400.0),
    "turns": (35.0, 36.0, 35.0, 34.0),
    "loop": (100.0, 101.0, 100.0, 99.0),
    "joblib threading": (90.0, 91.0, 90.0, 89.0),
    "joblib loky": (400.0, 401.0, 400.0, 399.0),
}


def scaled(**factors):
    """Return the speeds of some operations, by their names with `_` for a space."""
    named = {name.replace(" ", "_"): name for name in BASE}
    return {
        named[name]: tuple(factor * value for value in BASE[named[name]])
        for name, factor in factors.items()
    }


def trial(setting, speeds, kernels=("Haswell", "Haswell")):
    return Trial(setting, kernels, speeds)


def core(name, speeds):
    return trial(Setting("kernels", {"OPENBLAS_CORETYPE": name}), speeds, (name, name))


def threads(n, speeds):
    return trial(Setting("threads", {"OPENBLAS_NUM_THREADS": str(n)}, n), speeds)


def resting(speeds):
    return trial(Setting("spinning", {"OPENBLAS_THREAD_TIMEOUT": "20"}), speeds)


def found(*trials, blas=TWO, processor=None, speeds=None, **others):
    facts = {
        "versions": {"Python": "3.11", "numpy": "2.4"},
        "openmp": (),
        "built_with": {"numpy": "scipy-openblas 0.3.30", "scipy": "scipy-openblas 0.3.30"},
        "environment": {},
        "here": {},
        "busy": 0.0,
    }
    baseline = trial(
        Setting("none"), BASE if speeds is None else speeds, tuple(lib.kernels for lib in blas)
    )
    return Findings(
        processor=processor or a_processor(),
        blas=blas,
        baseline=baseline,
        trials=trials,
        **(facts | others),
    )


GEMM_DOUBLES = scaled(gemm_numpy_float64=1.7, gemm_numpy_float32=1.98, gemm_scipy_float64=1.7)
GEMM_EQUAL = scaled(gemm_numpy_float64=1.02, gemm_numpy_float32=0.98, gemm_scipy_float64=1.0)


# -- advice -------------------------------------------------------------------------------


def test_older_kernels_than_the_processor_could_run():
    (advice,) = advise(found(core("Zen", GEMM_EQUAL), core("SkylakeX", GEMM_DOUBLES)))
    assert advice.setting == "OPENBLAS_CORETYPE=SkylakeX"
    assert advice.gains == {
        "gemm numpy float64": 1.7,
        "gemm numpy float32": 1.98,
        "gemm scipy float64": 1.7,
    }
    assert not advice.losses
    assert "Haswell" in advice.why


def test_what_new_kernels_cost_is_said():
    (advice,) = advise(found(core("SkylakeX", GEMM_DOUBLES | scaled(small_eigh=0.8))))
    assert advice.losses == {"small_eigh": 0.8}


def test_of_equally_fast_kernels_the_newest_are_advised_or_what_blas_chooses_itself():
    almost = scaled(gemm_numpy_float64=1.68, gemm_numpy_float32=1.95, gemm_scipy_float64=1.7)
    tried = [core("Haswell", GEMM_DOUBLES), core("SkylakeX", almost)]
    (advice,) = advise(found(*tried))
    assert advice.setting == "OPENBLAS_CORETYPE=SkylakeX"
    unset = trial(Setting("kernels", {"OPENBLAS_CORETYPE": None}), almost, ("SkylakeX",) * 2)
    set_now = {"OPENBLAS_CORETYPE": "Nehalem"}
    (advice,) = advise(found(unset, *tried, environment=set_now))
    assert advice.setting == "unset OPENBLAS_CORETYPE"
    assert "OPENBLAS_CORETYPE=Nehalem is set" in advice.why


def test_kernels_that_crash_are_no_advice():
    crashed = Trial(Setting("kernels", {"OPENBLAS_CORETYPE": "Cooperlake"}), unusable="crashes")
    assert not advise(found(crashed))


@pytest.mark.parametrize(
    "speeds",
    [
        GEMM_EQUAL,
        scaled(gemm_numpy_float64=1.09),  # too little
        scaled(gemm_numpy_float64=0.5, gemm_numpy_float32=1.3),  # slower on the whole
        scaled(turns=2.0),  # not what kernels are chosen for
        {},
    ],
)
def test_kernels_that_are_no_faster_are_no_advice(speeds):
    assert not advise(found(core("SkylakeX", speeds)))


def test_a_gain_within_the_noise_is_no_advice():
    noisy = {"gemm numpy float64": (50.0, 60.0, 109.0, 120.0, 125.0)}
    faster = {"gemm numpy float64": tuple(1.4 * v for v in noisy["gemm numpy float64"])}
    assert not advise(found(core("SkylakeX", faster), speeds=noisy))
    calm = {"gemm numpy float64": (109.0, 108.0, 109.0, 60.0, 110.0)}  # once disturbed
    faster = {"gemm numpy float64": tuple(1.4 * v for v in calm["gemm numpy float64"])}
    assert advise(found(core("SkylakeX", faster), speeds=calm))


@pytest.mark.parametrize("environment", [{}, {"OMP_NUM_THREADS": "1"}])
def test_more_cores_than_threads(environment):
    one = (openblas(("numpy", "scipy"), n_threads=1),)
    faster = scaled(gemm_numpy_float64=1.9, gemm_numpy_float32=1.9)
    (advice,) = advise(found(threads(2, faster), blas=one, environment=environment))
    assert advice.setting == "OPENBLAS_NUM_THREADS=2"
    assert "1 thread" in advice.why
    assert ("OMP_NUM_THREADS=1 is set" in advice.why) == bool(environment)


def test_more_threads_than_cores():
    many = (openblas(("numpy", "scipy"), n_threads=64),)
    tried = [
        threads(1, scaled(gemm_numpy_float64=1.5, gemm_numpy_float32=1.5)),
        threads(4, scaled(gemm_numpy_float64=5.0, gemm_numpy_float32=5.0)),
    ]
    machine = a_processor(granted=4)
    (advice,) = advise(found(*tried, blas=many, processor=machine))
    assert advice.setting == "OPENBLAS_NUM_THREADS=4"
    assert "64 threads" in advice.why
    (remark,) = remarks(found(*tried, blas=many, processor=replace(machine, features=frozenset())))
    assert remark == "BLAS starts 64 threads, but this process may use 4 cores."


def test_threads_that_spin():
    rests = resting(scaled(turns=2.0, loop=3.0, small_eigh=0.8))
    (advice,) = advise(found(rests))
    assert advice.setting == "OPENBLAS_THREAD_TIMEOUT=20"
    assert advice.gains == {"turns": 2.0, "loop": 3.0}
    assert advice.losses == {"small_eigh": 0.8}


def test_one_thread_is_no_remedy_where_threads_only_have_to_rest():
    rests = resting(scaled(turns=2.0, loop=3.0))
    (advice,) = advise(found(rests, threads(1, scaled(loop=3.1))))
    assert advice.setting == "OPENBLAS_THREAD_TIMEOUT=20"
    _, advice = advise(found(rests, threads(1, scaled(loop=4.0))))
    assert "threadpool_limits(1" in advice.setting


@pytest.mark.parametrize(
    ("operation", "setting", "where"),
    [
        ("small_eigh", "threadpool_limits(1", "loops over small"),
        ("joblib_threading", "threadpool_limits(1", '"threading" backend'),
        ("joblib_loky", "inner_max_num_threads=1", "joblib.Parallel"),
    ],
)
def test_threads_that_get_in_each_others_way(operation, setting, where):
    (advice,) = advise(found(threads(1, scaled(gemm_numpy_float64=0.5) | scaled(**{operation: 3}))))
    assert setting in advice.setting
    assert where in advice.where
    assert list(advice.gains.values()) == [3.0]
    assert not advice.losses  # around such code only


def test_nothing_measured_is_no_advice():
    assert not advise(found(speeds={}))
    assert not advise(found(blas=(), speeds={}))


# -- remarks ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"blas": (), "built_with": {"numpy": "accelerate"}}, ["built with accelerate"]),
        ({"blas": (openblas(n_threads=1),)}, ["Haswell kernels of numpy", "256-bit", "512-bit"]),
        ({"blas": (openblas(kernels="SkylakeX"),)}, []),
        ({"blas": (openblas(kernels="unheard of"),)}, []),
        ({"blas": (openblas(),), "processor": a_processor(())}, []),
        ({"blas": (MKL,)}, []),
        ({"blas": TWO, "processor": a_processor(AVX2)}, ["numpy and scipy load 2 BLAS"]),
        (
            {"blas": (openblas(kernels="Zen"),), "here": {openblas().path: 1}, "processor":
             a_processor(AVX2)},
            ["In this process the BLAS of numpy has 1 thread"],
        ),
        (
            {"blas": (MKL,), "openmp": (LIBGOMP, replace(LIBGOMP, name="libomp"))},
            ["2 OpenMP runtimes are loaded (libgomp, libomp)"],
        ),
        (
            {
                "blas": (MKL,),
                "openmp": (replace(LIBGOMP, name="libiomp"), replace(LIBGOMP, name="libomp")),
            },
            ["deadlock"],
        ),
        ({"blas": (MKL,), "openmp": (LIBGOMP,)}, []),
        ({"blas": (MKL,), "busy": 0.3}, []),
        ({"blas": (MKL,), "busy": 1.5}, ["Other programs kept 1.5 of 2 cores busy"]),
    ],
)  # fmt: skip
def test_remarks(facts, said):
    text = " ".join(remarks(found(**facts)))
    assert bool(text) == bool(said)
    assert all(words in text for words in said)


@pytest.mark.parametrize(
    ("trials", "outcome"),
    [
        ((), "no wider ones could be tried."),
        ((core("SkylakeX", GEMM_EQUAL),), "wider ones are no faster here."),
        ((core("SkylakeX", GEMM_DOUBLES),), "512-bit ones."),
        ((core("Zen", GEMM_DOUBLES),), "no wider ones could be tried."),
    ],
)
def test_the_remark_on_narrow_kernels_says_what_wider_ones_did(trials, outcome):
    (remark,) = remarks(found(*trials, blas=(openblas(n_threads=1),)))
    assert remark.endswith(outcome)


# -- what to try --------------------------------------------------------------------------


def names(settings):
    return [setting.name for setting in settings]


@pytest.mark.parametrize(
    ("features", "cores"),
    [
        (SSE, []),
        (SSE | {"avx"}, ["Sandybridge"]),
        (AVX2, ["Sandybridge", "Haswell", "Zen"]),
        (AVX512, ["Haswell", "Zen", "SkylakeX"]),
        (AVX512 | {"avx512_bf16"}, ["SkylakeX", "Cooperlake"]),
        (AVX512 | {"avx512_bf16", "amx_bf16"}, ["Cooperlake", "SapphireRapids"]),
        ({"asimd", "asimddp", "sve"}, ["NeoverseN1", "NeoverseV1"]),
        (set(), []),
    ],
)
def test_core_types_are_tried_only_if_the_processor_has_their_instructions(features, cores):
    tried = names(kernel_settings(TWO, a_processor(features), {}))
    assert tried[-len(cores) or len(tried) :] == [f"OPENBLAS_CORETYPE={name}" for name in cores]
    assert len(tried) <= 4
    if not cores:
        assert not tried


def test_a_core_type_that_is_set_is_unset_first():
    first, *_ = kernel_settings(TWO, a_processor(), {"OPENBLAS_CORETYPE": "Nehalem"})
    assert first.name == "unset OPENBLAS_CORETYPE"


@pytest.mark.parametrize(
    ("blas", "kernels", "rest", "n_threads"),
    [
        ((MKL,), "MKL_ENABLE_INSTRUCTIONS", "KMP_BLOCKTIME=0", "MKL_NUM_THREADS=1"),
        ((BLIS,), "BLIS_ARCH_TYPE", "OMP_WAIT_POLICY=PASSIVE", "BLIS_NUM_THREADS=1"),
        (TWO, "OPENBLAS_CORETYPE", "OPENBLAS_THREAD_TIMEOUT=20", "OPENBLAS_NUM_THREADS=1"),
        (
            (openblas(threading="openmp"),),
            "OPENBLAS_CORETYPE",
            "OMP_WAIT_POLICY=PASSIVE",
            "OMP_NUM_THREADS=1",
        ),
    ],
)
def test_the_variables_are_those_of_the_library(blas, kernels, rest, n_threads):
    tried = kernel_settings(blas, a_processor(), {})
    assert tried
    assert {name for setting in tried for name in setting.variables} == {kernels}
    assert kernels in KERNEL_VARIABLES
    assert names(spinning_settings(blas)) == [rest]
    assert names(thread_settings(blas, a_processor())) == [n_threads]


def test_numbers_of_threads():
    machine = a_processor(granted=8, physical=4)
    tried = thread_settings((openblas(n_threads=8),), machine)
    assert [setting.n_threads for setting in tried] == [1, 4]
    tried = thread_settings((openblas(n_threads=1),), machine)
    assert [setting.n_threads for setting in tried] == [4, 8]
    assert not spinning_settings((openblas(n_threads=1),))
    assert not thread_settings((openblas(n_threads=1),), a_processor(granted=1))
    assert not thread_settings((), machine)


# -- the processor ------------------------------------------------------------------------

X86 = """
processor\t: 0
model name\t: Some CPU @ 2.0 GHz
flags\t\t: fpu sse2 sse4_2 avx avx2 fma

processor\t: 1
model name\t: Some CPU @ 2.0 GHz
flags\t\t: other
"""
ARM = "processor : 0\nFeatures : fp asimd asimddp sve\nCPU part : 0xd40\n"


@pytest.mark.parametrize(
    ("text", "model", "cores", "bits"),
    [
        (X86, "Some CPU @ 2.0 GHz", ["Sandybridge", "Haswell", "Zen"], 256),
        (ARM, "", ["NeoverseN1", "NeoverseV1"], None),
        ("", "", [], None),
    ],
)
def test_features_of_a_processor(text, model, cores, bits):
    name, features = _processor._from_cpuinfo(text)
    assert name == model
    assert allowed_core_types(frozenset(features)) == cores
    assert vector_bits(frozenset(features)) == bits


@pytest.mark.parametrize(
    ("simd", "bits"),
    [
        ({"baseline": ["X86_V2"], "found": ["X86_V3", "X86_V4"]}, 512),
        ({"baseline": ["SSE", "SSE2", "SSE3"], "found": ["AVX2", "AVX512F", "AVX512_SKX"]}, 512),
        ({"baseline": ["SSE", "SSE2", "SSE3"], "found": ["AVX", "AVX2"]}, 256),
        ({"baseline": ["SSE", "SSE2", "SSE3"]}, 128),
        ({"baseline": ["NEON", "ASIMD"]}, None),
        ({}, None),
    ],
)
def test_systems_without_cpuinfo(simd, bits, monkeypatch):
    monkeypatch.setattr(_processor, "_cpuinfo", lambda: "")
    monkeypatch.setattr(_processor.np, "show_config", lambda mode: {"SIMD Extensions": simd})
    machine = _processor.processor()
    assert machine.model
    assert vector_bits(machine.features) == bits
    assert 1 <= machine.physical <= machine.granted


def test_busy_cores(monkeypatch):
    monkeypatch.setattr(_processor, "BUSY_SECONDS", 0.0)
    monkeypatch.setattr(_processor.os, "cpu_count", lambda: 4)
    readings = iter([(100, 1000), (120, 1080)])  # a quarter of the time idle
    monkeypatch.setattr(_processor, "_ticks", lambda: next(readings))
    assert _processor.busy_cores() == 3.0

    def unknown():
        raise FileNotFoundError

    monkeypatch.setattr(_processor, "_ticks", unknown)
    assert _processor.busy_cores() == 0.0


def test_one_thread_on_a_busy_machine_is_advised_for_the_time_being():
    one = threads(1, scaled(gemm_numpy_float64=3.0, gemm_numpy_float32=3.0))
    (advice,) = advise(found(one))
    assert "other programs" not in advice.why
    (advice,) = advise(found(one, busy=1.0))
    assert "other programs were using cores" in advice.why


def test_widths_of_kernels():
    assert [kernel_bits(k) for k in ("SkylakeX", "Haswell", "Katmai", "Z15", None)] == [
        512, 256, 128, None, None,
    ]  # fmt: skip


def test_noise_and_gains():
    assert Gain(1.5, 1.2).is_gain
    assert not Gain(1.15, 1.2).is_gain
    assert not Gain(1.05, 1.0).is_gain
    assert Gain(0.5, 1.2).is_loss
    assert not Gain(0.95, 1.0).is_loss


# -- processes that fail ------------------------------------------------------------------


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Replace what the processes run; with `{worker}` for the file that they should."""

    def write(text):
        file = tmp_path / "script.py"
        worker = str(_subprocess._SCRIPT)
        file.write_text(textwrap.dedent(text).replace("{worker}", repr(worker)))
        monkeypatch.setattr(_subprocess, "_SCRIPT", file)

    return write


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "illegal instruction"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "crashes: signal 9"),
        ("raise SystemExit(3)", "ends with status 3"),
        ("raise ImportError('no numpy')", "fails: ImportError: no numpy"),
        ("print('half an answer', end='', flush=True)", "ends with status 0"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="signals of other systems")
def test_processes_that_end(script, text, message):
    script(text)
    with Worker({}) as worker, pytest.raises(WorkerError, match=message):
        worker.ask(20.0, ask="libraries", with_sklearn=False)


def test_a_process_that_does_not_answer_is_given_up(script):
    script("import time; time.sleep(60)")
    with Worker({}) as worker, pytest.raises(WorkerError, match="took more than 0 s"):
        worker.ask(0.2, ask="libraries", with_sklearn=False)


def test_a_python_that_cannot_be_started(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(WorkerError, match="could not be started"):
        Worker({})
    report = _doctor._examined(TINY)
    assert "No speeds: a fresh Python process could not be started" in str(report)
    assert report.findings.blas  # found in this process
    assert not report.advice


@pytest.mark.skipif(sys.platform == "win32", reason="signals of other systems")
def test_settings_that_crash_are_reported_and_the_others_measured(script):
    script("""
        import os, runpy, signal, sys
        if os.environ.get("CRASH") == "at once":
            os.kill(os.getpid(), signal.SIGILL)
        worker = runpy.run_path({worker}, run_name="worker")
        if os.environ.get("CRASH") == "later":
            worker["Operations"].gemm = lambda *_: os.kill(os.getpid(), signal.SIGILL)
        if os.environ.get("CRASH") == "no":
            worker["Operations"].gemv = lambda *_: 1 / 0
        worker["main"]()
    """)
    settings = [Setting("none")] + [
        Setting("spinning", {"CRASH": how}) for how in ("at once", "later", "no")
    ]
    wanted = ["gemm numpy float64", "gemv numpy float32"]
    now, at_once, later, no = measure(settings, wanted, TINY, 48, 1)
    assert set(now.speeds) == set(wanted)
    assert all(len(values) == 2 and min(values) > 0 for values in now.speeds.values())
    assert not now.unusable
    for crashed in (at_once, later):
        assert crashed.unusable == "crashes: illegal instruction"
        assert not crashed.speeds
    assert set(no.speeds) == {"gemm numpy float64"}
    assert no.failed == {"gemv numpy float32": "ZeroDivisionError: division by zero"}


def test_settings_that_cannot_start(monkeypatch):
    class Unstartable(Worker):
        def __init__(self, variables):
            if "BAD" in variables:
                raise WorkerError("cannot be started")
            super().__init__(variables)

    monkeypatch.setattr(_measure, "Worker", Unstartable)
    settings = [Setting("none"), Setting("spinning", {"BAD": "1"})]
    now, bad = measure(settings, ["gemm numpy float64"], TINY, 48, 1)
    assert now.speeds
    assert bad.unusable == "cannot be started"


def test_kernels_that_are_the_same_are_measured_once():
    same = Setting("kernels", {"DOES_NOTHING": "1"})
    now, tried = measure([Setting("none"), same], ["gemm numpy float64"], TINY, 48, 1)
    if not any(now.kernels):
        pytest.skip("this BLAS does not tell its kernels")
    assert tried.unusable == "chooses the same kernels as now"
    assert not tried.speeds


def test_a_variable_is_unset(script, monkeypatch):
    monkeypatch.setenv("SET_BEFORE", "1")
    script("import os; print(int('SET_BEFORE' in os.environ))")
    for value, is_set in ((None, 0), ("2", 1)):
        with Worker({"SET_BEFORE": value}) as worker:
            assert worker.ask(20.0) == is_set


def test_matrices_are_sized_by_the_speed(monkeypatch):
    def sized(rate):
        answer = {"speeds": {"gemm numpy float64": rate}}
        monkeypatch.setattr(_measure.Worker, "ask", lambda *_, **__: answer)
        return matrix_size(Effort(), {})

    assert sized(0.1) == 288
    assert 900 < sized(100.0) < 1100  # 2 n^3 = 100e9 x 0.02
    assert sized(1e6) <= 2048
    assert matrix_size(TINY, {}) == 48


# -- for real -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def report():
    before = dict(os.environ), threadpool_info()
    made = _doctor._examined(TINY)
    assert (dict(os.environ), threadpool_info()) == before  # nothing changed here
    return made


def test_the_examination_finds_the_libraries_of_this_process(report):
    files = {lib["filepath"] for lib in threadpool_info() if lib["user_api"] == "blas"}
    assert {library.path for library in report.findings.blas} == files
    users = [user for library in report.findings.blas for user in library.users]
    assert sorted(users) == ["numpy", "scipy"]
    assert report.findings.versions["numpy"]


def test_the_examination_measures_everything(report):
    speeds = report.findings.baseline.speeds
    assert {f"{kind} numpy {dtype}" for kind in ("gemm", "syrk", "gemv")
            for dtype in ("float64", "float32")} <= set(speeds)  # fmt: skip
    assert set(speeds) <= set(LABELS)
    assert not report.findings.baseline.failed
    for trial in (report.findings.baseline, *report.findings.trials):
        assert trial.speeds or trial.unusable
        assert all(value > 0 for values in trial.speeds.values() for value in values)


def test_the_report_as_text(report):
    text = str(report)
    assert max(map(len, text.splitlines())) <= 100
    assert text.startswith("skstruct doctor")
    assert "numpy GEMM float64" in text
    assert ("Worth changing" in text) == bool(report.advice)


def test_the_report_as_values(report):
    values = json.loads(report.to_json())
    assert values == report.to_dict()
    assert values["findings"]["baseline"]["speeds"].keys() == report.findings.baseline.speeds.keys()
    assert [advice["setting"] for advice in values["advice"]] == [a.setting for a in report.advice]


def test_pools_are_examined_where_there_are_some(monkeypatch):
    # whatever the number of cores here: with two threads, everything that may disturb is timed
    asked = []

    def record(settings, operations, *_, **__):
        asked.append(([s.kind for s in settings], list(operations)))
        return [Trial(s, speeds=dict.fromkeys(operations, (1.0, 1.0))) for s in settings]

    monkeypatch.setattr(_examine, "measure", record)
    baseline, trials = _examine._trials(TINY, TWO, a_processor(AVX2))
    assert set(baseline.speeds) == set(LABELS)
    assert [t.setting.n_threads for t in trials if t.setting.kind == "threads"] == [1]
    (_, rates), (pools, disturbed) = asked
    assert pools == ["none", "spinning", "threads"]
    assert {"turns", "joblib threading", "joblib loky"} <= set(disturbed)
    assert "gemm scipy float64" in rates
    one = (openblas(("numpy", "scipy"), n_threads=1),)
    baseline, _ = _examine._trials(TINY, one, a_processor(AVX2, granted=1))
    assert len(asked) == 3
    baseline, trials = _examine._trials(TINY, (), a_processor(AVX2))  # a BLAS that does not tell
    assert "joblib loky" in baseline.speeds
    assert not trials
    baseline, _ = _examine._trials(TINY, one, a_processor(AVX2, granted=1))
    assert not set(baseline.speeds) & {"turns", "joblib loky", "gemm scipy float64"}


# -- the report ---------------------------------------------------------------------------


def a_report(findings):
    return Report(findings, advise(findings), remarks(findings), 1.0)


def test_a_report_without_a_reason_to_change_anything():
    text = str(a_report(found(core("SkylakeX", GEMM_EQUAL))))
    assert "Nothing to change" in text


def test_a_report_shows_gains_and_what_could_not_be_measured():
    crashed = Trial(
        Setting("kernels", {"OPENBLAS_CORETYPE": "Cooperlake"}),
        unusable="crashes: illegal instruction",
    )
    findings = found(core("SkylakeX", GEMM_DOUBLES), crashed)
    baseline = replace(findings.baseline, failed={"joblib loky": "OSError: no semaphores"})
    made = a_report(replace(findings, baseline=baseline))
    text = str(made)
    assert "1.70+" in text
    assert "OPENBLAS_CORETYPE=Cooperlake: crashes: illegal instruction" in text
    assert "small fits, joblib processes: not measured, OSError: no semaphores" in text
    assert "numpy GEMM float64 1.70x" in text
    assert max(map(len, text.splitlines())) <= 100
    assert made._repr_html_() == f"<pre>{html.escape(text)}</pre>"
    assert json.loads(made.to_json())["findings"]["processor"]["features"] == sorted(AVX512)


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command(as_json, monkeypatch, capsys):
    made = a_report(found(core("SkylakeX", GEMM_DOUBLES)))
    monkeypatch.setattr(_doctor, "_examined", lambda effort: made)
    assert main(["doctor", *["--json"] * as_json]) == 0
    out = capsys.readouterr().out
    assert json.loads(out) == made.to_dict() if as_json else out == f"{made}\n"
    assert skstruct.doctor() is made


def test_importing_skstruct_imports_neither_the_doctor_nor_scikit_learn():
    code = (
        "import sys, skstruct; assert 'doctor' in dir(skstruct);"
        "print([m for m in ('skstruct._doctor', 'sklearn', 'joblib') if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.strip() == "[]"


def test_an_unknown_name_is_still_an_error():
    with pytest.raises(AttributeError, match="no attribute 'docter'"):
        skstruct.docter  # noqa: B018 - the access is what fails
