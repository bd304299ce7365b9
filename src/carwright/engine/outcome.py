"""How each patient's solve ended."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Outcome(IntEnum):
    """One byte per patient; anything but `OK` means that every number of that patient is NaN."""

    OK = 0
    MAX_STEPS = 1
    STEP_TOO_SMALL = 2
    NOT_FINITE = 3
    BAD_INPUT = 4
    UNDEFINED_OBSERVABLE = 5
    EVENT_STORM = 6
    EVENT_ORDER = 7
    NEGATIVE = 8


NEGATIVE_LIMIT: Final = 1000.0
"""Absolute tolerances by which a state that cannot be negative may be below zero: with the default tolerances that is
the relative tolerance of the state's own size. 100,000 patients of ``mcrpc`` at 1e-6 reach 2.5; a model that truly
runs below zero reaches millions.
"""


EXPLAIN: Final = {
    Outcome.OK: "solved",
    Outcome.MAX_STEPS: "the step limit was reached; raise max_steps or relax relative_tolerance",
    Outcome.STEP_TOO_SMALL: "the step size fell to the rounding level of time; the model has a singularity or jumps "
    "without end for these parameter values",
    Outcome.NOT_FINITE: "a rate became infinite or undefined however small the step; look for a division by zero, "
    "the logarithm or root of a negative number, or a state that explodes",
    Outcome.BAD_INPUT: "a parameter, a dose or an initial value of this patient is NaN or infinite",
    Outcome.UNDEFINED_OBSERVABLE: "an observable under watch by a functional or a trigger became NaN or infinite",
    Outcome.EVENT_STORM: "events of the model set each other off without end, or too many of them wait for "
    "their delays",
    Outcome.EVENT_ORDER: "events happen at the same instant, SBML leaves their order to chance, and it matters; give "
    "them priorities",
    Outcome.NEGATIVE: "a species fell below zero by more than the solver's error explains; look for a rate that goes "
    "on when its species has run out, or allow it (--allow-negative)",
}
"""A sentence for each outcome."""
