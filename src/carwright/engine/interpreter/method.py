"""One step of a Rosenbrock method, as the compiled kernels do it, with instructions for the linear algebra."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carwright.engine.interpreter.machine import execute, output, put
    from carwright.engine.interpreter.printed import (
        A_COEFFICIENTS,
        C_COEFFICIENTS,
        DENSE,
        GAMMA,
        H_COEFFICIENTS,
        JACOBIAN,
        LOW,
        ORDER,
        ORDERS,
        OWN_POINTS,
        STAGE,
        STAGE_TIMES,
        STAGES,
        TIME_WEIGHTS,
        Y1,
        E,
        H,
        K,
        T,
        U,
        Y,
    )
    from carwright.engine.interpreter.records import Floats, Model, Work
    from carwright.engine.mathematics import rough_power

# --- copied into every kernel from here ---


def step(m: Model, w: Work, h: float, rtol: float, tolerances: Floats) -> None:
    """One trial step from Y to Y1 with its error and its dense output."""
    S, R = w.S, w.R
    n = S.shape[1]
    inputs = n + 1
    t = w.step[T]
    w.step[H] = h
    R[inputs] = 1.0 / (h * GAMMA)
    R[inputs + 1] = 1.0 / h
    put(w, Y, t)
    execute(m, R, JACOBIAN)
    for i in range(STAGES):
        for s in range(n):
            point, right = 0.0, 0.0
            for j in range(i):
                right += C_COEFFICIENTS[i, j] * S[K + j, s]
                point += A_COEFFICIENTS[i, j] * S[K + j, s]
            # The last two stages start from the point of the one before.
            S[U, s] = S[Y, s] + point if i < OWN_POINTS else S[U, s] + S[K + i - 1, s]
            R[s] = S[U, s]
            R[inputs + 3 + s] = right
        R[n] = t + STAGE_TIMES[i] * h
        R[inputs + 2] = TIME_WEIGHTS[i] * h
        execute(m, R, STAGE)
        for s in range(n):
            S[K + i, s] = output(m, R, STAGE, s)
    total, low = 0.0, 0.0
    for s in range(n):
        k = S[K + STAGES - 1, s]
        S[Y1, s] = S[U, s] + k
        r = k / (tolerances[s, 0] + rtol * max(abs(S[Y, s]), abs(S[Y1, s])))
        total += r * r
        low = min(low, S[Y1, s] * tolerances[s, 1])
    w.step[E] = total / n if n > 0 else 0.0
    w.step[LOW] = low
    for d in range(ORDERS):
        for s in range(n):
            total = 0.0
            for j in range(STAGES):
                total += H_COEFFICIENTS[d, j] * S[K + j, s]
            S[DENSE + d, s] = total


def at_time(w: Work, t: float) -> None:
    """State at a time within the step into U and, with the time, into the registers."""
    S = w.S
    s = min(max((t - w.step[T]) / w.step[H], 0.0), 1.0)
    rest = 1.0 - s
    for i in range(S.shape[1]):
        inner = S[DENSE + ORDERS - 1, i]
        for d in range(ORDERS - 2, -1, -1):
            inner = S[DENSE + d, i] + s * inner
        S[U, i] = S[Y1, i] if s == 1.0 else rest * S[Y, i] + s * (S[Y1, i] + rest * inner)
    put(w, U, t)


def next_size(error: float, h: float) -> float:
    """Proposed size of the next step."""
    bounded = error if error > 1e-12 else 1e-12
    factor: float = 0.9 * rough_power(bounded, -0.5 / ORDER)
    return h * min(max(factor, 0.1), 6.0)
