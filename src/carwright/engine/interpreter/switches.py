"""Where comparisons and roundings change, so that no step runs across a jump unseen.

What depends on time alone is found before the step, to the last bit; what depends on states is found on the dense
output of the step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from carwright.engine.interpreter.machine import execute, output, put
    from carwright.engine.interpreter.method import at_time
    from carwright.engine.interpreter.printed import CLOCK, SWITCHES, H, T, Y
    from carwright.engine.interpreter.records import Floats, Model, Work

# --- copied into every kernel from here ---
# Looks per step; something that changes and changes back between two looks is missed.
CLOCK_LOOKS = 24
SWITCH_LOOKS = 8
# Longest step of a model with switches, as a part of the solve: 1/64 (assumed).
LONGEST = 0.015625


def changed(m: Model, w: Work, tape: int, kept: Floats) -> bool:
    """Whether a tape of switches now gives other values than those kept."""
    execute(m, w.R, tape)
    for i in range(len(kept)):
        value = output(m, w.R, tape, i)
        if value != kept[i] and not (value != value and kept[i] != kept[i]):
            return True
    return False


def keep(m: Model, w: Work) -> None:
    """Note how the switches stand at Y and T."""
    put(w, Y, w.step[T])
    execute(m, w.R, CLOCK)
    for i in range(len(w.clock)):
        w.clock[i] = output(m, w.R, CLOCK, i)
    execute(m, w.R, SWITCHES)
    for i in range(len(w.modes)):
        w.modes[i] = output(m, w.R, SWITCHES, i)


def switched_by_clock(m: Model, w: Work, t: float) -> bool:
    """Whether a switch of the time stands differently at ``t``."""
    w.R[w.S.shape[1]] = t
    return changed(m, w, CLOCK, w.clock)


def switched_by_state(m: Model, w: Work, t: float) -> bool:
    """Whether a switch of the states stands differently at ``t`` in the step."""
    at_time(w, t)
    return changed(m, w, SWITCHES, w.modes)


def next_by_clock(m: Model, w: Work, h: float) -> tuple[float, float]:
    """Last time before and first time after a change in a step of size h; twice its end when there is none."""
    a = w.step[T]
    end = a + h
    if len(w.clock) > 0:
        put(w, Y, a)
        for k in range(1, CLOCK_LOOKS + 1):
            b = end if k == CLOCK_LOOKS else w.step[T] + h * k / CLOCK_LOOKS
            if switched_by_clock(m, w, b):
                x = a + 0.5 * (b - a)
                while x > a and x < b:
                    if switched_by_clock(m, w, x):
                        b = x
                    else:
                        a = x
                    x = a + 0.5 * (b - a)
                return a, b
            a = b
    return end, end


def next_by_state(m: Model, w: Work, end: float) -> float:
    """First time up to ``end`` at which a switch of the states stands differently; infinity when there is none."""
    if len(w.modes) == 0:
        return np.inf
    a = w.step[T]
    for k in range(1, SWITCH_LOOKS + 1):
        b = end if k == SWITCH_LOOKS else w.step[T] + w.step[H] * k / SWITCH_LOOKS
        if b > end:
            b = end
        if switched_by_state(m, w, b):
            x = a + 0.5 * (b - a)
            while x > a and x < b:
                if switched_by_state(m, w, x):
                    b = x
                else:
                    a = x
                x = a + 0.5 * (b - a)
            return b
        a = b
    return np.inf
