"""One patient solved again in plain Python, step by step: slow, but it remembers how it went.

The method, the control of errors and of the step size are those of the compiled code. It serves to explain a solve;
results are never taken from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from carwright.engine import expression as ex
from carwright.engine.compilation import read_formula
from carwright.engine.derivative import FLOOR_SUFFIX, derivatives, jacobian
from carwright.engine.evaluate import evaluate, operation
from carwright.engine.expression import TIME, Expr
from carwright.engine.kernel import FIRST_STEP
from carwright.engine.outcome import Outcome
from carwright.engine.requests import Dosing, Trigger
from carwright.engine.system import System
from carwright.engine.tableau import METHODS, RODAS5P
from carwright.errors import CarwrightError, Problem, Problems

Floats = npt.NDArray[np.float64]

MOST_STEPS: Final = 5000
"""Steps that are traced; each takes some milliseconds."""
_SAMPLES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Solve:
    """What one patient's solve was given; the attributes are those of `Kernel.solve` for a single row.

    ``parameters`` is (p,), ``absolute`` (m,), ``dosing`` has one row.
    """

    system: System
    parameters: Floats
    dosing: Dosing
    start: float
    end: float
    relative: float
    absolute: Floats
    triggers: tuple[Trigger, ...] = ()
    max_steps: int = 100_000
    method: str = RODAS5P.name


@dataclass
class Trace:
    """How a solve went.

    Attributes
    ----------
    times, sizes
        Start and size of every step that was tried.
    errors
        Its error, 1 being the largest that is accepted; NaN or infinite where a rate was.
    time, state
        Last good point.
    slopes
        (m, m) derivatives of the rates there.
    rates
        (m,) rates there.
    undefined
        States whose rates were not finite in the last step that was tried.
    fired
        Times and names of triggers.
    outcome
        How it ended; None where the trace was cut short after `MOST_STEPS`.
    """

    times: list[float] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    time: float = 0.0
    state: Floats = field(default_factory=lambda: np.empty(0))
    slopes: Floats = field(default_factory=lambda: np.empty((0, 0)))
    rates: Floats = field(default_factory=lambda: np.empty(0))
    undefined: tuple[str, ...] = ()
    fired: list[tuple[float, str]] = field(default_factory=list)
    outcome: Outcome | None = None


def trace(solve: Solve, most: int = MOST_STEPS) -> Trace:
    """Solve again and remember every step.

    Raises
    ------
    CarwrightError
        If the model has events of its own, which this solver does not follow.
    """
    if solve.system.events:
        what = "a model with events cannot be traced step by step"
        raise CarwrightError(Problem("ENGINE041", what, solve.system.name))
    with np.errstate(all="ignore"):
        return _Tracer(solve, most).run()


class _Compiled:
    """Expressions as a list of operations on numbers."""

    def __init__(self, roots: Iterable[Expr]) -> None:
        roots = list(roots)
        place: dict[Expr, int] = {}
        self._values: list[Any] = []
        self._symbols: list[tuple[int, str]] = []
        self._steps: list[tuple[Any, list[int], int]] = []
        for node in ex.topological(roots):
            at = place[node] = len(self._values)
            self._values.append(np.float64(node.number if node.number is not None else 0.0))
            if node.op == "symbol":
                self._symbols.append((at, str(node.value)))
            elif node.op != "number":
                self._steps.append((operation(node.op), [place[arg] for arg in node.args], at))
        self._roots = [place[root] for root in roots]

    def __call__(self, known: Mapping[str, Any]) -> Floats:
        values = self._values
        for at, name in self._symbols:
            values[at] = known[name]
        for compute, args, at in self._steps:
            values[at] = compute(*[values[i] for i in args])
        return np.array([values[i] for i in self._roots], dtype=np.float64)


class _Tracer:
    def __init__(self, solve: Solve, most: int) -> None:
        self.solve, self.most = solve, most
        self.method = METHODS[solve.method]
        system = solve.system
        self.names = system.states
        self.known: dict[str, Any] = dict(zip(system.parameters, map(np.float64, solve.parameters), strict=True))
        self.known |= {f"{name}{FLOOR_SUFFIX}": tol for name, tol in zip(self.names, solve.absolute, strict=True)}
        entries = jacobian(system.rates, self.names)
        self._at = tuple(np.array(list(entries), dtype=int).reshape(-1, 2).T)
        self._rates = _Compiled(system.rates)
        self._slopes = _Compiled(entries.values())
        self._driven = _Compiled(derivatives(system.rates, TIME))
        problems = Problems()
        self._when = _Compiled([read_formula(system, t.when, t.name, problems) for t in solve.triggers])
        self._assigned = [
            [
                (name, _Compiled([read_formula(system, text, trigger.name, problems)]))
                for name, text in trigger.assignments.items()
            ]
            for trigger in solve.triggers
        ]
        problems.raise_if_any()
        self.left = [t.at_most for t in solve.triggers]
        self.armed = [True] * len(solve.triggers)
        self.last = [-np.inf] * len(solve.triggers)
        self.found = Trace()

    def _place(self, y: Floats, t: float) -> dict[str, Any]:
        self.known.update(zip(self.names, y, strict=True))
        self.known[TIME] = np.float64(t)
        return self.known

    def _jacobian(self, y: Floats, t: float) -> Floats:
        result = np.zeros((len(y), len(y)))
        result[self._at] = self._slopes(self._place(y, t))
        return result

    def run(self) -> Trace:
        solve, found = self.solve, self.found
        t, y = solve.start, solve.system.initial_values(solve.parameters[None], solve.start)[0]
        if not (np.isfinite(y).all() and np.isfinite(solve.parameters).all()):
            found.time, found.state, found.outcome = t, y, Outcome.BAD_INPUT
            return found
        y = self._dosed(y, t)
        stops = self._stops()
        h = FIRST_STEP * (solve.end - solve.start)
        tiny = 8.0 * np.finfo(np.float64).eps * max(abs(solve.start), abs(solve.end))
        y = self._fire_at_once(y, t)
        while t < solve.end and found.outcome is None and len(found.times) < self.most:
            remaining = stops[np.searchsorted(stops, t, side="right")] - t
            tried = remaining if h * 1.05 > remaining else (remaining * 0.5 if h * 1.9 > remaining else h)
            y1, stages, error = self._step(y, t, tried)
            found.times.append(t)
            found.sizes.append(tried)
            found.errors.append(float(np.sqrt(error)))
            mild = max(error, 1e-12) if error < np.inf else np.inf  # NaN counts as infinite
            proposed = tried * min(6.0, max(0.1, 0.9 * mild ** (-0.5 / self.method.order)))
            if error <= 1.0:
                end = t + tried if tried != remaining else t + remaining
                h = max(proposed, h) if tried < h else max(proposed, tiny)
                t, y, cut = self._triggered(t, end, tried, y, y1, stages)
                if not cut and t in stops:
                    y = self._fire_at_once(self._dosed(y, t), t) if t < solve.end else y
            else:
                h = min(proposed, tried) if error < np.inf else tried * 0.2
                if h < tiny:
                    found.outcome = Outcome.STEP_TOO_SMALL if error < np.inf else Outcome.NOT_FINITE
            if len(found.times) >= solve.max_steps and t < solve.end:
                found.outcome = found.outcome or Outcome.MAX_STEPS
        if t >= solve.end:
            found.outcome = Outcome.OK
        found.time, found.state = t, y
        found.slopes, found.rates = self._jacobian(y, t), self._rates(self._place(y, t))
        return found

    def _step(self, y: Floats, t: float, h: float) -> tuple[Floats, list[Floats], float]:
        """End of a trial step, its stages and its mean square error."""
        n, stages, method = len(y), list[Floats](), self.method
        matrix = np.eye(n) / (h * method.gamma) - self._jacobian(y, t)
        driven = self._driven(self._place(y, t))
        u = y
        self.found.undefined = ()
        try:
            inverse = np.linalg.inv(matrix)
        except np.linalg.LinAlgError:
            inverse = np.full((n, n), np.nan)
        for i in range(method.stages):
            if i > 0:
                own = i < len(method.a)
                u = y + sum(a * k for a, k in zip(method.a[i], stages, strict=False)) if own else u + stages[-1]
            rates = self._rates(self._place(u, t + method.times[i] * h))
            if not np.isfinite(rates).all() and not self.found.undefined and np.isfinite(u).all():
                self.found.undefined = tuple(np.array(self.names)[~np.isfinite(rates)])
            right = rates + sum((c * k for c, k in zip(method.c[i], stages, strict=False)), np.zeros(n)) / h
            stages.append(inverse @ (right + method.time_weights[i] * h * driven))
        y1 = u + stages[-1]
        scale = self.solve.absolute + self.solve.relative * np.maximum(np.abs(y), np.abs(y1))
        error = float(np.mean((stages[-1] / scale) ** 2))
        return y1, stages, error if np.isfinite(error) else np.inf

    # ------------------------------------------------------------------------------------- doses and triggers

    def _stops(self) -> Floats:
        bounds = [b for trigger in self.solve.triggers for b in (trigger.start, trigger.end)]
        every = np.array([self.solve.start, self.solve.end, *np.asarray(self.solve.dosing.times).ravel(), *bounds])
        return np.unique(every[(every >= self.solve.start) & (every <= self.solve.end)])

    def _dosed(self, y: Floats, t: float) -> Floats:
        y, dosing, system = y.copy(), self.solve.dosing, self.solve.system
        parameters = {name: self.known[name] for name in system.parameters}
        amounts = np.asarray(dosing.amounts, dtype=np.float64).reshape(-1)
        for day, target, amount in zip(np.asarray(dosing.times).ravel(), dosing.targets, amounts, strict=True):
            index = self.names.index(target)
            scale = system.dose_scales[index]
            if day == t and scale is not None:
                y[index] += amount * float(evaluate([scale], parameters)[0])
        return y

    def _may(self, j: int, t: float) -> bool:
        trigger = self.solve.triggers[j]
        again = self.armed[j] or (trigger.every_days is not None and t >= self.last[j] + trigger.every_days)
        return self.left[j] > 0 and trigger.start <= t < trigger.end and again

    def _fire(self, j: int, y: Floats, t: float) -> Floats:
        known, y = self._place(y, t), y.copy()
        values = [(name, compute(known)[0]) for name, compute in self._assigned[j]]
        for name, value in values:
            y[self.names.index(name)] = value
        self.left[j], self.armed[j], self.last[j] = self.left[j] - 1, False, t
        self.found.fired.append((t, self.solve.triggers[j].name))
        return y

    def _fire_at_once(self, y: Floats, t: float) -> Floats:
        for j, value in enumerate(self._when(self._place(y, t))):
            if value > 0.0 and self._may(j, t):
                y = self._fire(j, y, t)
        return y

    def _triggered(
        self, t0: float, t1: float, h: float, y0: Floats, y1: Floats, stages: Sequence[Floats]
    ) -> tuple[float, Floats, bool]:
        """Where a step ends: at the first trigger in it, after what that does, or at its own end."""
        if not self.solve.triggers:
            return t1, y1, False
        d = [sum((c * k for c, k in zip(row, stages, strict=True)), np.zeros(len(y0))) for row in self.method.dense]

        def point(s: float) -> Floats:
            inner = d[-1]
            for order in reversed(d[:-1]):
                inner = order + s * inner
            return (1 - s) * y0 + s * (y1 + (1 - s) * inner) if s < 1.0 else y1

        def conditions(s: float) -> Floats:
            return self._when(self._place(point(s), t0 + s * h))

        before = conditions(0.0)
        for low, high in pairwise(_SAMPLES):
            after = conditions(high)
            for j in range(len(before)):
                self.armed[j] |= bool(before[j] <= 0.0)
            firing = [j for j in range(len(after)) if after[j] > 0.0 and self._may(j, t0 + high * h)]
            if firing:
                a, b = low, high
                for _ in range(50):
                    middle = 0.5 * (a + b)
                    values = conditions(middle)
                    if any(values[j] > 0.0 and self._may(j, t0 + middle * h) for j in firing):
                        b = middle
                    else:
                        a = middle
                t = t1 if b == 1.0 else t0 + b * h
                return t, self._fire_at_once(point(b), t), True
            before = after
        for j in range(len(before)):
            self.armed[j] |= bool(before[j] <= 0.0)
        return t1, y1, False
