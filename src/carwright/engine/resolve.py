"""Substitution of rules and initial assignments, and what a model needs once they are substituted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from carwright.engine import expression as ex
from carwright.engine.expression import TIME, Expr
from carwright.errors import Problems


class Definitions:
    """Symbols defined by equations, either at every moment or at the start of the solve.

    A symbol has a *now* meaning (assignment rules, reaction rates; constants frozen at the start) and a
    *start* meaning (initial
    assignments and values). Both are resolved together, in any order of definition; a cycle is reported by
    its names.
    """

    def __init__(self) -> None:
        self._always: dict[str, Expr] = {}
        self._start: dict[str, Expr] = {}
        self._constants: set[str] = set()

    def always(self, name: str, value: Expr) -> None:
        """``name`` equals ``value`` at every moment."""
        self._always[name] = value

    def at_start(self, name: str, value: Expr) -> None:
        """``name`` equals ``value`` at the start."""
        self._start[name] = value

    def constant(self, name: str) -> None:
        """``name`` keeps the value that it has at the start."""
        self._constants.add(name)

    def known(self, name: str) -> bool:
        """Whether any equation defines the symbol."""
        return name in self._always or name in self._start

    def has_start(self, name: str) -> bool:
        """Whether the symbol has a value at the start of its own."""
        return name in self._start

    def started(self) -> list[str]:
        """Symbols with a value at the start, in order of definition."""
        return list(self._start)

    def resolve(self, problems: Problems) -> tuple[dict[str, Expr], dict[str, Expr]]:
        """Expressions of every symbol now and at the start, free of other defined symbols."""
        # The key (True, name) is the meaning at the start, (False, name) the meaning now.
        tasks: dict[tuple[bool, str], tuple[Expr, bool]] = {}
        for name, value in self._always.items():
            tasks[False, name], tasks[True, name] = (value, False), (value, True)
        for name, value in self._start.items():
            tasks[True, name] = (value, True)
            if name in self._constants:
                tasks[False, name] = (value, True)
                if TIME in ex.symbols([value]):
                    problems.add(
                        "ENGINE012",
                        "the engine does not support a constant computed from the time at the start",
                        where=f"initial assignment of {name!r}",
                    )
        graph = {
            key: {(mode, used) for used in ex.symbols([value]) if (mode, used) in tasks}
            for key, (value, mode) in tasks.items()
        }
        done: dict[tuple[bool, str], Expr] = {}
        try:
            for key in TopologicalSorter(graph).static_order():
                value, mode = tasks[key]
                here = {name: done[mode, name] for name in ex.symbols([value]) if (mode, name) in done}
                done[key] = ex.substitute([value], here)[0]
        except CycleError as error:
            cycle = " -> ".join(name for _, name in error.args[1])
            problems.add(
                "ENGINE014",
                "rules or initial assignments depend on each other in a circle",
                where="SBML",
                found=cycle,
                fix="break the circle, for example by a rate rule for one of them",
            )
            return {}, {}
        now = {name: value for (at_start, name), value in done.items() if not at_start}
        return now, {name: value for (at_start, name), value in done.items() if at_start}


def guard_powers(roots: Iterable[Expr], non_negative: set[str]) -> list[Expr]:
    """Read a species as max(species, 0) under roots, logarithms and powers that are not whole numbers.

    A solver keeps a species near zero only within its tolerance, so it may be a hair below; x**0.7 must not
    become undefined
    there. Excursions that are more than that hair are counted by the solution (`Solution.lowest`), not
    hidden.
    """
    plain: Mapping[str, Expr] = {name: ex.unary("positive", ex.symbol(name)) for name in non_negative}

    def replace(node: Expr, args: tuple[Expr, ...]) -> Expr:
        whole = node.op == "pow" and args[1].number is not None and args[1].number.is_integer()
        if node.op not in {"sqrt", "ln", "pow"} or whole:
            return node if args == node.args else ex.rebuild(node.op, args)
        guards = plain
        if node.op == "pow" and args[1].number is None:
            # The exponent may turn out to be whole; then a negative base has a power of its own.
            is_whole = ex.compare("eq", args[1], ex.unary("floor", args[1]))
            guards = {
                name: ex.select(
                    ex.logical("and", is_whole, ex.compare("lt", ex.symbol(name), 0.0)), ex.symbol(name), positive
                )
                for name, positive in plain.items()
            }
        return ex.rebuild(node.op, (*ex.substitute([args[0]], guards), *args[1:]))

    return ex.transform(roots, replace)
