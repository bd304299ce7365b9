"""Prints a whole kernel as one Python module: the model's functions, the method's step and the lane driver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from carwright.engine import expression as ex
from carwright.engine import tableau
from carwright.engine.derivative import FLOOR_SUFFIX, derivatives, floored
from carwright.engine.expression import Expr
from carwright.engine.formula import TIME
from carwright.engine.lanes import FILES
from carwright.engine.layout import LANES, SAMPLES, Layout
from carwright.engine.outcome import Outcome
from carwright.engine.printer import constant_nodes, group_constants, statements
from carwright.engine.requests import KINDS
from carwright.engine.sparse import Factorisation, factorise
from carwright.engine.survey import functional_lines, trigger_lines
from carwright.engine.system import System

MARKER: Final = "# --- copied into every kernel from here ---\n"
# `contract` allows fused multiply-add. Flags that let the compiler assume no NaN or reorder sums are left
# out: rejected steps
# are recognised by NaN, and every lane must compute the same bits.
# Only `solve` is called from Python; the others need no wrappers, which saves a third of the compile time.
_DECORATOR: Final = (
    '@njit(error_model="numpy", fastmath={"contract"}, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)'
)
_INLINED: Final = _DECORATOR[:-1] + ", forceinline=True)"
_MATRIX, _VECTOR, _WHOLE = "float64[:, ::1]", "float64[::1]", "int64[::1]"
_SIGNATURE: Final = ", ".join(
    [_MATRIX, _MATRIX, _VECTOR, _WHOLE, _WHOLE, _WHOLE, _VECTOR, _VECTOR, _MATRIX]
    + ["int64[:, ::1]", _MATRIX] * 2
    + ["uint8[::1]", "float64[:, :, ::1]", _MATRIX, _MATRIX, _MATRIX, _WHOLE, _VECTOR, _VECTOR]
)
_ENTRY: Final = f'@njit("void({_SIGNATURE})", error_model="numpy", fastmath={{"contract"}}, nogil=True, cache=True)'


@dataclass(frozen=True)
class Program:
    """Expressions of one kernel, over states, parameters, time and floors.

    ``watched`` are those that functionals and triggers follow, ``observed`` those of the dense output,
    ``assignments`` the
    (state, expression) pairs of each trigger. ``functionals`` are (kind, place in ``watched``), ``triggers``
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


def generate(program: Program) -> str:
    """Source text of the kernel's module; the same program gives the same text."""
    return _Writer(program).module()


class _Writer:
    def __init__(self, program: Program) -> None:
        self.program, system = program, program.system
        self.states = program.order()
        position = {name: i for i, name in enumerate(system.states)}
        rates = [system.rates[position[name]] for name in self.states]
        self.initial = [system.initial[position[name]] for name in self.states]
        entries: dict[tuple[int, int], Expr] = {}
        for column, name in enumerate(self.states):
            for row, slope in enumerate(derivatives(rates, name)):
                if slope is not ex.ZERO:
                    entries[row, column] = floored(slope)
        self.factorisation: Factorisation = factorise(len(rates), set(entries))
        self.index = {entry: i for i, entry in enumerate(sorted(self.factorisation.pattern))}
        driven = derivatives(rates, TIME)
        self.driven = any(slope is not ex.ZERO for slope in driven)
        assigned = [e for pairs in program.assignments for _, e in pairs]
        self._group(rates, entries, driven, assigned)
        needed = ex.symbols([*program.watched, *program.observed])
        self.layout = Layout(
            states=len(rates),
            dense=sum(name in needed for name in self.states),
            constants=len(self.constants),
            entries=len(self.index),
            watched=len(program.watched),
            observed=len(program.observed),
            functionals=len(program.functionals),
            triggers=len(program.triggers),
            driven=self.driven,
        )
        self.rows = self.layout.rows()

    def _group(
        self, rates: list[Expr], entries: dict[tuple[int, int], Expr], driven: list[Expr], assigned: list[Expr]
    ) -> None:
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

        roots = [*rates, *entries.values(), *driven, *program.watched, *program.observed, *assigned]
        grouped = iter(group_constants(roots, constant))
        self.rates = [next(grouped) for _ in rates]
        self.entries = {key: next(grouped) for key in entries}
        self.slopes = [next(grouped) for _ in driven]
        self.watched = [next(grouped) for _ in program.watched]
        self.observed = [next(grouped) for _ in program.observed]
        self.assignments = [[(s, next(grouped)) for s, _ in pairs] for pairs in program.assignments]
        everything = [*self.rates, *self.entries.values(), *self.slopes, *self.watched, *self.observed]
        everything += [e for pairs in self.assignments for _, e in pairs]
        self.constants = constant_nodes(everything, constant)

    def _cell(self, row: int) -> str:
        return f"W[{row * LANES} + lane]"

    def _place(self, section: str, row: int) -> str:
        return self._cell(self.rows[section] + row)

    def _leaves(self, states: str, time: str) -> dict[Expr, str]:
        """Loads of states from one section, of the time, and of the constants."""
        leaves = {ex.symbol(s): self._cell(self.rows[states] + i) for i, s in enumerate(self.states)}
        leaves[ex.symbol(TIME)] = self._cell(self.rows[time])
        leaves |= {node: self._cell(self.rows["CONST"] + i) for i, node in enumerate(self.constants)}
        return leaves

    def module(self) -> str:
        """The text; constants first, then functions in order of use."""
        package = files("carwright.engine")
        library = package.joinpath("mathematics.py").read_text(encoding="utf-8").split(MARKER)[1]
        lanes = [package.joinpath("lanes", f"{name}.py").read_text(encoding="utf-8").split(MARKER)[1] for name in FILES]
        sizes = {
            "LANES": LANES,
            "SAMPLES": SAMPLES,
            "STATES": self.layout.states,
            "DENSE": self.layout.dense,
            "WATCHED": self.layout.watched,
            "OBSERVED": self.layout.observed,
            "FUNCTIONALS": self.layout.functionals,
            "TRIGGERS": self.layout.triggers,
            "STAGES": tableau.STAGES,
            "H_COEFFICIENTS": tableau.H,
            **{kind.replace("_day_", "_").upper(): i for i, kind in enumerate(KINDS)},
            **{outcome.name: int(outcome) for outcome in Outcome},
            **{f"AT_{name}": row * LANES for name, row in self.rows.items()},
        }
        parts = [
            "from __future__ import annotations\n\nimport numpy as np\nfrom numba import njit\n",
            "\n".join(f"{name} = {value!r}" for name, value in sizes.items()) + "\n",
            decorated(library, lambda name: _INLINED),
            *(f"{_DECORATOR}\n{text}" for text in self._functions()),
            *(decorated(text, lambda name: _ENTRY if name == "solve" else _DECORATOR) for text in lanes),
        ]
        return "\n".join(parts)

    def _functions(self) -> list[str]:
        return [
            self._prepare(),
            self._jacobian(),
            self._stage(),
            self._step(),
            self._interpolate(),
            self._expressions("watch", self.watched),
            self._expressions("observe", self.observed),
            self._assign(),
            self._sample(),
            self._commit(),
            self._vector(
                "survey_functionals", functional_lines(self.program.functionals, len(self.watched), self._place)
            ),
            self._vector("survey_triggers", trigger_lines(self.program.triggers, len(self.watched), self._place)),
        ]

    def _vector(self, name: str, body: Sequence[str]) -> str:
        lines = body or ["pass"]
        return (
            f"def {name}(W):\n    for lane in range({LANES}):\n" + "\n".join(f"        {line}" for line in lines) + "\n"
        )

    def _prepare(self) -> str:
        """Constants and initial states of one patient."""
        leaves = {ex.symbol(p): f"P[q, {i}]" for i, p in enumerate(self.program.system.parameters)}
        leaves[ex.symbol(TIME)] = "start"
        for i, s in enumerate(self.states):
            leaves[ex.symbol(f"{s}{FLOOR_SUFFIX}")] = self._cell(self.rows["ATOL"] + i)
        outputs = [(self._cell(self.rows["CONST"] + i), node) for i, node in enumerate(self.constants)]
        outputs += [(self._cell(self.rows["Y"] + i), e) for i, e in enumerate(self.initial)]
        return "def prepare(P, q, start, W, lane):\n" + "\n".join(statements(outputs, leaves, "    ")) + "\n"

    def _jacobian(self) -> str:
        """Factorisation of 1/(h gamma) I - J, and df/dt."""
        outputs = [(f"j{i}", e) for i, e in enumerate(self.entries.values())]
        outputs += [(self._cell(self.rows["DF"] + i), e) for i, e in enumerate(self.slopes) if self.driven]
        body = statements(outputs, self._leaves("Y", "T"))
        name = {key: f"j{i}" for i, key in enumerate(self.entries)}
        body.append(f"g = {self._cell(self.rows['G'])}")
        for key, m in self.index.items():
            slope = name.get(key)
            if key[0] == key[1]:
                body.append(f"m{m} = g - {slope}" if slope else f"m{m} = g")
            else:
                body.append(f"m{m} = -{slope}" if slope else f"m{m} = 0.0")
        lu, at = self.factorisation, self.index
        for step, pivot in enumerate(lu.order):
            diagonal = at[pivot, pivot]
            body.append(f"m{diagonal} = 1.0 / m{diagonal}")
            for row in lu.below(step):
                body.append(f"m{at[row, pivot]} = m{at[row, pivot]} * m{diagonal}")
                body += [f"m{at[row, c]} = m{at[row, c]} - m{at[row, pivot]} * m{at[pivot, c]}" for c in lu.right(step)]
        body += [f"{self._cell(self.rows['M'] + m)} = m{m}" for m in at.values()]
        return self._vector("jacobian", body)

    def _stage(self) -> str:
        """One stage: rates at U, plus R/h, solved with the factors; the result replaces R."""
        body = statements([(f"b{i}", e) for i, e in enumerate(self.rates)], self._leaves("U", "ST"))
        body.append(f"ih = {self._cell(self.rows['IH'])}")
        body += [f"b{i} = b{i} + ih * {self._cell(self.rows['R'] + i)}" for i in range(self.layout.states)]
        if self.driven:
            body.append(f"gh = {self._cell(self.rows['GH'])}")
            body += [
                f"b{i} = b{i} + gh * {self._cell(self.rows['DF'] + i)}"
                for i, e in enumerate(self.slopes)
                if e is not ex.ZERO
            ]
        lu, at = self.factorisation, self.index

        def factor(row: int, column: int) -> str:
            return self._cell(self.rows["M"] + at[row, column])

        for step, pivot in enumerate(lu.order):
            body += [f"b{row} = b{row} - {factor(row, pivot)} * b{pivot}" for row in lu.below(step)]
        for step in range(len(lu.order) - 1, -1, -1):
            pivot = lu.order[step]
            body += [f"b{pivot} = b{pivot} - {factor(pivot, c)} * b{c}" for c in lu.right(step)]
            body.append(f"b{pivot} = b{pivot} * {factor(pivot, pivot)}")
        body += [f"{self._cell(self.rows['R'] + i)} = b{i}" for i in range(self.layout.states)]
        return self._vector("stage", body)

    def _step(self) -> str:
        """One trial step of all lanes: stages, error, dense output, next step size."""
        size = self.layout.states * LANES
        at = {name: row * LANES for name, row in self.rows.items()}
        last = tableau.STAGES - 1

        def flat(count: int, lines: Sequence[str]) -> list[str]:
            return [f"    for q in range({count}):", *(f"        {line}" for line in lines)] if count else []

        def combination(weights: Mapping[int, float]) -> str:
            return " + ".join(f"{w!r} * k{j}" for j, w in weights.items())

        text = ["def step(W, rtol):", f"    for lane in range({LANES}):"]
        text += [f"        W[{at['IH']} + lane] = 1.0 / W[{at['H']} + lane]"]
        text += [f"        W[{at['G']} + lane] = {1.0 / tableau.GAMMA!r} / W[{at['H']} + lane]", "    jacobian(W)"]
        text += flat(size, [f"W[{at['U']} + q] = W[{at['Y']} + q]", f"W[{at['R']} + q] = 0.0"])
        for i in range(tableau.STAGES):
            if i > 0:
                lines = [f"k{j} = W[{at['K'] + j * size} + q]" for j in range(i - 1)]
                lines += [f"k{i - 1} = W[{at['R']} + q]", f"W[{at['K'] + (i - 1) * size} + q] = k{i - 1}"]
                if i < len(tableau.A):
                    lines.append(
                        f"W[{at['U']} + q] = W[{at['Y']} + q] + ({combination(dict(enumerate(tableau.A[i])))})"
                    )
                else:
                    lines.append(f"W[{at['U']} + q] = W[{at['U']} + q] + k{i - 1}")
                lines.append(f"W[{at['R']} + q] = {combination(dict(enumerate(tableau.C[i])))}")
                text += flat(size, lines)
            if self.driven:
                text += [f"    for lane in range({LANES}):"]
                text += [
                    f"        W[{at['ST']} + lane] = W[{at['T']} + lane] + {tableau.TIMES[i]!r} * W[{at['H']} + lane]"
                ]
                text += [f"        W[{at['GH']} + lane] = {tableau.TIME_WEIGHTS[i]!r} * W[{at['H']} + lane]"]
            text.append("    stage(W)")
        text += flat(
            size,
            [
                f"k = W[{at['R']} + q]",
                f"W[{at['K'] + last * size} + q] = k",
                f"y = abs(W[{at['Y']} + q])",
                f"y1 = W[{at['U']} + q] + k",
                f"W[{at['Y1']} + q] = y1",
                "z = abs(y1)",
                f"r = k / (W[{at['ATOL']} + q] + rtol * (y if y > z else z))",
                f"W[{at['ERROR']} + q] = r * r",
            ],
        )
        dense = self.layout.dense * LANES
        lines = [f"k{j} = W[{at['K'] + j * size} + q]" for j in range(tableau.STAGES)]
        lines += [
            f"W[{at['D'] + d * dense} + q] = {combination(dict(enumerate(row)))}" for d, row in enumerate(tableau.H)
        ]
        text += flat(dense, lines)
        return "\n".join([*text, *self._control(at)]) + "\n"

    def _control(self, at: Mapping[str, int]) -> list[str]:
        """Mean square error, lowest state and next step size of each lane."""
        n = self.layout.states
        total = " + ".join(f"W[{at['ERROR'] + i * LANES} + lane]" for i in range(n))
        lines = [
            f"    for lane in range({LANES}):",
            f"        e = ({total}) * {1.0 / n!r}",
            f"        W[{at['E']} + lane] = e",
        ]
        lines += ["        low = 0.0"]
        position = {name: i for i, name in enumerate(self.program.system.states)}
        for i, name in enumerate(self.states):
            if self.program.system.non_negative[position[name]]:
                lines += [
                    f"        z = W[{at['Y1'] + i * LANES} + lane] * W[{at['NEGATIVE'] + i * LANES} + lane]",
                    "        low = z if z < low else low",
                ]
        return [
            *lines,
            f"        W[{at['LOW']} + lane] = low",
            "        e = e if e > 1e-12 else 1e-12",
            f"        f = 0.9 * exponential({-0.5 / tableau.ORDER!r} * logarithm(e))",
            "        f = f if f > 0.1 else 0.1",
            "        f = f if f < 6.0 else 6.0",
            f"        W[{at['HN']} + lane] = W[{at['H']} + lane] * f",
        ]

    def _interpolate(self) -> str:
        """Dense output of the followed states at TH, into U, and the time there."""
        at, n = self.rows, self.layout.dense
        body = [f"s = {self._cell(at['TH'])}", "r = 1.0 - s"]
        body.append(f"{self._cell(at['ST'])} = {self._cell(at['T'])} + s * {self._cell(at['H'])}")
        for i in range(n):
            d = [self._cell(at["D"] + j * n + i) for j in range(3)]
            inner = f"{d[0]} + s * ({d[1]} + s * {d[2]})"
            outer = f"{self._cell(at['Y1'] + i)} + r * ({inner})"
            body.append(f"{self._cell(at['U'] + i)} = r * {self._cell(at['Y'] + i)} + s * ({outer})")
        return self._vector("interpolate", body)

    def _sample(self) -> str:
        """Watched values inside and at the end of the step."""
        at, size = {name: row * LANES for name, row in self.rows.items()}, self.layout.watched * LANES
        text = ["def sample(W):", "    pass"]
        for k in range(1, SAMPLES if size else 0):
            text += [f"    for lane in range({LANES}):", f"        W[{at['TH']} + lane] = {k / (SAMPLES - 1)!r}"]
            text += ["    interpolate(W)", "    watch(W)", f"    for q in range({size}):"]
            text += [f"        W[{at['SAMPLE'] + k * size} + q] = W[{at['OBS']} + q]"]
        return "\n".join(text) + "\n"

    def _commit(self) -> str:
        """Move lanes to the end of their step: state, and last sample to first."""
        moves = [(self._place("Y", i), self._place("Y1", i)) for i in range(self.layout.states)]
        final = (SAMPLES - 1) * self.layout.watched
        moves += [(self._place("SAMPLE", i), self._place("SAMPLE", final + i)) for i in range(self.layout.watched)]
        body = [f"take = {self._place('TAKE', 0)} > 0.0", *(f"{to} = {new} if take else {to}" for to, new in moves)]
        return self._vector("commit", body)

    def _expressions(self, name: str, expressions: Sequence[Expr]) -> str:
        outputs = [(self._cell(self.rows["OBS"] + i), e) for i, e in enumerate(expressions)]
        return self._vector(name, statements(outputs, self._leaves("U", "ST")))

    def _assign(self) -> str:
        """What a trigger does: new values in Y from the point in U."""
        text = ["def assign(W, lane, trigger):"]
        index = {name: i for i, name in enumerate(self.states)}
        for j, pairs in enumerate(self.assignments):
            outputs = [(self._cell(self.rows["Y"] + index[s]), e) for s, e in pairs]
            # A trigger without assignments only notes its day.
            body = statements(outputs, self._leaves("U", "ST"), "        ") or ["        pass"]
            text += [f"    if trigger == {j}:", *body]
        return "\n".join(text) + ("\n" if self.assignments else "\n    pass\n")


def decorated(source: str, decorator: Callable[[str], str]) -> str:
    """Put a decorator before every function of a source text."""
    lines = []
    for line in source.splitlines():
        if line.startswith("def "):
            lines.append(decorator(line[4 : line.index("(")]))
        lines.append(line)
    return "\n".join(lines) + "\n"
