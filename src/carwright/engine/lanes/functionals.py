"""The scalar part of functionals: what the vector survey flagged, and what happens when a patient starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carwright.engine.lanes.crossing import area_under, climb, locate, probe, summit
    from carwright.engine.lanes.printed import (
        ACC,
        BEST,
        COLUMN,
        DAYS_ABOVE,
        DAYS_BELOW,
        FIRST_ABOVE,
        FIRST_BELOW,
        FLAG,
        FUNCTIONALS,
        HE,
        INTEGRAL,
        KIND,
        KINKED,
        LANES,
        LEVEL,
        OBS,
        SAMPLE,
        SAMPLES,
        TIME_OF_MAXIMUM,
        TIME_OF_MINIMUM,
        WATCHED,
        Floats,
        Integers,
        T,
    )

# --- copied into every kernel from here ---


def extremum(W: Floats, M: Integers, lane: int, f: int, kind: int, column: int, cut: float) -> None:
    """Look for a summit of a functional's observable between the samples of a lane."""
    sign = 1.0 if kind <= TIME_OF_MAXIMUM else -1.0
    theta = climb(W, M, lane, column, sign, cut) if M[M[KINKED] + f] else summit(W, M, lane, column, sign)
    if theta >= 0.0:
        probe(W, M, lane, theta * cut)
        v = sign * W[M[OBS] + column * LANES + lane]
        if v > W[M[BEST] + f * LANES + lane]:
            W[M[BEST] + f * LANES + lane] = v
            timed = kind in (TIME_OF_MAXIMUM, TIME_OF_MINIMUM)
            W[M[ACC] + f * LANES + lane] = W[M[T] + lane] + theta * W[M[HE] + lane] if timed else sign * v


def crossings(W: Floats, M: Integers, lane: int, f: int, kind: int, column: int, cut: float) -> None:
    """Take a lane's step across a threshold into days spent, first day or last day."""
    sign = -1.0 if kind in (DAYS_BELOW, FIRST_BELOW) else 1.0
    days = kind in (DAYS_ABOVE, DAYS_BELOW)
    first = kind in (FIRST_ABOVE, FIRST_BELOW)
    level = W[M[LEVEL] + f * LANES + lane]
    base = M[SAMPLE] + column * LANES + lane
    t, h = W[M[T] + lane], W[M[HE] + lane]
    result = W[M[ACC] + f * LANES + lane]
    ga = sign * (W[base] - level)
    if first and ga > 0.0:
        W[M[ACC] + f * LANES + lane] = t
        return
    for k in range(1, SAMPLES):
        gb = sign * (W[base + k * M[WATCHED] * LANES] - level)
        a, b = 0.25 * (k - 1), 0.25 * k
        if ga > 0.0 and gb > 0.0:
            result = result + (b - a) * h if days else t + b * h
        elif ga > 0.0:
            x = locate(W, M, lane, column, level, -sign, a * cut, b * cut, -ga, -gb) / cut
            result = result + (x - a) * h if days else t + x * h
        elif gb > 0.0:
            x = locate(W, M, lane, column, level, sign, a * cut, b * cut, ga, gb) / cut
            if first:
                result = t + x * h
                break
            result = result + (b - x) * h if days else t + b * h
        ga = gb
    W[M[ACC] + f * LANES + lane] = result


def look_closer(W: Floats, M: Integers, lane: int, cut: float) -> None:
    """Summits, corners under an integral and crossings that the survey flagged in a lane."""
    for f in range(M[FUNCTIONALS]):
        if W[M[FLAG] + f * LANES + lane] > 0.0:
            kind, column = M[M[KIND] + f], M[M[COLUMN] + f]
            if kind <= TIME_OF_MINIMUM:
                extremum(W, M, lane, f, kind, column, cut)
            elif kind == INTEGRAL:
                below = W[M[HE] + lane] * area_under(W, M, lane, column, cut)
                W[M[ACC] + f * LANES + lane] = W[M[ACC] + f * LANES + lane] + below
            else:
                crossings(W, M, lane, f, kind, column, cut)
