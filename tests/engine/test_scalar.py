"""The driver's machine code does what its text does when Python runs it."""

import ctypes
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from engine_models import PATIENT, SAW, sbml
from engine_support import build, table
from hypothesis import given, settings
from hypothesis import strategies as st
from test_against_others import ASKED, OBSERVED
from test_closed_form import SAW_TRIGGERS

from carwright.engine import Dosing, Functional, compile_kernel, interpret, read_sbml
from carwright.engine.array_code import ArrayCode
from carwright.engine.driver import driver, driver_text
from carwright.engine.machine_code import Code, assemble
from carwright.engine.precision import SHAPES
from carwright.engine.scalar import translate
from carwright.engine.tableau import RODAS5P

ARRAYS = {"x": ("f8", 1), "n": ("i8", 1), "table": ("f8", 2), "codes": ("u1", 1), "words": ("u4", 2)}
TEXT = """
TWO = 2
WEIGHTS = (0.25, -3.0)
SQUARE = np.array([[1.0, 2.0], [3.0, 4.0]])


class Both(NamedTuple):
    first: Floats
    second: Floats


def total(row: Floats) -> float:
    made = 0.0
    for i in range(len(row) - 1, -1, -1):
        made += row[i]
    return made


def kept(b: Both, i: int) -> None:
    rows = b.second
    b.first[5] += total(b.second[i]) + total(rows[1, : i + 2])


def bits(a: float) -> float:
    whole = np.float64(a).view(np.int64)
    flag = (whole > 7) & (a < 1.0)
    return np.int64(((whole >> 3) & 12345) | 64).view(np.float64) + flag


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


def entry(x: Floats, n: Integers, table: Floats, codes: Codes, words: Words) -> None:
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
    words[1, 1] = words[0, 1] + 4000000000
    both, last = Both(x, table), table[2]
    kept(both, n[5] % 2)
    x[1] += WEIGHTS[n[5] % 2] * SQUARE[1, n[5] % 2] + last[1] ** 2 + np.floor(x[0]) + np.sqrt(abs(x[0])) + bits(x[0])
    x[4] = np.nan if x[4] != x[4] else x[4]
"""


SCOPE = {"np": np, "NamedTuple": NamedTuple, **dict.fromkeys(["Floats", "Integers", "Codes", "Words"])}


@cache
def compiled():
    return ArrayCode(TEXT, "entry", ARRAYS)


def both(x, n, values):
    """Outputs of Python and of machine code."""
    scope = dict(SCOPE)
    exec(TEXT, scope)  # noqa: S102 our own text
    results = []
    for solve in (scope["entry"], compiled()):
        words = np.array([[1, 2], [3, 4]], np.uint32)
        arrays = [np.array(x), np.array(n), np.array(values).reshape(3, 4), np.array([7, 0], np.uint8), words]
        with np.errstate(all="ignore"):
            solve(*arrays)
        results.append(arrays)
    return results


numbers = st.floats(-100, 100) | st.sampled_from([0.0, -0.5, 1.0])


@settings(deadline=None)
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
    "line",
    [
        *("x[0] = x[1:2]", "n = x", "x[0] = x[n[0], 1]", "y = 1.5\n    n[y] = 1", "with x: pass", "x[0] = sin(x[1])"),
        *(
            "for i in len(x): pass",
            "while n[0] > 0: pass\n    else: n[0] = 1",
            "for i in range(2): pass\n    else: pass",
        ),
    ],
)
def test_what_is_outside_the_language_is_refused(line):
    with pytest.raises(TypeError, match="not solver code"):
        translate(
            f"def entry(x: Floats, n: Integers) -> None:\n    {line}\n", "entry", {"x": ("double", 1), "n": ("i64", 1)}
        )


@pytest.mark.parametrize(
    "arrays", [{"x": ("double", 1)}, {"n": ("i64", 1), "x": ("double", 1)}, {"x": ("double", 1), "m": ("i64", 1)}]
)
def test_arrays_are_told_apart_by_name(arrays):
    with pytest.raises(TypeError, match="entry has to be a function of"):
        translate("def entry(x: Floats, n: Integers) -> None:\n    n[0] = 1\n", "entry", arrays)


def test_a_function_that_is_not_there_is_not_called():
    code = Code(assemble(translate("def entry(n: Integers) -> None:\n    n[0] = 1\n", "entry", {"n": ("i64", 1)}), 2))
    with pytest.raises(RuntimeError, match="lacks absent"):
        code.addresses(["absent"])


BOUNCING = """
model bouncing
  A' = B; B' = -k*A + piecewise(1, time > 4.5, 0)
  A = 100; B = 0; k = 0.3
  E1: at (A < 0): B = -0.8*B, A = 0
  E2: at 0.5 after (B > 10), priority = 2: A = A + 3
  E3: at (time >= 2), t0=false: B = B + 1
end
"""


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

    scope = {**SCOPE, "call": call}
    exec(driver_text(SHAPES["double"]), scope)  # noqa: S102 our own text

    def solve(*arrays):
        with np.errstate(all="ignore"):
            scope["solve"](*arrays)

    monkeypatch.setattr(kernel._solver, "_driver", solve)
    assert_same(expected, kernel.solve(parameters, **asked))


def test_the_interpreter_run_by_python_gives_the_same_bytes(monkeypatch):
    asked = (
        Functional("maximum", "A"),
        Functional("time_of_minimum", "A"),
        Functional("days_below", "A", threshold=60.0),
    )
    system = read_sbml(sbml(BOUNCING))
    kernel = compile_kernel(system, ("A", "B"), asked)
    given = {"end": 12.0, "times": np.linspace(0.0, 12.0, 25)}
    parameters = table(system, 3, k=[0.3, 0.5, 0.05])
    expected = kernel.solve(parameters, **given)
    scope = dict(SCOPE, Instructions=None)
    exec(f"from __future__ import annotations\n{interpret.source(RODAS5P)}", scope)  # noqa: S102 our own text

    def solve(*arrays):
        with np.errstate(all="ignore"):
            scope["solve"](*arrays)

    monkeypatch.setattr(kernel._solver, "_run", solve)
    assert_same(expected, kernel.solve(parameters, **given))


def assert_same(expected, found):
    assert (expected.outcome == 0).all()
    for field in ("outcome", "courses", "functionals", "trigger_counts", "trigger_days", "steps", "lowest"):
        assert getattr(expected, field).tobytes() == getattr(found, field).tobytes(), field


def test_arrays_that_the_driver_cannot_read_are_refused():
    solve = driver(SHAPES["double"])
    empty = np.empty((0, 0))
    with pytest.raises(TypeError, match="parameters is float64 of shape"):
        solve(np.empty(1), np.empty(1, np.int64), np.empty((4, 4))[:, ::2], empty, np.empty(1, np.uint8), empty,
                     np.empty((0, 0, 0)))  # fmt: skip
