"""Triggers: which fires next, and what it does to the lane."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carwright.engine.lanes.crossing import locate, probe
    from carwright.engine.lanes.printed import (
        AT_ARMED,
        AT_H,
        AT_K,
        AT_LEFT,
        AT_OBS,
        AT_SAMPLE,
        AT_ST,
        AT_T,
        AT_T1,
        AT_U,
        AT_Y,
        AT_Y1,
        H_COEFFICIENTS,
        LANES,
        SAMPLES,
        STAGES,
        STATES,
        TRIGGERS,
        WATCHED,
        Floats,
        Integers,
        assign,
    )

# --- copied into every kernel from here ---


def next_trigger(W: Floats, lane: int, codes: Integers, values: Floats, last: Floats) -> tuple[int, float]:
    """First trigger to fire in the step of a lane: its index (-1 for none) and position."""
    chosen = -1
    first = 2.0
    t0, h = W[AT_T + lane], W[AT_H + lane]
    for j in range(TRIGGERS):
        if W[AT_LEFT + j * LANES + lane] <= 0.0 or t0 < values[j, 1] or t0 >= values[j, 2]:
            continue
        base = AT_SAMPLE + codes[j, 0] * LANES + lane
        a = 0.0
        ga = W[base]
        ready = W[AT_ARMED + j * LANES + lane] > 0.0
        if values[j, 0] > 0.0:
            ready = True
            if W[AT_LEFT + j * LANES + lane] < codes[j, 1]:
                a = max((last[j, lane] + values[j, 0] - t0) / h, 0.0)
                if a >= min(first, 1.0):
                    continue
                if a > 0.0:
                    probe(W, lane, a)
                    ga = W[AT_OBS + codes[j, 0] * LANES + lane]
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
                    x = locate(W, lane, codes[j, 0], 0.0, 1.0, a, b, ga, gb)
                    if x < first:
                        chosen, first = j, x
                break
            ready = ready or gb <= 0.0
            a, ga = b, gb
    return chosen, first


def rearm(W: Floats, lane: int, codes: Integers, upto: int) -> None:
    """A trigger whose condition was at or below 0 in the part of the step that was kept may fire again."""
    for j in range(TRIGGERS):
        for k in range(upto):
            if W[AT_SAMPLE + (k * WATCHED + codes[j, 0]) * LANES + lane] <= 0.0:
                W[AT_ARMED + j * LANES + lane] = 1.0


def resample(W: Floats, lane: int, cut: float) -> None:
    """Samples of a step that a trigger cut short."""
    for k in range(1, SAMPLES):
        probe(W, lane, 0.25 * k * cut)
        for i in range(WATCHED):
            W[AT_SAMPLE + (k * WATCHED + i) * LANES + lane] = W[AT_OBS + i * LANES + lane]


def whole_state(W: Floats, lane: int, theta: float) -> None:
    """Dense output of every state of a lane into U."""
    for s in range(STATES):
        y0 = W[AT_Y + s * LANES + lane]
        y1 = W[AT_Y1 + s * LANES + lane]
        value = 0.0
        for row in (2, 1, 0):
            d = 0.0
            for j in range(STAGES):
                d += H_COEFFICIENTS[row][j] * W[AT_K + (j * STATES + s) * LANES + lane]
            value = d + theta * value
        W[AT_U + s * LANES + lane] = (1.0 - theta) * y0 + theta * (y1 + (1.0 - theta) * value)


def fire(
    W: Floats, lane: int, q: int, j: int, theta: float, last: Floats, trigger_days: Floats, trigger_codes: Integers
) -> None:
    """Put the state of a lane at a position of its step through the assignments of a trigger."""
    if theta > 0.0 and theta < 1.0:
        whole_state(W, lane, theta)
    else:
        source = AT_Y if theta == 0.0 else AT_Y1
        for s in range(STATES):
            W[AT_U + s * LANES + lane] = W[source + s * LANES + lane]
    for s in range(STATES):
        W[AT_Y + s * LANES + lane] = W[AT_U + s * LANES + lane]
    W[AT_ST + lane] = W[AT_T1 + lane]
    assign(W, lane, j)
    if W[AT_LEFT + j * LANES + lane] == trigger_codes[j, 1]:
        trigger_days[q, j] = W[AT_T1 + lane]
    W[AT_LEFT + j * LANES + lane] -= 1.0
    W[AT_ARMED + j * LANES + lane] = 0.0
    last[j, lane] = W[AT_T1 + lane]
