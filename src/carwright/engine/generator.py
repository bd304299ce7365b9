"""Prints the functions of one kernel: the method's step, and everything else that works on all lanes at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from carwright.engine import expression as ex
from carwright.engine.derivative import FLOOR_SUFFIX, derivatives, floored
from carwright.engine.expression import TIME, Expr
from carwright.engine.layout import SAMPLES, UNIFORM, Layout
from carwright.engine.precision import DOUBLE, SHAPES
from carwright.engine.printer import constant_nodes, group_constants, statements
from carwright.engine.sparse import Entry, factorise
from carwright.engine.stepping import Equations, function, step_functions
from carwright.engine.survey import functional_lines, trigger_lines
from carwright.engine.system import System
from carwright.engine.tableau import RODAS5P, Tableau
from carwright.engine.tape import kinked
from carwright.engine.vector import Shape


@dataclass(frozen=True)
class Program:
    """Expressions of one kernel, over states, parameters, time and floors.

    ``watched`` are those that functionals and triggers follow, ``observed`` those of the dense output, ``assignments``
    the (state, expression) pairs of each trigger. ``functionals`` are (kind, place in ``watched``), ``triggers``
    places in it.
    """

    system: System
    watched: tuple[Expr, ...]
    observed: tuple[Expr, ...]
    assignments: tuple[tuple[tuple[str, Expr], ...], ...]
    functionals: tuple[tuple[str, int], ...]
    triggers: tuple[int, ...]

    def order(self) -> tuple[str, ...]:
        """States in the order of the kernel: first those that the dense output must follow."""
        needed = ex.symbols([*self.watched, *self.observed])
        return tuple(sorted(self.system.states, key=lambda name: name not in needed))


@dataclass(frozen=True)
class Printed:
    """Source text of the functions, and the layout of the array that they work on."""

    source: str
    layout: Layout


def generate(program: Program, method: Tableau = RODAS5P, shape: Shape = SHAPES[DOUBLE]) -> Printed:
    """Source text of a kernel's functions; the same program gives the same text."""
    writer = _Writer(program, method, shape)
    return Printed(writer.source(), writer.layout)


class _Writer:
    def __init__(self, program: Program, method: Tableau, shape: Shape) -> None:
        self.program, self.method, system = program, method, program.system
        self.states = program.order()
        position = {name: i for i, name in enumerate(system.states)}
        rates = [system.rates[position[name]] for name in self.states]
        self.initial = [system.initial[position[name]] for name in self.states]
        self.non_negative = tuple(system.non_negative[position[name]] for name in self.states)
        entries: dict[Entry, Expr] = {}
        for column, name in enumerate(self.states):
            for row, slope in enumerate(derivatives(rates, name)):
                if slope is not ex.ZERO:
                    entries[row, column] = floored(slope)
        self.factors = factorise(len(rates), set(entries))
        driven = derivatives(rates, TIME)
        self._group(rates, entries, driven)
        needed = ex.symbols([*program.watched, *program.observed])
        self.layout = Layout(
            lanes=shape.lanes,
            bits=shape.bits,
            stages=method.stages,
            orders=len(method.dense),
            states=len(rates),
            dense=sum(name in needed for name in self.states),
            parameters=len(system.parameters),
            constants=len(self.constants),
            entries=len(self.factors.pattern),
            watched=len(program.watched),
            observed=len(program.observed),
            functionals=len(program.functionals),
            triggers=len(program.triggers),
            assigned=max((len(pairs) for pairs in program.assignments), default=0),
            driven=any(slope is not ex.ZERO for slope in driven),
            timed=TIME in ex.symbols(rates),
        )
        self.places = self.layout.places()

    def _group(self, rates: list[Expr], entries: Mapping[Entry, Expr], driven: list[Expr]) -> None:
        """Hoist what depends on parameters alone out of every function together."""
        program = self.program
        variable = {*self.states, TIME}
        fixed: dict[Expr, bool] = {}

        def constant(node: Expr) -> bool:
            if node not in fixed:
                for part in [node] if all(arg in fixed for arg in node.args) else ex.topological([node]):
                    free = part.op == "symbol" and part.value in variable
                    fixed[part] = not free and all(fixed[arg] for arg in part.args)
            return fixed[node]

        assigned = [e for pairs in program.assignments for _, e in pairs]
        roots = [*rates, *entries.values(), *driven, *program.watched, *program.observed, *assigned]
        everything = group_constants(roots, constant)
        grouped = iter(everything)
        self.rates = [next(grouped) for _ in rates]
        self.entries = {key: next(grouped) for key in entries}
        self.slopes = [next(grouped) for _ in driven]
        self.watched = [next(grouped) for _ in program.watched]
        self.observed = [next(grouped) for _ in program.observed]
        self.assignments = [[next(grouped) for _ in pairs] for pairs in program.assignments]
        self.constants = constant_nodes(everything, constant)

    def cell(self, section: str, row: int = 0) -> str:
        """Text of a place in the work array."""
        if section in UNIFORM:
            return f"W[{self.places[section] + row}]"
        return f"W[{self.places[section] + row * self.layout.lanes} + lane]"

    def _leaves(self, states: Mapping[str, str], time: str) -> dict[Expr, str]:
        """Loads of the constants, and the given texts of states and time."""
        leaves = {node: self.cell("CONST", i) for i, node in enumerate(self.constants)}
        return {**leaves, **{ex.symbol(s): text for s, text in states.items()}, ex.symbol(TIME): time}

    def _at(self, section: str, time: str) -> dict[Expr, str]:
        return self._leaves({s: self.cell(section, i) for i, s in enumerate(self.states)}, self.cell(time))

    def source(self) -> str:
        """The text, functions in order of use."""
        equations = Equations(
            self.states, self.non_negative, self.layout.dense, self.rates, self.entries, self.slopes,
            self._leaves({}, ""), self.factors,
        )  # fmt: skip
        functions = {
            "prepare": self._prepare(),
            "watch": statements(self._numbered("OBS", self.watched), self._at("Y", "T")),
            "look": self._within(self.watched),
            "observe": self._within(self.observed),
            "sample": self._sample(),
            "survey_functionals": self._survey_functionals(),
            "survey_triggers": trigger_lines(self.program.triggers, len(self.watched), self.cell),
            "whole": self._whole() if self.assignments else [],
            **{f"assign{j}": self._assign(expressions) for j, expressions in enumerate(self.assignments)},
            "commit": self._commit(),
        }
        texts = [function(name, body, self.layout.lanes) for name, body in functions.items()]
        return "\n".join([*texts, step_functions(equations, self.method, self.layout, self.cell)])

    def _numbered(self, section: str, expressions: Sequence[Expr]) -> list[tuple[str, Expr]]:
        return [(self.cell(section, i), e) for i, e in enumerate(expressions)]

    def _prepare(self) -> list[str]:
        """Constants, and initial states into U."""
        leaves = {ex.symbol(p): self.cell("PAR", i) for i, p in enumerate(self.program.system.parameters)}
        leaves[ex.symbol(TIME)] = self.cell("START")
        leaves |= {ex.symbol(f"{s}{FLOOR_SUFFIX}"): self.cell("ATOL", i) for i, s in enumerate(self.states)}
        return statements([*self._numbered("CONST", self.constants), *self._numbered("U", self.initial)], leaves)

    def _dense(self, row: int, s: str, r: str, orders: Sequence[str] = ()) -> str:
        """Dense output of one state at position ``s``; ``r`` is 1 - s."""
        *lower, inner = orders or [self.cell("K", d * self.layout.states + row) for d in range(self.layout.orders)]
        for order in reversed(lower):
            inner = f"({order} + {s} * {inner})"
        return f"{r} * {self.cell('Y', row)} + {s} * ({self.cell('U', row)} + {r} * {inner})"

    def _within(self, expressions: Sequence[Expr]) -> list[str]:
        """Values at the position TH, which each lane has for itself."""
        lines = [f"s = {self.cell('TH')}", "r = 1.0 - s", f"t = {self.cell('T')} + s * {self.cell('TRIED')}"]
        lines += [f"u{i} = {self._dense(i, 's', 'r')}" for i in range(self.layout.dense)]
        leaves = self._leaves({s: f"u{i}" for i, s in enumerate(self.states)}, "t")
        return [*lines, *statements(self._numbered("OBS", expressions), leaves)]

    def _sample(self) -> list[str]:
        """Watched values at equal distances inside the step and at its end."""
        lines: list[str] = []
        for k in range(1, SAMPLES if self.watched else 0):
            s = k / (SAMPLES - 1)
            at_end = k == SAMPLES - 1
            lines.append(f"t = {self.cell('T')} + {s!r} * {self.cell('TRIED')}")
            if not at_end:
                lines += [f"u{i} = {self._dense(i, repr(s), repr(1.0 - s))}" for i in range(self.layout.dense)]
            points = {name: self.cell("U", i) if at_end else f"u{i}" for i, name in enumerate(self.states)}
            places = [(self.cell("SAMPLE", k * len(self.watched) + i), e) for i, e in enumerate(self.watched)]
            lines += statements(places, self._leaves(points, "t"))
        return lines

    def _survey_functionals(self) -> list[str]:
        count = len(self.watched)
        corners = {column for column, expression in enumerate(self.program.watched) if kinked(expression)}
        return functional_lines(self.program.functionals, count, corners, self.cell) if count else []

    def _whole(self) -> list[str]:
        """Every state at the position TH, and the time there."""
        lines = [f"s = {self.cell('TH')}", "r = 1.0 - s"]
        lines.append(f"{self.cell('ST')} = {self.cell('T')} + s * {self.cell('TRIED')}")
        for i in range(self.layout.states):
            orders: list[str] = []
            if i >= self.layout.dense:
                for row in self.method.dense:
                    terms = [f"{w!r} * {self.cell('K', j * self.layout.states + i)}" for j, w in enumerate(row)]
                    orders.append(f"({' + '.join(terms)})")
            lines.append(f"{self.cell('NOW', i)} = {self._dense(i, 's', 'r', orders)}")
        return lines

    def _assign(self, expressions: Sequence[Expr]) -> list[str]:
        """What a trigger assigns."""
        return statements(self._numbered("NEW", expressions), self._at("NOW", "ST"))

    def _commit(self) -> list[str]:
        """Move lanes to the end of their step: time, state, and last sample to first."""
        moves = [(self.cell("Y", i), self.cell("U", i)) for i in range(self.layout.states)]
        final = (SAMPLES - 1) * self.layout.watched
        moves += [(self.cell("SAMPLE", i), self.cell("SAMPLE", final + i)) for i in range(self.layout.watched)]
        return [
            f"kept = {self.cell('KEPT')} > 0.0",
            f"{self.cell('T')} = {self.cell('T1')} if kept else {self.cell('T')}",
            f"take = {self.cell('TAKE')} > 0.0",
            *(f"{to} = {new} if take else {to}" for to, new in moves),
        ]
