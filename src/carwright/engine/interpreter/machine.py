"""Execution of instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from carwright.engine.interpreter.printed import (
        OP_ABS,
        OP_ACOS,
        OP_ACOSH,
        OP_ADD,
        OP_AND,
        OP_ASIN,
        OP_ASINH,
        OP_ATAN,
        OP_ATANH,
        OP_CEIL,
        OP_COS,
        OP_COSH,
        OP_DIV,
        OP_ELIMINATE,
        OP_EQ,
        OP_EXP,
        OP_FACTORIAL,
        OP_FLOOR,
        OP_GE,
        OP_GT,
        OP_LE,
        OP_LN,
        OP_LT,
        OP_MAX,
        OP_MIN,
        OP_MUL,
        OP_NE,
        OP_NOT,
        OP_OR,
        OP_POSITIVE,
        OP_POW,
        OP_SELECT,
        OP_SIN,
        OP_SINH,
        OP_SQRT,
        OP_TAN,
        OP_TANH,
    )
    from carwright.engine.interpreter.records import Floats, Model, Work
    from carwright.engine.mathematics import factorial

# --- copied into every kernel from here ---


def execute(m: Model, R: Floats, tape: int) -> None:
    """Run one tape over the registers."""
    code = m.code
    for i in range(m.spans[tape, 0], m.spans[tape, 1]):
        op, a, b = code[i, 0], R[code[i, 2]], R[code[i, 3]]
        x = a
        if op == OP_ELIMINATE:
            x = R[code[i, 1]] - a * b
        elif op == OP_MUL:
            x = a * b
        elif op == OP_ADD:
            x = a + b
        elif op == OP_DIV:
            x = a / b
        elif op == OP_POW:
            x = a**b
        elif op == OP_SELECT:
            x = b if a != 0.0 else R[code[i, 4]]
        elif op == OP_MIN:
            x = a if a < b or a != a else b
        elif op == OP_MAX:
            x = a if a > b or a != a else b
        elif op == OP_LT:
            x = 1.0 if a < b else 0.0
        elif op == OP_LE:
            x = 1.0 if a <= b else 0.0
        elif op == OP_GT:
            x = 1.0 if a > b else 0.0
        elif op == OP_GE:
            x = 1.0 if a >= b else 0.0
        elif op == OP_EQ:
            x = 1.0 if a == b else 0.0
        elif op == OP_NE:
            x = 1.0 if a != b else 0.0
        elif op == OP_AND:
            x = 1.0 if a != 0.0 and b != 0.0 else 0.0
        elif op == OP_OR:
            x = 1.0 if a != 0.0 or b != 0.0 else 0.0
        elif op == OP_NOT:
            x = 1.0 if a == 0.0 else 0.0
        elif op == OP_POSITIVE:
            x = 0.0 if a < 0.0 else a
        elif op == OP_EXP:
            x = np.exp(a)
        elif op == OP_LN:
            x = np.log(a)
        elif op == OP_SQRT:
            x = np.sqrt(a)
        elif op == OP_ABS:
            x = abs(a)
        elif op == OP_FLOOR:
            x = np.floor(a)
        elif op == OP_CEIL:
            x = np.ceil(a)
        elif op == OP_SIN:
            x = np.sin(a)
        elif op == OP_COS:
            x = np.cos(a)
        elif op == OP_TAN:
            x = np.tan(a)
        elif op == OP_ASIN:
            x = np.arcsin(a)
        elif op == OP_ACOS:
            x = np.arccos(a)
        elif op == OP_ATAN:
            x = np.arctan(a)
        elif op == OP_SINH:
            x = np.sinh(a)
        elif op == OP_COSH:
            x = np.cosh(a)
        elif op == OP_TANH:
            x = np.tanh(a)
        elif op == OP_ASINH:
            x = np.arcsinh(a)
        elif op == OP_ACOSH:
            x = np.arccosh(a)
        elif op == OP_ATANH:
            x = np.arctanh(a)
        elif op == OP_FACTORIAL:
            x = factorial(a)
        else:
            x = np.nan
        R[code[i, 1]] = x


def output(m: Model, R: Floats, tape: int, i: int) -> float:
    """Result i of a tape that has just run."""
    value: float = R[m.outputs[m.spans[tape, 2] + i]]
    return value


def put(w: Work, row: int, t: float) -> None:
    """Load a row of states, and the time, into the registers."""
    n = w.S.shape[1]
    for s in range(n):
        w.R[s] = w.S[row, s]
    w.R[n] = t
