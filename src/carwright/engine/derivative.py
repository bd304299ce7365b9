"""Exact partial derivatives of expression graphs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from carwright.engine import expression as ex
from carwright.engine.expression import ONE, ZERO, Expr

FLOOR_SUFFIX = "|floor"
"""Suffix of the symbol that holds the absolute tolerance of a state, see `floored`."""


def jacobian(rates: Sequence[Expr], states: Sequence[str]) -> dict[tuple[int, int], Expr]:
    """Non-zero slopes of rates by (row, column), floored; one pass over the graph however many states there are."""
    column = {name: i for i, name in enumerate(states)}
    slopes: dict[Expr, dict[int, Expr]] = {}
    for node in ex.topological(rates):
        if node.op == "symbol":
            slopes[node] = {column[str(node.value)]: ONE} if node.value in column else {}
            continue
        found: dict[int, Expr] = {}
        for i in sorted({i for arg in node.args for i in slopes[arg]}):
            slope = _chain(node, [slopes[arg].get(i, ZERO) for arg in node.args])
            if slope is not ZERO:
                found[i] = slope
        slopes[node] = found
    entries = {(row, i): slope for row, rate in enumerate(rates) for i, slope in slopes[rate].items()}
    return dict(zip(entries, _all_floored(entries.values()), strict=True))


def floored(node: Expr) -> Expr:
    """Replace ``positive(x)`` by the larger of x and the absolute tolerance of x.

    Slopes such as that of x**0.5 are infinite at x = 0, where a species may well start. There the slope is
    taken at the absolute tolerance instead: within that distance of zero the solver does not tell values
    apart, so its error control still sees
    any step that this would spoil.
    """
    return _all_floored([node])[0]


def _all_floored(nodes: Iterable[Expr]) -> list[Expr]:
    def replace(old: Expr, args: tuple[Expr, ...]) -> Expr:
        if old.op == "positive" and old.args[0].op == "symbol":
            return ex.extreme("max", old.args[0], ex.symbol(f"{old.args[0].value}{FLOOR_SUFFIX}"))
        return old if args == old.args else ex.rebuild(old.op, args)

    return ex.transform(nodes, replace)


def derivatives(roots: Iterable[Expr], name: str) -> list[Expr]:
    """Partial derivative of each root with respect to one symbol; shared nodes are done once."""
    return directional(roots, {name: ONE})


def directional(roots: Iterable[Expr], velocities: Mapping[str, Expr]) -> list[Expr]:
    """Rate at which each root changes when symbols change at these rates (all others stay), by the chain rule."""
    roots = list(roots)
    slope: dict[Expr, Expr] = {}
    for node in ex.topological(roots):
        if node.op == "symbol":
            slope[node] = velocities.get(str(node.value), ZERO)
        elif all(slope[arg] is ZERO for arg in node.args):
            slope[node] = ZERO
        else:
            slope[node] = _chain(node, [slope[arg] for arg in node.args])
    return [slope[root] for root in roots]


def _chain(node: Expr, inner: list[Expr]) -> Expr:
    op, args = node.op, node.args
    if op == "add":
        return ex.add(*inner)
    if op == "mul":
        return ex.add(*(ex.mul(*args[:i], slope, *args[i + 1 :]) for i, slope in enumerate(inner) if slope is not ZERO))
    if op == "pow":
        return _power(args[0], args[1], inner)
    if op == "select":
        return ex.select(args[0], inner[1], inner[2])
    if op in {"min", "max"}:
        first = ex.compare("le" if op == "min" else "ge", *args)
        return ex.select(first, inner[0], inner[1])
    if op in ex.LOGICAL or op in {"floor", "ceil", "factorial"}:
        return ZERO
    return ex.mul(_outer(op, args[0], node), inner[0])


def _power(base: Expr, exponent: Expr, inner: list[Expr]) -> Expr:
    n = exponent.number
    if n is not None and n.is_integer():
        return ex.mul(n, ex.power(base, n - 1.0), inner[0])
    # x**n: n x**n / x shares the power with the function itself; 0 where x is 0 (never 0/0).
    x = floored(base)
    value, nothing = ex.power(x, exponent), ex.compare("eq", x, 0.0)
    result = ex.mul(exponent, ex.select(nothing, ZERO, value / x), inner[0])
    if inner[1] is not ZERO:
        result = result + ex.select(nothing, ZERO, value * ex.unary("ln", x)) * inner[1]
    return result


def _outer(op: str, x: Expr, node: Expr) -> Expr:
    """Slope of a function at ``x``; ``node`` is its value, reused where the slope contains it."""
    if op == "exp":
        return node
    if op == "ln":
        return 1.0 / floored(x)
    if op == "sqrt":
        return 0.5 / ex.unary("sqrt", floored(x))
    if op == "abs":
        return ex.select(ex.compare("lt", x, 0.0), ex.number(-1.0), ONE)
    if op == "positive":
        return ex.select(ex.compare("lt", x, 0.0), ZERO, ONE)
    if op in {"sin", "cos"}:
        return ex.unary("cos", x) if op == "sin" else -ex.unary("sin", x)
    if op in {"sinh", "cosh"}:
        return ex.unary("cosh" if op == "sinh" else "sinh", x)
    if op == "tan":
        return 1.0 + node * node
    if op == "tanh":
        return 1.0 - node * node
    if op == "atan":
        return 1.0 / (1.0 + x * x)
    if op in {"asinh", "acosh"}:
        return 1.0 / ex.unary("sqrt", x * x + (1.0 if op == "asinh" else -1.0))
    if op == "atanh":
        return 1.0 / (1.0 - x * x)
    sign = 1.0 if op == "asin" else -1.0
    return sign / ex.unary("sqrt", 1.0 - x * x)
