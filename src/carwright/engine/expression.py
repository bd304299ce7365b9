"""Algebraic expressions as a hash-consed graph.

Two expressions that are built alike are the same object, so a shared subexpression is stored, differentiated
and printed
once. Nodes are simplified when they are made (constants folded, 0 and 1 absorbed, equal factors and terms
collected) and never
changed afterwards. Nothing here evaluates text: formulas come in through `carwright.engine.formula`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from weakref import WeakValueDictionary

UNARY: Final = frozenset(
    [
        "exp",
        "ln",
        "sqrt",
        "abs",
        "floor",
        "ceil",
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "sinh",
        "cosh",
        "tanh",
        "asinh",
        "acosh",
        "atanh",
        "factorial",
        "positive",
        "not",
    ]
)
COMPARISONS: Final = frozenset(["lt", "le", "gt", "ge", "eq", "ne"])
LOGICAL: Final = COMPARISONS | {"and", "or", "not"}
"""Operations whose value is a truth value (1 or 0)."""
TIME: Final = "time"
"""Name of the independent variable in expressions, days in this project."""


class Expr:
    """One node: an operation, its arguments and, for leaves, a value.

    ``op`` is ``number`` (``value`` a float), ``symbol`` (``value`` a name), ``add``, ``mul`` (any number of
    arguments, a
    numeric one first), ``pow``, ``min``, ``max``, ``select`` (condition, then, otherwise), a comparison,
    ``and``, ``or`` or
    one of `UNARY`. ``positive(x)`` is max(x, 0). Subtraction and division are written with ``mul`` by -1 and
    ``pow`` to -1.
    """

    __slots__ = ("__weakref__", "args", "op", "value")

    op: str
    args: tuple[Expr, ...]
    value: float | str | None

    def __add__(self, other: Expr | float) -> Expr:
        return add(self, other)

    __radd__ = __add__

    def __sub__(self, other: Expr | float) -> Expr:
        return add(self, mul(-1.0, other))

    def __rsub__(self, other: Expr | float) -> Expr:
        return add(other, mul(-1.0, self))

    def __mul__(self, other: Expr | float) -> Expr:
        return mul(self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Expr | float) -> Expr:
        return mul(self, power(other, -1.0))

    def __rtruediv__(self, other: Expr | float) -> Expr:
        return mul(other, power(self, -1.0))

    def __pow__(self, other: Expr | float) -> Expr:
        return power(self, other)

    def __neg__(self) -> Expr:
        return mul(-1.0, self)

    @property
    def number(self) -> float | None:
        """The value of a numeric leaf, otherwise None."""
        return self.value if isinstance(self.value, float) else None

    def __repr__(self) -> str:
        if not self.args:
            return f"{self.value:g}" if isinstance(self.value, float) else str(self.value)
        if len(topological([self])) > 60:
            return f"{self.op}(...)"
        return f"{self.op}({', '.join(map(repr, self.args))})"


_nodes: WeakValueDictionary[tuple[object, ...], Expr] = WeakValueDictionary()


def _node(op: str, args: tuple[Expr, ...] = (), value: float | str | None = None) -> Expr:
    # The sign is part of the key because 0.0 == -0.0.
    key = (op, value, math.copysign(1.0, value) if isinstance(value, float) else 0, *map(id, args))
    found = _nodes.get(key)
    if found is None:
        found = Expr()
        found.op, found.args, found.value = op, args, value
        _nodes[key] = found
    return found


def number(value: float) -> Expr:
    """A numeric constant; NaN is refused because it would never equal itself."""
    value = float(value)
    if math.isnan(value):
        message = "not-a-number is no constant of an expression"
        raise ValueError(message)
    return _node("number", value=value)


def symbol(name: str) -> Expr:
    """A named quantity."""
    return _node("symbol", value=name)


def _expr(value: Expr | float) -> Expr:
    return value if isinstance(value, Expr) else number(value)


ZERO: Final = number(0.0)
ONE: Final = number(1.0)


def _coefficient(term: Expr) -> tuple[float, Expr]:
    """Split a term into its numeric factor and the rest."""
    if term.op == "mul" and term.args[0].number is not None:
        rest = term.args[1:]
        return term.args[0].number, rest[0] if len(rest) == 1 else _node("mul", rest)
    return (term.number, ONE) if term.number is not None else (1.0, term)


def add(*terms: Expr | float) -> Expr:
    """Sum; equal terms are collected and constants folded."""
    weights: dict[Expr, float] = {}
    for term in map(_expr, terms):
        weight, rest = _coefficient(term)
        weights[rest] = weights.get(rest, 0.0) + weight
    constant = weights.pop(ONE, 0.0)
    if not math.isfinite(constant):
        return _node("add", tuple(map(_expr, terms)))
    args = [mul(weight, rest) for rest, weight in weights.items() if weight != 0.0]
    if constant != 0.0 or not args:
        args.insert(0, number(constant))
    return args[0] if len(args) == 1 else _node("add", tuple(args))


def _base_and_exponent(factor: Expr) -> tuple[Expr, float]:
    if factor.op == "pow" and factor.args[1].number is not None:
        base, exponent = factor.args[0], factor.args[1].number
        if base.op == "pow" and base.args[1].number == -1.0:  # see `power`: x**-2 is kept as (1/x)**2
            return base.args[0], -exponent
        return base, exponent
    return factor, 1.0


def mul(*factors: Expr | float) -> Expr:
    """Product; powers of equal bases are collected, the numeric factor comes first."""
    constant = 1.0
    exponents: dict[Expr, float] = {}
    for factor in map(_expr, factors):
        weight, rest = _coefficient(factor)
        constant *= weight
        if rest is not ONE:
            base, exponent = _base_and_exponent(rest)
            exponents[base] = exponents.get(base, 0.0) + exponent
    if not math.isfinite(constant):
        return _node("mul", tuple(map(_expr, factors)))
    if constant == 0.0:
        return ZERO
    args = [power(base, exponent) for base, exponent in exponents.items() if exponent != 0.0]
    if constant != 1.0 or not args:
        args.insert(0, number(constant))
    if len(args) == 2 and args[0].number is not None and args[1].op == "mul":
        args = [args[0], *args[1].args]
    return args[0] if len(args) == 1 else _node("mul", tuple(args))


def power(base: Expr | float, exponent: Expr | float) -> Expr:
    """Power; a negative whole exponent becomes a power of the reciprocal, so that reciprocals are shared."""
    base, exponent = _expr(base), _expr(exponent)
    n = exponent.number
    if n == 0.0 or base is ONE:
        return ONE
    if n == 1.0:
        return base
    if n is not None and base.number is not None:
        folded = _fold(lambda: base.number**n)  # type: ignore[operator]
        if folded is not None:
            return folded
    if n is None or not n.is_integer():
        return unary("sqrt", base) if n == 0.5 else _node("pow", (base, exponent))
    if base.op == "sqrt" and n % 2 == 0:
        return power(base.args[0], n / 2)
    if base.op == "pow" and base.args[1].number is not None and base.args[1].number.is_integer():
        return power(base.args[0], base.args[1].number * n)
    if n < -1.0:
        return _node("pow", (_node("pow", (base, number(-1.0))), number(-n)))
    return _node("pow", (base, exponent))


def _fold(compute: Callable[[], float]) -> Expr | None:
    """The constant, or None where it is not a finite real number (then it is left for the kernel to meet)."""
    try:
        value = compute()
    except (ArithmeticError, ValueError):
        return None
    return number(value) if isinstance(value, float) and math.isfinite(value) else None


_FOLD: Final[Mapping[str, Callable[[float], float]]] = {
    **{name: getattr(math, name) for name in UNARY & set(dir(math))},
    "ln": math.log,
    "abs": abs,
    "factorial": lambda x: float(math.factorial(int(x))) if x.is_integer() else math.nan,
    "floor": lambda x: float(math.floor(x)),
    "ceil": lambda x: float(math.ceil(x)),
    "positive": lambda x: max(x, 0.0),
    "not": lambda x: float(x == 0.0),
}


def unary(op: str, argument: Expr | float) -> Expr:
    """One of `UNARY` of an argument."""
    if op not in UNARY:
        message = f"no operation {op!r}"
        raise ValueError(message)
    argument = _expr(argument)
    value = argument.number
    if value is not None:
        folded = _fold(lambda: _FOLD[op](value))
        if folded is not None:
            return folded
    if (op, argument.op) in {("exp", "ln"), ("ln", "exp")}:
        return argument.args[0]
    if op == "positive" and argument.op in {"positive", "abs", "exp"}:
        return argument
    return _node(op, (argument,))


def extreme(op: str, *args: Expr | float) -> Expr:
    """``min`` or ``max`` of one or more arguments."""
    nodes = list(map(_expr, args))
    result = nodes[0]
    for node in nodes[1:]:
        if result.number is not None and node.number is not None:
            result = number(min(result.number, node.number) if op == "min" else max(result.number, node.number))
        elif result is not node:
            result = _node(op, (result, node))
    return result


NOT_A_NUMBER: Final = unary("ln", -1.0)
"""An undefined value; it is computed when it is met, because a constant that never equals itself cannot be shared."""
INFINITE: Final = power(0.0, -1.0)


_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
}


def compare(op: str, left: Expr | float, right: Expr | float) -> Expr:
    """A comparison, one of `COMPARISONS`."""
    left, right = _expr(left), _expr(right)
    if left.number is not None and right.number is not None:
        return number(float(_COMPARE[op](left.number, right.number)))
    return _node(op, (left, right))


def truth(value: Expr) -> Expr:
    """Read an expression as a condition: not equal to zero."""
    return value if value.op in LOGICAL or value.number is not None else compare("ne", value, ZERO)


def logical(op: str, *args: Expr) -> Expr:
    """``and`` or ``or`` of conditions."""
    absorbing = op == "or"
    result: Expr | None = None
    for condition in map(truth, args):
        if condition.number is not None:
            if bool(condition.number) == absorbing:
                return number(float(absorbing))
            continue
        result = condition if result is None else _node(op, (result, condition))
    return number(float(not absorbing)) if result is None else result


def select(condition: Expr, then: Expr | float, otherwise: Expr | float) -> Expr:
    """``then`` where the condition holds, ``otherwise`` elsewhere."""
    condition, then, otherwise = truth(condition), _expr(then), _expr(otherwise)
    if condition.number is not None:
        return then if condition.number else otherwise
    return then if then is otherwise else _node("select", (condition, then, otherwise))


def verbatim(op: str, args: tuple[Expr, ...]) -> Expr:
    """Make an operation from its arguments as they stand, without simplification (for code generation)."""
    return _node(op, args)


def rebuild(op: str, args: tuple[Expr, ...]) -> Expr:
    """Make an operation again from new arguments, with simplification."""
    if op == "add":
        return add(*args)
    if op == "mul":
        return mul(*args)
    if op == "pow":
        return power(*args)
    if op in {"min", "max"}:
        return extreme(op, *args)
    if op in COMPARISONS:
        return compare(op, *args)
    if op in {"and", "or"}:
        return logical(op, *args)
    return select(*args) if op == "select" else unary(op, *args)


def topological(roots: Iterable[Expr]) -> list[Expr]:
    """All nodes under the roots, arguments before their users; the order depends on structure alone."""
    done: dict[Expr, None] = {}
    stack = list(roots)[::-1]
    while stack:
        node = stack[-1]
        if node in done:
            stack.pop()
            continue
        waiting = [arg for arg in reversed(node.args) if arg not in done]
        if waiting:
            stack.extend(waiting)
        else:
            done[node] = None
            stack.pop()
    return list(done)


def symbols(roots: Iterable[Expr]) -> set[str]:
    """Names that occur under the roots."""
    return {str(node.value) for node in topological(roots) if node.op == "symbol"}


def transform(roots: Iterable[Expr], replace: Callable[[Expr, tuple[Expr, ...]], Expr]) -> list[Expr]:
    """Rebuild graphs bottom up; ``replace`` turns each old node and its new arguments into the new node."""
    roots = list(roots)
    new: dict[Expr, Expr] = {}
    for node in topological(roots):
        new[node] = replace(node, tuple(new[arg] for arg in node.args))
    return [new[root] for root in roots]


def substitute(roots: Iterable[Expr], values: Mapping[str, Expr]) -> list[Expr]:
    """Replace symbols by expressions, once (the replacements themselves are not searched again)."""

    def replace(node: Expr, args: tuple[Expr, ...]) -> Expr:
        if node.op == "symbol":
            return values.get(str(node.value), node)
        return node if args == node.args else rebuild(node.op, args)

    return transform(roots, replace)
