"""The compiled path for one model: its printed functions as machine code, and the driver that calls them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from carwright.engine import cache
from carwright.engine.driver import FUNCTIONS, driver, told
from carwright.engine.generator import Printed, Program
from carwright.engine.machine_code import Code, assemble
from carwright.engine.module_text import copied
from carwright.engine.outcome import Outcome
from carwright.engine.precision import DOUBLE, SHAPES
from carwright.engine.remembered import printed_once
from carwright.engine.tableau import RODAS5P, Tableau
from carwright.engine.vector import Shape, translate

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating]
"""The work array: numbers of the kernel's precision."""
Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint8]

_LIBRARIES: Final = {64: ("mathematics.py",), 32: ("mathematics.py", "mathematics_single.py")}
"""Elementary functions by bits of a number; later texts replace what earlier ones define."""
COMPILERS: Final = ("vector.py", "machine_code.py")
"""Files that decide what machine code is made of a source."""


def library(bits: int) -> str:
    """Text of the elementary functions for numbers of 64 or 32 bits."""
    return copied(*_LIBRARIES[bits])


class Compiled:
    """Solves chunks of patients of one program."""

    def __init__(self, program: Program, method: Tableau = RODAS5P, shape: Shape = SHAPES[DOUBLE]) -> None:
        self.shape = shape
        self.printed: Printed = printed_once(program, method, shape)
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

        def make() -> bytes:
            return assemble(translate(self.printed.source, elementary, self.shape))

        self._driver = driver(self.shape)
        self._code = Code(cache.keep_code((self.printed.source, elementary), COMPILERS, make))
        names = [*FUNCTIONS, *(f"assign{j}" for j in range(self.printed.layout.triggers))]
        return self._code.addresses(names)

    def _run(
        self, W: Numbers, M: Integers, parameters: Floats, amounts: Floats, outcome: Codes, results: Floats,
        courses: Floats,
    ) -> None:  # fmt: skip
        self._driver(W, M, parameters, amounts, outcome, results, courses)

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
        M = told(layout, places, [len(stops), len(times)], self._functions, tables)
        results = np.empty((len(parameters), 2 + functionals.shape[1] + 2 * layout.triggers))
        self._run(W, M, parameters, amounts, outcome, results, courses)
        courses[outcome != Outcome.OK] = np.nan
        ends = np.cumsum([functionals.shape[1], layout.triggers])
        steps[:], lowest[:] = results[:, 0], results[:, 1]
        functionals[:], trigger_counts[:], trigger_days[:] = np.split(results[:, 2:], ends, axis=1)


def aligned(size: int, number: np.dtype[np.floating] = SHAPES[DOUBLE].number) -> Numbers:
    """Work array on a cache-line boundary, as the vector loads assume."""
    raw = np.empty(size + 64 // number.itemsize, number)
    offset = (-raw.ctypes.data % 64) // number.itemsize
    return raw[offset : offset + size]
