"""Events of the model: what fires at an instant, in which order, and what it does.

SBML Level 3 Version 2, section 4.12. An event whose trigger turns true is queued for the time of its trigger plus its
delay; of those that are due the one with the highest priority acts first; after each, triggers are looked at again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from carwright.engine.interpreter.machine import execute, output, put
    from carwright.engine.interpreter.printed import (
        EVENT_ORDER,
        EVENT_STORM,
        EVENTS,
        NOT_FINITE,
        OK,
        QUEUE,
        SAVED,
        TRIGGERS_TRUE,
        T,
        Y,
    )
    from carwright.engine.interpreter.records import Floats, Model, Work, copied

# --- copied into every kernel from here ---
PERSISTENT = 0
VALUES_AT_TRIGGER = 2
DELAYED = 3
HAS_PRIORITY = 4
FIRST = 5
LAST = 6
# Columns of the queue.
WHO = 0
DUE = 1
VALUE = 2
# Tapes of event e: EVENTS + 4 e and the following.
DELAY = 0
PRIORITY = 1
VALUES = 2
VOLUMES = 3
# Events at one instant before the model counts as one that never moves on.
MOST_AT_ONCE = 10000
# Two orders of events end alike when they agree to this many parts (rounding of sums).
ALIKE = 1e-11


def next_due(w: Work) -> float:
    """Time of the first event in the queue, infinity when it is empty."""
    first = np.inf
    for i in range(w.length[0]):
        first = min(first, w.queue[i, DUE])
    return first


def forget(w: Work, i: int) -> None:
    """Take entry i out of the queue; the others keep their order."""
    for j in range(i + 1, w.length[0]):
        copied(w.queue[j], w.queue[j - 1])
    w.length[0] -= 1


def forget_all(w: Work, e: int) -> None:
    """Take every entry of an event out of the queue."""
    for i in range(w.length[0] - 1, -1, -1):
        if w.queue[i, WHO] == e:
            forget(w, i)


def queue(m: Model, w: Work, e: int) -> int:
    """Put an event whose trigger has turned true into the queue; an outcome code."""
    i = w.length[0]
    if i >= QUEUE:
        return EVENT_STORM
    put(w, Y, w.step[T])
    due = w.step[T]
    if m.events[e, DELAYED] != 0:
        execute(m, w.R, EVENTS + 4 * e + DELAY)
        delay = output(m, w.R, EVENTS + 4 * e + DELAY, 0)
        if not (delay >= 0.0 and delay < np.inf):
            return NOT_FINITE
        due += delay
    w.queue[i, WHO] = e
    w.queue[i, DUE] = due
    if m.events[e, VALUES_AT_TRIGGER] != 0:
        assigned_values(m, w, e, i)
    w.length[0] = i + 1
    return OK


def assigned_values(m: Model, w: Work, e: int, i: int) -> None:
    """What the assignments of an event are worth in the registers as they are, into entry i of the queue."""
    tape = EVENTS + 4 * e + VALUES
    execute(m, w.R, tape)
    for j in range(m.events[e, LAST] - m.events[e, FIRST]):
        w.queue[i, VALUE + j] = output(m, w.R, tape, j)


def look(m: Model, w: Work) -> int:
    """Queue the events whose trigger has turned true, drop those that no longer hold; an outcome code."""
    put(w, Y, w.step[T])
    execute(m, w.R, TRIGGERS_TRUE)
    # Truth of the triggers now, in the third row: the registers are needed for other things meanwhile.
    events = w.was.shape[1]
    for e in range(events):
        value = output(m, w.R, TRIGGERS_TRUE, e)
        w.was[3, e] = 1.0 if value != 0.0 and value == value else 0.0
    for e in range(events):
        turned = w.was[3, e] - w.was[0, e]
        w.was[0, e] = w.was[3, e]
        if turned < 0.0 and m.events[e, PERSISTENT] == 0:
            forget_all(w, e)
        elif turned > 0.0:
            code = queue(m, w, e)
            if code != OK:
                return code
    return OK


def act(m: Model, w: Work, i: int) -> int:
    """Carry out entry i of the queue; an outcome code."""
    e = int(w.queue[i, WHO])
    put(w, Y, w.step[T])
    if m.events[e, VALUES_AT_TRIGGER] == 0:
        assigned_values(m, w, e, i)
    # A concentration is worth an amount in the volume as it is before the event.
    tape = EVENTS + 4 * e + VOLUMES
    execute(m, w.R, tape)
    first, last = m.events[e, FIRST], m.events[e, LAST]
    for j in range(first, last):
        value = w.queue[i, VALUE + j - first]
        if m.targets[j, 1] != 0:
            value *= output(m, w.R, tape, j - first)
        if not np.isfinite(value):
            return NOT_FINITE
        w.S[Y, m.targets[j, 0]] = value
    forget(w, i)
    return OK


def choose(m: Model, w: Work, backwards: bool) -> tuple[int, bool]:
    """Entry of the queue that acts now, -1 for none, and whether the choice was left to us.

    An event without a priority stands in no order to any other: it comes last, or first when ``backwards``.
    """
    chosen, best, tied, free = -1, 0.0, False, False
    put(w, Y, w.step[T])
    for i in range(w.length[0]):
        if w.queue[i, DUE] <= w.step[T]:
            e = int(w.queue[i, WHO])
            priority = np.inf if backwards else -np.inf
            if m.events[e, HAS_PRIORITY] != 0:
                execute(m, w.R, EVENTS + 4 * e + PRIORITY)
                priority = output(m, w.R, EVENTS + 4 * e + PRIORITY, 0)
            free = free or m.events[e, HAS_PRIORITY] == 0
            same = chosen >= 0 and w.queue[chosen, WHO] == e
            if chosen >= 0 and not same:
                tied = tied or free or priority == best
            if chosen < 0 or priority > best or (backwards and priority == best and not same):
                chosen, best = i, priority
    return chosen, tied


def settle_in_order(m: Model, w: Work, backwards: bool) -> tuple[int, bool]:
    """Everything that happens at this instant; an outcome code, and whether an order was left to us."""
    tied = False
    for _ in range(MOST_AT_ONCE):
        code = look(m, w)
        if code != OK:
            return code, tied
        chosen, free = choose(m, w, backwards)
        tied = tied or free
        if chosen < 0:
            return OK, tied
        code = act(m, w, chosen)
        if code != OK:
            return code, tied
    return EVENT_STORM, tied


def save(w: Work, source: int, target: int) -> None:
    """Copy states, truths and queue from one place (0 is the living one) to another."""
    first, second = SAVED + source - 1 if source > 0 else Y, SAVED + target - 1 if target > 0 else Y
    copied(w.S[first], w.S[second])
    copied(w.was[source], w.was[target])
    w.length[target] = w.length[source]
    for i in range(w.length[source]):
        copied(w.queue[source * QUEUE + i], w.queue[target * QUEUE + i])


def settle(m: Model, w: Work) -> int:
    """Everything that happens at this instant; an outcome code.

    Where events tie, both orders are tried. SBML leaves the order to chance, so the results must agree.
    """
    if w.was.shape[1] == 0:
        return OK
    save(w, 0, 1)
    code, tied = settle_in_order(m, w, False)
    if code != OK or not tied:
        return code
    save(w, 0, 2)
    save(w, 1, 0)
    code, tied = settle_in_order(m, w, True)
    if code != OK or not same_outcome(m, w):
        return EVENT_ORDER
    save(w, 2, 0)
    return OK


def same_outcome(m: Model, w: Work) -> bool:
    """Whether the living states, truths and queue agree with the second copy."""
    if not alike(w.S[Y], w.S[SAVED + 1]) or not alike(w.was[0], w.was[2]) or w.length[0] != w.length[2]:
        return False
    for i in range(w.length[0]):
        found = False
        e = int(w.queue[i, WHO])
        count = m.events[e, LAST] - m.events[e, FIRST] if m.events[e, VALUES_AT_TRIGGER] != 0 else 0
        for j in range(2 * QUEUE, 2 * QUEUE + w.length[2]):
            found = found or alike(w.queue[i, : VALUE + count], w.queue[j, : VALUE + count])
        if not found:
            return False
    return True


def alike(a: Floats, b: Floats) -> bool:
    """Whether two lists of numbers agree but for rounding."""
    same = True
    for i in range(len(a)):
        same = same and (a[i] == b[i] or abs(a[i] - b[i]) <= ALIKE * max(abs(a[i]), abs(b[i])))
    return same
