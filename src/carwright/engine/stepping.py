"""Prints the trial step of a Rosenbrock method, specialised to a model and its sparse matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from carwright.engine import expression as ex
from carwright.engine.expression import TIME, Expr
from carwright.engine.layout import Layout
from carwright.engine.printer import statements
from carwright.engine.sparse import Entry, Factorisation
from carwright.engine.tableau import Tableau

_ON_THE_GRID: Final = ("end = t + h", "h = h if h == remaining else end - t")
"""The step that is taken is the difference of two numbers, so that time is exact however coarse the numbers are."""

Cell = Callable[[str, int], str]
"""Text of a cell of the work array: section name and row within the section."""


@dataclass(frozen=True)
class Equations:
    """A model in the order of the kernel, its constant parts given as leaves.

    Attributes
    ----------
    entries
        Non-zero derivatives of the rates by (row, column).
    slopes
        Derivatives of the rates with respect to time.
    leaves
        Text of everything but states and time.
    """

    states: tuple[str, ...]
    non_negative: tuple[bool, ...]
    dense: int
    rates: Sequence[Expr]
    entries: Mapping[Entry, Expr]
    slopes: Sequence[Expr]
    leaves: Mapping[Expr, str]
    factors: Factorisation


def step_functions(equations: Equations, method: Tableau, layout: Layout, cell: Cell) -> str:
    """Text of the functions that make one step of all lanes; ``advance`` calls the others in their order.

    Sums over stages are loops over the states with all coefficients in registers. The rates and the solution with the
    factors are one function for all stages, so that it stays in the cache of instructions.
    """
    printer = _Stepper(equations, method, layout, cell)
    lanes, last = layout.lanes, method.stages - 1
    combine = [loop(f"combine{i}", printer.combine(i), layout.states, lanes) for i in range(1, method.stages)]
    texts = [
        function("first", printer.first(), lanes),
        function("factors", printer.factors(), lanes),
        function("first_solution", printer.first_solution(), lanes),
        *combine,
        function("stage", printer.stage(), lanes, "W, k"),
        loop("dense", printer.dense(), layout.dense, lanes),
        function("control", printer.control(), lanes),
    ]
    calls = ["first(W)", "factors(W)", "first_solution(W)"]
    for i in range(1, last + 1):
        calls += [f"combine{i}(W)"]
        calls += [f"times{i}(W)"] if layout.timed else []
        calls += [f"stage(W, {printer.place('K', i * layout.states)})"]
    if layout.timed:
        texts += [function(f"times{i}", printer.times(i), lanes) for i in range(1, last + 1)]
    calls += ["dense(W)", "control(W)"] if layout.dense else ["control(W)"]
    return "\n".join([*texts, "def advance(W):\n" + "".join(f"    {call}\n" for call in calls)])


def function(name: str, body: Iterable[str], lanes: int, arguments: str = "W") -> str:
    """Text of a function that works on all lanes."""
    lines = "".join(f"        {line}\n" for line in body) or "        pass\n"
    return f"def {name}({arguments}):\n    for lane in range({lanes}):\n{lines}"


def loop(name: str, body: Iterable[str], rows: int, lanes: int) -> str:
    """Text of a function that does the same for successive rows, of which ``row`` is the place."""
    lines = "".join(f"            {line}\n" for line in body)
    head = f"    for row in range(0, {rows * lanes}, {lanes}):\n        for lane in range({lanes}):\n"
    return f"def {name}(W):\n{head}{lines}" if rows else f"def {name}(W):\n    pass\n"


class _Stepper:
    def __init__(self, equations: Equations, method: Tableau, layout: Layout, cell: Cell) -> None:
        self.equations, self.method, self.layout, self.cell = equations, method, layout, cell
        self.size = len(equations.states)
        self.places = layout.places()
        self.index = {entry: i for i, entry in enumerate(sorted(equations.factors.pattern))}
        # Long chains first, so that the processor fills their waiting time with the others.
        self.slowest = sorted(range(self.size), key=lambda s: -_latency(equations.rates[s]))
        self.driven = [i for i, slope in enumerate(equations.slopes) if slope is not ex.ZERO]

    def place(self, section: str, row: int = 0) -> int:
        """Place of a row in the work array."""
        return self.places[section] + row * self.layout.lanes

    def first(self) -> list[str]:
        """Length of the step, the rates, J and df/dt, which share their parts."""
        cell, eq = self.cell, self.equations
        lines = [
            f"t = {cell('T', 0)}",
            f"planned = {cell('H', 0)}",
            f"remaining = {cell('STOP', 0)} - t",
            # Reach the stop in this step, or in two equal ones, instead of leaving a sliver.
            "h = remaining * 0.5 if planned * 1.9 > remaining else planned",
            "h = remaining if planned * 1.05 > remaining else h",
            *(_ON_THE_GRID if self.layout.bits == 32 else ()),
            f"{cell('TRIED', 0)} = h",
            "ih = 1.0 / h",
            f"{cell('IH', 0)} = ih",
        ]
        leaves = {**eq.leaves, ex.symbol(TIME): "t"}
        leaves |= {ex.symbol(name): cell("Y", s) for s, name in enumerate(eq.states)}
        outputs = [(cell("DF", i), eq.slopes[i]) for i in self.driven]
        for i in self.slowest:  # what belongs to one rate shares most
            rate = eq.rates[i]
            outputs.append((cell("R", i), rate))
            outputs += [(cell("M", self.index[entry]), slope) for entry, slope in eq.entries.items() if entry[0] == i]
        return [*lines, *statements(outputs, leaves)]

    def first_solution(self) -> list[str]:
        """The first stage from the rates that are known already."""
        lines = [f"h = {self.cell('TRIED', 0)}", *(f"b{s} = {self.cell('R', s)}" for s in range(self.size))]
        weight = self.method.time_weights[0]
        lines += [f"b{s} = b{s} + {weight!r} * h * {self.cell('DF', s)}" for s in self.driven]
        first = self.place("K")
        return lines + self._solve(lambda s: f"W[{first + s * self.layout.lanes} + lane]")

    def combine(self, i: int) -> list[str]:
        """Point of a later stage, and what earlier stages add to its right-hand side, for one state."""
        method = self.method
        if i < len(method.a):
            point = f"{self._row('Y')} + {self._sum(method.a[i])}"
        else:
            point = f"{self._row('U')} + {self._k(i - 1)}"
        return [f"{self._row('U')} = {point}", f"{self._row('R')} = {self._sum(method.c[i])}"]

    def times(self, i: int) -> list[str]:
        """Time of a later stage, and weight of df/dt in it."""
        return [
            f"{self.cell('ST', 0)} = {self.cell('T', 0)} + {self.method.times[i]!r} * {self.cell('TRIED', 0)}",
            f"{self.cell('GH', 0)} = {self.method.time_weights[i]!r} * {self.cell('TRIED', 0)}",
        ]

    def stage(self) -> list[str]:
        """Rates at U and the solution with the factors, into the stage at ``k``."""
        cell, eq = self.cell, self.equations
        leaves = {**eq.leaves, ex.symbol(TIME): cell("ST", 0)}
        leaves |= {ex.symbol(name): cell("U", s) for s, name in enumerate(eq.states)}
        lines = [f"ih = {cell('IH', 0)}"]
        lines += statements([(f"b{s}", eq.rates[s]) for s in self.slowest], leaves)
        lines += [f"b{s} = b{s} + ih * {cell('R', s)}" for s in range(self.size)]
        lines += [f"b{s} = b{s} + {cell('GH', 0)} * {cell('DF', s)}" for s in self.driven]
        return lines + self._solve(lambda s: f"W[k + {s * self.layout.lanes} + lane]")

    def dense(self) -> list[str]:
        """Coefficients of the dense output of one state, in the place of its first stages."""
        rows = range(len(self.method.dense))
        sums = [f"d{d} = {self._sum(self.method.dense[d])}" for d in rows]
        return [*sums, *(f"{self._k(d)} = d{d}" for d in rows)]

    def control(self) -> list[str]:
        """End of the step and its error, and what follows from it."""
        cell, last = self.cell, self.method.stages - 1
        lines = [f"rtol = {cell('RTOL', 0)}", "total = 0.0", "low = 0.0"]
        for s in range(self.size):
            lines += [
                f"k = {cell('K', last * self.size + s)}",
                f"y1 = {cell('U', s)} + k",
                f"{cell('U', s)} = y1",
                f"before = abs({cell('Y', s)})",
                "after = abs(y1)",
                "largest = before if before > after else after",
                f"r = k / ({cell('ATOL', s)} + rtol * largest)",
                "total = total + r * r",
            ]
            if self.equations.non_negative[s]:
                lines += [f"z = y1 * {cell('NEGATIVE', s)}", "low = z if z < low else low"]
        return [*lines, f"h = {cell('TRIED', 0)}", *self._control()]

    def _control(self) -> list[str]:
        """Acceptance, next step and what the driver must know, for all lanes at once."""
        cell = self.cell
        return [
            f"e = total * {1.0 / self.size!r}",
            f"{cell('E', 0)} = e",
            "bounded = e if e > 1e-12 else 1e-12",
            f"factor = 0.9 * rough_power(bounded, {-0.5 / self.method.order!r})",
            "factor = factor if factor > 0.1 else 0.1",
            "factor = factor if factor < 6.0 else 6.0",
            "proposed = h * factor",
            f"planned = {cell('H', 0)}",
            f"stop = {cell('STOP', 0)}",
            f"t0 = {cell('T', 0)}",
            f"active = {cell('ACTIVE', 0)} > 0.0",
            "kept = active & (e <= 1.0)",
            f"{cell('KEPT', 0)} = 1.0 if kept else 0.0",
            f"{cell('TAKE', 0)} = 1.0 if kept else 0.0",
            "t1 = stop if stop - t0 == h else t0 + h",
            f"{cell('T1', 0)} = t1",
            f"{cell('HE', 0)} = t1 - t0",
            # A step cut by a stop says nothing against the size that was planned.
            f"least = planned if h < planned else {cell('TINY', 0)}",
            "longer = proposed if proposed > least else least",
            "shorter = proposed if proposed < h else h",
            "shorter = shorter if e < INFINITY else h * 0.2",
            "following = longer if kept else shorter",
            f"{cell('H', 0)} = following if active else planned",
            f"steps = {cell('STEPS', 0)} + {cell('ACTIVE', 0)}",
            f"{cell('STEPS', 0)} = steps",
            f"lowest = {cell('LOW', 0)}",
            f"{cell('LOW', 0)} = low if kept & (low < lowest) else lowest",
            f"stuck = (not kept) & (following < {cell('TINY', 0)})",
            f"event = active & ((kept & (t1 == stop)) | stuck | (steps >= {cell('MOST', 0)}))",
            f"{cell('EVENT', 0)} = 1.0 if event else 0.0",
        ]

    def _row(self, section: str) -> str:
        return f"W[row + {self.place(section)} + lane]"

    def _k(self, stage: int) -> str:
        return f"W[row + {self.place('K', stage * self.size)} + lane]"

    def _sum(self, weights: Sequence[float]) -> str:
        return " + ".join(f"{w!r} * {self._k(j)}" for j, w in enumerate(weights))

    def factors(self) -> list[str]:
        """From J to the factors of 1/(h gamma) I - J; the diagonal is inverted."""
        lu, at, given = self.equations.factors, self.index, self.equations.entries
        lines = [f"g = {1.0 / self.method.gamma!r} * {self.cell('IH', 0)}"]
        current: dict[Entry, str] = {}

        def value(entry: Entry) -> str:
            """Name that holds an entry of the matrix, loaded when it is first needed."""
            if entry not in current:
                m, slope = f"m{at[entry]}", self.cell("M", at[entry]) if entry in given else ""
                if entry[0] == entry[1]:
                    lines.append(f"{m} = g - {slope}" if slope else f"{m} = g")
                else:
                    lines.append(f"{m} = -{slope}")
                current[entry] = m
            return current[entry]

        for step, pivot in enumerate(lu.order):
            diagonal = value((pivot, pivot))
            lines.append(f"{diagonal} = 1.0 / {diagonal}")
            lines.append(f"{self.cell('M', at[pivot, pivot])} = {diagonal}")
            # The row of the pivot changes no more.
            lines += [f"{self.cell('M', at[pivot, c])} = {value((pivot, c))}" for c in lu.right(step)]
            for row in lu.below(step):
                below = value((row, pivot))
                lines.append(f"{below} = {below} * {diagonal}")
                lines.append(f"{self.cell('M', at[row, pivot])} = {below}")
                for c in lu.right(step):
                    if row == c or (row, c) in given or (row, c) in current:
                        lines.append(f"{value((row, c))} = {value((row, c))} - {below} * {value((pivot, c))}")
                    else:
                        current[row, c] = f"m{at[row, c]}"
                        lines.append(f"m{at[row, c]} = -({below} * {value((pivot, c))})")
        return lines

    def _solve(self, result: Callable[[int], str]) -> list[str]:
        """Solve with the factors for b."""
        lu = self.equations.factors

        def factor(row: int, column: int) -> str:
            return self.cell("M", self.index[row, column])

        lines = []
        for step, pivot in enumerate(lu.order):
            lines += [f"b{row} = b{row} - {factor(row, pivot)} * b{pivot}" for row in lu.below(step)]
        for step in range(len(lu.order) - 1, -1, -1):
            pivot = lu.order[step]
            lines += [f"b{pivot} = b{pivot} - {factor(pivot, c)} * b{c}" for c in lu.right(step)]
            lines.append(f"b{pivot} = b{pivot} * {factor(pivot, pivot)}")
            lines.append(f"{result(pivot)} = b{pivot}")
        return lines


def _latency(root: Expr) -> int:
    """Rough number of cycles on the longest path through an expression."""
    cycles: dict[Expr, int] = {}
    for node in ex.topological([root]):
        longest = max((cycles[arg] for arg in node.args), default=0)
        exponent = node.args[1].number if node.op == "pow" else None
        own = 4 if node.op in {"add", "mul"} else 15 if exponent == -1.0 else 4 if exponent is not None else 60
        cycles[node] = longest + own if node.args else 0
    return cycles[root]
