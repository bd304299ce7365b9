"""Printed lane code to LLVM's vector instructions.

The generator prints the functions of a kernel as plain Python: loops over lanes with straight-line bodies that read
and write the work array ``W`` at constant places. This translator gives every value in such a body one vector
register (or what the machine has of it) instead of hoping that a compiler finds the vectors again, and needs little
time for long functions. The text stays Python, so the tests run it as such.

What may be printed: functions of ``W`` and of a place ``k`` in it; loops over rows around the loop over lanes;
assignments; ``+ - * /``; comparisons; ``& | not``; ``a if c else b``; the functions of ``mathematics.py`` and of NumPy
by name; loads and stores ``W[number + lane]``, ``W[k + number + lane]`` and ``W[row + number + lane]``, loads of one
number for all lanes ``W[number]``; calls of printed functions.
"""

from __future__ import annotations

import ast
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, NoReturn

import numpy as np

_ARITHMETIC: Final[Mapping[type, tuple[str, str]]] = {
    ast.Add: ("fadd contract", "add"), ast.Sub: ("fsub contract", "sub"), ast.Mult: ("fmul contract", "mul"),
    ast.Div: ("fdiv", ""), ast.BitAnd: ("", "and"), ast.BitOr: ("", "or"), ast.LShift: ("", "shl"),
    ast.RShift: ("", "ashr"),
}  # fmt: skip
COMPARISONS: Final[Mapping[type, tuple[str, str]]] = {
    ast.Lt: ("olt", "slt"), ast.LtE: ("ole", "sle"), ast.Gt: ("ogt", "sgt"), ast.GtE: ("oge", "sge"),
    ast.Eq: ("oeq", "eq"), ast.NotEq: ("une", "ne"),
}  # fmt: skip
_INTRINSICS: Final = {"abs": "fabs", "sqrt": "sqrt", "floor": "floor", "ceil": "ceil"}
LIBRARY: Final = {
    "sin": "sin", "cos": "cos", "tan": "tan", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "sinh": "sinh",
    "cosh": "cosh", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
}  # fmt: skip
"""Functions of the C library, called lane by lane."""
_PLACE: Final = re.compile(r"(\d+|(k|row) \+ \d+)( \+ lane)?")


class _Value(NamedTuple):
    """A vector: ``f`` of floating point, ``i`` of whole numbers, ``b`` of truths."""

    kind: str
    text: str


@dataclass(frozen=True)
class Shape:
    """Lanes of a vector and the bits of its elements (64 or 32)."""

    lanes: int
    bits: int

    @property
    def number(self) -> np.dtype[np.floating]:
        """NumPy's type of a floating point element."""
        return np.dtype(f"float{self.bits}")

    @property
    def bytes(self) -> int:
        """Size and alignment of a vector."""
        return self.lanes * self.bits // 8

    @property
    def element(self) -> str:
        """LLVM's name of a floating point element."""
        return "double" if self.bits == 64 else "float"

    def type(self, kind: str) -> str:
        """LLVM's name of a vector."""
        return f"<{self.lanes} x {self.scalar(kind)}>"

    def scalar(self, kind: str) -> str:
        """LLVM's name of an element."""
        return {"f": self.element, "i": f"i{self.bits}", "b": "i1"}[kind]


def translate(source: str, library: str, shape: Shape) -> str:
    """Text of an LLVM module with every function of ``source``.

    Parameters
    ----------
    source
        Printed functions of ``W``.
    library
        Text of elementary functions and the constants that they use; those that are called are inlined.
    """
    return _Module(library, shape).text(source)


class _Module:
    def __init__(self, library: str, shape: Shape) -> None:
        self.shape = shape
        tree = ast.parse(library)
        self.library = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        self.constants: dict[str, float | int] = {}
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                value = node.value
                number = float("inf") if isinstance(value, ast.Attribute) else ast.literal_eval(value)
                self.constants[node.targets[0].id] = number
        self.declared: dict[str, None] = {}
        self.wanted: dict[str, str] = {}

    def text(self, source: str) -> str:
        functions = [self._function(node) for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
        return "\n".join([*self.declared, *self.wanted.values(), *functions])

    def _function(self, node: ast.FunctionDef) -> str:
        body = _Body(self)
        for part in node.body:
            if isinstance(part, ast.For) and ast.unparse(part.target) == "row":
                body.rows(part)
            else:  # a loop over the lanes is one pass over vectors; everything else is a call
                for line in part.body if isinstance(part, ast.For) else [part]:
                    body.statement(line)
        lines = "\n".join(body.lines)
        place = ", i64 %k" if len(node.args.args) > 1 else ""
        return f"define void @{node.name}(ptr noalias nocapture %W{place}) {{\nentry:\n{lines}\nret void\n}}"

    def elementary(self, name: str) -> None:
        """Translate a function of the library when it is first used."""
        if name not in self.wanted:
            self.wanted[name] = ""
            node, kind = self.library[name], self.shape.type("f")
            body = _Body(self)
            body.names = {a.arg: _Value("f", f"%{a.arg}") for a in node.args.args}
            for line in node.body:
                body.statement(line)
            arguments = ", ".join(f"{kind} %{a.arg}" for a in node.args.args)
            lines = "\n".join(body.lines)
            self.wanted[name] = f"define internal {kind} @{name}({arguments}) alwaysinline {{\n{lines}\n}}"

    def declare(self, signature: str) -> None:
        self.declared[f"declare {signature}"] = None


class _Body:
    """Instructions of one function."""

    def __init__(self, module: _Module) -> None:
        self.module, self.shape = module, module.shape
        self.lines: list[str] = []
        self.names: dict[str, _Value] = {}
        self.cells: dict[str, _Value] = {}
        """What is known to stand in W, so that nothing is loaded twice."""
        self.count = 0

    def emit(self, kind: str, code: str) -> _Value:
        name = f"%v{self.count}"
        self.count += 1
        self.lines.append(f"{name} = {code}")
        return _Value(kind, name)

    def statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):  # another printed function
            places = "".join(f", i64 {ast.unparse(a)}" for a in node.value.args[1:])
            self.lines.append(f"call void @{ast.unparse(node.value.func)}(ptr %W{places})")
            self.cells.clear()
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            value = self.value(node.value) if node.value is not None else self._unknown(node)
            if isinstance(target, ast.Name):
                self.names[target.id] = value
            elif isinstance(target, ast.Subscript):
                self._store(target, value)
            else:
                self._unknown(node)
        elif isinstance(node, ast.Return) and node.value is not None:
            self.lines.append(f"ret {self.shape.type('f')} {self.number(node.value).text}")
        elif isinstance(node, ast.For) and isinstance(node.target, ast.Name):  # a loop of the library, unrolled
            for i in range(*(ast.literal_eval(a) for a in node.iter.args)):  # type: ignore[attr-defined]
                self.names[node.target.id] = self.constant(float(i))
                for line in node.body:
                    self.statement(line)
        elif not isinstance(node, ast.Pass | ast.Expr):
            self._unknown(node)

    def constant(self, number: float) -> _Value:
        if isinstance(number, int) and not isinstance(number, bool):
            return _Value("i", f"splat (i{self.shape.bits} {number})")
        if self.shape.bits == 32:
            number = _single(number)
        return _Value("f", f"splat ({self.shape.element} 0x{struct.pack('>d', number).hex().upper()})")

    def number(self, node: ast.expr) -> _Value:
        """A floating point value; whole numbers in the text count as such."""
        if isinstance(node, ast.Constant):
            return self.constant(float(node.value))  # type: ignore[arg-type]
        return self.value(node)

    def value(self, node: ast.expr) -> _Value:
        match node:
            case ast.Name(id=name):
                return self.names[name] if name in self.names else self.constant(self.module.constants[name])
            case ast.Constant(value=int() | float() as number):
                return self.constant(number)
            case ast.Attribute(attr="nan"):
                return self.constant(float("nan"))
            case ast.Attribute(attr="inf"):
                return self.constant(float("inf"))
            case ast.Subscript():
                return self._load(node)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
                return self.constant(-number)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.emit("f", f"fneg {self.shape.type('f')} {self.number(operand).text}")
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.emit("b", f"xor {self.shape.type('b')} {self.value(operand).text}, splat (i1 true)")
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(left, op, right)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                a, b = self._pair(left, right)
                compare = f"{'fcmp' if a.kind == 'f' else 'icmp'} {COMPARISONS[type(op)][a.kind != 'f']}"
                return self.emit("b", f"{compare} {self.shape.type(a.kind)} {a.text}, {b.text}")
            case ast.IfExp(test=test, body=body, orelse=other):
                condition = self.value(test)
                a, b = self._pair(body, other)
                kind = self.shape.type(a.kind)
                chosen = f"select {self.shape.type('b')} {condition.text}, {kind} {a.text}, {kind} {b.text}"
                return self.emit(a.kind, chosen)
            case ast.Call():
                return self._call(node)
        return self._unknown(node)

    def _pair(self, left: ast.expr, right: ast.expr) -> tuple[_Value, _Value]:
        """Two operands of one kind; a whole number beside a floating point value is meant as one."""
        a, b = self.value(left), self.value(right)
        if a.kind == b.kind:
            return a, b
        return (a, self.number(right)) if a.kind == "f" else (self.number(left), b)

    def _binary(self, left: ast.expr, op: ast.operator, right: ast.expr) -> _Value:
        a, b = self._pair(left, right)
        code = _ARITHMETIC[type(op)][a.kind != "f"]
        return self.emit(a.kind, f"{code} {self.shape.type(a.kind)} {a.text}, {b.text}")

    def _call(self, node: ast.Call) -> _Value:
        kind = self.shape.type("f")
        if isinstance(node.func, ast.Attribute) and node.func.attr == "view":
            target = "i" if ast.unparse(node.args[0]).startswith("np.int") else "f"
            inner = self.value(node.func.value)
            cast = f"bitcast {self.shape.type(inner.kind)} {inner.text} to {self.shape.type(target)}"
            return self.emit(target, cast)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        if name in {"float64", "float32"}:
            return self.number(node.args[0])
        if name in {"int64", "int32"}:
            return self.value(node.args[0])
        arguments = [self.number(a) for a in node.args]
        if name in _INTRINSICS:
            function = f"@llvm.{_INTRINSICS[name]}.v{self.shape.lanes}f{self.shape.bits}"
            self.module.declare(f"{kind} {function}({kind})")
            return self.emit("f", f"call {kind} {function}({kind} {arguments[0].text})")
        if name in LIBRARY:
            return self._by_lane(LIBRARY[name], arguments[0])
        self.module.elementary(name)
        return self.emit("f", f"call {kind} @{name}({', '.join(f'{kind} {a.text}' for a in arguments)})")

    def _by_lane(self, name: str, argument: _Value) -> _Value:
        kind, element = self.shape.type("f"), self.shape.element
        suffix = "" if self.shape.bits == 64 else "f"
        self.module.declare(f"{element} @{name}{suffix}({element})")
        result = _Value("f", "poison")
        for lane in range(self.shape.lanes):
            one = self.emit("f", f"extractelement {kind} {argument.text}, i32 {lane}")
            made = self.emit("f", f"call {element} @{name}{suffix}({element} {one.text})")
            result = self.emit("f", f"insertelement {kind} {result.text}, {element} {made.text}, i32 {lane}")
        return result

    def rows(self, loop: ast.For) -> None:
        """A loop over rows of the work array; ``row`` is the place of the row."""
        count, step = (int(ast.literal_eval(a)) for a in loop.iter.args[1:])  # type: ignore[attr-defined]
        self.lines += ["br label %loop", "loop:", "%row = phi i64 [0, %entry], [%next, %loop]"]
        self.cells.clear()
        for part in loop.body:
            for line in part.body if isinstance(part, ast.For) else [part]:
                self.statement(line)
        self.lines += [f"%next = add i64 %row, {step}", f"%more = icmp ult i64 %next, {count}"]
        self.lines += ["br i1 %more, label %loop, label %done", "done:"]
        self.cells.clear()

    def _place(self, node: ast.Subscript) -> tuple[str, bool]:
        """Place without the lane, and whether it is one number for all lanes."""
        place = ast.unparse(node.slice)
        if not _PLACE.fullmatch(place):
            self._unknown(node)
        return (place.removesuffix(" + lane"), False) if place.endswith(" + lane") else (place, True)

    def _pointer(self, place: str) -> str:
        base, plus, offset = place.partition(" + ")
        at = "%W"
        if plus:
            at = self.emit("f", f"getelementptr inbounds {self.shape.element}, ptr %W, i64 %{base}").text
        return self.emit("f", f"getelementptr inbounds {self.shape.element}, ptr {at}, i64 {offset or base}").text

    def _load(self, node: ast.Subscript) -> _Value:
        place, uniform = self._place(node)
        key = f"{place} for all" if uniform else place
        if key not in self.cells:
            at, kind, element = self._pointer(place), self.shape.type("f"), self.shape.element
            if uniform:
                one = self.emit("f", f"load {element}, ptr {at}, align {self.shape.bits // 8}")
                spread = self.emit("f", f"insertelement {kind} poison, {element} {one.text}, i32 0")
                mask = f"<{self.shape.lanes} x i32> zeroinitializer"
                self.cells[key] = self.emit("f", f"shufflevector {kind} {spread.text}, {kind} poison, {mask}")
            else:
                self.cells[key] = self.emit("f", f"load {kind}, ptr {at}, align {self.shape.bytes}")
        return self.cells[key]

    def _store(self, node: ast.Subscript, value: _Value) -> None:
        place, _ = self._place(node)
        at = self._pointer(place)
        self.lines.append(f"store {self.shape.type('f')} {value.text}, ptr {at}, align {self.shape.bytes}")
        self.cells[place] = value

    def _unknown(self, node: ast.AST) -> NoReturn:
        message = f"not lane code: {ast.unparse(node)}"
        raise TypeError(message)


def _single(number: float) -> float:
    """Nearest number of single precision; infinity beyond its range."""
    with np.errstate(over="ignore"):
        return float(np.float32(number))
