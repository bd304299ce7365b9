"""The interpreter for one model: its equations as tables, and the code that runs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache as remember
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from carwright.engine import expression as ex
from carwright.engine.array_code import ArrayCode
from carwright.engine.derivative import FLOOR_SUFFIX, derivatives, jacobian
from carwright.engine.expression import TIME, Expr
from carwright.engine.generator import Program
from carwright.engine.interpreter import FILES
from carwright.engine.module_text import copied
from carwright.engine.outcome import Outcome
from carwright.engine.requests import KINDS
from carwright.engine.sparse import Factorisation, factorise
from carwright.engine.tableau import RODAS5P, Tableau
from carwright.engine.tape import OPERATIONS, Tapes, discontinuous

QUEUE: Final = 512
"""Events of one patient that may wait at once."""
_TAPES: Final = (
    "PRELUDE", "INITIAL", "JACOBIAN", "STAGE", "WATCHED", "OBSERVED", "CLOCK", "SWITCHES", "TRIGGERS_TRUE", "EVENTS"
)  # fmt: skip
_SCALARS: Final = ("T", "H", "E", "LOW")
_TALLY: Final = ("RESULT", "BEST", "LEVEL", "ARMED", "LEFT", "FIRED")
_ARGUMENTS: Final = (
    "parameters f8 2, amounts f8 2, stops f8 1, dose_first i8 1, dose_state i8 1, dose_column i8 1, times f8 1, "
    "settings f8 1, tolerances f8 2, functional_codes i8 2, functional_values f8 2, trigger_codes i8 2, "
    "trigger_values f8 2, outcome u1 1, courses f8 3, functionals f8 2, trigger_counts f8 2, trigger_days f8 2, "
    "steps i8 1, lowest f8 1, code u4 2, spans i8 2, outputs i8 1, events i8 2, targets i8 2, registers f8 1, R f8 1, "
    "S f8 2, step_ f8 1, clock f8 1, modes f8 1, was f8 2, queue_ f8 2, length i8 1, samples f8 2, tally f8 2, "
    "counts f8 1"
)
"""Arguments of ``solve``: name, NumPy's type, dimensions."""


@remember
def source(method: Tableau) -> str:
    """Text of the interpreter's module for one method, the same for all models."""
    stages, rows = method.stages, _rows(method)
    sizes: dict[str, object] = {
        **{f"OP_{op.upper()}": i for i, op in enumerate(OPERATIONS)},
        **{name: i for i, name in enumerate(_TAPES)},
        **{name: i for i, name in enumerate(_SCALARS)},
        **{name: i for i, name in enumerate(_TALLY)},
        **{name: sum(list(rows.values())[:i]) for i, name in enumerate(rows)},
        **{kind.replace("_day_", "_").upper(): i for i, kind in enumerate(KINDS)},
        **{outcome.name: int(outcome) for outcome in Outcome},
        "QUEUE": QUEUE,
        "STAGES": stages,
        "ORDER": method.order,
        "ORDERS": len(method.dense),
        "OWN_POINTS": len(method.a),
        "GAMMA": method.gamma,
        "STAGE_TIMES": method.times,
        "TIME_WEIGHTS": method.time_weights,
    }
    square = {"A_COEFFICIENTS": method.a, "C_COEFFICIENTS": method.c, "H_COEFFICIENTS": method.dense}
    lines = [f"{name} = {value!r}" for name, value in sizes.items()]
    lines += [f"{name} = np.array({_padded(rows, stages)!r})" for name, rows in square.items()]
    functions = copied("mathematics.py", *(f"interpreter/{name}.py" for name in FILES))
    return "\n".join([*lines, functions])


def _padded(rows: Sequence[Sequence[float]], size: int) -> list[list[float]]:
    """Rows of a triangle as a square: the text reads all of it."""
    square = [[*row, *[0.0] * (size - len(row))] for row in rows]
    return square + [[0.0] * size] * (size - len(rows))


def _rows(method: Tableau) -> dict[str, int]:
    """Rows of states."""
    return {"Y": 1, "Y1": 1, "U": 1, "K": method.stages, "DENSE": len(method.dense), "SAVED": 2}


@remember
def load(method: Tableau = RODAS5P) -> ArrayCode:
    """The compiled interpreter, compiled now where no sound copy is on disk."""
    arguments = {name: (kind, int(size)) for name, kind, size in map(str.split, _ARGUMENTS.split(", "))}
    return ArrayCode(source(method), "solve", arguments)


class Interpreter:
    """Takes the place of a compiled module: ``solve`` has the same arguments."""

    def __init__(self, program: Program, method: Tableau = RODAS5P) -> None:
        self._run = load(method)
        self._rows = sum(_rows(method).values())
        self._tables = _tables(program)
        self._states = len(program.system.states)
        events = program.system.events
        width = max((len(event.assignments) for event in events), default=0) + 2
        asked = max(len(program.functionals), len(program.triggers))
        self._was, self._queue = (4, len(events)), (3 * QUEUE if events else 1, width)
        self._samples, self._tally = (5, len(program.watched)), (len(_TALLY), asked)

    def solve(self, *arguments: Any) -> None:
        """Solve a chunk of patients."""
        tables = self._tables
        memory = (
            tables.registers.copy(), np.zeros((self._rows, self._states)), np.zeros(len(_SCALARS)),
            np.zeros(tables.clock), np.zeros(tables.switches), np.zeros(self._was), np.zeros(self._queue),
            np.zeros(3, np.int64), np.zeros(self._samples), np.zeros(self._tally),
            np.zeros(2),
        )  # fmt: skip
        model = (tables.code, tables.spans, tables.outputs, tables.events, tables.targets, tables.registers)
        self._run(*arguments, *model, *memory)


class _Tables(NamedTuple):
    """Everything about a model that the interpreter is told (see ``interpreter/records.py``)."""

    code: npt.NDArray[np.uint32]
    spans: npt.NDArray[np.int64]
    outputs: npt.NDArray[np.int64]
    events: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]
    registers: npt.NDArray[np.float64]
    clock: int
    switches: int


def _tables(program: Program) -> _Tables:
    system = program.system
    states = program.order()
    position = {name: i for i, name in enumerate(system.states)}
    row = {name: i for i, name in enumerate(states)}
    rates = [system.rates[position[name]] for name in states]
    initial = [system.initial[position[name]] for name in states]
    entries = jacobian(rates, states)
    driven = derivatives(rates, TIME)
    triggers = [event.trigger for event in system.events]
    switches = discontinuous([*rates, *triggers])
    # States without a rate move at events alone, so what depends on them and on time is as good as a clock.
    moving = {name for name, rate in zip(states, rates, strict=True) if rate is not ex.ZERO}
    by_state = [node for node in switches if ex.symbols([node]) & moving]
    by_clock = [node for node in switches if TIME in ex.symbols([node]) and node not in by_state]
    stage = [
        rate
        + ex.symbol("|inverse") * ex.symbol(f"{name}|right")
        + (ex.symbol("|weight") * ex.symbol(f"{name}|slope") if slope is not ex.ZERO else ex.ZERO)
        for name, rate, slope in zip(states, rates, driven, strict=True)
    ]
    others: list[Sequence[Expr]] = [program.watched, program.observed, by_clock, by_state, triggers]
    for event in system.events:
        others += [[event.delay or ex.ZERO], [event.priority or ex.ZERO]]
        others += [[a.value for a in event.assignments], [a.volume or ex.ONE for a in event.assignments]]
    others += [[value for _, value in pairs] for pairs in program.assignments]
    floors = [f"{name}{FLOOR_SUFFIX}" for name in states]
    tapes = Tapes(
        [
            *(*states, TIME, "|diagonal", "|inverse", "|weight", *(f"{name}|right" for name in states)),
            *(*system.parameters, *floors, *(f"{name}|slope" for name in states)),
        ],
        [*system.parameters, *floors],
        [*initial, *entries.values(), *driven, *stage, *(root for roots in others for root in roots)],
    )
    algebra = _Algebra(tapes, states, entries)
    tapes.add(initial)
    tapes.add([*entries.values(), *driven], algebra.factorise)
    tapes.add(stage, algebra.solve)
    for roots in others:
        tapes.add(roots)
    code, spans, outputs = tapes.arrays()
    events, targets = _assignments(program, row)
    return _Tables(code, spans, outputs, events, targets, tapes.registers(), len(by_clock), len(by_state))


def _assignments(program: Program, row: Mapping[str, int]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Events of the model, then triggers of the caller, and what they assign."""
    events: list[tuple[int, ...]] = []
    targets: list[tuple[int, bool]] = []
    for event in program.system.events:
        flags = (
            event.persistent, event.initial_value, event.values_at_trigger, event.delay is not None,
            event.priority is not None,
        )  # fmt: skip
        first = len(targets)
        targets += [(row[a.state], a.volume is not None) for a in event.assignments]
        events.append((*flags, first, len(targets)))
    for pairs in program.assignments:
        first = len(targets)
        targets += [(row[state], False) for state, _ in pairs]
        events.append((True, True, False, False, False, first, len(targets)))
    return np.array(events, dtype=np.int64).reshape(-1, 7), np.array(targets, dtype=np.int64).reshape(-1, 2)


class _Algebra:
    """Instructions for the factors of 1/(h gamma) I - J, and for solutions with them."""

    def __init__(self, tapes: Tapes, states: Sequence[str], entries: Mapping[tuple[int, int], Expr]) -> None:
        self.tapes, self.states, self.entries = tapes, states, list(entries)
        self.factors: Factorisation = factorise(len(states), set(entries))
        pattern = sorted(self.factors.pattern)
        self.at = dict(zip(pattern, tapes.reserve(len(pattern)), strict=True))

    def factorise(self, slopes: list[int]) -> list[int]:
        """From the slopes of the rates (by state, then by time) to the factors, with inverted diagonal."""
        tapes, at = self.tapes, self.at
        given = dict(zip(self.entries, slopes, strict=False))
        diagonal = tapes.place(ex.symbol("|diagonal"))
        for entry, to in at.items():
            value = tapes.instruct("mul", given[entry], tapes.minus_one) if entry in given else tapes.zero
            tapes.instruct("add", value, diagonal if entry[0] == entry[1] else tapes.zero, to)
        for name, slope in zip(self.states, slopes[len(self.entries) :], strict=True):
            tapes.instruct("add", slope, tapes.zero, tapes.place(ex.symbol(f"{name}|slope")))
        for step, pivot in enumerate(self.factors.order):
            inverse = tapes.instruct("div", tapes.one, at[pivot, pivot], at[pivot, pivot])
            for below in self.factors.below(step):
                tapes.instruct("mul", at[below, pivot], inverse, at[below, pivot])
                for c in self.factors.right(step):
                    tapes.instruct("eliminate", at[below, pivot], at[pivot, c], at[below, c])
        return []

    def solve(self, right: list[int]) -> list[int]:
        """From right-hand sides to the solution."""
        tapes, at = self.tapes, self.at
        b = [tapes.instruct("mul", place, tapes.one) for place in right]
        for step, pivot in enumerate(self.factors.order):
            for below in self.factors.below(step):
                tapes.instruct("eliminate", at[below, pivot], b[pivot], b[below])
        for step in range(len(self.factors.order) - 1, -1, -1):
            pivot = self.factors.order[step]
            for c in self.factors.right(step):
                tapes.instruct("eliminate", at[pivot, c], b[c], b[pivot])
            tapes.instruct("mul", b[pivot], at[pivot, pivot], b[pivot])
        return b
