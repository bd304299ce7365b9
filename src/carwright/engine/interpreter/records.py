"""What the functions of the interpreter hand to each other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Instructions = npt.NDArray[np.uint32]
Codes = npt.NDArray[np.uint8]

# --- copied into every kernel from here ---


class Model(NamedTuple):
    """The equations, the same for all patients."""

    # Instructions (k, 5): operation, result, arguments. Per tape (first, last, first result); result registers.
    code: Instructions
    spans: Integers
    outputs: Integers
    # (events, 7): persistent, initial value, values from the trigger, delayed, has priority, first and last assignment.
    # Triggers of the caller follow with their assignments.
    events: Integers
    # (assignments, 2): state, and 1 where the value is still to be multiplied by a volume.
    targets: Integers


class Plan(NamedTuple):
    """What is asked, the same for all patients."""

    stops: Floats
    dose_first: Integers
    dose_state: Integers
    dose_column: Integers
    times: Floats
    settings: Floats
    tolerances: Floats
    functional_codes: Integers
    functional_values: Floats
    trigger_codes: Integers
    trigger_values: Floats


class Work(NamedTuple):
    """Memory of one patient."""

    # Registers: states, time, parameters, tolerances, then the inputs of a stage (see `carwright.engine.interpret`).
    R: Floats
    # States at the start and the end of the step and in between, stages, dense output, copies.
    S: Floats
    # Scalars: time at the start of the step, its length, mean square error, lowest state.
    step: Floats
    # Switches as they stand: those of the time, those of the states.
    clock: Floats
    modes: Floats
    # Events: last truth of each trigger, and the queue (who, when, values), each with two copies.
    was: Floats
    queue: Floats
    length: Integers
    # Samples of the watched values in the step; what functionals and triggers have come to.
    samples: Floats
    tally: Floats


def copied(source: Floats, target: Floats) -> None:
    """Copy a row."""
    for i in range(len(source)):
        target[i] = source[i]
