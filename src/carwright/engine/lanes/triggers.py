"""Triggers: which fires next, and what it does to the lane."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carwright.engine.lanes.crossing import locate, probe
    from carwright.engine.lanes.printed import (
        ARMED,
        ASSIGN,
        ASSIGNED,
        AT_MOST,
        CLOSE,
        EVERY,
        FIRST,
        FOLLOWED,
        LANES,
        LAST,
        LEFT,
        NEW,
        NOW,
        OBS,
        OPEN,
        SAMPLE,
        SAMPLES,
        STATES,
        T1,
        TAKE,
        TARGETS,
        TH,
        TRIED,
        TRIGGERS,
        WATCHED,
        WHOLE,
        Floats,
        Integers,
        T,
        Y,
        call,
    )

# --- copied into every kernel from here ---


def next_trigger(W: Floats, M: Integers, lane: int) -> tuple[int, float]:
    """First trigger to fire in the step of a lane: its index (-1 for none) and position."""
    chosen = -1
    first = 2.0
    t0, h = W[M[T] + lane], W[M[TRIED] + lane]
    for j in range(M[TRIGGERS]):
        left, column, every = W[M[LEFT] + j * LANES + lane], M[M[FOLLOWED] + j], W[M[EVERY] + j]
        if left <= 0.0 or t0 < W[M[OPEN] + j] or t0 >= W[M[CLOSE] + j]:
            continue
        base = M[SAMPLE] + column * LANES + lane
        a = 0.0
        ga = W[base]
        ready = W[M[ARMED] + j * LANES + lane] > 0.0
        if every > 0.0:
            ready = True
            if left < M[M[AT_MOST] + j]:
                a = max((W[M[LAST] + j * LANES + lane] + every - t0) / h, 0.0)
                if a >= min(first, 1.0):
                    continue
                if a > 0.0:
                    probe(W, M, lane, a)
                    ga = W[M[OBS] + column * LANES + lane]
        if ready and ga > 0.0:
            if a < first:
                chosen, first = j, a
            continue
        ready = ready or ga <= 0.0
        for k in range(1, SAMPLES):
            b = 0.25 * k
            if b <= a:
                continue
            gb = W[base + k * M[WATCHED] * LANES]
            if ready and gb > 0.0:
                if a < first:
                    x = locate(W, M, lane, column, 0.0, 1.0, a, b, ga, gb)
                    if x < first:
                        chosen, first = j, x
                break
            ready = ready or gb <= 0.0
            a, ga = b, gb
    return chosen, first


def rearm(W: Floats, M: Integers, lane: int, upto: int) -> None:
    """A trigger whose condition was at or below 0 in the part of the step that was kept may fire again."""
    for j in range(M[TRIGGERS]):
        for k in range(upto):
            if W[M[SAMPLE] + (k * M[WATCHED] + M[M[FOLLOWED] + j]) * LANES + lane] <= 0.0:
                W[M[ARMED] + j * LANES + lane] = 1.0


def resample(W: Floats, M: Integers, lane: int, cut: float) -> None:
    """Samples of a step that a trigger cut short."""
    for k in range(1, SAMPLES):
        probe(W, M, lane, 0.25 * k * cut)
        for i in range(M[WATCHED]):
            W[M[SAMPLE] + (k * M[WATCHED] + i) * LANES + lane] = W[M[OBS] + i * LANES + lane]


def whole_state(W: Floats, M: Integers, lane: int, theta: float) -> None:
    """State of a lane at a position of its step into NOW, and the time there into ST."""
    W[M[TH] + lane] = theta
    call(M[WHOLE], W)


def fire(W: Floats, M: Integers, lane: int, j: int, theta: float) -> None:
    """Put the state of a lane at a position of its step through the assignments of a trigger."""
    when = W[M[T1] + lane]
    whole_state(W, M, lane, theta)
    call(M[ASSIGN + j], W)
    for s in range(M[STATES]):
        W[M[Y] + s * LANES + lane] = W[M[NOW] + s * LANES + lane]
    for k in range(M[ASSIGNED]):
        state = M[M[TARGETS] + j * M[ASSIGNED] + k]
        if state >= 0:
            W[M[Y] + state * LANES + lane] = W[M[NEW] + k * LANES + lane]
    W[M[TAKE] + lane] = 0.0
    if W[M[LEFT] + j * LANES + lane] == M[M[AT_MOST] + j]:
        W[M[FIRST] + j * LANES + lane] = when
    W[M[LEFT] + j * LANES + lane] -= 1.0
    W[M[ARMED] + j * LANES + lane] = 0.0
    W[M[LAST] + j * LANES + lane] = when
