"""From a system and what is asked of it to a program: names checked, formulas read, columns assigned."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from carwright.engine import expression as ex
from carwright.engine.expression import TIME, Expr
from carwright.engine.generator import Program
from carwright.engine.requests import KINDS, NEEDS_THRESHOLD, Functional, Trigger
from carwright.engine.resolve import guard_powers
from carwright.engine.system import System
from carwright.engine.tape import kinked
from carwright.errors import CarwrightError, Problems


@dataclass(frozen=True)
class Tables:
    """Functionals and triggers as arrays for the driver (layout in ``lanes/``)."""

    functional_codes: npt.NDArray[np.int64] = field(repr=False)
    functional_values: npt.NDArray[np.float64] = field(repr=False)
    trigger_codes: npt.NDArray[np.int64] = field(repr=False)
    trigger_values: npt.NDArray[np.float64] = field(repr=False)


def plan(
    system: System, observables: Sequence[str], functionals: Sequence[Functional], triggers: Sequence[Trigger]
) -> tuple[Program, Tables]:
    """Check a request and lay it out.

    Raises
    ------
    CarwrightError
        Listing every unknown name (with the nearest known one), unreadable formula and impossible window.
    """
    return _Planner(system).plan(observables, functionals, triggers)


def nearest(name: str, known: Iterable[str]) -> str:
    """Hint that names the closest known name, or nothing."""
    match = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {match[0]!r}?" if match else ""


def read_formula(system: System, text: str | Expr, where: str, problems: Problems) -> Expr:
    """Formula of a trigger as an expression of states, parameters and time; an expression stays as it is."""
    if isinstance(text, Expr):
        return text
    from carwright.engine.formula import parse

    try:
        expression = parse(text, where)
    except CarwrightError as error:
        problems.extend(error)
        return ex.ZERO
    expression = ex.substitute([expression], system.observables)[0]
    allowed = {*system.states, *system.observables, *system.parameters, TIME}
    for name in sorted(ex.symbols([expression]) - allowed):
        problems.add("ENGINE020", "no such name in the model", where=where, found=name, fix=nearest(name, allowed))
    positive = {s for s, flag in zip(system.states, system.non_negative, strict=True) if flag}
    return guard_powers([expression], positive)[0]


class _Planner:
    def __init__(self, system: System) -> None:
        self.system = system
        self.problems = Problems()
        self.columns: dict[Expr, int] = {}
        self.known = [*system.states, *system.observables]

    def plan(
        self, observables: Sequence[str], functionals: Sequence[Functional], triggers: Sequence[Trigger]
    ) -> tuple[Program, Tables]:
        observed = [self._named(name, "observables") for name in observables]
        codes = [self._functional(i, f) for i, f in enumerate(functionals)]
        columns = [self._watch(self._read(t.when, f"trigger {t.name!r}, when")) for t in triggers]
        assignments = [self._assignments(t) for t in triggers]
        for trigger in triggers:
            self._check_trigger(trigger)
        self.problems.raise_if_any()
        watched = tuple(self.columns)
        tables = Tables(
            np.array([(*code, kinked(watched[code[1]])) for code in codes], dtype=np.int64).reshape(-1, 4),
            np.array([(f.start, f.end, _level(f)) for f in functionals], dtype=np.float64).reshape(-1, 3),
            np.array([(c, t.at_most) for c, t in zip(columns, triggers, strict=True)], dtype=np.int64).reshape(-1, 2),
            np.array([(t.every_days or 0.0, t.start, t.end) for t in triggers], dtype=np.float64).reshape(-1, 3),
        )
        program = Program(
            system=self.system,
            watched=watched,
            observed=tuple(observed),
            assignments=tuple(assignments),
            functionals=tuple((KINDS[kind], column) for kind, column, _ in codes),
            triggers=tuple(columns),
        )
        return program, tables

    def _watch(self, expression: Expr) -> int:
        return self.columns.setdefault(expression, len(self.columns))

    def _named(self, name: str, where: str) -> Expr:
        found = self.system.expression(name)
        if found is None:
            self.problems.add(
                "ENGINE020", "no such state or observable", where=where, found=name, fix=nearest(name, self.known)
            )
            return ex.ZERO
        return found

    def _functional(self, index: int, functional: Functional) -> tuple[int, int, int]:
        where = f"functional {index} ({functional.kind} of {functional.of})"
        if functional.kind not in KINDS:
            self.problems.add(
                "ENGINE021", "no such kind of functional", where=where, found=functional.kind, allowed=", ".join(KINDS)
            )
            return 0, 0, -1
        compares = functional.kind in NEEDS_THRESHOLD
        if compares != (functional.threshold is not None):
            what = "this kind needs a threshold" if compares else "this kind takes no threshold"
            self.problems.add("ENGINE021", what, where=where)
        if not functional.start < functional.end:
            self.problems.add(
                "ENGINE021", "the window is empty", where=where, found=f"{functional.start} to {functional.end}"
            )
        parameter = -1
        if isinstance(functional.threshold, str):
            if functional.threshold in self.system.parameters:
                parameter = self.system.parameters.index(functional.threshold)
            else:
                hint = nearest(functional.threshold, self.system.parameters)
                self.problems.add("ENGINE020", "no such parameter", where=where, found=functional.threshold, fix=hint)
        return KINDS.index(functional.kind), self._watch(self._named(functional.of, where)), parameter

    def _read(self, text: str | Expr, where: str) -> Expr:
        return read_formula(self.system, text, where, self.problems)

    def _assignments(self, trigger: Trigger) -> tuple[tuple[str, Expr], ...]:
        pairs = []
        for state, text in trigger.assignments.items():
            where = f"trigger {trigger.name!r}, assignment of {state}"
            if state not in self.system.states:
                hint = nearest(state, self.system.states)
                self.problems.add("ENGINE020", "only a state can be assigned", where=where, found=state, fix=hint)
            pairs.append((state, self._read(text, where)))
        return tuple(pairs)

    def _check_trigger(self, trigger: Trigger) -> None:
        where = f"trigger {trigger.name!r}"
        if trigger.every_days is not None and not 0.0 < trigger.every_days < math.inf:
            self.problems.add("ENGINE022", "every_days must be above 0", where=where, found=str(trigger.every_days))
        if trigger.at_most < 1:
            self.problems.add("ENGINE022", "at_most must be at least 1", where=where, found=str(trigger.at_most))
        if not trigger.start < trigger.end:
            self.problems.add(
                "ENGINE022", "the window is empty", where=where, found=f"{trigger.start} to {trigger.end}"
            )


def _level(functional: Functional) -> float:
    return math.nan if functional.threshold is None or isinstance(functional.threshold, str) else functional.threshold
