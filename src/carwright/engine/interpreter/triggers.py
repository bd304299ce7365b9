"""Triggers of the caller: which fires first in a step, and what it does. Definitions as in the compiled kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carwright.engine.interpreter.functionals import locate, watched
    from carwright.engine.interpreter.machine import execute, output, put
    from carwright.engine.interpreter.printed import ARMED, EVENTS, FIRED, LEFT, T, Y
    from carwright.engine.interpreter.records import Model, Plan, Work

# --- copied into every kernel from here ---


def next_trigger(m: Model, w: Work, plan: Plan, end: float) -> tuple[int, float]:
    """First trigger to fire up to ``end``: its index (-1 for none) and the time."""
    chosen, first = -1, 0.0
    t0 = w.step[T]
    length = end - t0
    for j in range(len(plan.trigger_codes)):
        column, every = plan.trigger_codes[j, 0], plan.trigger_values[j, 0]
        if w.tally[LEFT, j] <= 0.0 or t0 < plan.trigger_values[j, 1] or t0 >= plan.trigger_values[j, 2]:
            continue
        a, value = t0, w.samples[0, column]
        ready = w.tally[ARMED, j] > 0.0 or every > 0.0
        if every > 0.0 and w.tally[LEFT, j] < plan.trigger_codes[j, 1]:
            a = max(w.tally[FIRED, j] + every, t0)
            if a >= end or (chosen >= 0 and a >= first):
                continue
            if a > t0:
                value = watched(m, w, column, a)
        if ready and value > 0.0:
            if chosen < 0 or a < first:
                chosen, first = j, a
            continue
        ready = ready or value <= 0.0
        for k in range(1, 5):
            b = end if k == 4 else t0 + 0.25 * k * length
            if b <= a:
                continue
            value = w.samples[k, column]
            if ready and value > 0.0:
                x = locate(m, w, column, 0.0, 1.0, a, b)
                if chosen < 0 or x < first:
                    chosen, first = j, x
                break
            ready = ready or value <= 0.0
            a = b
    return chosen, first


def rearm(w: Work, plan: Plan, start: float, end: float, until: float) -> None:
    """A trigger whose condition was at or below 0 in the part of the step that was kept may fire again."""
    for j in range(len(plan.trigger_codes)):
        for k in range(5):
            if start + 0.25 * k * (end - start) <= until and w.samples[k, plan.trigger_codes[j, 0]] <= 0.0:
                w.tally[ARMED, j] = 1.0


def fire(m: Model, w: Work, j: int) -> None:
    """Put the state through the assignments of a trigger."""
    put(w, Y, w.step[T])
    events = w.was.shape[1]
    tape = EVENTS + 4 * events + j
    execute(m, w.R, tape)
    first = m.events[events + j, 5]
    for i in range(first, m.events[events + j, 6]):
        w.S[Y, m.targets[i, 0]] = output(m, w.R, tape, i - first)
    w.tally[LEFT, j] -= 1.0
    w.tally[ARMED, j] = 0.0
    w.tally[FIRED, j] = w.step[T]
