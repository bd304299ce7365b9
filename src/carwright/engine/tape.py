"""Expressions to instructions of the interpreter: numbered registers instead of machine code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from carwright.engine import expression as ex
from carwright.engine.expression import Expr

BINARY: Final = ("add", "mul", "div", "pow", "min", "max", "lt", "le", "gt", "ge", "eq", "ne", "and", "or")
OPERATIONS: Final = (*BINARY, "select", "eliminate", *sorted(ex.UNARY))
"""Operations of the interpreter; it knows them by their place here. ``eliminate`` takes a product from its result."""
_CODE: Final = {op: i for i, op in enumerate(OPERATIONS)}

Row = tuple[int, int, int, int, int]


class Tapes:
    """Lists of instructions over common registers.

    The first registers hold the symbols, in the given order; then come literals and results. What depends on
    ``fixed`` symbols alone is computed once per patient, by the first tape, into registers of its own.

    Parameters
    ----------
    names
        Symbols in the order of their registers.
    fixed
        Those that do not change during the solve of a patient.
    roots
        Every expression that will be compiled.
    """

    def __init__(self, names: Sequence[str], fixed: Iterable[str], roots: Iterable[Expr]) -> None:
        self._register: dict[Expr, int] = {ex.symbol(name): i for i, name in enumerate(names)}
        self._next = len(names)
        self._literals: dict[int, float] = {}
        self.code: list[Row] = []
        self.spans: list[tuple[int, int, int]] = []
        self.outputs: list[int] = []
        known = set(fixed)
        constant: dict[Expr, bool] = {}
        hoisted: list[Expr] = []
        for node in ex.topological(roots):
            if node.op == "number":
                constant[node] = True
                self._literal(node, node.number or 0.0)
            elif node.op == "symbol":
                constant[node] = node.value in known
            else:
                constant[node] = all(constant[arg] for arg in node.args)
                if constant[node]:
                    hoisted.append(node)
        self.zero, self.one = self._literal(ex.ZERO, 0.0), self._literal(ex.ONE, 1.0)
        self.minus_one = self._literal(ex.number(-1.0), -1.0)
        for node in hoisted:
            self._operation(node, self._register)
        self._persistent = self._next
        self._highest = self._next
        self.spans.append((0, len(self.code), 0))

    def _literal(self, node: Expr, value: float) -> int:
        if node not in self._register:
            self._register[node] = self._next
            self._literals[self._next] = value
            self._next += 1
        return self._register[node]

    def reserve(self, count: int) -> list[int]:
        """Registers that keep their value between tapes; to be taken before the first tape is added."""
        self._next = self._persistent = self._persistent + count
        return list(range(self._persistent - count, self._persistent))

    def add(self, outputs: Sequence[Expr], finish: Callable[[list[int]], list[int]] | None = None) -> int:
        """Compile one tape; its number. Result i is in register ``outputs[span[2] + i]``.

        ``finish`` may add instructions (`instruct`) that turn the registers of the results into others.
        """
        register = dict(self._register)
        self._next = self._persistent
        first, place = len(self.code), len(self.outputs)
        for node in ex.topological(outputs):
            if node not in register:
                self._operation(node, register)
        results = [register[node] for node in outputs]
        self.outputs += finish(results) if finish else results
        self._highest = max(self._highest, self._next)
        self.spans.append((first, len(self.code), place))
        return len(self.spans) - 1

    def place(self, node: Expr) -> int:
        """Register of a symbol, a literal or a constant."""
        return self._register[node]

    def instruct(self, op: str, a: int, b: int = 0, to: int | None = None) -> int:
        """Add an instruction that writes to a given or a new register; that register."""
        if to is None:
            return self._emit(op, a, b)
        self.code.append((_CODE[op], to, a, b, 0))
        return to

    def _emit(self, op: str, a: int, b: int = 0, c: int = 0) -> int:
        self.code.append((_CODE[op], self._next, a, b, c))
        self._next += 1
        return self._next - 1

    def _operation(self, node: Expr, register: dict[Expr, int]) -> None:
        args = [register[arg] for arg in node.args]
        if node.op == "add":
            total = args[0]
            for arg in args[1:]:
                total = self._emit("add", total, arg)
        elif node.op == "mul":
            total = self._product(node, args, register)
        elif node.op == "pow" and node.args[1].number == -1.0:
            total = self._emit("div", self.one, args[0])
        else:
            total = self._emit(node.op, *args)
        register[node] = total

    def _product(self, node: Expr, args: list[int], register: dict[Expr, int]) -> int:
        """Factors from left to right; a reciprocal becomes a division."""
        total = -1
        for factor, place in zip(node.args, args, strict=True):
            below = factor.op == "pow" and factor.args[1].number == -1.0
            if total < 0:
                total = place
            elif below:
                total = self._emit("div", total, register[factor.args[0]])
            else:
                total = self._emit("mul", total, place)
        return total

    def arrays(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Instructions (k, 5): operation, result, arguments; spans (tapes, 3); result registers."""
        return (
            np.array(self.code, dtype=np.uint32).reshape(-1, 5),
            np.array(self.spans, dtype=np.int64).reshape(-1, 3),
            np.array(self.outputs, dtype=np.int64),
        )

    def registers(self) -> npt.NDArray[np.float64]:
        """All registers with the literals in place."""
        values = np.zeros(self._highest)
        for place, value in self._literals.items():
            values[place] = value
        return values


def kinked(expression: Expr) -> bool:
    """Whether a value may have corners or jumps where what it is made of has none."""
    corners = {"min", "max", "positive", "select", "abs", "floor", "ceil", *ex.LOGICAL}
    return any(node.op in corners for node in ex.topological([expression]))


def discontinuous(roots: Iterable[Expr]) -> list[Expr]:
    """Parts that jump: comparisons and roundings. Equality is watched by the order of its sides as well."""
    found: dict[Expr, None] = {}
    for node in ex.topological(roots):
        if node.op in ex.COMPARISONS:
            found[node] = None
            if node.op in {"eq", "ne"}:
                found[ex.compare("lt", *node.args)] = None
        elif node.op in {"floor", "ceil"}:
            found[node] = None
    return [node for node in found if node.number is None]
