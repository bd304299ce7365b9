"""Patients entering and leaving a lane, their doses, and their dense output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from carwright.engine.lanes.printed import (
        AT_ACC,
        AT_ARMED,
        AT_ATOL,
        AT_BEST,
        AT_CLOSE,
        AT_FROM,
        AT_H,
        AT_KEPT,
        AT_LEFT,
        AT_LEVEL,
        AT_NEGATIVE,
        AT_OBS,
        AT_OPEN,
        AT_SAMPLE,
        AT_ST,
        AT_T,
        AT_T1,
        AT_TH,
        AT_U,
        AT_UNTIL,
        AT_Y,
        DAYS_ABOVE,
        DENSE,
        FUNCTIONALS,
        INTEGRAL,
        LANES,
        OBSERVED,
        STATES,
        TRIGGERS,
        WATCHED,
        Codes,
        Flags,
        Floats,
        Integers,
        interpolate,
        observe,
        prepare,
        watch,
    )

# --- copied into every kernel from here ---


def begin(W: Floats, lane: int, q: int, parameters: Floats, amounts: Floats, start: float) -> bool:
    """Load a patient into a lane; False when a number of theirs is not finite."""
    for i in range(parameters.shape[1]):
        if not np.isfinite(parameters[q, i]):
            return False
    for i in range(amounts.shape[1]):
        if not np.isfinite(amounts[q, i]):
            return False
    prepare(parameters, q, start, W, lane)
    for s in range(STATES):
        if not np.isfinite(W[AT_Y + s * LANES + lane]):
            return False
    W[AT_T + lane] = start
    return True


def give(
    W: Floats,
    lane: int,
    q: int,
    stop: int,
    dose_first: Integers,
    dose_state: Integers,
    dose_column: Integers,
    amounts: Floats,
) -> None:
    """Add the doses due at a stop."""
    for d in range(dose_first[stop], dose_first[stop + 1]):
        W[AT_Y + dose_state[d] * LANES + lane] += amounts[q, dose_column[d]]


def start_counts(
    W: Floats,
    lane: int,
    q: int,
    parameters: Floats,
    functional_codes: Integers,
    functional_values: Floats,
    trigger_codes: Integers,
) -> None:
    """Reset the functionals and triggers of a lane for its next patient."""
    for f in range(FUNCTIONALS):
        kind, source = functional_codes[f, 0], functional_codes[f, 2]
        W[AT_ACC + f * LANES + lane] = 0.0 if kind >= INTEGRAL and kind <= DAYS_ABOVE else np.nan
        W[AT_BEST + f * LANES + lane] = -np.inf
        W[AT_LEVEL + f * LANES + lane] = parameters[q, source] if source >= 0 else functional_values[f, 2]
    for j in range(TRIGGERS):
        W[AT_ARMED + j * LANES + lane] = 1.0
        W[AT_LEFT + j * LANES + lane] = trigger_codes[j, 1]


def fail(
    q: int,
    code: int,
    outcome: Codes,
    courses: Floats,
    functionals: Floats,
    trigger_counts: Floats,
    trigger_days: Floats,
    lowest: Floats,
) -> None:
    """A failed solve is never a number."""
    outcome[q] = code
    lowest[q] = np.nan
    courses[q] = np.nan
    functionals[q] = np.nan
    trigger_counts[q] = np.nan
    trigger_days[q] = np.nan


def fill_samples(W: Floats, fresh: Flags) -> None:
    """Watched values at the start of the step for lanes that have just been (re)started."""
    for q in range(DENSE * LANES):
        W[AT_U + q] = W[AT_Y + q]
    for lane in range(LANES):
        W[AT_ST + lane] = W[AT_T + lane]
    watch(W)
    for i in range(WATCHED):
        for lane in range(LANES):
            if fresh[lane]:
                W[AT_SAMPLE + i * LANES + lane] = W[AT_OBS + i * LANES + lane]


def record(W: Floats, patient: Integers, end: float, output: Integers, times: Floats, courses: Floats) -> None:
    """Write the dense output of all lanes that have output times in the part of their step that was kept."""
    wanted = np.zeros(LANES, np.bool_)
    while True:
        some = False
        for lane in range(LANES):
            k = output[lane]
            t1 = W[AT_T1 + lane]
            wanted[lane] = (
                W[AT_KEPT + lane] > 0.0 and k < len(times) and (times[k] < t1 or (t1 == end and times[k] == t1))
            )
            if wanted[lane]:
                some = True
                W[AT_TH + lane] = (times[k] - W[AT_T + lane]) / W[AT_H + lane]
        if not some:
            return
        interpolate(W)
        observe(W)
        for lane in range(LANES):
            if wanted[lane]:
                for i in range(OBSERVED):
                    courses[patient[lane], output[lane], i] = W[AT_OBS + i * LANES + lane]
                output[lane] += 1


def set_windows(W: Floats, functional_values: Floats, trigger_values: Floats, tolerances: Floats) -> None:
    """Rows that are the same for all patients."""
    for lane in range(LANES):
        for s in range(STATES):
            W[AT_ATOL + s * LANES + lane] = tolerances[s, 0]
            W[AT_NEGATIVE + s * LANES + lane] = tolerances[s, 1]
        for f in range(FUNCTIONALS):
            W[AT_FROM + f * LANES + lane] = functional_values[f, 0]
            W[AT_UNTIL + f * LANES + lane] = functional_values[f, 1]
        for j in range(TRIGGERS):
            W[AT_OPEN + j * LANES + lane] = trigger_values[j, 1]
            W[AT_CLOSE + j * LANES + lane] = trigger_values[j, 2]
