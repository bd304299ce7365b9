"""The path of CUDA devices: its text as plain Python, its translation for a device, and a device where there is one."""

import subprocess
import sys
import textwrap
from types import SimpleNamespace

import numba
import numpy as np
import pytest
from engine_models import PATIENT, SAW, TOYS
from engine_support import build, table
from test_against_others import ASKED, OBSERVED
from test_closed_form import SAW_TRIGGERS

from carwright.engine import Dosing, Functional, compile_kernel, device
from carwright.errors import CarwrightError

NUMBERS = ("outcome", "courses", "functionals", "trigger_counts", "trigger_days", "steps", "lowest")


class PretendedCuda:
    """What the module's text asks of numba-cuda, thread after thread in plain Python."""

    def __init__(self):
        self.thread = 0
        self.local = SimpleNamespace(array=lambda size, kind: np.empty(size, kind.name))

    def jit(self, function=None, device=False):
        if device:
            return lambda inner: inner
        return _Launches(self, function)

    def grid(self, dimensions):
        assert dimensions == 1
        return self.thread

    def to_device(self, array):
        there = array.copy()
        return _DeviceArray(there)


class _DeviceArray:
    def __init__(self, array):
        self.array = array

    def copy_to_host(self):
        return self.array


class _Launches:
    def __init__(self, cuda, function):
        self.cuda, self.function = cuda, function

    def __getitem__(self, configuration):
        blocks, threads = configuration

        def launch(*arguments):
            arguments = [a.array if isinstance(a, _DeviceArray) else a for a in arguments]
            for self.cuda.thread in range(blocks * threads):
                self.function(*arguments)

        return launch


@pytest.fixture
def pretended_device(monkeypatch):
    cuda = PretendedCuda()
    monkeypatch.setattr(numba, "cuda", cuda, raising=False)
    monkeypatch.setattr("carwright.engine.device.unavailable", lambda: "")
    monkeypatch.setitem(sys.modules, "carwright.engine.device_numbers", np)
    monkeypatch.setattr("carwright.engine.device_numbers", np, raising=False)
    device.launcher.cache_clear()
    yield
    device.launcher.cache_clear()


def assert_agree(one, other, within):
    np.testing.assert_array_equal(one.steps, other.steps)
    for name in NUMBERS:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=within, atol=within, err_msg=name)


def on_both(text, observables, functionals, triggers, solve):
    system, kernel = build(text, observables, functionals, triggers)
    other = compile_kernel(system, observables, functionals, triggers, path="gpu")
    assert other.path == "gpu"
    return solve(system, kernel), solve(system, other)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.usefixtures("pretended_device")
def test_the_text_takes_the_same_steps_as_the_lanes(patients):
    _, parameters, dose = patients
    dosing = Dosing(np.array([0.0, 1.0]), ("CE",) * 2, dose[:2, None] * [0.4, 0.6])

    def solve(system, kernel):
        return kernel.solve(parameters[:2], dosing, end=60.0, times=np.arange(0.0, 61.0, 10.0), relative_tolerance=1e-4)

    assert_agree(*on_both(PATIENT, OBSERVED, ASKED, (), solve), within=1e-10)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.usefixtures("pretended_device")
def test_the_text_fires_triggers_and_tells_failures_as_the_lanes_do():
    functionals = (Functional("days_below", "A", threshold=60.0), Functional("maximum", "O"))

    def solve(system, kernel):
        values = table(system, 4, k=[0.01, 0.5, 3.0, np.nan])
        return kernel.solve(values, end=5.0, times=np.arange(6.0), relative_tolerance=1e-4)

    one, other = on_both(SAW, ("A", "M", "O", "I", "S"), functionals, SAW_TRIGGERS, solve)
    assert_agree(one, other, within=1e-8)  # crossings are located to 1e-9 days
    assert one.trigger_counts[:3].max() > 0
    assert one.outcome[3] != 0


def test_without_a_device_the_reason_is_told(monkeypatch):
    monkeypatch.setattr("carwright.engine.device.unavailable", lambda: "no CUDA device or driver was found")
    system, _ = build(TOYS, ("A",))
    with pytest.raises(CarwrightError, match="no CUDA device") as caught:
        compile_kernel(system, ("A",), path="gpu")
    assert caught.value.problems[0].code == "ENGINE033"


def test_the_text_translates_for_a_device():
    """numba-cuda translates without a device; its assembler then shows that the kernel fits one."""
    pytest.importorskip("numba_cuda", reason="numba-cuda (extra gpu) is not installed")
    script = textwrap.dedent(
        """
        from types import SimpleNamespace
        from numba import cuda, float64, int64, uint8, void
        import numba.cuda.dispatcher as dispatcher
        from engine_models import SAW
        from engine_support import build
        from test_closed_form import SAW_TRIGGERS
        from carwright.engine import Functional, device
        from carwright.engine.generator import generate
        from carwright.engine.vector import Shape

        dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=(9, 0))
        _, kernel = build(SAW, ("A",), (Functional("maximum", "O"),), SAW_TRIGGERS)
        printed = generate(kernel._program, shape=Shape(1, 64))
        solve_all = device.launcher(device.device_source(printed.source, Shape(1, 64), len(SAW_TRIGGERS), 512, 256))
        matrix, vector = float64[:, ::1], float64[::1]
        signature = void(vector, int64[::1], matrix, matrix, uint8[::1], matrix, float64[:, :, ::1])
        ptx = cuda.compile(solve_all.py_func, signature, device=False, abi="numba", cc=(9, 0), output="ptx")[0]
        print(ptx.count(b"fma.rn.f64") if isinstance(ptx, bytes) else ptx.count("fma.rn.f64"))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd="tests/engine", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 100


@pytest.mark.skipif(bool(device.unavailable()), reason=device.unavailable() or "there is a device")
def test_a_device_agrees_with_the_lanes(patients):
    _, parameters, dose = patients
    dosing = Dosing(np.array([0.0, 1.0, 2.0]), ("CE",) * 3, dose[:, None] * [0.1, 0.3, 0.6])

    def solve(system, kernel):
        return kernel.solve(parameters, dosing, end=180.0, times=np.arange(0.0, 181.0, 10.0))

    one, other = on_both(PATIENT, OBSERVED, ASKED, (), solve)
    same = one.steps == other.steps
    assert same.mean() > 0.9
    np.testing.assert_allclose(one.courses[same], other.courses[same], rtol=1e-10, atol=1e-10)
