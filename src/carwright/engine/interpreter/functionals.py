"""Functionals over one step: running extremes, integrals, thresholds. Definitions as in the compiled kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from carwright.engine.interpreter.machine import execute, output
    from carwright.engine.interpreter.method import at_time
    from carwright.engine.interpreter.printed import (
        BEST,
        DAYS_ABOVE,
        DAYS_BELOW,
        FIRST_ABOVE,
        FIRST_BELOW,
        INTEGRAL,
        LEVEL,
        MINIMUM,
        RESULT,
        TIME_OF_MAXIMUM,
        TIME_OF_MINIMUM,
        VALUE_AT,
        WATCHED,
        T,
    )
    from carwright.engine.interpreter.records import Floats, Model, Plan, Work

# --- copied into every kernel from here ---
# Width of the bracket, in days, to which a crossing is located, as in the compiled kernels.
CROSSING = 1e-9
# Error of the area below corners, over the largest sample of the step; and most parts that are tried for it; as there.
FINE = 1e-12
PARTS = 2000


def watched(m: Model, w: Work, column: int, t: float) -> float:
    """Value of one watched column at a time within the step."""
    at_time(w, t)
    execute(m, w.R, WATCHED)
    return output(m, w.R, WATCHED, column)


def sample(m: Model, w: Work, end: float) -> bool:
    """Five samples of all watched columns from the start of the step to ``end``; whether all are finite."""
    count = w.samples.shape[1]
    finite = True
    for k in range(5):
        at_time(w, end if k == 4 else w.step[T] + 0.25 * k * (end - w.step[T]))
        execute(m, w.R, WATCHED)
        for i in range(count):
            w.samples[k, i] = output(m, w.R, WATCHED, i)
            finite = finite and np.isfinite(w.samples[k, i])
    return finite


def locate(m: Model, w: Work, column: int, level: float, sign: float, a: float, b: float) -> float:
    """First time found in (a, b] at which sign * (value - level) has the sign that it has at b, but not at a."""
    beyond = sign * (watched(m, w, column, b) - level) > 0.0
    x = a + 0.5 * (b - a)
    while b - a > CROSSING and x > a and x < b:
        if (sign * (watched(m, w, column, x) - level) > 0.0) == beyond:
            b = x
        else:
            a = x
        x = a + 0.5 * (b - a)
    return b


def summit(m: Model, w: Work, column: int, sign: float, a: float, b: float) -> tuple[float, float]:
    """Time and value of the largest sign * value in (a, b), by golden section."""
    ratio = 0.6180339887498949
    x1, x2 = b - ratio * (b - a), a + ratio * (b - a)
    v1, v2 = sign * watched(m, w, column, x1), sign * watched(m, w, column, x2)
    for _ in range(40):
        if v1 > v2:
            b, x2, v2 = x2, x1, v1
            x1 = b - ratio * (b - a)
            v1 = sign * watched(m, w, column, x1)
        else:
            a, x1, v1 = x1, x2, v2
            x2 = a + ratio * (b - a)
            v2 = sign * watched(m, w, column, x2)
    if v1 > v2:
        return x1, v1
    return x2, v2


def extremum(m: Model, w: Work, f: int, kind: int, column: int, end: float) -> None:
    """Raise a running maximum (or lower a minimum) to the highest point of the step."""
    sign = -1.0 if kind in (MINIMUM, TIME_OF_MINIMUM) else 1.0
    t0 = w.step[T]
    best, low, place = -np.inf, np.inf, 0
    for k in range(5):
        v = sign * w.samples[k, column]
        low = min(low, v)
        if v > best:
            best, place = v, k
    time = end if place == 4 else t0 + 0.25 * place * (end - t0)
    # A summit between samples stands above them by less than a quarter of their span.
    if best > low and best + 0.25 * (best - low) >= w.tally[BEST, f]:
        a, b = t0 + 0.25 * max(place - 1, 0) * (end - t0), t0 + 0.25 * min(place + 1, 4) * (end - t0)
        x, v = summit(m, w, column, sign, a, b)
        if v > best:
            best, time = v, x
    if best > w.tally[BEST, f]:
        w.tally[BEST, f] = best
        w.tally[RESULT, f] = time if kind in (TIME_OF_MAXIMUM, TIME_OF_MINIMUM) else sign * best


def area_under(m: Model, w: Work, column: int, end: float, otherwise: float) -> float:
    """Integral over the step of a column with corners, as in the compiled kernels; or ``otherwise``."""
    t0, length = w.step[T], end - w.step[T]
    size, total, a, width = 0.0, 0.0, 0.0, 0.25
    for k in range(5):
        size = max(size, abs(w.samples[k, column]))
    va = w.samples[0, column]
    for _ in range(PARTS):
        width = min(width, 1.0 - a)
        v1 = watched(m, w, column, t0 + (a + 0.25 * width) * length)
        vm = watched(m, w, column, t0 + (a + 0.5 * width) * length)
        v3 = watched(m, w, column, t0 + (a + 0.75 * width) * length)
        vb = watched(m, w, column, t0 + (a + width) * length)
        halves = width * (va + 4.0 * v1 + 2.0 * vm + 4.0 * v3 + vb) / 12.0
        apart = halves - width * (va + 4.0 * vm + vb) / 6.0
        if abs(apart) > FINE * size and width > FINE:
            width = 0.5 * width
        else:
            total += halves + apart / 15.0
            a, va, width = a + width, vb, 2.0 * width
        if a >= 1.0:
            break
    found: float = length * total if a >= 1.0 else otherwise
    return found


def crossings(m: Model, w: Work, f: int, kind: int, column: int, level: float, end: float) -> None:
    """Days beyond a threshold, first day or last day."""
    sign = -1.0 if kind in (DAYS_BELOW, FIRST_BELOW) else 1.0
    first, days = kind in (FIRST_ABOVE, FIRST_BELOW), kind in (DAYS_ABOVE, DAYS_BELOW)
    t0 = w.step[T]
    if first and w.tally[RESULT, f] == w.tally[RESULT, f]:
        return
    a = t0
    beyond = sign * (w.samples[0, column] - level) > 0.0
    if first and beyond:
        w.tally[RESULT, f] = a
        return
    for k in range(1, 5):
        b = end if k == 4 else t0 + 0.25 * k * (end - t0)
        following = sign * (w.samples[k, column] - level) > 0.0
        low, high = a, b
        if beyond != following:
            x = locate(m, w, column, level, sign, a, b)
            if following:
                low = x
            else:
                high = x
            if first:
                w.tally[RESULT, f] = x
                return
        if beyond or following:
            w.tally[RESULT, f] = w.tally[RESULT, f] + (high - low) if days else high
        a, beyond = b, following


def survey(m: Model, w: Work, plan: Plan, end: float) -> None:
    """Take the step up to ``end`` into every functional whose window it lies in."""
    t0 = w.step[T]
    length = end - t0
    for f in range(len(plan.functional_codes)):
        kind, column = plan.functional_codes[f, 0], plan.functional_codes[f, 1]
        if kind == VALUE_AT:
            if end == plan.functional_values[f, 1]:
                w.tally[RESULT, f] = w.samples[4, column]
            if t0 == plan.functional_values[f, 1]:
                w.tally[RESULT, f] = w.samples[0, column]
        elif t0 >= plan.functional_values[f, 0] and t0 < plan.functional_values[f, 1]:
            v = w.samples
            if kind <= TIME_OF_MINIMUM:
                extremum(m, w, f, kind, column, end)
            elif kind == INTEGRAL:
                outer, middle = v[0, column] + v[4, column], v[2, column]
                found = length * (7.0 * outer + 32.0 * (v[1, column] + v[3, column]) + 12.0 * middle) / 90.0
                apart = abs(found - length * (outer + 4.0 * middle) / 6.0)
                size = length * (abs(v[0, column]) + abs(middle) + abs(v[4, column]))
                # A corner sets Boole's rule and Simpson's apart.
                if plan.functional_codes[f, 3] and apart > plan.settings[0] * size:
                    found = area_under(m, w, column, end, found)
                w.tally[RESULT, f] += found
            else:
                crossings(m, w, f, kind, column, w.tally[LEVEL, f], end)


def start_functionals(w: Work, plan: Plan, parameters: Floats) -> None:
    """Results before the first step, and thresholds."""
    for f in range(len(plan.functional_codes)):
        kind, source = plan.functional_codes[f, 0], plan.functional_codes[f, 2]
        w.tally[RESULT, f] = 0.0 if kind in (INTEGRAL, DAYS_BELOW, DAYS_ABOVE) else np.nan
        w.tally[BEST, f] = -np.inf
        w.tally[LEVEL, f] = parameters[source] if source >= 0 else plan.functional_values[f, 2]
