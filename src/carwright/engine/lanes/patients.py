"""Patients entering and leaving a lane, their doses, and their dense output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from carwright.engine.lanes.printed import (
        ACC,
        ACTIVE,
        ARMED,
        AT_MOST,
        BAD_INPUT,
        BEST,
        DAYS_ABOVE,
        DOSE_COLUMN,
        DOSE_FIRST,
        DOSE_STATE,
        FIRST,
        FIRST_STEP,
        FRESH,
        FUNCTIONALS,
        INTEGRAL,
        KEPT,
        KIND,
        LANES,
        LEFT,
        LEVEL,
        LEVELS,
        LOADING,
        LOW,
        OBS,
        OBSERVE,
        OBSERVED,
        OK,
        OUTPUTS,
        PAR,
        PATIENT,
        PREPARE,
        SAMPLE,
        SOURCE,
        STATES,
        STEPS,
        STOP,
        STOPPED,
        STOPS,
        STOPS_COUNT,
        T1,
        TH,
        TIMES,
        TRIED,
        TRIGGERS,
        WANTED,
        WATCH,
        WATCHED,
        WRITTEN,
        Codes,
        Floats,
        H,
        Integers,
        T,
        U,
        Y,
        call,
    )

# --- copied into every kernel from here ---


def load(W: Floats, M: Integers, lane: int, q: int, parameters: Floats, amounts: Floats) -> bool:
    """Put the parameters of a patient into a lane; False when a number of theirs is not finite."""
    for i in range(parameters.shape[1]):
        W[M[PAR] + i * LANES + lane] = parameters[q, i]
        if not np.isfinite(parameters[q, i]):
            return False
    sound = True
    for i in range(amounts.shape[1]):
        sound = sound and np.isfinite(amounts[q, i])
    return sound


def begin(W: Floats, M: Integers, lane: int, q: int, parameters: Floats, amounts: Floats) -> bool:
    """Start a patient whose initial state is in U; False when it is not finite."""
    for s in range(M[STATES]):
        W[M[Y] + s * LANES + lane] = W[M[U] + s * LANES + lane]
        if not np.isfinite(W[M[U] + s * LANES + lane]):
            return False
    W[M[T] + lane] = W[M[STOPS]]
    W[M[STOP] + lane] = W[M[STOPS] + 1]
    W[M[H] + lane] = W[M[FIRST_STEP]]
    W[M[ACTIVE] + lane] = 1.0
    W[M[STEPS] + lane] = 0.0
    W[M[LOW] + lane] = 0.0
    M[FRESH + lane], M[STOPPED + lane], M[WRITTEN + lane] = 1, 1, 0
    give(W, M, lane, q, 0, amounts)
    for f in range(M[FUNCTIONALS]):
        kind, source = M[M[KIND] + f], M[M[SOURCE] + f]
        W[M[ACC] + f * LANES + lane] = 0.0 if kind >= INTEGRAL and kind <= DAYS_ABOVE else np.nan
        W[M[BEST] + f * LANES + lane] = -np.inf
        W[M[LEVEL] + f * LANES + lane] = parameters[q, source] if source >= 0 else W[M[LEVELS] + f]
    for j in range(M[TRIGGERS]):
        W[M[ARMED] + j * LANES + lane] = 1.0
        W[M[LEFT] + j * LANES + lane] = M[M[AT_MOST] + j]
        W[M[FIRST] + j * LANES + lane] = np.nan
    return True


def refill(
    W: Floats, M: Integers, following: int, parameters: Floats, amounts: Floats, outcome: Codes, results: Floats
) -> int:
    """Give every empty lane the next patient who can be started; the patient who comes after."""
    while True:
        some = False
        for lane in range(LANES):
            M[LOADING + lane] = 0
            while M[PATIENT + lane] < 0 and following < parameters.shape[0]:
                M[PATIENT + lane], M[LOADING + lane] = following, 1
                some = True
                if not load(W, M, lane, following, parameters, amounts):
                    leave(W, M, lane, BAD_INPUT, outcome, results)
                following += 1
        if not some:
            return following
        # Lanes in flight are prepared again, to the same bits: all is computed for all lanes at once.
        call(M[PREPARE], W)
        for lane in range(LANES):
            q = M[PATIENT + lane]
            if M[LOADING + lane] == 1 and not begin(W, M, lane, q, parameters, amounts):
                leave(W, M, lane, BAD_INPUT, outcome, results)


def give(W: Floats, M: Integers, lane: int, q: int, stop: int, amounts: Floats) -> None:
    """Add the doses due at a stop."""
    for d in range(M[M[DOSE_FIRST] + stop], M[M[DOSE_FIRST] + stop + 1]):
        W[M[Y] + M[M[DOSE_STATE] + d] * LANES + lane] += amounts[q, M[M[DOSE_COLUMN] + d]]
        M[FRESH + lane] = 1


def leave(W: Floats, M: Integers, lane: int, code: int, outcome: Codes, results: Floats) -> None:
    """Write the results of a patient and empty the lane; a failed solve is never a number."""
    q = M[PATIENT + lane]
    outcome[q] = code
    results[q, 0] = 0.0 if code == BAD_INPUT else W[M[STEPS] + lane]
    results[q, 1] = W[M[LOW] + lane]
    functionals, triggers = M[FUNCTIONALS], M[TRIGGERS]
    for f in range(functionals):
        results[q, 2 + f] = W[M[ACC] + f * LANES + lane]
    for j in range(triggers):
        results[q, 2 + functionals + j] = M[M[AT_MOST] + j] - W[M[LEFT] + j * LANES + lane]
        results[q, 2 + functionals + triggers + j] = W[M[FIRST] + j * LANES + lane]
    for i in range(1, results.shape[1] if code != OK else 0):
        results[q, i] = np.nan
    M[PATIENT + lane] = -1
    M[LOADING + lane] = 0
    M[FRESH + lane] = 0
    W[M[ACTIVE] + lane] = 0.0


def fill_samples(W: Floats, M: Integers) -> None:
    """Watched values at the start of the step for lanes that have just been (re)started."""
    some = 0
    for lane in range(LANES):
        some += M[FRESH + lane]
    if some == 0:
        return
    call(M[WATCH], W)
    for lane in range(LANES):
        if M[FRESH + lane] == 1:
            M[FRESH + lane] = 0
            for i in range(M[WATCHED]):
                W[M[SAMPLE] + i * LANES + lane] = W[M[OBS] + i * LANES + lane]


def record(W: Floats, M: Integers, courses: Floats) -> None:
    """Write the dense output of all lanes that have output times in the part of their step that was kept."""
    count, times, end = M[OUTPUTS], M[TIMES], W[M[STOPS] + M[STOPS_COUNT] - 1]
    while True:
        some = False
        for lane in range(LANES):
            k, t1 = M[WRITTEN + lane], W[M[T1] + lane]
            M[WANTED + lane] = 0
            if k < count and W[M[KEPT] + lane] > 0.0:
                t = W[times + k]
                if t < t1 or t == t1 == end:
                    M[WANTED + lane] = 1
                    some = True
                    W[M[TH] + lane] = (t - W[M[T] + lane]) / W[M[TRIED] + lane]
        if not some:
            return
        call(M[OBSERVE], W)
        for lane in range(LANES):
            if M[WANTED + lane] == 1:
                q, k = M[PATIENT + lane], M[WRITTEN + lane]
                for i in range(M[OBSERVED]):
                    courses[q, k, i] = W[M[OBS] + i * LANES + lane]
                M[WRITTEN + lane] = k + 1
