"""The driver's machine code does what its text does when Python runs it."""

import ctypes
from functools import cache

import numpy as np
import pytest
from engine_models import PATIENT, SAW
from engine_support import build, table
from hypothesis import given
from hypothesis import strategies as st
from test_against_others import ASKED, OBSERVED
from test_closed_form import SAW_TRIGGERS

from carwright.engine import Dosing
from carwright.engine.driver import Driver, driver_text
from carwright.engine.machine_code import Code, assemble
from carwright.engine.precision import SHAPES
from carwright.engine.scalar import translate
from carwright.engine.scalar_values import Array

ARRAYS = {"x": Array("double", 1), "n": Array("i64", 1), "table": Array("double", 2), "codes": Array("i8", 1)}
TEXT = """
TWO = 2


def split(value: float, least: int) -> tuple[int, float]:
    whole = int(value)
    if whole < least:
        return least, -1.5
    return whole, value - whole


def odd(k: int) -> bool:
    return k % TWO == 1


def widened(x: Floats, flag: bool) -> float:
    made = flag
    if x[0] > 0.0:
        made = 3
    elif x[0] < -0.5:
        made = x[0] / 2
    return made * 1.0


def entry(x: Floats, n: Integers, table: Floats, codes: Codes) -> None:
    first, second = split(x[0], -3)
    n[0], x[5] = first, second
    n[1], count = 0, 0
    for k in range(n[5]):
        if k == 1 or k in (7, 8):
            continue
        count += odd(k)
        n[1] += k * k
        if n[1] > 60 and not k == 4:
            break
    n[2] = count
    while True:
        count += 1
        if count >= n[5]:
            break
    n[3] = count
    x[1] = min(x[2], x[3]) - max(x[2], 1) + abs(x[4])
    x[2] = table[1, 2] if n[5] > 2 and table[0, 0] < x[3] else 1
    x[3] = widened(x, n[5] > 3)
    n[4] = x[0] < x[4] < 10.0 or np.isfinite(x[4] * np.inf)
    for i in range(1, table.shape[0]):
        for j in range(table.shape[1]):
            table[i, j] += table[i - 1, j] * -TWO
    codes[1] = codes[0] + 1
    x[4] = np.nan if x[4] != x[4] else x[4]
"""


@cache
def assembled():
    return Code(assemble(translate(TEXT, ARRAYS, "entry"), speed_level=2))


def both(x, n, values):
    """Outputs of Python and of machine code."""
    results = []
    scope = {"np": np, "Floats": None, "Integers": None, "Codes": None}
    exec(TEXT, scope)  # noqa: S102 our own text
    code = assembled()
    for machine in (False, True):
        arrays = [np.array(x), np.array(n), np.array(values).reshape(3, 4), np.array([7, 0], np.uint8)]
        if machine:
            flat = [part for array in arrays for part in (array.ctypes.data, *array.shape)]
            ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * len(flat))(code.addresses(["entry"])[0])(*flat)
        else:
            with np.errstate(all="ignore"):
                scope["entry"](*arrays)
        results.append(arrays)
    return results


numbers = st.floats(-100, 100) | st.sampled_from([0.0, -0.5, 1.0])


@given(
    x=st.lists(numbers, min_size=6, max_size=6),
    last=st.integers(0, 12),
    values=st.lists(numbers, min_size=12, max_size=12),
)
def test_machine_code_does_what_python_does(x, last, values):
    expected, found = both(x, [0, 0, 0, 0, 0, last], values)
    for a, b in zip(expected, found, strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize(
    "line", ["x[0] = x[1:2]", "x[0] = x[1] ** 2", "y = 1.5\n    n[y] = 1", "with x: pass", "x[0] = sin(x[1])"]
)
def test_what_is_outside_the_language_is_refused(line):
    with pytest.raises(TypeError, match="not driver code"):
        translate(f"def entry(x: Floats, n: Integers) -> None:\n    {line}\n", ARRAYS, "entry")


@pytest.mark.parametrize("name", ["patient", "saw"])
def test_the_driver_run_by_python_gives_the_same_bytes(name, patients, monkeypatch):
    if name == "saw":
        system, kernel = build(SAW, ("A", "M"), (), SAW_TRIGGERS)
        parameters, dosing = table(system, 9), None
    else:
        system, parameters, doses = patients
        _, kernel = build(PATIENT, OBSERVED, ASKED)
        parameters, dosing = parameters[:9], Dosing(np.zeros(1), ("CE",), doses[:9, None])
    asked = {"dosing": dosing, "end": 60.0, "times": np.linspace(0.0, 60.0, 9)}
    expected = kernel.solve(parameters, **asked)

    def call(address, W):
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(int(address))(W.ctypes.data)

    scope = {"np": np, "call": call, "Floats": None, "Integers": None, "Codes": None}
    exec(driver_text(SHAPES["double"]), scope)  # noqa: S102 our own text

    def solve(_, *arrays):
        with np.errstate(all="ignore"):
            scope["solve"](*arrays)

    monkeypatch.setattr(Driver, "solve", solve)
    found = kernel.solve(parameters, **asked)
    assert (expected.outcome == 0).all()
    for field in ("outcome", "courses", "functionals", "trigger_counts", "trigger_days", "steps", "lowest"):
        assert getattr(expected, field).tobytes() == getattr(found, field).tobytes(), field


def test_arrays_that_the_driver_cannot_read_are_refused():
    driver = Driver(SHAPES["double"])
    empty = np.empty((0, 0))
    with pytest.raises(TypeError, match="parameters is float64 of shape"):
        driver.solve(np.empty(1), np.empty(1, np.int64), np.empty((4, 4))[:, ::2], empty, np.empty(1, np.uint8), empty,
                     np.empty((0, 0, 0)))  # fmt: skip
