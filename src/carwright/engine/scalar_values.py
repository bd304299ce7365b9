"""Expressions, names and blocks of the driver's Python as LLVM's text (see `carwright.engine.scalar`)."""

from __future__ import annotations

import ast
import struct
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, NoReturn

from carwright.engine.vector import COMPARISONS

TYPES: Final = {"f": "double", "i": "i64", "b": "i1"}
"""LLVM's names of the kinds: floating point, whole number, truth."""
_WIDTH: Final = "bif"
"""Kinds from the narrowest to the widest."""
_ANNOTATED: Final = {"float": "f", "int": "i", "bool": "b"}
_WHOLE: Final[Mapping[type, str]] = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul"}
_FLOATING: Final[Mapping[type, str]] = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
_WIDENED: Final = {"float": "fpext float {} to double", "i8": "zext i8 {} to i64"}
NARROWED: Final = {"float": "fptrunc double {} to float", "i8": "trunc i64 {} to i8"}
"""Between an array's elements and the kinds."""


class Array(NamedTuple):
    """LLVM's name of an array's elements (``double``, ``float``, ``i64`` or ``i8``), and its number of dimensions."""

    element: str
    dimensions: int

    @property
    def kind(self) -> str:
        """Kind of a loaded element."""
        return "i" if self.element.startswith("i") else "f"


class Value(NamedTuple):
    """Something computed: its kind (``f``, ``i``, ``b``; nothing for what is no number) and LLVM's name of it."""

    kind: str
    text: str


class Signatures:
    """Constants, and what functions take and return."""

    def __init__(self, tree: ast.Module, arrays: Mapping[str, Array]) -> None:
        self.arrays = arrays
        self.functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        self.constants = {
            ast.unparse(node.targets[0]): ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign)
        }

    def parameters(self, node: ast.FunctionDef) -> list[str]:
        """LLVM's parameters."""
        texts = []
        for argument in node.args.args:
            if array := self.arrays.get(argument.arg):
                texts.append(f"ptr noalias nocapture %{argument.arg}")
                texts += [f"i64 %{argument.arg}.{i}" for i in range(array.dimensions)]
            else:
                texts.append(f"{TYPES[self.annotated(argument)]} %{argument.arg}")
        return texts

    def annotated(self, argument: ast.arg) -> str:
        """Kind of a scalar argument."""
        return _ANNOTATED[ast.unparse(argument.annotation)] if argument.annotation else ""

    def returned(self, node: ast.FunctionDef) -> list[str]:
        """Kinds that a function returns."""
        match node.returns:
            case ast.Name(id=name):
                return [_ANNOTATED[name]]
            case ast.Subscript(slice=ast.Tuple(elts=parts)):
                return [_ANNOTATED[ast.unparse(part)] for part in parts]
        return []

    def result(self, node: ast.FunctionDef) -> str:
        """LLVM's name of what a function returns."""
        types = [TYPES[kind] for kind in self.returned(node)]
        return f"{{{', '.join(types)}}}" if len(types) > 1 else types[0] if types else "void"


class Values:
    """Expressions of one function; names live in memory, from where LLVM takes them into registers."""

    def __init__(self, module: Signatures, node: ast.FunctionDef, kinds: Mapping[str, str]) -> None:
        self.module, self.node = module, node
        self.lines: list[str] = []
        self.kinds = dict(kinds) | {name: value.kind for name, value in self.scalars().items() if name not in kinds}
        self.ended = False
        self._values = self._labels = 0

    def scalars(self) -> dict[str, Value]:
        """Arguments that are no arrays."""
        plain = [a for a in self.node.args.args if a.arg not in self.module.arrays]
        return {a.arg: Value(self.module.annotated(a), f"%{a.arg}") for a in plain}

    def label(self) -> str:
        """Name of a new block."""
        self._labels += 1
        return f"b{self._labels}"

    def begin(self, label: str) -> None:
        """Begin a block."""
        self.lines.append(f"{label}:")
        self.ended = False

    def go(self, label: str) -> None:
        """Go on at a block, unless the present one has ended."""
        if not self.ended:
            self.finish(f"br label %{label}")

    def fork(self, condition: Value, then: str, otherwise: str) -> None:
        """Go on at one of two blocks."""
        self.finish(f"br i1 {condition.text}, label %{then}, label %{otherwise}")

    def finish(self, line: str) -> None:
        """End the block with an instruction."""
        self.lines.append(line)
        self.ended = True

    def emit(self, kind: str, code: str) -> Value:
        """Name what an instruction computes."""
        self._values += 1
        self.lines.append(f"%v{self._values} = {code}")
        return Value(kind, f"%v{self._values}")

    def value(self, node: ast.expr) -> Value:
        """Compute an expression."""
        match node:
            case ast.Constant(value=bool() as truth):
                return Value("b", str(truth).lower())
            case ast.Constant(value=int() | float() as number):
                return constant(number)
            case ast.Attribute(value=ast.Name(id="np"), attr=("nan" | "inf") as name):
                return constant(float(name))
            case ast.Name(id=name):
                return self.get(name) if name in self.kinds else constant(self.module.constants[name])
            case ast.Subscript(
                value=ast.Attribute(value=ast.Name(id=name), attr="shape"), slice=ast.Constant(value=int() as i)
            ):
                return Value("i", f"%{name}.{i}")
            case ast.Subscript(value=ast.Name(id=name)):
                array = self.module.arrays[name]
                made = self.emit(array.kind, f"load {array.element}, ptr {self.place(node)}")
                return self.emit(array.kind, wide.format(made.text)) if (wide := _WIDENED.get(array.element)) else made
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.emit("b", f"xor i1 {self.truth(self.value(operand)).text}, true")
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                value = self._number(self.value(operand))
                return self.emit(value.kind, f"{'fneg double' if value.kind == 'f' else 'sub i64 0,'} {value.text}")
            case ast.BinOp(left=left, op=op, right=right):
                return self.arithmetic(self.value(left), op, self.value(right), node)
            case ast.BoolOp(op=op, values=parts):
                return self._chain(isinstance(op, ast.And), parts)
            case ast.Compare(left=left, ops=[ast.In()], comparators=[ast.Tuple(elts=parts)]):
                one = self.value(left)
                return self._fold("or", [self._compare(one, ast.Eq(), self.value(part)) for part in parts])
            case ast.Compare(left=left, ops=ops, comparators=others):
                values = [self.value(left), *map(self.value, others)]
                return self._fold("and", [self._compare(values[i], op, values[i + 1]) for i, op in enumerate(ops)])
            case ast.IfExp(test=test, body=body, orelse=other):
                return self._choice(test, body, other)
            case ast.Call(func=ast.Name(id=("min" | "max") as name), args=[first, second]):
                a, b = self._same(self.value(first), self.value(second))
                return self._select(self._compare(b, ast.Lt() if name == "min" else ast.Gt(), a), b, a)
            case ast.Call(func=ast.Name(id="abs"), args=[argument]):
                return self._size(self.value(argument))
            case ast.Call(func=ast.Name(id="int"), args=[argument]):
                value = self.value(argument)
                floating = value.kind == "f"
                return self.emit("i", f"fptosi double {value.text} to i64") if floating else self.cast("i", value)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr="isfinite"), args=[argument]):
                return self._compare(self._size(self.value(argument)), ast.Lt(), constant(float("inf")))
            case ast.Call():
                return self.call(node)
        return unknown(node)

    def get(self, name: str) -> Value:
        """Value of a name."""
        return self.emit(self.kinds[name], f"load {TYPES[self.kinds[name]]}, ptr %{name}.at")

    def put(self, name: str, value: Value) -> None:
        """Assign to a name, which becomes as wide as what it holds."""
        kind = self.kinds[name] = max(self.kinds.get(name, "b"), value.kind, key=_WIDTH.index)
        self.lines.append(f"store {TYPES[kind]} {self.cast(kind, value).text}, ptr %{name}.at")

    def place(self, node: ast.expr) -> str:
        """Address of an array's element."""
        if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Name):
            unknown(node)
        name, parts = node.value.id, node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if len(parts) != self.module.arrays[name].dimensions:
            unknown(node)
        index = self.cast("i", self.value(parts[0]))
        for i, part in enumerate(parts[1:], start=1):
            row = self.emit("i", f"mul i64 {index.text}, %{name}.{i}")
            index = self.emit("i", f"add i64 {row.text}, {self.cast('i', self.value(part)).text}")
        element = self.module.arrays[name].element
        return self.emit("", f"getelementptr inbounds {element}, ptr %{name}, i64 {index.text}").text

    def cast(self, kind: str, value: Value) -> Value:
        """A value as one of a kind that is as wide."""
        if value.kind == kind:
            return value
        if kind == "f":
            return self.emit("f", f"{'sitofp i64' if value.kind == 'i' else 'uitofp i1'} {value.text} to double")
        if kind == "i" and value.kind == "b":
            return self.emit("i", f"zext i1 {value.text} to i64")
        message = f"not driver code: a {value.kind} where a {kind} is needed, in {self.node.name}"
        raise TypeError(message)

    def _number(self, value: Value) -> Value:
        return self.cast("i", value) if value.kind == "b" else value

    def _same(self, a: Value, b: Value) -> tuple[Value, Value]:
        kind = max(a.kind, b.kind, "i", key=_WIDTH.index)
        return self.cast(kind, a), self.cast(kind, b)

    def truth(self, value: Value) -> Value:
        """Whether a value is true."""
        return value if value.kind == "b" else self._compare(value, ast.NotEq(), constant(0))

    def arithmetic(self, a: Value, op: ast.operator, b: Value, node: ast.AST) -> Value:
        """One operation on two numbers."""
        a, b = self._same(a, b)
        if isinstance(op, ast.Div):
            a, b = self.cast("f", a), self.cast("f", b)
        if isinstance(op, ast.Mod) and a.kind == "i":  # of the sign of the divisor, as in Python
            rest = self.emit("i", f"srem i64 {a.text}, {b.text}")
            return self.emit("i", f"srem i64 {self.emit('i', f'add i64 {rest.text}, {b.text}').text}, {b.text}")
        code = (_FLOATING if a.kind == "f" else _WHOLE).get(type(op)) or unknown(node)
        return self.emit(a.kind, f"{code} {TYPES[a.kind]} {a.text}, {b.text}")

    def _compare(self, a: Value, op: ast.cmpop, b: Value) -> Value:
        a, b = self._same(a, b)
        floating = a.kind == "f"
        code = f"{'fcmp' if floating else 'icmp'} {COMPARISONS[type(op)][not floating]}"
        return self.emit("b", f"{code} {TYPES[a.kind]} {a.text}, {b.text}")

    def _fold(self, code: str, values: Sequence[Value]) -> Value:
        made = values[0]
        for value in values[1:]:
            made = self.emit("b", f"{code} i1 {made.text}, {value.text}")
        return made

    def _select(self, condition: Value, a: Value, b: Value) -> Value:
        kind = TYPES[a.kind]
        return self.emit(a.kind, f"select i1 {condition.text}, {kind} {a.text}, {kind} {b.text}")

    def _size(self, value: Value) -> Value:
        return self.emit("f", f"call double @llvm.fabs.f64(double {self.cast('f', value).text})")

    def _chain(self, all_of: bool, parts: Sequence[ast.expr]) -> Value:
        """``and`` and ``or``; what follows is looked at only where it decides."""
        after = self.label()
        slot = f"logic.{after}"
        for part in parts:
            following = self.label()
            truth = self.truth(self.value(part))
            self.put(slot, truth)
            self.fork(truth, *((following, after) if all_of else (after, following)))
            self.begin(following)
        self.go(after)
        self.begin(after)
        return self.get(slot)

    def _choice(self, test: ast.expr, body: ast.expr, other: ast.expr) -> Value:
        """A conditional expression; only the part that is chosen is computed."""
        then, otherwise, after = self.label(), self.label(), self.label()
        slot = f"choice.{after}"
        self.fork(self.truth(self.value(test)), then, otherwise)
        for label, part in ((then, body), (otherwise, other)):
            self.begin(label)
            self.put(slot, self.value(part))
            self.go(after)
        self.begin(after)
        return self.get(slot)

    def called(self, node: ast.Call) -> ast.FunctionDef:
        """The function that is called."""
        return self.module.functions.get(ast.unparse(node.func)) or unknown(node)

    def call(self, node: ast.Call) -> Value:
        """Call a function of the text, or one in machine code."""
        if ast.unparse(node.func) == "call":
            address = self.emit("", f"inttoptr i64 {self.value(node.args[0]).text} to ptr")
            self.lines.append(f"call void {address.text}(ptr %{ast.unparse(node.args[1])})")
            return Value("", "")
        function, arguments = self.called(node), []
        for given, asked in zip(node.args, function.args.args, strict=True):
            if array := self.module.arrays.get(asked.arg):
                name = ast.unparse(given)
                arguments += [f"ptr %{name}", *(f"i64 %{name}.{i}" for i in range(array.dimensions))]
            else:
                value = self.cast(self.module.annotated(asked), self.value(given))
                arguments.append(f"{TYPES[value.kind]} {value.text}")
        kinds, kind = self.module.returned(function), self.module.result(function)
        code = f"call {kind} @{function.name}({', '.join(arguments)})"
        if kinds:
            return self.emit(kinds[0] if len(kinds) == 1 else "", code)
        self.lines.append(code)
        return Value("", "")


def constant(number: float) -> Value:
    """A number of the text."""
    if isinstance(number, int):
        return Value("i", str(number))
    return Value("f", f"0x{struct.pack('>d', number).hex().upper()}")


def unknown(node: ast.AST) -> NoReturn:
    """Refuse what is outside the language."""
    message = f"not driver code: {ast.unparse(node)}"
    raise TypeError(message)
