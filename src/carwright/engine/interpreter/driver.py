"""One patient after the other: steps, stops, events, output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from carwright.engine.interpreter.events import next_due, settle
    from carwright.engine.interpreter.functionals import sample, start_functionals, survey
    from carwright.engine.interpreter.machine import execute, output, put
    from carwright.engine.interpreter.method import at_time, next_size, step
    from carwright.engine.interpreter.printed import (
        ARMED,
        BAD_INPUT,
        DENSE,
        INITIAL,
        LEFT,
        LOW,
        MAX_STEPS,
        NOT_FINITE,
        OBSERVED,
        OK,
        ORDERS,
        PRELUDE,
        RESULT,
        STEP_TOO_SMALL,
        UNDEFINED_OBSERVABLE,
        VALUE_AT,
        WATCHED,
        Y1,
        E,
        H,
        T,
        U,
        Y,
    )
    from carwright.engine.interpreter.records import Codes, Floats, Instructions, Integers, Model, Plan, Work, copied
    from carwright.engine.interpreter.switches import LONGEST, keep, next_by_clock, next_by_state
    from carwright.engine.interpreter.triggers import fire, next_trigger, rearm

# --- copied into every kernel from here ---


def begin(m: Model, w: Work, plan: Plan, registers: Floats, parameters: Floats, amounts: Floats) -> bool:
    """Load a patient; False when a number of theirs is not finite."""
    n = w.S.shape[1]
    first, count = 2 * n + 4, len(parameters)
    copied(registers, w.R)
    for i in range(count):
        w.R[first + i] = parameters[i]
        if not np.isfinite(parameters[i]):
            return False
    for i in range(len(amounts)):
        if not np.isfinite(amounts[i]):
            return False
    for s in range(n):
        w.R[first + count + s] = plan.tolerances[s, 0]
    w.step[T] = plan.stops[0]
    w.R[n] = plan.stops[0]
    execute(m, w.R, PRELUDE)
    execute(m, w.R, INITIAL)
    for s in range(n):
        w.S[Y, s] = output(m, w.R, INITIAL, s)
        if not np.isfinite(w.S[Y, s]):
            return False
    w.length[0] = 0
    for e in range(w.was.shape[1]):
        w.was[0, e] = m.events[e, 1]
    start_functionals(w, plan, parameters)
    for j in range(len(plan.trigger_codes)):
        w.tally[ARMED, j] = 1.0
        w.tally[LEFT, j] = plan.trigger_codes[j, 1]
    return True


def give(w: Work, plan: Plan, stop: int, amounts: Floats) -> None:
    """Add the doses due at a stop."""
    for d in range(plan.dose_first[stop], plan.dose_first[stop + 1]):
        w.S[Y, plan.dose_state[d]] += amounts[plan.dose_column[d]]


def write(m: Model, w: Work, row: Floats) -> None:
    """Observed values from the state and time in the registers."""
    execute(m, w.R, OBSERVED)
    for i in range(len(row)):
        row[i] = output(m, w.R, OBSERVED, i)


def restart(m: Model, w: Work) -> int:
    """Let events happen after something has jumped; an outcome code."""
    code = settle(m, w)
    keep(m, w)
    return code


def follow(m: Model, w: Work, plan: Plan, amounts: Floats, courses: Floats, days: Floats, counts: Floats) -> int:
    """Solve one patient who has been loaded; an outcome code. ``counts``: steps and lowest state."""
    rtol, max_steps, h, tiny = plan.settings[0], plan.settings[1], plan.settings[2], plan.settings[3]
    last = len(plan.stops) - 1
    longest = (plan.stops[last] - plan.stops[0]) * (LONGEST if len(w.clock) + len(w.modes) > 0 else 1.0)
    give(w, plan, 0, amounts)
    code = restart(m, w)
    if code != OK:
        return code
    stop, written = 1, 0
    while True:
        t = w.step[T]
        target = min(plan.stops[stop], next_due(w))
        remaining = target - t
        x = min(h, longest)
        tried = remaining if x * 1.05 > remaining else (remaining * 0.5 if x * 1.9 > remaining else x)
        before, after = next_by_clock(m, w, tried)
        flipped = before < after
        tried = before - t if flipped else tried
        kept = True
        end = target if tried == remaining and not flipped else after
        if tried > 0.0:
            step(m, w, tried, rtol, plan.tolerances)
            error = w.step[E]
            kept = error <= 1.0
            counts[0] += 1.0
            if kept:
                counts[1] = min(counts[1], w.step[LOW])
                size_ = next_size(error, tried)
                # A step cut by a stop says nothing against the size that was planned.
                h = max(size_, h) if tried < h else max(size_, tiny)
            else:
                h = min(next_size(error, tried), tried) if error < np.inf else tried * 0.2
                if h < tiny:
                    return STEP_TOO_SMALL if error < np.inf else NOT_FINITE
        else:
            # The next representable time lies beyond a switch of the clock: nothing but the time moves.
            w.step[H] = 1.0
            copied(w.S[Y], w.S[Y1])
            for d in range(ORDERS):
                for s in range(w.S.shape[1]):
                    w.S[DENSE + d, s] = 0.0
            counts[0] += 1.0
        if not kept:
            if counts[0] >= max_steps:
                return MAX_STEPS
            continue
        jump = next_by_state(m, w, end)
        if jump <= end:
            end = jump
        fired, when = -1, end
        if len(plan.trigger_codes) + len(plan.functional_codes) > 0:
            finite = sample(m, w, end)
            fired, when = next_trigger(m, w, plan, end)
            rearm(w, plan, t, end, when if fired >= 0 else end)
            if fired >= 0 and when < end:
                end = when
                finite = sample(m, w, end)
            if end > t:
                survey(m, w, plan, end)
            if not finite:
                return UNDEFINED_OBSERVABLE
        while written < len(plan.times) and plan.times[written] < end:
            at_time(w, plan.times[written])
            write(m, w, courses[written])
            written += 1
        at_time(w, end)
        copied(w.S[U], w.S[Y])
        w.step[T] = end
        if fired >= 0:
            if w.tally[LEFT, fired] == plan.trigger_codes[fired, 1]:
                days[fired] = end
            fire(m, w, fired)
        if fired >= 0 or flipped or jump <= end or next_due(w) <= end:
            code = restart(m, w)
            if code != OK:
                return code
        if end == plan.stops[stop]:
            if stop == last:
                if written < len(plan.times):
                    put(w, Y, end)
                    write(m, w, courses[written])
                finish(m, w, plan)
                return OK
            if plan.dose_first[stop] < plan.dose_first[stop + 1]:
                give(w, plan, stop, amounts)
                code = restart(m, w)
                if code != OK:
                    return code
            stop += 1
        if counts[0] >= max_steps:
            return MAX_STEPS


def finish(m: Model, w: Work, plan: Plan) -> None:
    """Final values follow the events of the last instant."""
    put(w, Y, w.step[T])
    execute(m, w.R, WATCHED)
    for f in range(len(plan.functional_codes)):
        if plan.functional_codes[f, 0] == VALUE_AT and plan.functional_values[f, 1] == w.step[T]:
            w.tally[RESULT, f] = output(m, w.R, WATCHED, plan.functional_codes[f, 1])


def solve(
    parameters: Floats, amounts: Floats, stops: Floats, dose_first: Integers, dose_state: Integers,
    dose_column: Integers, times: Floats, settings: Floats, tolerances: Floats, functional_codes: Integers,
    functional_values: Floats, trigger_codes: Integers, trigger_values: Floats, outcome: Codes, courses: Floats,
    functionals: Floats, trigger_counts: Floats, trigger_days: Floats, steps: Integers, lowest: Floats,
    code: Instructions, spans: Integers, outputs: Integers, events: Integers, targets: Integers, registers: Floats,
    R: Floats, S: Floats, step_: Floats, clock: Floats, modes: Floats, was: Floats, queue_: Floats, length: Integers,
    samples: Floats, tally: Floats, counts: Floats,
) -> None:  # fmt: skip
    """Solve every patient of a chunk; the outputs are filled in place."""
    m = Model(code, spans, outputs, events, targets)
    plan = Plan(
        stops, dose_first, dose_state, dose_column, times, settings, tolerances, functional_codes, functional_values,
        trigger_codes, trigger_values,
    )  # fmt: skip
    w = Work(R, S, step_, clock, modes, was, queue_, length, samples, tally)
    for q in range(parameters.shape[0]):
        counts[0] = 0.0
        counts[1] = 0.0
        for j in range(len(trigger_codes)):
            trigger_days[q, j] = np.nan
        result = BAD_INPUT
        if begin(m, w, plan, registers, parameters[q], amounts[q]):
            result = follow(m, w, plan, amounts[q], courses[q], trigger_days[q], counts)
        outcome[q] = result
        steps[q] = int(counts[0])
        lowest[q] = counts[1] if result == OK else np.nan
        for f in range(len(functional_codes)):
            functionals[q, f] = tally[RESULT, f] if result == OK else np.nan
        for j in range(len(trigger_codes)):
            trigger_counts[q, j] = trigger_codes[j, 1] - tally[LEFT, j] if result == OK else np.nan
            trigger_days[q, j] = trigger_days[q, j] if result == OK else np.nan
        if result != OK:
            for k in range(courses.shape[1]):
                for i in range(courses.shape[2]):
                    courses[q, k, i] = np.nan
