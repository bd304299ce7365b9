"""The lane driver, the same for all models: its text, what it is told, and its machine code."""

from __future__ import annotations

from functools import cache as remember
from typing import Final

import numpy as np
import numpy.typing as npt

from carwright.engine.array_code import ArrayCode
from carwright.engine.lanes import FILES
from carwright.engine.layout import SAMPLES, Layout
from carwright.engine.module_text import copied
from carwright.engine.outcome import Outcome
from carwright.engine.requests import KINDS
from carwright.engine.vector import Shape

FUNCTIONS: Final = (
    "advance", "sample", "survey_functionals", "survey_triggers", "commit", "look", "observe", "watch", "prepare",
    "whole",
)  # fmt: skip
"""Printed functions that the driver calls; those of the triggers follow."""
LANE: Final = ("PATIENT", "STOPPED", "WRITTEN", "FRESH", "LOADING", "WANTED", "FIRED")
"""Whole numbers of each lane."""
_SIZES: Final = (
    "STATES", "WATCHED", "OBSERVED", "FUNCTIONALS", "TRIGGERS", "ASSIGNED", "STOPS_COUNT", "OUTPUTS",
)  # fmt: skip
_TABLES: Final = (
    "KIND", "COLUMN", "SOURCE", "KINKED", "FOLLOWED", "AT_MOST", "TARGETS", "DOSE_FIRST", "DOSE_STATE", "DOSE_COLUMN",
)  # fmt: skip
"""Whole numbers by functional, by trigger, by stop and by dose; the driver is told where each begins."""
_TOLD: Final = (*Layout.names(), *_SIZES, *_TABLES)
"""What the driver is told in whole numbers; then come `LANE`, the addresses of the functions, and the tables."""
_NAMES: Final = ("ADVANCE", "SAMPLE_ALL", *(name.upper() for name in FUNCTIONS[2:]), "ASSIGN")
_FINEST: Final = {64: 1e-13, 32: 1e-6}
"""Part of a step to which positions in it are told apart, by bits of a number: some units in the last place of 1."""


def driver_text(shape: Shape) -> str:
    """Text of the driver, constants first."""
    lanes = shape.lanes
    code = len(_TOLD) + len(LANE) * lanes
    constants = {
        "LANES": lanes,
        "FINEST": _FINEST[shape.bits],
        "SAMPLES": SAMPLES,
        **{name: i for i, name in enumerate(_TOLD)},
        **{name: len(_TOLD) + i * lanes for i, name in enumerate(LANE)},
        **{name: code + i for i, name in enumerate(_NAMES)},
        **{kind.replace("_day_", "_").upper(): i for i, kind in enumerate(KINDS)},
        **{outcome.name: int(outcome) for outcome in Outcome},
    }
    functions = copied(*(f"lanes/{name}.py" for name in FILES))
    return "\n".join([*(f"{name} = {value!r}" for name, value in constants.items()), functions])


@remember
def driver(shape: Shape) -> ArrayCode:
    """``solve`` of ``lanes/driver.py`` for vectors of one shape, compiled now where no sound copy is on disk."""
    arrays: dict[str, tuple[npt.DTypeLike, int]] = {
        "W": (shape.number, 1),
        "M": (np.int64, 1),
        "parameters": (float, 2),
        "amounts": (float, 2),
        "outcome": (np.uint8, 1),
        "results": (float, 2),
        "courses": (float, 3),
    }
    return ArrayCode(driver_text(shape), "solve", arrays)


def told(layout: Layout, places: dict[str, int], asked: list[int], functions: list[int],
         tables: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:  # fmt: skip
    """The driver's array of whole numbers ``M``.

    Parameters
    ----------
    layout
        Sizes of the model.
    places
        Where each section of the work array begins.
    asked
        Number of stops and of times.
    functions
        Addresses of `FUNCTIONS`, then of the assignments of each trigger.
    tables
        Whole numbers by functional, by trigger, by stop and by dose, as in `_TABLES`.
    """
    sizes = [
        layout.states, layout.watched, layout.observed, layout.functionals, layout.triggers, layout.assigned, *asked,
    ]  # fmt: skip
    lane = np.repeat([-1 if name in {"PATIENT", "FIRED"} else 0 for name in LANE], layout.lanes)
    head = len(_TOLD) + len(lane) + len(functions)
    begins = head + np.cumsum([0, *(len(table) for table in tables[:-1])])
    at = [places[name] for name in Layout.names()]
    return np.concatenate([at, sizes, begins, lane, functions, *tables], dtype=np.int64)
