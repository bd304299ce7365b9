"""The lane driver: patients step together; a lane whose patient ends takes the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from carwright.engine.lanes.functionals import look_closer
    from carwright.engine.lanes.patients import fill_samples, give, leave, record, refill
    from carwright.engine.lanes.printed import (
        ADVANCE,
        ATTENTION,
        COMMIT,
        CUT,
        EVENT,
        FINITE,
        FIRED,
        FRESH,
        HE,
        KEPT,
        LANES,
        MAX_STEPS,
        MOST,
        NOT_FINITE,
        OK,
        OUTPUTS,
        PATIENT,
        SAMPLE_ALL,
        SAMPLES,
        ST,
        STEP_TOO_SMALL,
        STEPS,
        STOP,
        STOPPED,
        STOPS,
        STOPS_COUNT,
        SURVEY_FUNCTIONALS,
        SURVEY_TRIGGERS,
        T1,
        TRIGGERS,
        UNDEFINED_OBSERVABLE,
        WATCHED,
        Codes,
        E,
        Floats,
        Integers,
        T,
        call,
    )
    from carwright.engine.lanes.triggers import fire, next_trigger, rearm, resample, whole_state

# --- copied into every kernel from here ---


def follow_triggers(W: Floats, M: Integers) -> None:
    """Cut the step of each lane where its first trigger fires."""
    call(M[SURVEY_TRIGGERS], W)
    for lane in range(LANES):
        M[FIRED + lane] = -1
        W[M[CUT] + lane] = 1.0
        if W[M[ATTENTION] + lane] > 0.0:
            fired, position = next_trigger(W, M, lane)
            if fired < 0:
                rearm(W, M, lane, SAMPLES)
                continue
            rearm(W, M, lane, 1 + int(4.0 * position))
            M[FIRED + lane] = fired
            W[M[CUT] + lane] = position
            if position < 1.0:
                whole_state(W, M, lane, position)
                W[M[T1] + lane] = W[M[ST] + lane]
                W[M[HE] + lane] = W[M[T1] + lane] - W[M[T] + lane]
                resample(W, M, lane, position)


def settle(W: Floats, M: Integers, lane: int, amounts: Floats, outcome: Codes, results: Floats) -> None:
    """What follows a step that ended at a stop or may have been the last: doses, the end, or an outcome code."""
    stop, last, stops = M[STOPPED + lane], M[STOPS_COUNT] - 1, M[STOPS]
    kept, t = W[M[KEPT] + lane] > 0.0, W[M[T] + lane]
    code = -1
    if kept and M[WATCHED] > 0 and W[M[FINITE] + lane] != 0.0:
        code = UNDEFINED_OBSERVABLE
    elif kept and t == W[stops + last]:
        code = OK
    elif W[M[STEPS] + lane] >= W[M[MOST]]:
        code = MAX_STEPS
    elif not kept:
        code = STEP_TOO_SMALL if W[M[E] + lane] < np.inf else NOT_FINITE
    elif t == W[stops + stop]:
        give(W, M, lane, M[PATIENT + lane], stop, amounts)
        M[STOPPED + lane] = stop + 1
        W[M[STOP] + lane] = W[stops + stop + 1]
    if code >= 0:
        leave(W, M, lane, code, outcome, results)


def solve(
    W: Floats, M: Integers, parameters: Floats, amounts: Floats, outcome: Codes, results: Floats, courses: Floats
) -> None:
    """Solve every patient of a chunk; the outputs are filled in place."""
    following = 0
    while True:
        vacant = 0
        for lane in range(LANES):
            vacant += M[PATIENT + lane] < 0
        if vacant > 0:
            following = refill(W, M, following, parameters, amounts, outcome, results)
            living = False
            for lane in range(LANES):
                living = living or M[PATIENT + lane] >= 0
            if not living:
                return
        if M[WATCHED] > 0:
            fill_samples(W, M)
        call(M[ADVANCE], W)
        if M[WATCHED] > 0:
            call(M[SAMPLE_ALL], W)
            if M[TRIGGERS] > 0:
                follow_triggers(W, M)
            call(M[SURVEY_FUNCTIONALS], W)
            for lane in range(LANES):
                if W[M[ATTENTION] + lane] > 0.0 and W[M[CUT] + lane] > 0.0:
                    look_closer(W, M, lane, W[M[CUT] + lane])
        if M[OUTPUTS] > 0:
            record(W, M, courses)
        if M[TRIGGERS] > 0:
            for lane in range(LANES):
                if M[FIRED + lane] >= 0:
                    fire(W, M, lane, M[FIRED + lane], W[M[CUT] + lane])
                    M[FRESH + lane] = 1
        call(M[COMMIT], W)
        for lane in range(LANES):
            if W[M[EVENT] + lane] > 0.0:
                settle(W, M, lane, amounts, outcome, results)
