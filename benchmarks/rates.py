"""Rates of a system as a Python function, for solvers that take one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from carwright.engine import expression as ex
from carwright.engine.expression import Expr
from carwright.engine.system import System

Rates = Callable[..., Any]

_BINARY = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=", "pow": "**"}
_PLAIN: Mapping[str, Any] = {name: getattr(math, name) for name in dir(math) if not name.startswith("_")}


def rates(system: System, functions: Mapping[str, Any] = _PLAIN) -> Rates:
    """``f(t, y, p, out)`` that fills ``out`` with the time derivatives; shared subexpressions are computed once.

    ``functions`` gives the mathematical functions by their names in `math`, with ``select`` and ``maximum`` where
    the target has no branches.
    """
    text: dict[Expr, str] = {ex.symbol("time"): "t"}
    text |= {ex.symbol(name): f"y[{i}]" for i, name in enumerate(system.states)}
    text |= {ex.symbol(name): f"p[{i}]" for i, name in enumerate(system.parameters)}
    lines = []
    for node in ex.topological(list(system.rates)):
        if node.number is not None:
            text[node] = f"({node.number!r})"
        if node in text:
            continue
        text[node] = f"x{len(lines)}"
        lines.append(f"    {text[node]} = {_operation(node, [text[arg] for arg in node.args], 'select' in functions)}")
    lines += [f"    out[{i}] = {text[root]}" for i, root in enumerate(system.rates)]
    space = dict(functions)
    exec("def rates(t, y, p, out):\n" + "\n".join(lines) + "\n    return out\n", space)  # noqa: S102 our own text
    made: Rates = space["rates"]
    return made


def _operation(node: Expr, args: list[str], branchless: bool) -> str:
    op = node.op
    if op in {"add", "mul"}:
        return (" + " if op == "add" else " * ").join(args)
    if op == "pow" and node.args[1].number == -1.0:
        return f"1.0 / {args[0]}"
    if op in _BINARY:
        return f"{args[0]} {_BINARY[op]} {args[1]}"
    if op == "positive":
        return f"maximum({args[0]}, 0.0)" if branchless else f"(0.0 if {args[0]} < 0.0 else {args[0]})"
    if op == "select":
        return f"select({', '.join(args)})" if branchless else f"({args[1]} if {args[0]} else {args[2]})"
    if op in {"and", "or", "not"}:
        return f"(not {args[0]})" if op == "not" else f"({args[0]} {op} {args[1]})"
    name = {"ln": "log", "abs": "fabs", "min": "min", "max": "max"}.get(op, op)
    return f"{name}({', '.join(args)})"
