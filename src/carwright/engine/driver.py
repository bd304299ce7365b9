"""The lane driver: eight patients step together, each with its own step size, and a lane that ends takes the next patient.

The text below the marker is copied into every generated kernel, after the model's functions, and compiled by Numba. The names
declared here are printed by `carwright.engine.generator` in front of it; W is the work array of `carwright.engine.layout`, and
AT_X the index where its section X begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]
    LANES: int
    SAMPLES: int
    STATES: int
    DENSE: int
    WATCHED: int
    OBSERVED: int
    FUNCTIONALS: int
    TRIGGERS: int
    STAGES: int
    H_COEFFICIENTS: tuple[tuple[float, ...], ...]
    AT_Y: int
    AT_Y1: int
    AT_K: int
    AT_U: int
    AT_D: int
    AT_ATOL: int
    AT_NEGATIVE: int
    AT_OBS: int
    AT_SAMPLE: int
    AT_ACC: int
    AT_BEST: int
    AT_LEVEL: int
    AT_FROM: int
    AT_UNTIL: int
    AT_FLAG: int
    AT_ARMED: int
    AT_LEFT: int
    AT_OPEN: int
    AT_CLOSE: int
    AT_ATTENTION: int
    AT_FINITE: int
    AT_T1: int
    AT_HE: int
    AT_KEPT: int
    AT_TAKE: int
    AT_T: int
    AT_ST: int
    AT_H: int
    AT_TH: int
    AT_E: int
    AT_HN: int
    AT_LOW: int

    def prepare(P: Floats, q: int, start: float, W: Floats, l: int) -> None: ...  # noqa: E741
    def step(W: Floats, rtol: float) -> None: ...
    def interpolate(W: Floats) -> None: ...
    def watch(W: Floats) -> None: ...
    def observe(W: Floats) -> None: ...
    def sample(W: Floats) -> None: ...
    def commit(W: Floats) -> None: ...
    def survey_functionals(W: Floats) -> None: ...
    def survey_triggers(W: Floats) -> None: ...
    def assign(W: Floats, l: int, trigger: int) -> None: ...  # noqa: E741


# --- copied into every kernel from here ---
# Codes of functionals, in the order of carwright.engine.requests.KINDS.
MAXIMUM, TIME_OF_MAXIMUM, MINIMUM, TIME_OF_MINIMUM, INTEGRAL, DAYS_BELOW, DAYS_ABOVE = range(7)
FIRST_ABOVE, FIRST_BELOW, LAST_ABOVE, VALUE_AT = range(7, 11)
# Codes of carwright.engine.outcome.Outcome.
OK, MAX_STEPS, STEP_TOO_SMALL, NOT_FINITE, BAD_INPUT, UNDEFINED_OBSERVABLE = range(6)
# Width, in parts of a step, to which a crossing is located.
CROSSING = 1e-9
DAYS = 1e-7


def probe(W, l, theta):
    """Watched values of one lane at a position in its step, into OBS."""
    W[AT_TH + l] = theta
    interpolate(W)
    watch(W)


def locate(W, l, column, level, sign, a, b, ga, gb):
    """Smallest position in (a, b] found where sign * (value - level) is above 0; it is not at a (ga) but is at b (gb).

    Illinois variant of regula falsi (Dowell and Jarratt 1971, BIT 11:168, doi:10.1007/BF01934364) with bisection where the
    secant makes no progress; the bracket ends within DAYS of the crossing.
    """
    width = DAYS / W[AT_H + l]
    width = min(max(width, CROSSING), 1e-3)
    side = 0
    for attempt in range(80):
        if b - a <= width:
            break
        x = b - gb * (b - a) / (gb - ga)
        if attempt % 3 == 2 or not (x > a and x < b):
            x = 0.5 * (a + b)
        # Stay half a width inside, so that the bracket closes from both sides.
        x = min(max(x, a + 0.5 * width), b - 0.5 * width)
        probe(W, l, x)
        g = sign * (W[AT_OBS + column * LANES + l] - level)
        if g > 0.0:
            b = x
            gb = g
            ga = ga * 0.5 if side == 1 else ga
            side = 1
        else:
            a = x
            ga = g
            gb = gb * 0.5 if side == -1 else gb
            side = -1
    return b


def summit(W, l, column, sign):
    """Position of the interior maximum of sign * value that the five samples suggest, or -1 when it lies on no slope.

    The quartic through the samples is differentiated and its root next to the best sample found by Newton's method.
    """
    base = AT_SAMPLE + column * LANES + l
    stride = WATCHED * LANES
    v0 = sign * W[base]
    v1 = sign * W[base + stride]
    v2 = sign * W[base + 2 * stride]
    v3 = sign * W[base + 3 * stride]
    v4 = sign * W[base + 4 * stride]
    best = 0
    top = v0
    if v1 > top:
        best, top = 1, v1
    if v2 > top:
        best, top = 2, v2
    if v3 > top:
        best, top = 3, v3
    if v4 > top:
        best, top = 4, v4
    # Coefficients of the quartic in x = 4 theta.
    c1 = (-25.0 * v0 + 48.0 * v1 - 36.0 * v2 + 16.0 * v3 - 3.0 * v4) / 12.0
    c2 = (35.0 * v0 - 104.0 * v1 + 114.0 * v2 - 56.0 * v3 + 11.0 * v4) / 24.0
    c3 = (-5.0 * v0 + 18.0 * v1 - 24.0 * v2 + 14.0 * v3 - 3.0 * v4) / 12.0
    c4 = (v0 - 4.0 * v1 + 6.0 * v2 - 4.0 * v3 + v4) / 24.0
    if best == 0 and c1 <= 0.0:
        return -1.0
    if best == 4 and c1 + 8.0 * c2 + 48.0 * c3 + 256.0 * c4 >= 0.0:
        return -1.0
    low = max(best - 1.0, 0.0)
    high = min(best + 1.0, 4.0)
    x = min(max(best * 1.0, 0.5), 3.5)
    for _ in range(12):
        slope = c1 + x * (2.0 * c2 + x * (3.0 * c3 + x * 4.0 * c4))
        bend = 2.0 * c2 + x * (6.0 * c3 + x * 12.0 * c4)
        if slope > 0.0:
            low = x
        else:
            high = x
        following = x - slope / bend if bend < 0.0 else 0.5 * (low + high)
        if not (following > low and following < high):
            following = 0.5 * (low + high)
        moved = abs(following - x)
        x = following
        if moved < 1e-7:
            break
    return 0.25 * x


def extremum(W, l, f, kind, column, cut):
    """Look for a summit of a functional's observable between the samples of a lane."""
    sign = 1.0 if kind <= TIME_OF_MAXIMUM else -1.0
    theta = summit(W, l, column, sign)
    if theta >= 0.0:
        probe(W, l, theta * cut)
        v = sign * W[AT_OBS + column * LANES + l]
        if v > W[AT_BEST + f * LANES + l]:
            W[AT_BEST + f * LANES + l] = v
            timed = kind == TIME_OF_MAXIMUM or kind == TIME_OF_MINIMUM
            W[AT_ACC + f * LANES + l] = W[AT_T + l] + theta * W[AT_HE + l] if timed else sign * v


def crossings(W, l, f, kind, column, cut):
    """Take a lane's step across a threshold into days spent, first day or last day."""
    sign = -1.0 if kind == DAYS_BELOW or kind == FIRST_BELOW else 1.0
    days = kind == DAYS_ABOVE or kind == DAYS_BELOW
    first = kind == FIRST_ABOVE or kind == FIRST_BELOW
    level = W[AT_LEVEL + f * LANES + l]
    base = AT_SAMPLE + column * LANES + l
    t, h = W[AT_T + l], W[AT_HE + l]
    result = W[AT_ACC + f * LANES + l]
    ga = sign * (W[base] - level)
    if first and ga > 0.0:
        W[AT_ACC + f * LANES + l] = t
        return
    for k in range(1, SAMPLES):
        gb = sign * (W[base + k * WATCHED * LANES] - level)
        a, b = 0.25 * (k - 1), 0.25 * k
        if ga > 0.0 and gb > 0.0:
            result = result + (b - a) * h if days else t + b * h
        elif ga > 0.0:
            x = locate(W, l, column, level, -sign, a * cut, b * cut, -ga, -gb) / cut
            result = result + (x - a) * h if days else t + x * h
        elif gb > 0.0:
            x = locate(W, l, column, level, sign, a * cut, b * cut, ga, gb) / cut
            if first:
                result = t + x * h
                break
            result = result + (b - x) * h if days else t + b * h
        ga = gb
    W[AT_ACC + f * LANES + l] = result


def look_closer(W, l, cut, codes):
    """Summits and crossings that the survey flagged in a lane."""
    for f in range(FUNCTIONALS):
        if W[AT_FLAG + f * LANES + l] > 0.0:
            if codes[f, 0] <= TIME_OF_MINIMUM:
                extremum(W, l, f, codes[f, 0], codes[f, 1], cut)
            else:
                crossings(W, l, f, codes[f, 0], codes[f, 1], cut)


def next_trigger(W, l, codes, values, last):
    """First trigger to fire in the step of a lane: its index (-1 for none) and position."""
    chosen = -1
    first = 2.0
    t0, h = W[AT_T + l], W[AT_H + l]
    for j in range(TRIGGERS):
        if W[AT_LEFT + j * LANES + l] <= 0.0 or t0 < values[j, 1] or t0 >= values[j, 2]:
            continue
        base = AT_SAMPLE + codes[j, 0] * LANES + l
        a = 0.0
        ga = W[base]
        ready = W[AT_ARMED + j * LANES + l] > 0.0
        if values[j, 0] > 0.0:
            ready = True
            if W[AT_LEFT + j * LANES + l] < codes[j, 1]:
                a = max((last[j, l] + values[j, 0] - t0) / h, 0.0)
                if a >= min(first, 1.0):
                    continue
                if a > 0.0:
                    probe(W, l, a)
                    ga = W[AT_OBS + codes[j, 0] * LANES + l]
        if ready and ga > 0.0:
            if a < first:
                chosen, first = j, a
            continue
        ready = ready or ga <= 0.0
        for k in range(1, SAMPLES):
            b = 0.25 * k
            if b <= a:
                continue
            gb = W[base + k * WATCHED * LANES]
            if ready and gb > 0.0:
                if a < first:
                    x = locate(W, l, codes[j, 0], 0.0, 1.0, a, b, ga, gb)
                    if x < first:
                        chosen, first = j, x
                break
            ready = ready or gb <= 0.0
            a, ga = b, gb
    return chosen, first


def rearm(W, l, codes, upto):
    """A trigger whose condition was at or below 0 in the part of the step that was kept may fire again."""
    for j in range(TRIGGERS):
        for k in range(upto):
            if W[AT_SAMPLE + (k * WATCHED + codes[j, 0]) * LANES + l] <= 0.0:
                W[AT_ARMED + j * LANES + l] = 1.0


def resample(W, l, cut):
    """Samples of a step that a trigger cut short."""
    for k in range(1, SAMPLES):
        probe(W, l, 0.25 * k * cut)
        for i in range(WATCHED):
            W[AT_SAMPLE + (k * WATCHED + i) * LANES + l] = W[AT_OBS + i * LANES + l]


def whole_state(W, l, theta):
    """Dense output of every state of a lane into U."""
    for s in range(STATES):
        y0 = W[AT_Y + s * LANES + l]
        y1 = W[AT_Y1 + s * LANES + l]
        value = 0.0
        for row in (2, 1, 0):
            d = 0.0
            for j in range(STAGES):
                d += H_COEFFICIENTS[row][j] * W[AT_K + (j * STATES + s) * LANES + l]
            value = d + theta * value
        W[AT_U + s * LANES + l] = (1.0 - theta) * y0 + theta * (y1 + (1.0 - theta) * value)


def begin(W, l, q, parameters, amounts, start):
    """Load a patient into a lane; False when a number of theirs is not finite."""
    for i in range(parameters.shape[1]):
        if not np.isfinite(parameters[q, i]):
            return False
    for i in range(amounts.shape[1]):
        if not np.isfinite(amounts[q, i]):
            return False
    prepare(parameters, q, start, W, l)
    for s in range(STATES):
        if not np.isfinite(W[AT_Y + s * LANES + l]):
            return False
    W[AT_T + l] = start
    return True


def give(W, l, q, stop, dose_first, dose_state, dose_column, amounts):
    """Add the doses due at a stop."""
    for d in range(dose_first[stop], dose_first[stop + 1]):
        W[AT_Y + dose_state[d] * LANES + l] += amounts[q, dose_column[d]]


def fail(q, code, outcome, courses, functionals, trigger_counts, trigger_days, lowest):
    """A failed solve is never a number."""
    outcome[q] = code
    lowest[q] = np.nan
    courses[q] = np.nan
    functionals[q] = np.nan
    trigger_counts[q] = np.nan
    trigger_days[q] = np.nan


def fill_samples(W, fresh):
    """Watched values at the start of the step for lanes that have just been (re)started."""
    for q in range(DENSE * LANES):
        W[AT_U + q] = W[AT_Y + q]
    for l in range(LANES):
        W[AT_ST + l] = W[AT_T + l]
    watch(W)
    for i in range(WATCHED):
        for l in range(LANES):
            if fresh[l]:
                W[AT_SAMPLE + i * LANES + l] = W[AT_OBS + i * LANES + l]


def record(W, patient, end, output, times, courses):
    """Write the dense output of all lanes that have output times in the part of their step that was kept."""
    wanted = np.zeros(LANES, np.bool_)
    while True:
        some = False
        for l in range(LANES):
            k = output[l]
            t1 = W[AT_T1 + l]
            wanted[l] = W[AT_KEPT + l] > 0.0 and k < len(times) and (times[k] < t1 or (t1 == end and times[k] == t1))
            if wanted[l]:
                some = True
                W[AT_TH + l] = (times[k] - W[AT_T + l]) / W[AT_H + l]
        if not some:
            return
        interpolate(W)
        observe(W)
        for l in range(LANES):
            if wanted[l]:
                for i in range(OBSERVED):
                    courses[patient[l], output[l], i] = W[AT_OBS + i * LANES + l]
                output[l] += 1


def set_windows(W, functional_values, trigger_values, tolerances):
    """Rows that are the same for all patients."""
    for l in range(LANES):
        for s in range(STATES):
            W[AT_ATOL + s * LANES + l] = tolerances[s, 0]
            W[AT_NEGATIVE + s * LANES + l] = tolerances[s, 1]
        for f in range(FUNCTIONALS):
            W[AT_FROM + f * LANES + l] = functional_values[f, 0]
            W[AT_UNTIL + f * LANES + l] = functional_values[f, 1]
        for j in range(TRIGGERS):
            W[AT_OPEN + j * LANES + l] = trigger_values[j, 1]
            W[AT_CLOSE + j * LANES + l] = trigger_values[j, 2]


def start_counts(W, l, q, parameters, functional_codes, functional_values, trigger_codes):
    """Reset the functionals and triggers of a lane for its next patient."""
    for f in range(FUNCTIONALS):
        kind, source = functional_codes[f, 0], functional_codes[f, 2]
        W[AT_ACC + f * LANES + l] = 0.0 if kind >= INTEGRAL and kind <= DAYS_ABOVE else np.nan
        W[AT_BEST + f * LANES + l] = -np.inf
        W[AT_LEVEL + f * LANES + l] = parameters[q, source] if source >= 0 else functional_values[f, 2]
    for j in range(TRIGGERS):
        W[AT_ARMED + j * LANES + l] = 1.0
        W[AT_LEFT + j * LANES + l] = trigger_codes[j, 1]


def fire(W, l, q, j, theta, last, trigger_days, trigger_codes):
    """Put the state of a lane at a position of its step through the assignments of a trigger."""
    if theta > 0.0 and theta < 1.0:
        whole_state(W, l, theta)
    else:
        source = AT_Y if theta == 0.0 else AT_Y1
        for s in range(STATES):
            W[AT_U + s * LANES + l] = W[source + s * LANES + l]
    for s in range(STATES):
        W[AT_Y + s * LANES + l] = W[AT_U + s * LANES + l]
    W[AT_ST + l] = W[AT_T1 + l]
    assign(W, l, j)
    if W[AT_LEFT + j * LANES + l] == trigger_codes[j, 1]:
        trigger_days[q, j] = W[AT_T1 + l]
    W[AT_LEFT + j * LANES + l] -= 1.0
    W[AT_ARMED + j * LANES + l] = 0.0
    last[j, l] = W[AT_T1 + l]


def solve(
    parameters, amounts, stops, dose_first, dose_state, dose_column, times, settings, tolerances,
    functional_codes, functional_values, trigger_codes, trigger_values,
    outcome, courses, functionals, trigger_counts, trigger_days, steps, lowest, work,
):  # fmt: skip
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
    following = 0
    while True:
        living = 0
        renewed = False
        for l in range(LANES):
            while patient[l] < 0 and following < n:
                q = following
                following += 1
                steps[q] = 0
                if not begin(W, l, q, parameters, amounts, stops[0]):
                    fail(q, BAD_INPUT, outcome, courses, functionals, trigger_counts, trigger_days, lowest)
                    continue
                give(W, l, q, 0, dose_first, dose_state, dose_column, amounts)
                start_counts(W, l, q, parameters, functional_codes, functional_values, trigger_codes)
                patient[l], stop[l], output[l], h[l], fresh[l] = q, 1, 0, h0, True
                outcome[q], lowest[q] = OK, 0.0
                trigger_days[q] = np.nan
            living += patient[l] >= 0
            renewed = renewed or fresh[l]
        if living == 0:
            return
        if WATCHED > 0 and renewed:
            fill_samples(W, fresh)
        for l in range(LANES):
            fresh[l] = False
            remaining = stops[stop[l]] - W[AT_T + l] if patient[l] >= 0 else h0
            x = h[l]
            # Reach the stop in this step, or in two equal ones, instead of leaving a sliver.
            W[AT_H + l] = remaining if x * 1.05 > remaining else (remaining * 0.5 if x * 1.9 > remaining else x)
        step(W, rtol)
        for l in range(LANES):
            e, tried, q = W[AT_E + l], W[AT_H + l], patient[l]
            kept = q >= 0 and e <= 1.0
            W[AT_KEPT + l] = 1.0 if kept else 0.0
            W[AT_TAKE + l] = W[AT_KEPT + l]
            code[l] = OK
            if kept:
                t0 = W[AT_T + l]
                W[AT_T1 + l] = stops[stop[l]] if stops[stop[l]] - t0 == tried else t0 + tried
                W[AT_HE + l] = W[AT_T1 + l] - t0
                steps[q] += 1
                lowest[q] = min(lowest[q], W[AT_LOW + l])
                # A step cut by a stop says nothing against the size that was planned.
                h[l] = max(W[AT_HN + l], h[l]) if tried < h[l] else max(W[AT_HN + l], tiny)
            elif q >= 0:
                steps[q] += 1
                h[l] = min(W[AT_HN + l], tried) if e < np.inf else tried * 0.2
                if h[l] < tiny:
                    code[l] = STEP_TOO_SMALL if e < np.inf else NOT_FINITE
            if q >= 0 and steps[q] >= max_steps and not (kept and W[AT_T1 + l] == stops[end]):
                code[l] = MAX_STEPS
            cut[l] = 1.0
            fired[l] = -1
        if WATCHED > 0:
            sample(W)
        if TRIGGERS > 0:
            survey_triggers(W)
            for l in range(LANES):
                if W[AT_ATTENTION + l] > 0.0:
                    fired[l], position = next_trigger(W, l, trigger_codes, trigger_values, last)
                    if fired[l] < 0:
                        rearm(W, l, trigger_codes, SAMPLES)
                    else:
                        rearm(W, l, trigger_codes, 1 + int(4.0 * position))
                        cut[l] = position
                        W[AT_TAKE + l] = 0.0
                        if position < 1.0:
                            W[AT_T1 + l] = W[AT_T + l] + position * W[AT_H + l]
                            W[AT_HE + l] = W[AT_T1 + l] - W[AT_T + l]
                            resample(W, l, position)
        if WATCHED > 0:
            survey_functionals(W)
            for l in range(LANES):
                if W[AT_KEPT + l] > 0.0:
                    if W[AT_ATTENTION + l] > 0.0 and cut[l] > 0.0:
                        look_closer(W, l, cut[l], functional_codes)
                    if W[AT_FINITE + l] != 0.0:
                        code[l] = UNDEFINED_OBSERVABLE
        if len(times) > 0:
            record(W, patient, stops[end], output, times, courses)
        for l in range(LANES):
            q = patient[l]
            if fired[l] >= 0:
                fire(W, l, q, fired[l], cut[l], last, trigger_days, trigger_codes)
                fresh[l] = True
        commit(W)
        for l in range(LANES):
            q = patient[l]
            if code[l] != OK:
                fail(q, code[l], outcome, courses, functionals, trigger_counts, trigger_days, lowest)
                patient[l] = -1
                fresh[l] = False
            elif W[AT_KEPT + l] > 0.0:
                W[AT_T + l] = W[AT_T1 + l]
                if W[AT_T + l] == stops[stop[l]]:
                    if dose_first[stop[l]] < dose_first[stop[l] + 1]:
                        give(W, l, q, stop[l], dose_first, dose_state, dose_column, amounts)
                        fresh[l] = True
                    stop[l] += 1
                    if stop[l] > end:
                        for f in range(FUNCTIONALS):
                            functionals[q, f] = W[AT_ACC + f * LANES + l]
                        for j in range(TRIGGERS):
                            trigger_counts[q, j] = trigger_codes[j, 1] - W[AT_LEFT + j * LANES + l]
                        patient[l] = -1
                        fresh[l] = False
