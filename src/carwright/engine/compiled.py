"""The compiled path for one model: its printed functions as machine code, and the driver that calls them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache as remember
from importlib.resources import files
from types import ModuleType
from typing import Final

import numpy as np
import numpy.typing as npt

from carwright.engine import cache
from carwright.engine.generator import Printed, Program, generate
from carwright.engine.lanes import FILES
from carwright.engine.layout import SAMPLES, Layout
from carwright.engine.machine_code import Code, assemble
from carwright.engine.module_text import MARKER, decorated
from carwright.engine.outcome import Outcome
from carwright.engine.precision import DOUBLE, SHAPES
from carwright.engine.requests import KINDS
from carwright.engine.tableau import RODAS5P, Tableau
from carwright.engine.vector import Shape, translate

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating]
"""The work array: numbers of the kernel's precision."""
Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint8]

FUNCTIONS: Final = (
    "advance", "sample", "survey_functionals", "survey_triggers", "commit", "look", "observe", "watch", "prepare",
    "whole",
)  # fmt: skip
"""Printed functions that the driver calls; those of the triggers follow."""
_NAMES: Final = ("ADVANCE", "SAMPLE_ALL", *(name.upper() for name in FUNCTIONS[2:]), "ASSIGN")
_LIBRARIES: Final = {64: ("mathematics.py",), 32: ("mathematics.py", "mathematics_single.py")}
"""Elementary functions by bits of a number; later texts replace what earlier ones define."""
_DECIDES: Final = ("vector.py", "machine_code.py")
"""Files that decide what machine code is made of a source."""
_SIZES: Final = (
    "STATES", "WATCHED", "OBSERVED", "FUNCTIONALS", "TRIGGERS", "ASSIGNED", "STOPS_COUNT", "OUTPUTS",
)  # fmt: skip
_TABLES: Final = (
    "KIND", "COLUMN", "SOURCE", "KINKED", "FOLLOWED", "AT_MOST", "TARGETS", "DOSE_FIRST", "DOSE_STATE", "DOSE_COLUMN",
)  # fmt: skip
"""Whole numbers by functional, by trigger, by stop and by dose; the driver is told where each begins."""
_TOLD: Final = (*Layout.names(), *_SIZES, *_TABLES)
"""What the driver is told in whole numbers; then come `_LANE`, the addresses of the functions, and the tables."""
_LANE: Final = ("PATIENT", "STOPPED", "WRITTEN", "FRESH", "LOADING", "WANTED", "FIRED")
_FINEST: Final = {64: 1e-13, 32: 1e-6}
"""Part of a step to which positions in it are told apart, by bits of a number: some units in the last place of 1."""
_MATRIX = "float64[:, ::1]"
_ARGUMENTS: Final = f"int64[::1], {_MATRIX}, {_MATRIX}, uint8[::1], {_MATRIX}, float64[:, :, ::1]"
# Only `solve` is called from Python; the others need no wrappers, which saves a third of the compile time.
_INNER: Final = '@njit(error_model="numpy", nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)'
_HEAD: Final = """from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

Floats = Integers = Codes = np.ndarray


@intrinsic
def call(context, address, W):
    def emit(context, builder, signature, arguments):
        array = context.make_array(signature.args[1])(context, builder, arguments[1])
        pointer = ir.PointerType(ir.FunctionType(ir.VoidType(), [array.data.type]))
        builder.call(builder.inttoptr(arguments[0], pointer), [array.data])
        return context.get_dummy_value()

    return types.void(types.int64, W), emit
"""


def driver_texts(shape: Shape) -> tuple[str, list[str]]:
    """What is printed in front of the driver, and the texts that it consists of."""
    package = files("carwright.engine.lanes")
    lanes = shape.lanes
    code = len(_TOLD) + len(_LANE) * lanes
    sizes = {
        "LANES": lanes,
        "FINEST": _FINEST[shape.bits],
        "SAMPLES": SAMPLES,
        **{name: i for i, name in enumerate(_TOLD)},
        **{name: len(_TOLD) + i * lanes for i, name in enumerate(_LANE)},
        **{name: code + i for i, name in enumerate(_NAMES)},
        **{kind.replace("_day_", "_").upper(): i for i, kind in enumerate(KINDS)},
        **{outcome.name: int(outcome) for outcome in Outcome},
    }
    texts = [package.joinpath(f"{name}.py").read_text(encoding="utf-8").split(MARKER)[1] for name in FILES]
    return "\n".join(f"{name} = {value!r}" for name, value in sizes.items()) + "\n", texts


@remember
def driver_source(shape: Shape = SHAPES[DOUBLE]) -> str:
    """Text of the driver's module, the same for all models."""
    sizes, texts = driver_texts(shape)
    entry = f'@njit("void({shape.number.name}[::1], {_ARGUMENTS})", error_model="numpy", nogil=True, cache=True)'
    return "\n".join(
        [_HEAD, sizes, *(decorated(text, lambda name: entry if name == "solve" else _INNER) for text in texts)]
    )


def driver(shape: Shape = SHAPES[DOUBLE]) -> ModuleType:
    """The compiled driver, compiled now where no sound copy is on disk."""
    return cache.load(driver_source(shape))


def library(bits: int) -> str:
    """Text of the elementary functions for numbers of 64 or 32 bits."""
    texts = [files("carwright.engine").joinpath(name).read_text(encoding="utf-8") for name in _LIBRARIES[bits]]
    return "\n".join(text.split(MARKER)[1] for text in texts)


class Compiled:
    """Solves chunks of patients of one program."""

    def __init__(self, program: Program, method: Tableau = RODAS5P, shape: Shape = SHAPES[DOUBLE]) -> None:
        self.shape = shape
        self.printed: Printed = generate(program, method, shape)
        layout = self.printed.layout
        row = {name: i for i, name in enumerate(program.order())}
        targets = np.full((layout.triggers, layout.assigned), -1)
        for j, pairs in enumerate(program.assignments):
            targets[j, : len(pairs)] = [row[state] for state, _ in pairs]
        self._targets = targets.ravel()
        self._functions = self._load()

    def _load(self) -> list[int]:
        """Make the machine code; what the driver calls each of `FUNCTIONS`, then the assignments, by."""
        elementary = library(self.shape.bits)
        texts = [files("carwright.engine").joinpath(name).read_text(encoding="utf-8") for name in _DECIDES]

        def make() -> bytes:
            return assemble(translate(self.printed.source, elementary, self.shape))

        self._code = Code(cache.load_code("\0".join([self.printed.source, elementary, *texts]), make))
        names = [*FUNCTIONS, *(f"assign{j}" for j in range(self.printed.layout.triggers))]
        return self._code.addresses(names)

    def _run(
        self, W: Numbers, M: Integers, parameters: Floats, amounts: Floats, outcome: Codes, results: Floats,
        courses: Floats,
    ) -> None:  # fmt: skip
        driver(self.shape).solve(W, M, parameters, amounts, outcome, results, courses)

    def solve(
        self, parameters: Floats, amounts: Floats, stops: Floats, dose_first: Integers, dose_state: Integers,
        dose_column: Integers, times: Floats, settings: Floats, tolerances: Floats, functional_codes: Integers,
        functional_values: Floats, trigger_codes: Integers, trigger_values: Floats, outcome: Codes, courses: Floats,
        functionals: Floats, trigger_counts: Floats, trigger_days: Floats, steps: Integers, lowest: Floats,
    ) -> None:  # fmt: skip
        """Solve a chunk of patients (see `carwright.engine.kernel.Kernel`)."""
        layout = self.printed.layout
        places = layout.places(len(stops), len(times))
        W = aligned(places["END"], self.shape.number)
        W[:] = 1.0
        W[places["ACTIVE"] : places["ACTIVE"] + layout.lanes] = 0.0
        numbers = {
            "ATOL": tolerances[:, 0], "NEGATIVE": tolerances[:, 1], "FROM": functional_values[:, 0],
            "UNTIL": functional_values[:, 1], "LEVELS": functional_values[:, 2], "EVERY": trigger_values[:, 0],
            "OPEN": trigger_values[:, 1], "CLOSE": trigger_values[:, 2], "RTOL": settings[:1], "MOST": settings[1:2],
            "FIRST_STEP": settings[2:3], "TINY": settings[3:4], "START": stops[:1],
            "STOPS": stops, "TIMES": times,
        }  # fmt: skip
        for name, values in numbers.items():
            W[places[name] : places[name] + len(values)] = values
        tables = [
            *functional_codes.T, *trigger_codes.T, self._targets, dose_first, dose_state, dose_column,
        ]  # fmt: skip
        M = self._whole_numbers(places, tables, [len(stops), len(times)])
        results = np.empty((len(parameters), 2 + functionals.shape[1] + 2 * layout.triggers))
        self._run(W, M, parameters, amounts, outcome, results, courses)
        courses[outcome != Outcome.OK] = np.nan
        ends = np.cumsum([functionals.shape[1], layout.triggers])
        steps[:], lowest[:] = results[:, 0], results[:, 1]
        functionals[:], trigger_counts[:], trigger_days[:] = np.split(results[:, 2:], ends, axis=1)

    def _whole_numbers(self, places: dict[str, int], tables: Sequence[Integers], asked: Sequence[int]) -> Integers:
        """What the driver is told: see `driver_source`."""
        layout = self.printed.layout
        sizes = [
            layout.states, layout.watched, layout.observed, layout.functionals, layout.triggers, layout.assigned,
            *asked,
        ]  # fmt: skip
        lane = np.repeat([-1 if name in {"PATIENT", "FIRED"} else 0 for name in _LANE], layout.lanes)
        head = len(_TOLD) + len(lane) + len(self._functions)
        begins = head + np.cumsum([0, *(len(table) for table in tables[:-1])])
        at = [places[name] for name in Layout.names()]
        return np.concatenate([at, sizes, begins, lane, self._functions, *tables], dtype=np.int64)


def aligned(size: int, number: np.dtype[np.floating] = SHAPES[DOUBLE].number) -> Numbers:
    """Work array on a cache-line boundary, as the vector loads assume."""
    raw = np.empty(size + 64 // number.itemsize, number)
    offset = (-raw.ctypes.data % 64) // number.itemsize
    return raw[offset : offset + size]
