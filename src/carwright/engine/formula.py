"""From libSBML's syntax trees, and from formula text, to expressions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import libsbml

from carwright.engine import expression as ex
from carwright.engine.expression import TIME, Expr
from carwright.errors import CarwrightError, Problem

MAX_DEPTH: Final = 400
"""Deepest nesting of a formula; libSBML itself and the compiler recurse, so deeper text is refused rather
than risked.
"""
AVOGADRO: Final = 6.02214179e23
"""Value that SBML Level 3 Version 2 section 3.4.6 prescribes for its avogadro symbol (CODATA 2006), in 1/mol.
"""


class UnsupportedError(ValueError):
    """A construct that the engine does not solve; the message names it."""


@dataclass(frozen=True)
class Function:
    """A function definition: names of the arguments and the syntax tree of the body."""

    arguments: tuple[str, ...]
    body: Any = field(repr=False)


def rate_of(name: str) -> str:
    """Name of the symbol that stands for the time derivative of another."""
    return f"rateOf({name})"


def _difference(args: Sequence[Expr]) -> Expr:
    return -args[0] if len(args) == 1 else args[0] - args[1]


def _logarithm(args: Sequence[Expr]) -> Expr:
    base, x = (ex.number(10.0), args[0]) if len(args) == 1 else args
    return ex.unary("ln", x) / ex.unary("ln", base)


def _root(args: Sequence[Expr]) -> Expr:
    degree, x = (ex.number(2.0), args[0]) if len(args) == 1 else args
    return ex.power(x, 1.0 / degree)


def _piecewise(args: Sequence[Expr]) -> Expr:
    # Without an otherwise part the value is undefined where no condition holds.
    result = args[-1] if len(args) % 2 else ex.NOT_A_NUMBER
    for i in range(len(args) - 2 - len(args) % 2, -1, -2):
        result = ex.select(args[i + 1], args[i], result)
    return result


def _chain(op: str) -> Callable[[Sequence[Expr]], Expr]:
    """n-ary comparison: a < b < c means a < b and b < c."""

    def build(args: Sequence[Expr]) -> Expr:
        return ex.logical("and", *(ex.compare(op, a, b) for a, b in pairwise(args)))

    return build


def _parity(args: Sequence[Expr]) -> Expr:
    result = ex.ZERO
    for arg in map(ex.truth, args):
        result = ex.compare("ne", result, arg)
    return result


def _remainder(args: Sequence[Expr]) -> Expr:
    return args[0] - args[1] * _quotient(args)


def _quotient(args: Sequence[Expr]) -> Expr:
    ratio = args[0] / args[1]
    return ex.select(ex.compare("lt", ratio, 0.0), ex.unary("ceil", ratio), ex.unary("floor", ratio))


def _reciprocal(op: str) -> Callable[[Sequence[Expr]], Expr]:
    return lambda args: 1.0 / ex.unary(op, args[0])


def _of_reciprocal(op: str) -> Callable[[Sequence[Expr]], Expr]:
    return lambda args: ex.unary(op, 1.0 / args[0])


def _unary(op: str) -> Callable[[Sequence[Expr]], Expr]:
    return lambda args: ex.unary(op, args[0])


_OPERATIONS: Final[Mapping[int, Callable[[Sequence[Expr]], Expr]]] = {
    libsbml.AST_PLUS: lambda args: ex.add(*args),
    libsbml.AST_MINUS: _difference,
    libsbml.AST_TIMES: lambda args: ex.mul(*args),
    libsbml.AST_DIVIDE: lambda args: args[0] / args[1],
    libsbml.AST_POWER: lambda args: ex.power(args[0], args[1]),
    libsbml.AST_FUNCTION_POWER: lambda args: ex.power(args[0], args[1]),
    libsbml.AST_FUNCTION_ROOT: _root,
    libsbml.AST_FUNCTION_LOG: _logarithm,
    libsbml.AST_FUNCTION_PIECEWISE: _piecewise,
    libsbml.AST_FUNCTION_MIN: lambda args: ex.extreme("min", *args),
    libsbml.AST_FUNCTION_MAX: lambda args: ex.extreme("max", *args),
    libsbml.AST_FUNCTION_REM: _remainder,
    libsbml.AST_FUNCTION_QUOTIENT: _quotient,
    libsbml.AST_LOGICAL_AND: lambda args: ex.logical("and", *args),
    libsbml.AST_LOGICAL_OR: lambda args: ex.logical("or", *args),
    libsbml.AST_LOGICAL_NOT: lambda args: ex.unary("not", ex.truth(args[0])),
    libsbml.AST_LOGICAL_XOR: _parity,
    libsbml.AST_LOGICAL_IMPLIES: lambda args: ex.logical("or", ex.unary("not", ex.truth(args[0])), args[1]),
    libsbml.AST_RELATIONAL_NEQ: lambda args: ex.compare("ne", args[0], args[1]),
    **{getattr(libsbml, f"AST_RELATIONAL_{op.upper()}"): _chain(op) for op in ("lt", "gt", "eq")},
    libsbml.AST_RELATIONAL_LEQ: _chain("le"),
    libsbml.AST_RELATIONAL_GEQ: _chain("ge"),
    **{
        getattr(libsbml, f"AST_FUNCTION_{name}"): _unary(op)
        for name, op in {
            "EXP": "exp", "LN": "ln", "ABS": "abs", "FLOOR": "floor", "CEILING": "ceil", "SIN": "sin", "COS": "cos",
            "TAN": "tan", "ARCSIN": "asin", "ARCCOS": "acos", "ARCTAN": "atan", "SINH": "sinh", "COSH": "cosh",
            "TANH": "tanh", "ARCSINH": "asinh", "ARCCOSH": "acosh", "ARCTANH": "atanh", "FACTORIAL": "factorial",
        }.items()
    },
    **{
        getattr(libsbml, f"AST_FUNCTION_{name}"): _reciprocal(op)
        for name, op in {
            "SEC": "cos", "CSC": "sin", "COT": "tan", "SECH": "cosh", "CSCH": "sinh", "COTH": "tanh"
        }.items()
    },
    **{
        getattr(libsbml, f"AST_FUNCTION_ARC{name}"): _of_reciprocal(op)
        for name, op in {
            "SEC": "acos", "CSC": "asin", "COT": "atan", "SECH": "acosh", "CSCH": "asinh", "COTH": "atanh"
        }.items()
    },
}  # fmt: skip

_CONSTANTS: Final[Mapping[int, float]] = {
    libsbml.AST_CONSTANT_E: math.e,
    libsbml.AST_CONSTANT_PI: math.pi,
    libsbml.AST_CONSTANT_TRUE: 1.0,
    libsbml.AST_CONSTANT_FALSE: 0.0,
    libsbml.AST_NAME_AVOGADRO: AVOGADRO,
}


def from_ast(
    root: Any,
    functions: Mapping[str, Function] | None = None,
    local: Mapping[str, Expr] | None = None,
    _calls: tuple[str, ...] = (),
) -> Expr:
    """Convert a libSBML ``ASTNode``.

    Parameters
    ----------
    root
        The tree; None is refused.
    functions
        Function definitions by name; calls are inlined.
    local
        Names that mean something else here (local parameters, function arguments).

    Raises
    ------
    UnsupportedError
        Naming the construct: delay, rateOf, factorial, an unknown function, a recursive definition, too deep
        a nesting.
    """
    if root is None:
        message = "an empty formula"
        raise UnsupportedError(message)
    functions, local = functions or {}, local or {}
    done: list[Expr] = []
    # (node, depth, arguments already converted?)
    stack: list[tuple[Any, int, bool]] = [(root, 0, False)]
    while stack:
        node, depth, ready = stack.pop()
        if depth > MAX_DEPTH:
            message = f"a formula nested deeper than {MAX_DEPTH} levels"
            raise UnsupportedError(message)
        count = node.getNumChildren()
        if count and not ready:
            stack.append((node, depth, True))
            stack.extend((node.getChild(i), depth + 1, False) for i in range(count - 1, -1, -1))
            continue
        args = done[len(done) - count :]
        del done[len(done) - count :]
        done.append(_convert(node, args, functions, local, _calls))
    return done[0]


def _convert(
    node: Any,
    args: list[Expr],
    functions: Mapping[str, Function],
    local: Mapping[str, Expr],
    calls: tuple[str, ...],
) -> Expr:
    kind, name = node.getType(), node.getName()
    if kind in _OPERATIONS:
        if not args:
            return {libsbml.AST_TIMES: ex.ONE, libsbml.AST_LOGICAL_AND: ex.ONE}.get(kind, ex.ZERO)
        try:
            return _OPERATIONS[kind](args)
        except (IndexError, ValueError, TypeError) as error:
            if isinstance(error, UnsupportedError):
                raise
            message = f"{libsbml.formulaToL3String(node)} (wrong number of arguments)"
            raise UnsupportedError(message) from error
    if kind in _CONSTANTS:
        return ex.number(_CONSTANTS[kind])
    if node.isNumber():
        value = float(node.getInteger()) if node.isInteger() else float(node.getReal())
        if math.isnan(value):
            return ex.NOT_A_NUMBER
        return ex.number(value) if math.isfinite(value) else ex.INFINITE * math.copysign(1.0, value)
    if kind == libsbml.AST_FUNCTION_RATE_OF:
        target = node.getChild(0).getName()
        return ex.ZERO if args[0].op == "number" or target in local else ex.symbol(rate_of(target))
    if kind == libsbml.AST_FUNCTION_DELAY:
        message = "delay differential equations (the symbol 'delay')"
        raise UnsupportedError(message)
    if kind == libsbml.AST_NAME_TIME:
        return ex.symbol(TIME)
    if kind == libsbml.AST_NAME:
        return local.get(name) or ex.symbol(name)
    if kind == libsbml.AST_FUNCTION and name in functions and functions[name].body is not None:
        function = functions[name]
        if name in calls:
            message = f"function {name}, which calls itself"
            raise UnsupportedError(message)
        if len(args) != len(function.arguments):
            message = f"function {name} with {len(args)} arguments instead of {len(function.arguments)}"
            raise UnsupportedError(message)
        bound = dict(zip(function.arguments, args, strict=True))
        return from_ast(function.body, functions, bound, (*calls, name))
    message = f"function {name or libsbml.formulaToL3String(node)}"
    raise UnsupportedError(message)


def parse(text: str, where: str = "formula") -> Expr:
    """Read a formula in SBML Level 3 infix syntax, for example ``temperature > 38 && il6 / 2 >= threshold``.

    Raises
    ------
    CarwrightError
        With libSBML's explanation of a mistake in the syntax, or naming a construct that is not supported.
    """
    settings = libsbml.L3ParserSettings()
    settings.setParseLog(libsbml.L3P_PARSE_LOG_AS_LOG10)
    settings.setParseAvogadroCsymbol(True)
    tree = libsbml.parseL3FormulaWithSettings(text, settings)
    if tree is None:
        detail = " ".join(libsbml.getLastParseL3Error().split())
        raise CarwrightError(Problem("ENGINE001", "the formula cannot be read", where, text[:200], fix=detail))
    try:
        return from_ast(tree)
    except UnsupportedError as error:
        problem = Problem("ENGINE002", f"the engine does not support {error}", where, text[:200])
        raise CarwrightError(problem) from error
