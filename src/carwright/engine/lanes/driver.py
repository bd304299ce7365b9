"""The lane driver: eight patients step together; a lane whose patient ends takes the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from carwright.engine.lanes.functionals import look_closer
    from carwright.engine.lanes.patients import begin, fail, fill_samples, give, record, set_windows, start_counts
    from carwright.engine.lanes.printed import (
        AT_ACC,
        AT_ATTENTION,
        AT_E,
        AT_FINITE,
        AT_H,
        AT_HE,
        AT_HN,
        AT_KEPT,
        AT_LEFT,
        AT_LOW,
        AT_T,
        AT_T1,
        AT_TAKE,
        BAD_INPUT,
        FUNCTIONALS,
        LANES,
        MAX_STEPS,
        NOT_FINITE,
        OK,
        SAMPLES,
        STEP_TOO_SMALL,
        TRIGGERS,
        UNDEFINED_OBSERVABLE,
        WATCHED,
        Codes,
        Floats,
        Integers,
        commit,
        sample,
        step,
        survey_functionals,
        survey_triggers,
    )
    from carwright.engine.lanes.triggers import fire, next_trigger, rearm, resample

# --- copied into every kernel from here ---


def solve(
    parameters: Floats,
    amounts: Floats,
    stops: Floats,
    dose_first: Integers,
    dose_state: Integers,
    dose_column: Integers,
    times: Floats,
    settings: Floats,
    tolerances: Floats,
    functional_codes: Integers,
    functional_values: Floats,
    trigger_codes: Integers,
    trigger_values: Floats,
    outcome: Codes,
    courses: Floats,
    functionals: Floats,
    trigger_counts: Floats,
    trigger_days: Floats,
    steps: Integers,
    lowest: Floats,
    work: Floats,
) -> None:
    """Solve every patient of a chunk; the outputs are filled in place."""
    n = parameters.shape[0]
    rtol, max_steps, h0, tiny = settings[0], settings[1], settings[2], settings[3]
    W = work
    W[:] = 1.0
    set_windows(W, functional_values, trigger_values, tolerances)
    patient = np.full(LANES, -1)
    stop = np.zeros(LANES, np.int64)
    output = np.zeros(LANES, np.int64)
    h = np.full(LANES, h0)
    code = np.zeros(LANES, np.int64)
    fresh = np.zeros(LANES, np.bool_)
    cut = np.ones(LANES)
    fired = np.full(LANES, -1)
    last = np.zeros((TRIGGERS, LANES))
    end = len(stops) - 1
    # An int64 from the start; a literal 0 would make Numba compile what it is passed to twice.
    following = n - n
    while True:
        living = 0
        renewed = False
        for lane in range(LANES):
            while patient[lane] < 0 and following < n:
                q = following
                following = q + 1
                steps[q], stop[lane] = 0, 0
                code[lane] = BAD_INPUT
                if not begin(W, lane, q, parameters, amounts, stops[0]):
                    fail(q, code[lane], outcome, courses, functionals, trigger_counts, trigger_days, lowest)
                    continue
                give(W, lane, q, stop[lane], dose_first, dose_state, dose_column, amounts)
                start_counts(W, lane, q, parameters, functional_codes, functional_values, trigger_codes)
                patient[lane], stop[lane], output[lane], h[lane], fresh[lane] = q, 1, 0, h0, True
                outcome[q], lowest[q] = OK, 0.0
                trigger_days[q] = np.nan
            living += patient[lane] >= 0
            renewed = renewed or fresh[lane]
        if living == 0:
            return
        if WATCHED > 0 and renewed:
            fill_samples(W, fresh)
        for lane in range(LANES):
            fresh[lane] = False
            remaining = stops[stop[lane]] - W[AT_T + lane] if patient[lane] >= 0 else h0
            x = h[lane]
            # Reach the stop in this step, or in two equal ones, instead of leaving a sliver.
            W[AT_H + lane] = remaining if x * 1.05 > remaining else (remaining * 0.5 if x * 1.9 > remaining else x)
        step(W, rtol)
        for lane in range(LANES):
            e, tried, q = W[AT_E + lane], W[AT_H + lane], patient[lane]
            kept = q >= 0 and e <= 1.0
            W[AT_KEPT + lane] = 1.0 if kept else 0.0
            W[AT_TAKE + lane] = W[AT_KEPT + lane]
            code[lane] = OK
            if kept:
                t0 = W[AT_T + lane]
                W[AT_T1 + lane] = stops[stop[lane]] if stops[stop[lane]] - t0 == tried else t0 + tried
                W[AT_HE + lane] = W[AT_T1 + lane] - t0
                steps[q] += 1
                lowest[q] = min(lowest[q], W[AT_LOW + lane])
                # A step cut by a stop says nothing against the size that was planned.
                h[lane] = max(W[AT_HN + lane], h[lane]) if tried < h[lane] else max(W[AT_HN + lane], tiny)
            elif q >= 0:
                steps[q] += 1
                h[lane] = min(W[AT_HN + lane], tried) if e < np.inf else tried * 0.2
                if h[lane] < tiny:
                    code[lane] = STEP_TOO_SMALL if e < np.inf else NOT_FINITE
            if q >= 0 and steps[q] >= max_steps and not (kept and W[AT_T1 + lane] == stops[end]):
                code[lane] = MAX_STEPS
            cut[lane] = 1.0
            fired[lane] = -1
        if WATCHED > 0:
            sample(W)
        if TRIGGERS > 0:
            survey_triggers(W)
            for lane in range(LANES):
                if W[AT_ATTENTION + lane] > 0.0:
                    fired[lane], position = next_trigger(W, lane, trigger_codes, trigger_values, last)
                    if fired[lane] < 0:
                        rearm(W, lane, trigger_codes, SAMPLES)
                    else:
                        rearm(W, lane, trigger_codes, 1 + int(4.0 * position))
                        cut[lane] = position
                        W[AT_TAKE + lane] = 0.0
                        if position < 1.0:
                            W[AT_T1 + lane] = W[AT_T + lane] + position * W[AT_H + lane]
                            W[AT_HE + lane] = W[AT_T1 + lane] - W[AT_T + lane]
                            resample(W, lane, position)
        if WATCHED > 0:
            survey_functionals(W)
            for lane in range(LANES):
                if W[AT_KEPT + lane] > 0.0:
                    if W[AT_ATTENTION + lane] > 0.0 and cut[lane] > 0.0:
                        look_closer(W, lane, cut[lane], functional_codes)
                    if W[AT_FINITE + lane] != 0.0:
                        code[lane] = UNDEFINED_OBSERVABLE
        if len(times) > 0:
            record(W, patient, stops[end], output, times, courses)
        for lane in range(LANES):
            q = patient[lane]
            if fired[lane] >= 0:
                fire(W, lane, q, fired[lane], cut[lane], last, trigger_days, trigger_codes)
                fresh[lane] = True
        commit(W)
        for lane in range(LANES):
            q = patient[lane]
            if code[lane] != OK:
                fail(q, code[lane], outcome, courses, functionals, trigger_counts, trigger_days, lowest)
                patient[lane] = -1
                fresh[lane] = False
            elif W[AT_KEPT + lane] > 0.0:
                W[AT_T + lane] = W[AT_T1 + lane]
                if W[AT_T + lane] == stops[stop[lane]]:
                    if dose_first[stop[lane]] < dose_first[stop[lane] + 1]:
                        give(W, lane, q, stop[lane], dose_first, dose_state, dose_column, amounts)
                        fresh[lane] = True
                    stop[lane] += 1
                    if stop[lane] > end:
                        for f in range(FUNCTIONALS):
                            functionals[q, f] = W[AT_ACC + f * LANES + lane]
                        for j in range(TRIGGERS):
                            trigger_counts[q, j] = trigger_codes[j, 1] - W[AT_LEFT + j * LANES + lane]
                        patient[lane] = -1
                        fresh[lane] = False
