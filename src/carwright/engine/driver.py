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


def extremum(W, l, column, sign, timed, t0, h, cut, best, results, q, f):
    """Take the step's maximum of sign * value into the running one."""
    base = AT_SAMPLE + column * LANES + l
    top = sign * W[base]
    low = top
    where = 0
    for k in range(1, SAMPLES):
        v = sign * W[base + k * WATCHED * LANES]
        if v > top:
            top, where = v, k
        low = min(low, v)
    theta = 0.25 * where
    if top + 0.25 * (top - low) >= best[f, l] and top > low:
        inside = summit(W, l, column, sign)
        if inside >= 0.0:
            probe(W, l, inside * cut)
            v = sign * W[AT_OBS + column * LANES + l]
            if v > top:
                top, theta = v, inside
    if top > best[f, l]:
        best[f, l] = top
        results[q, f] = t0 + theta * h if timed else sign * top


def crossings(W, l, kind, column, level, t0, h, cut, results, q, f):
    """Take the step's time above or below a level into days spent, first day or last day."""
    sign = -1.0 if kind == DAYS_BELOW or kind == FIRST_BELOW else 1.0
    base = AT_SAMPLE + column * LANES + l
    ga = sign * (W[base] - level)
    if kind == FIRST_ABOVE or kind == FIRST_BELOW:
        if results[q, f] == results[q, f]:
            return
        if ga > 0.0:
            results[q, f] = t0
            return
    for k in range(1, SAMPLES):
        gb = sign * (W[base + k * WATCHED * LANES] - level)
        a, b = 0.25 * (k - 1) * cut, 0.25 * k * cut
        if ga > 0.0 and gb > 0.0:
            if kind == LAST_ABOVE:
                results[q, f] = t0 + 0.25 * k * h
            elif kind == DAYS_ABOVE or kind == DAYS_BELOW:
                results[q, f] += 0.25 * h
        elif ga > 0.0:
            x = locate(W, l, column, level, -sign, a, b, -ga, -gb) / cut
            if kind == LAST_ABOVE:
                results[q, f] = t0 + x * h
            elif kind == DAYS_ABOVE or kind == DAYS_BELOW:
                results[q, f] += (x - 0.25 * (k - 1)) * h
        elif gb > 0.0:
            x = locate(W, l, column, level, sign, a, b, ga, gb) / cut
            if kind == FIRST_ABOVE or kind == FIRST_BELOW:
                results[q, f] = t0 + x * h
                return
            if kind == LAST_ABOVE:
                results[q, f] = t0 + 0.25 * k * h
            else:
                results[q, f] += (0.25 * k - x) * h
        ga = gb


def accumulate(W, l, q, t0, t1, h, cut, codes, values, parameters, best, results):
    """Take one accepted step of one lane into every functional whose window it lies in."""
    for f in range(codes.shape[0]):
        if t0 < values[f, 0] or t0 >= values[f, 1]:
            if codes[f, 0] == VALUE_AT and t0 == values[f, 1]:
                results[q, f] = W[AT_SAMPLE + codes[f, 1] * LANES + l]
            continue
        kind, column = codes[f, 0], codes[f, 1]
        base = AT_SAMPLE + column * LANES + l
        if kind == INTEGRAL:
            stride = WATCHED * LANES
            ends = 7.0 * (W[base] + W[base + 4 * stride])
            inner = 32.0 * (W[base + stride] + W[base + 3 * stride]) + 12.0 * W[base + 2 * stride]
            results[q, f] += h * (ends + inner) * (1.0 / 90.0)  # Boole's rule
        elif kind == VALUE_AT:
            if t1 == values[f, 1]:
                results[q, f] = W[base + 4 * WATCHED * LANES]
        elif kind <= TIME_OF_MINIMUM:
            sign = 1.0 if kind <= TIME_OF_MAXIMUM else -1.0
            timed = kind == TIME_OF_MAXIMUM or kind == TIME_OF_MINIMUM
            extremum(W, l, column, sign, timed, t0, h, cut, best, results, q, f)
        else:
            level = parameters[q, codes[f, 2]] if codes[f, 2] >= 0 else values[f, 2]
            crossings(W, l, kind, column, level, t0, h, cut, results, q, f)


def next_trigger(W, l, t0, h, codes, values, armed, last, counts):
    """First trigger to fire in the step of a lane: its index (-1 for none) and position; arms those that fell to 0."""
    chosen = -1
    first = 2.0
    for j in range(codes.shape[0]):
        if counts[j, l] >= codes[j, 1] or t0 < values[j, 1] or t0 >= values[j, 2]:
            continue
        base = AT_SAMPLE + codes[j, 0] * LANES + l
        a = 0.0
        ga = W[base]
        if values[j, 0] > 0.0:
            if counts[j, l] > 0:
                a = (last[j, l] + values[j, 0] - t0) / h
                if a >= min(first, 1.0):
                    continue
                if a > 0.0:
                    probe(W, l, a)
                    ga = W[AT_OBS + codes[j, 0] * LANES + l]
                else:
                    a = 0.0
            ready = True
        else:
            ready = armed[j, l]
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


def rearm(W, l, codes, armed, upto):
    """A trigger whose condition was at or below 0 in the part of the step that was kept may fire again."""
    for j in range(codes.shape[0]):
        for k in range(upto):
            if W[AT_SAMPLE + (k * WATCHED + codes[j, 0]) * LANES + l] <= 0.0:
                armed[j, l] = True


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


def sample_step(W, bad):
    """Watched values of all lanes inside and at the end of the step; NaN in ``bad`` where one is not finite."""
    for l in range(LANES):
        bad[l] = 0.0
    for k in range(1, SAMPLES):
        for l in range(LANES):
            W[AT_TH + l] = 0.25 * k
        interpolate(W)
        watch(W)
        for i in range(WATCHED):
            for l in range(LANES):
                v = W[AT_OBS + i * LANES + l]
                W[AT_SAMPLE + (k * WATCHED + i) * LANES + l] = v
                bad[l] += v * 0.0


def record(W, patient, kept, t0, t1, final, output, times, courses):
    """Write the dense output of all lanes that have output times in the part of their step that was kept."""
    wanted = np.zeros(LANES, np.bool_)
    while True:
        some = False
        for l in range(LANES):
            k = output[l]
            wanted[l] = kept[l] and k < len(times) and (times[k] < t1[l] or (final[l] and times[k] == t1[l]))
            if wanted[l]:
                some = True
                W[AT_TH + l] = (times[k] - t0[l]) / W[AT_H + l]
        if not some:
            return
        interpolate(W)
        observe(W)
        for l in range(LANES):
            if wanted[l]:
                for i in range(OBSERVED):
                    courses[patient[l], output[l], i] = W[AT_OBS + i * LANES + l]
                output[l] += 1


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
    for s in range(STATES):
        for l in range(LANES):
            W[AT_ATOL + s * LANES + l] = tolerances[s, 0]
            W[AT_NEGATIVE + s * LANES + l] = tolerances[s, 1]
    patient = np.full(LANES, -1)
    stop = np.zeros(LANES, np.int64)
    output = np.zeros(LANES, np.int64)
    h = np.full(LANES, h0)
    t0 = np.zeros(LANES)
    t1 = np.zeros(LANES)
    bad = np.zeros(LANES)
    fresh = np.zeros(LANES, np.bool_)
    kept = np.zeros(LANES, np.bool_)
    final = np.zeros(LANES, np.bool_)
    cut = np.ones(LANES)
    fired = np.full(LANES, -1)
    best = np.full((functional_codes.shape[0], LANES), -np.inf)
    armed = np.ones((trigger_codes.shape[0], LANES), np.bool_)
    last = np.zeros((trigger_codes.shape[0], LANES))
    counts = np.zeros((trigger_codes.shape[0], LANES), np.int64)
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
                patient[l], stop[l], output[l], h[l], fresh[l] = q, 1, 0, h0, True
                outcome[q], lowest[q] = OK, 0.0
                for f in range(functional_codes.shape[0]):
                    best[f, l] = -np.inf
                    kind = functional_codes[f, 0]
                    functionals[q, f] = 0.0 if kind >= INTEGRAL and kind <= DAYS_ABOVE else np.nan
                for j in range(trigger_codes.shape[0]):
                    armed[j, l], counts[j, l] = True, 0
                    trigger_counts[q, j], trigger_days[q, j] = 0.0, np.nan
            living += patient[l] >= 0
            renewed = renewed or fresh[l]
        if living == 0:
            return
        if WATCHED > 0 and renewed:
            fill_samples(W, fresh)
        for l in range(LANES):
            fresh[l] = False
            kept[l] = False
            remaining = stops[stop[l]] - W[AT_T + l] if patient[l] >= 0 else h0
            x = h[l]
            # Reach the stop in this step, or in two equal ones, instead of leaving a sliver.
            W[AT_H + l] = remaining if x * 1.05 > remaining else (remaining * 0.5 if x * 1.9 > remaining else x)
        step(W, rtol)
        if WATCHED > 0:
            sample_step(W, bad)
        for l in range(LANES):
            q = patient[l]
            if q < 0:
                continue
            steps[q] += 1
            e, tried = W[AT_E + l], W[AT_H + l]
            if not (e <= 1.0):
                h[l] = min(W[AT_HN + l], tried) if e < np.inf else tried * 0.2
                code = OK
                if h[l] < tiny:
                    code = STEP_TOO_SMALL if e < np.inf else NOT_FINITE
                elif steps[q] >= max_steps:
                    code = MAX_STEPS
                if code != OK:
                    fail(q, code, outcome, courses, functionals, trigger_counts, trigger_days, lowest)
                    patient[l] = -1
                continue
            kept[l] = True
            t0[l] = W[AT_T + l]
            whole = stops[stop[l]] - t0[l] == tried
            t1[l] = stops[stop[l]] if whole else t0[l] + tried
            lowest[q] = min(lowest[q], W[AT_LOW + l])
            # A step cut by a stop says nothing against the size that was planned.
            h[l] = max(W[AT_HN + l], h[l]) if tried < h[l] else max(W[AT_HN + l], tiny)
            cut[l] = 1.0
            fired[l] = -1
            if trigger_codes.shape[0] > 0:
                fired[l], position = next_trigger(
                    W, l, t0[l], tried, trigger_codes, trigger_values, armed, last, counts
                )
                if fired[l] >= 0:
                    rearm(W, l, trigger_codes, armed, 1 + int(4.0 * position))
                    if position < 1.0:
                        cut[l] = position
                        t1[l] = t0[l] + position * tried
                        if position > 0.0:
                            resample(W, l, position)
                else:
                    rearm(W, l, trigger_codes, armed, SAMPLES)
            final[l] = t1[l] == stops[end]
            if cut[l] > 0.0:
                accumulate(
                    W, l, q, t0[l], t1[l], t1[l] - t0[l], cut[l], functional_codes, functional_values, parameters,
                    best, functionals,
                )  # fmt: skip
            if bad[l] != bad[l] or (steps[q] >= max_steps and not final[l]):
                code = UNDEFINED_OBSERVABLE if bad[l] != bad[l] else MAX_STEPS
                fail(q, code, outcome, courses, functionals, trigger_counts, trigger_days, lowest)
                patient[l] = -1
                kept[l] = False
        if len(times) > 0:
            record(W, patient, kept, t0, t1, final, output, times, courses)
        for l in range(LANES):
            if not kept[l]:
                continue
            q = patient[l]
            W[AT_T + l] = t1[l]
            j = fired[l]
            if j < 0 or cut[l] == 1.0:
                for s in range(STATES):
                    W[AT_Y + s * LANES + l] = W[AT_Y1 + s * LANES + l]
            if j < 0:
                for i in range(WATCHED):
                    W[AT_SAMPLE + i * LANES + l] = W[AT_SAMPLE + (4 * WATCHED + i) * LANES + l]
            else:
                if cut[l] < 1.0 and cut[l] > 0.0:
                    whole_state(W, l, cut[l])
                    for s in range(STATES):
                        W[AT_Y + s * LANES + l] = W[AT_U + s * LANES + l]
                else:
                    for s in range(STATES):
                        W[AT_U + s * LANES + l] = W[AT_Y + s * LANES + l]
                W[AT_ST + l] = t1[l]
                assign(W, l, j)
                fresh[l] = True
                armed[j, l] = False
                last[j, l] = t1[l]
                counts[j, l] += 1
                trigger_counts[q, j] += 1.0
                if counts[j, l] == 1:
                    trigger_days[q, j] = t1[l]
            if t1[l] == stops[stop[l]]:
                if dose_first[stop[l]] < dose_first[stop[l] + 1]:
                    give(W, l, q, stop[l], dose_first, dose_state, dose_column, amounts)
                    fresh[l] = True
                stop[l] += 1
                if stop[l] > end:
                    patient[l] = -1
                    fresh[l] = False
