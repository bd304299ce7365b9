"""Machine code of the lanes computes what its printed text says when it runs as Python, and uses whole registers."""

import ctypes
import re

import llvmlite.binding as llvm
import numpy as np
import pytest
from engine_models import MIXED, PATIENT, SAW
from engine_support import build
from test_against_others import ASKED, OBSERVED
from test_closed_form import SAW_TRIGGERS

from carwright.engine import mathematics
from carwright.engine.compiled import aligned
from carwright.engine.machine_code import Code, assemble
from carwright.engine.vector import Shape, translate

MODELS = {
    "mixed": (MIXED, ("A", "D", "M", "R2", "X")),
    "patient": (PATIENT, OBSERVED, ASKED),
    "saw": (SAW, ("A", "M"), (), SAW_TRIGGERS),
}


@pytest.mark.parametrize("name", MODELS)
def test_machine_code_computes_what_the_text_says(name):
    _, kernel = build(*MODELS[name])
    printed, code = kernel._solver.printed, kernel._solver._code
    scope = {"np": np, "INFINITY": np.inf, **{n: getattr(mathematics, n) for n in mathematics.__all__}}
    exec(printed.source, scope)  # noqa: S102 our own text
    places = printed.layout.places(3, 3)
    rng = np.random.default_rng(1)
    W = aligned(places["END"])
    functions = re.findall(r"def (\w+)\((.*)\)", printed.source)
    assert {"first", "stage", "control", "sample"} <= {name for name, _ in functions}
    for function, arguments in functions:
        if function == "advance":  # the others in their order; errors of rounding grow from one to the next
            continue
        before = rng.uniform(0.5, 2.0, len(W))
        W[:] = before
        place = [places["K"]] if arguments == "W, k" else []
        call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(code.addresses([function])[0])
        call(W.ctypes.data, *(place or [0]))
        expected = [np.float64(x) for x in before]
        with np.errstate(all="ignore"):
            scope[function](expected, *place)
        np.testing.assert_allclose(W, expected, rtol=1e-11, atol=1e-12, err_msg=function)


LIBRARY = "def thrice(x):\n    y = x * 3.0\n    return y if y > 0.0 else -y\n"
TEXT = """
def f(W):
    for lane in range(8):
        a = thrice(W[0 + lane]) + np.arcsinh(W[8])
        W[16 + lane] = 0.0 if (a > 5.0) & (not a == 7.0) else np.floor(a)
"""


def test_what_is_not_lane_code_is_refused():
    for line in ("a = [1.0]", "a = W[0:2]", "while True: pass"):
        with pytest.raises(TypeError, match="not lane code"):
            translate(f"def f(W):\n    for lane in range(8):\n        {line}\n", LIBRARY, Shape(8, 64))


def test_a_body_becomes_instructions_on_whole_vectors():
    code = translate(TEXT, LIBRARY, Shape(8, 64))
    assert "load <8 x double>" in code
    assert "select <8 x i1>" in code
    W = aligned(24)
    W[:] = [*np.arange(-4.0, 4.0), *[0.5] * 8, *[0.0] * 8]
    machine = Code(assemble(code))
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(machine.addresses(["f"])[0])(W.ctypes.data)
    a = np.abs(3 * np.arange(-4.0, 4.0)) + np.arcsinh(0.5)
    np.testing.assert_array_equal(W[16:], np.where(a > 5.0, 0.0, np.floor(a)))


@pytest.mark.skipif(not llvm.get_host_cpu_features().get("avx512f"), reason="this processor has no AVX-512")
def test_registers_are_used_in_full():
    target = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2
    )
    assert "zmm" in target.emit_assembly(llvm.parse_assembly(translate(TEXT, LIBRARY, Shape(8, 64))))
