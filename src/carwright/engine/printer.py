"""Expressions to straight-line Python statements (see `carwright.engine.vector`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from carwright.engine import expression as ex
from carwright.engine.expression import Expr

_CALLS: Final[Mapping[str, str]] = {
    "exp": "exponential", "ln": "logarithm", "tanh": "hyperbolic_tangent", "sqrt": "np.sqrt", "abs": "abs",
    "floor": "np.floor", "ceil": "np.ceil", "sin": "np.sin", "cos": "np.cos", "tan": "np.tan", "asin": "np.arcsin",
    "acos": "np.arccos", "atan": "np.arctan", "sinh": "np.sinh", "cosh": "np.cosh",
    "asinh": "np.arcsinh", "acosh": "np.arccosh", "atanh": "np.arctanh", "factorial": "factorial",
}  # fmt: skip
_RELATIONS: Final = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=", "and": "&", "or": "|"}
_NEEDS_NAMES: Final = frozenset({"min", "max", "positive", "select"})
"""Operations whose text mentions an argument twice, or that must compute their arguments before they choose.
"""
_LARGEST_PRODUCT: Final = 64
"""Whole powers up to this are multiplied out."""
_DEEPEST: Final = 12
"""Nesting of one printed statement."""


def group_constants(roots: Sequence[Expr], constant: Callable[[Expr], bool]) -> list[Expr]:
    """Bring constant factors and terms of products and sums together, to be computed once per patient.

    Products inside products (sums inside sums) are opened where nothing else uses them. This changes
    rounding, not meaning.
    """
    uses: dict[Expr, int] = {}
    for node in ex.topological(roots):
        for arg in node.args:
            uses[arg] = uses.get(arg, 0) + 1

    def replace(node: Expr, args: tuple[Expr, ...]) -> Expr:
        if node.op not in {"add", "mul"}:
            return node if args == node.args else ex.verbatim(node.op, args)
        flat: list[Expr] = []
        for old, new in zip(node.args, args, strict=True):
            flat.extend(new.args if new.op == node.op and uses[old] == 1 and not constant(new) else (new,))
        fixed = [arg for arg in flat if constant(arg)]
        free = [arg for arg in flat if not constant(arg)]
        if len(fixed) > 1:
            fixed = [ex.verbatim(node.op, tuple(fixed))]
        together = (*fixed, *free)
        return together[0] if len(together) == 1 else ex.verbatim(node.op, together)

    return ex.transform(roots, replace)


def constant_nodes(roots: Iterable[Expr], constant: Callable[[Expr], bool]) -> list[Expr]:
    """The largest constant subexpressions (numbers excepted) that the roots use."""
    found: dict[Expr, None] = {}
    roots = list(roots)
    for node in ex.topological(roots):
        if not constant(node):
            found.update((arg, None) for arg in node.args if constant(arg) and arg.number is None)
    found.update((root, None) for root in roots if constant(root) and root.number is None)
    return list(found)


def statements(outputs: Sequence[tuple[str, Expr]], leaves: Mapping[Expr, str], indent: str = "") -> list[str]:
    """Assignments that compute every output.

    Parameters
    ----------
    outputs
        Pairs of target text and expression; no target may be a leaf.
    leaves
        Text that loads a node; every symbol must be here, constants computed elsewhere may be.
    indent
        Put before each line.
    """
    lines: list[str] = []
    text: dict[Expr, str] = {}
    depth: dict[Expr, int] = {}
    order = _reachable([e for _, e in outputs], leaves)
    uses: dict[Expr, int] = {}
    named: set[Expr] = set()
    for node in order:
        if node not in leaves:
            for arg in node.args:
                uses[arg] = uses.get(arg, 0) + 1
                if node.op in _NEEDS_NAMES or (node.op == "pow" and node.args[1].number is not None):
                    named.add(arg)
    targets: dict[Expr, list[str]] = {}
    for target, root in outputs:
        uses[root] = uses.get(root, 0) + 1
        targets.setdefault(root, []).append(target)
    for node in order:
        if node.number is not None:
            code, level = f"({node.number!r})" if node.number < 0 else repr(node.number), 0
        elif node in leaves:
            # A truth that was computed elsewhere has been stored as a number.
            code, level = f"({leaves[node]} != 0.0)" if node.op in ex.LOGICAL else leaves[node], 0
        else:
            code = _operation(node, text, lines, indent)
            level = 1 + max((depth[arg] for arg in node.args), default=0)
        if node.number is None and (uses.get(node, 0) > 1 or node in named or level > _DEEPEST):
            name = f"x{len(lines)}"
            lines.append(f"{indent}{name} = {code}")
            code, level = name, 0
        text[node], depth[node] = code, level
        # What is complete is written at once, so that registers are free for what follows.
        lines.extend(f"{indent}{target} = {_numeric(node, text)}" for target in targets.get(node, ()))
    return lines


def _reachable(roots: Sequence[Expr], leaves: Mapping[Expr, str]) -> list[Expr]:
    """Nodes that must be computed or loaded, arguments first; what is under a leaf is not needed."""
    needed: set[Expr] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in needed:
            needed.add(node)
            if node not in leaves:
                stack.extend(node.args)
    return [node for node in ex.topological(roots) if node in needed]


def _numeric(node: Expr, text: Mapping[Expr, str]) -> str:
    return f"(1.0 if {text[node]} else 0.0)" if node.op in ex.LOGICAL else text[node]


def _operation(node: Expr, text: Mapping[Expr, str], lines: list[str], indent: str) -> str:
    op = node.op
    args = [text[arg] if op in {"and", "or", "not"} else _numeric(arg, text) for arg in node.args]
    if op == "add":
        return _sum(node, text)
    if op == "mul":
        return _product(node.args, text)
    if op == "pow":
        return _power(node, args, lines, indent)
    if op in _RELATIONS:
        return f"({args[0]} {_RELATIONS[op]} {args[1]})"
    if op == "not":
        return f"(not {args[0]})"
    if op == "positive":  # written so that NaN stays NaN
        return f"(0.0 if {args[0]} < 0.0 else {args[0]})"
    if op in {"min", "max"}:
        a, b = args
        return f"({a} if ({a} {'<' if op == 'min' else '>'} {b}) | ({a} != {a}) else {b})"
    if op == "select":
        return f"({args[1]} if {text[node.args[0]]} else {args[2]})"
    return f"{_CALLS[op]}({args[0]})"


def _sum(node: Expr, text: Mapping[Expr, str]) -> str:
    result = ""
    for term in node.args:
        code, sign = _numeric(term, text), "+"
        if code.startswith("(-") and term.op == "mul" and term.args[0].number is not None:
            code, sign = "(" + code[2:], "-"
        result += f" {sign} {code}" if result else (code if sign == "+" else f"-{code}")
    return f"({result})"


def _product(factors: Sequence[Expr], text: Mapping[Expr, str]) -> str:
    above, below, sign = [], [], ""
    for factor in factors:
        code = _numeric(factor, text)
        if factor.number == -1.0:
            sign = "-"
        elif code.startswith("(1.0 / "):
            below.append(code[len("(1.0 / ") : -1])
        else:
            above.append(code)
    product = " * ".join(above) or "1.0"
    if below:
        product = f"{product} / ({' * '.join(below)})"
    return f"({sign}{product})" if not sign else f"(-({product}))"


def _power(node: Expr, args: list[str], lines: list[str], indent: str) -> str:
    base, n = args[0], node.args[1].number
    if n == -1.0:
        return f"(1.0 / {base})"
    if n is None or not n.is_integer() or not 2 <= n <= _LARGEST_PRODUCT:
        return f"real_power({base}, {args[1]})"
    factors, bits = [], int(n)
    while True:
        if bits & 1:
            factors.append(base)
        bits >>= 1
        if not bits:
            return f"({' * '.join(factors)})"
        lines.append(f"{indent}x{len(lines)} = {base} * {base}")
        base = f"x{len(lines) - 1}"
