"""The scalar part of functionals: what the vector survey flagged, and what happens when a patient starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carwright.engine.lanes.crossing import locate, probe, summit
    from carwright.engine.lanes.printed import (
        AT_ACC,
        AT_BEST,
        AT_FLAG,
        AT_HE,
        AT_LEVEL,
        AT_OBS,
        AT_SAMPLE,
        AT_T,
        DAYS_ABOVE,
        DAYS_BELOW,
        FIRST_ABOVE,
        FIRST_BELOW,
        FUNCTIONALS,
        LANES,
        SAMPLES,
        TIME_OF_MAXIMUM,
        TIME_OF_MINIMUM,
        WATCHED,
        Floats,
        Integers,
    )

# --- copied into every kernel from here ---


def extremum(W: Floats, lane: int, f: int, kind: int, column: int, cut: float) -> None:
    """Look for a summit of a functional's observable between the samples of a lane."""
    sign = 1.0 if kind <= TIME_OF_MAXIMUM else -1.0
    theta = summit(W, lane, column, sign)
    if theta >= 0.0:
        probe(W, lane, theta * cut)
        v = sign * W[AT_OBS + column * LANES + lane]
        if v > W[AT_BEST + f * LANES + lane]:
            W[AT_BEST + f * LANES + lane] = v
            timed = kind in (TIME_OF_MAXIMUM, TIME_OF_MINIMUM)
            W[AT_ACC + f * LANES + lane] = W[AT_T + lane] + theta * W[AT_HE + lane] if timed else sign * v


def crossings(W: Floats, lane: int, f: int, kind: int, column: int, cut: float) -> None:
    """Take a lane's step across a threshold into days spent, first day or last day."""
    sign = -1.0 if kind in (DAYS_BELOW, FIRST_BELOW) else 1.0
    days = kind in (DAYS_ABOVE, DAYS_BELOW)
    first = kind in (FIRST_ABOVE, FIRST_BELOW)
    level = W[AT_LEVEL + f * LANES + lane]
    base = AT_SAMPLE + column * LANES + lane
    t, h = W[AT_T + lane], W[AT_HE + lane]
    result = W[AT_ACC + f * LANES + lane]
    ga = sign * (W[base] - level)
    if first and ga > 0.0:
        W[AT_ACC + f * LANES + lane] = t
        return
    for k in range(1, SAMPLES):
        gb = sign * (W[base + k * WATCHED * LANES] - level)
        a, b = 0.25 * (k - 1), 0.25 * k
        if ga > 0.0 and gb > 0.0:
            result = result + (b - a) * h if days else t + b * h
        elif ga > 0.0:
            x = locate(W, lane, column, level, -sign, a * cut, b * cut, -ga, -gb) / cut
            result = result + (x - a) * h if days else t + x * h
        elif gb > 0.0:
            x = locate(W, lane, column, level, sign, a * cut, b * cut, ga, gb) / cut
            if first:
                result = t + x * h
                break
            result = result + (b - x) * h if days else t + b * h
        ga = gb
    W[AT_ACC + f * LANES + lane] = result


def look_closer(W: Floats, lane: int, cut: float, codes: Integers) -> None:
    """Summits and crossings that the survey flagged in a lane."""
    for f in range(FUNCTIONALS):
        if W[AT_FLAG + f * LANES + lane] > 0.0:
            if codes[f, 0] <= TIME_OF_MINIMUM:
                extremum(W, lane, f, codes[f, 0], codes[f, 1], cut)
            else:
                crossings(W, lane, f, codes[f, 0], codes[f, 1], cut)
