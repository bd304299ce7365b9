"""The compiled path on a CUDA device: the printed functions and the driver of the lanes, one patient a thread.

Nothing here knows a method or a model. The text that `carwright.engine.generator` prints for a single lane and the text
of ``lanes/`` are compiled by numba-cuda (extra ``gpu``) as they stand. What differs is how the driver calls a printed
function: by number instead of by address. Each thread holds its own copy of the work array.
"""

from __future__ import annotations

from functools import cache as remember
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from carwright.engine.compiled import Compiled, Numbers, library
from carwright.engine.driver import FUNCTIONS, driver_text
from carwright.engine.generator import Program
from carwright.engine.module_text import decorated
from carwright.engine.tableau import RODAS5P, Tableau
from carwright.engine.vector import Shape
from carwright.errors import CarwrightError, Problem

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

THREADS: Final = 64
"""Threads per block: long blocks wait for their slowest patient (assumed)."""
_STEP: Final = 64
"""Sizes of the thread's arrays are multiples of this, so that requests of similar size share one compilation."""
_INNER: Final = "@cuda.jit(device=True)"
_HEAD: Final = """from __future__ import annotations

from numba import cuda
from numba import float64 as number
from numba import int64 as whole_number

from carwright.engine import device_numbers as np
"""
_ENTRY: Final = """
@cuda.jit
def solve_all(start, whole, parameters, amounts, outcome, results, courses):
    q = cuda.grid(1)
    if q < parameters.shape[0]:
        W = cuda.local.array(NUMBERS, number)
        M = cuda.local.array(WHOLE_NUMBERS, whole_number)
        for i in range(start.shape[0]):
            W[i] = start[i]
        for i in range(whole.shape[0]):
            M[i] = whole[i]
        own = slice(q, q + 1)
        solve(W, M, parameters[own], amounts[own], outcome[own], results[own], courses[own])
"""


def unavailable() -> str:
    """Why no device can be used; nothing where one can."""
    try:
        from numba import cuda
        from numba.cuda import libdevice  # noqa: F401 - the driver's module needs it
    except ImportError as error:
        return f"numba-cuda is not installed ({error})"
    if not cuda.is_available():
        return "no CUDA device or driver was found"
    return ""


def device_source(functions: str, shape: Shape, triggers: int, numbers: int, whole_numbers: int) -> str:
    """Text of a module for numba-cuda.

    Parameters
    ----------
    functions
        What the generator printed for one lane.
    shape
        What it was printed for.
    triggers
        How many functions assign.
    numbers, whole_numbers
        Sizes of a thread's arrays.
    """
    names = [*FUNCTIONS, *(f"assign{j}" for j in range(triggers))]
    choices = "".join(f"    {'el' if i else ''}if number == {i}:\n        {name}(W)\n" for i, name in enumerate(names))
    parts = [
        _HEAD,
        f"NUMBERS = {numbers}\nWHOLE_NUMBERS = {whole_numbers}\n",
        decorated(library(shape.bits), lambda name: _INNER),
        decorated(functions, lambda name: _INNER),
        f"{_INNER}\ndef call(number, W):\n{choices}",
        decorated(driver_text(shape), lambda name: _INNER),
        _ENTRY,
    ]
    return "\n".join(parts)


@remember
def launcher(source: str) -> Any:
    """``solve_all`` of a text of `device_source`; numba-cuda compiles it when it is first launched."""
    scope: dict[str, Any] = {"__name__": __name__}
    exec(source, scope)  # noqa: S102 - our own text
    return scope["solve_all"]


class OnDevice(Compiled):
    """Solves chunks of patients of one program on the current CUDA device."""

    def __init__(self, program: Program, method: Tableau = RODAS5P) -> None:
        if reason := unavailable():
            raise CarwrightError(
                Problem(
                    "ENGINE033",
                    "this machine cannot solve on a GPU",
                    where="path",
                    found=reason,
                    fix="install 'carwright[gpu]' on a machine with a CUDA device, or leave the path out",
                )
            )
        super().__init__(program, method, Shape(1, 64))

    def _load(self) -> list[int]:
        return list(range(len(FUNCTIONS) + self.printed.layout.triggers))

    def _run(
        self, W: Numbers, M: Integers, parameters: Floats, amounts: Floats, outcome: npt.NDArray[np.uint8],
        results: Floats, courses: Floats,
    ) -> None:  # fmt: skip
        from numba import cuda

        sizes = [-(-len(array) // _STEP) * _STEP for array in (W, M)]
        solve_all = launcher(device_source(self.printed.source, self.shape, self.printed.layout.triggers, *sizes))
        outputs: list[npt.NDArray[Any]] = [outcome, results, courses]
        copies: list[Any] = [cuda.to_device(array) for array in outputs]
        blocks = -(-len(parameters) // THREADS)
        solve_all[blocks, THREADS](W, M, parameters, amounts, *copies)
        for there, here in zip(copies, outputs, strict=True):
            if here.size:
                here[...] = there.copy_to_host()
