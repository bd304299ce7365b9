"""Expressions, names and blocks of the solvers' Python as LLVM's text (see `carwright.engine.scalar`)."""

from __future__ import annotations

import ast
import struct
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, NoReturn, Protocol

from carwright.engine.vector import COMPARISONS, LIBRARY

TYPES: Final = {"f": "double", "i": "i64", "b": "i1"}
"""LLVM's names of the kinds: floating point, whole number, truth."""
_WIDTH: Final = "bif"
"""Kinds from the narrowest to the widest."""
_WHOLE: Final[Mapping[type, str]] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.BitAnd: "and", ast.BitOr: "or", ast.LShift: "shl",
    ast.RShift: "ashr",
}  # fmt: skip
_FLOATING: Final[Mapping[type, str]] = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
_WIDENED: Final = {"float": "fpext float {} to double", "i8": "zext i8 {} to i64", "i32": "zext i32 {} to i64"}
NARROWED: Final = {"float": "fptrunc double {} to float", "i8": "trunc i64 {} to i8", "i32": "trunc i64 {} to i32"}
"""Between an array's elements and the kinds."""
_FUNCTIONS: Final = {
    **{name: f"llvm.{name}.f64" for name in ("exp", "log", "sqrt", "floor", "ceil", "sin", "cos")},
    **{name: symbol for name, symbol in LIBRARY.items() if name not in ("sin", "cos")},
    "tanh": "tanh",
}
"""NumPy's functions of one number, and what computes them."""


class Value(NamedTuple):
    """Something computed: its kind (``f``, ``i``, ``b``; nothing for what is no number) and LLVM's name of it."""

    kind: str
    text: str


class Array(NamedTuple):
    """An array: LLVM's names of its elements (``double``, ``float``, ``i64``, ``i32``, ``i8``), start and sizes."""

    element: str
    start: str
    sizes: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Kind of a loaded element."""
        return "i" if self.element.startswith("i") else "f"

    def passed(self) -> list[str]:
        """The array as arguments, or as parameters."""
        return [f"ptr {self.start}", *(f"i64 {size}" for size in self.sizes)]

    def named(self, name: str) -> Array:
        """An array of the same form as a parameter of a function."""
        return Array(self.element, f"%{name}", tuple(f"%{name}.{i}" for i in range(len(self.sizes))))


Bundle = Mapping[str, Array]
"""Arrays by name: a named tuple of the text."""


class Callee(NamedTuple):
    """A function for arguments of one form: LLVM's name of it, its scalar parameters and what it returns, as kinds."""

    name: str
    scalars: dict[str, str]
    returned: tuple[str, ...]

    @property
    def result(self) -> str:
        """LLVM's name of what it returns."""
        types = [TYPES[kind] for kind in self.returned]
        return f"{{{', '.join(types)}}}" if len(types) > 1 else types[0] if types else "void"


class Texts(Protocol):
    """What the module knows: constants, tables of constants, named tuples and functions."""

    constants: dict[str, float]
    tables: dict[str, Array]
    bundles: dict[str, list[str]]

    def callee(self, name: str, arrays: Sequence[Array | Bundle | None]) -> Callee | None:
        """A function for arguments of one form (None for a scalar); None where the text has no such function."""

    def declare(self, signature: str) -> None:
        """Note a function from outside."""


class Values:
    """Expressions of one function; names of scalars live in memory, from where LLVM takes them into registers."""

    def __init__(
        self, module: Texts, own: Callee, arrays: Mapping[str, Array | Bundle], kinds: Mapping[str, str]
    ) -> None:
        self.module, self.own = module, own
        self.lines: list[str] = []
        self.arrays = dict(arrays)
        self.kinds = {**own.scalars, **kinds}
        self.ended = False
        self._values = self._labels = 0

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
            case ast.Subscript(value=ast.Attribute(value=whole, attr="shape"), slice=ast.Constant(value=int() as i)):
                return Value("i", self._known(whole).sizes[i])
            case ast.Subscript():
                array = self._known(node)
                made = self.emit(array.kind, f"load {array.element}, ptr {array.start}")
                return self.emit(array.kind, wide.format(made.text)) if (wide := _WIDENED.get(array.element)) else made
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.emit("b", f"xor i1 {self.truth(self.value(operand)).text}, true")
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                (value,) = self._same(self.value(operand))
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
            case ast.Call():
                return self._builtin(node) or self.call(node)[1]
        return unknown(node)

    def array(self, node: ast.expr) -> Array | Bundle | None:
        """The array, part of an array, or bundle of arrays that an expression stands for; None for a number."""
        match node:
            case ast.Name(id=name):
                return None if name in self.kinds else self.arrays.get(name, self.module.tables.get(name))
            case ast.Attribute(value=ast.Name(id=name), attr=field):
                bundle = self.arrays.get(name)
                return bundle[field] if isinstance(bundle, Mapping) else None
            case ast.Call(func=ast.Name(id=name), args=given) if name in self.module.bundles:
                return {field: self._known(part) for field, part in zip(self.module.bundles[name], given, strict=True)}
            case ast.Subscript(value=whole, slice=index) if isinstance(array := self.array(whole), Array):
                parts = index.elts if isinstance(index, ast.Tuple) else [index]
                return self._part(array, parts) if len(parts) < len(array.sizes) or _sliced(parts) else None
        return None

    def _known(self, node: ast.expr) -> Array:
        """The array, or the element of an array, that an expression stands for."""
        if isinstance(node, ast.Subscript) and isinstance(whole := self.array(node.value), Array):
            return self._part(whole, node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice])
        array = self.array(node)
        return array if isinstance(array, Array) else unknown(node)

    def _part(self, array: Array, parts: Sequence[ast.expr]) -> Array:
        """Part of an array: the first indices, the last of which may be a slice from the start."""
        sizes, index = array.sizes, Value("i", "0")
        if len(parts) > len(sizes):
            unknown(parts[-1])
        for i, part in enumerate(parts):
            at, rest = part, sizes[i + 1 :]
            if isinstance(part, ast.Slice):
                if part.lower or part.step or not part.upper or i + 1 < len(sizes):
                    unknown(part)
                at, rest = ast.Constant(0), (self.cast("i", self.value(part.upper)).text,)
            one = self.cast("i", self.value(at))
            index = one if i == 0 else self.emit("i", f"add i64 {self._times(index, sizes[i])}, {one.text}")
        for size in sizes[len(parts) :]:
            index = Value("i", self._times(index, size))
        return Array(array.element, self._offset(array, index), rest)

    def _times(self, index: Value, size: str) -> str:
        return self.emit("i", f"mul i64 {index.text}, {size}").text

    def _offset(self, array: Array, index: Value) -> str:
        return self.emit("", f"getelementptr inbounds {array.element}, ptr {array.start}, i64 {index.text}").text

    def get(self, name: str) -> Value:
        """Value of a name."""
        return self.emit(self.kinds[name], f"load {TYPES[self.kinds[name]]}, ptr %{name}.at")

    def put(self, name: str, value: Value) -> None:
        """Assign to a name, which becomes as wide as what it holds."""
        kind = self.kinds[name] = max(self.kinds.get(name, "b"), value.kind, key=_WIDTH.index)
        self.lines.append(f"store {TYPES[kind]} {self.cast(kind, value).text}, ptr %{name}.at")

    def put_element(self, node: ast.Subscript, value: Value) -> None:
        """Assign to an element."""
        array = self._known(node)
        made = self.cast(array.kind, value)
        if array.element in NARROWED:
            made = self.emit("", NARROWED[array.element].format(made.text))
        self.lines.append(f"store {array.element} {made.text}, ptr {array.start}")

    def cast(self, kind: str, value: Value) -> Value:
        """A value as one of a kind that is as wide."""
        if value.kind == kind:
            return value
        if kind == "f" and value.kind:
            return self.emit("f", f"{'sitofp i64' if value.kind == 'i' else 'uitofp i1'} {value.text} to double")
        if kind == "i" and value.kind == "b":
            return self.emit("i", f"zext i1 {value.text} to i64")
        message = f"not solver code: a {value.kind} where a {kind} is needed, in {self.own.name}"
        raise TypeError(message)

    def _same(self, *values: Value) -> list[Value]:
        """Values as numbers of one kind."""
        kind = max("i", *(value.kind for value in values), key=_WIDTH.index)
        return [self.cast(kind, value) for value in values]

    def truth(self, value: Value) -> Value:
        """Whether a value is true."""
        return value if value.kind == "b" else self._compare(value, ast.NotEq(), constant(0))

    def arithmetic(self, a: Value, op: ast.operator, b: Value, node: ast.AST) -> Value:
        """One operation on two numbers, or on two truths."""
        if a.kind == b.kind == "b" and isinstance(op, ast.BitAnd | ast.BitOr):
            return self.emit("b", f"{_WHOLE[type(op)]} i1 {a.text}, {b.text}")
        a, b = self._same(a, b)
        if isinstance(op, ast.Div | ast.Pow):
            a, b = self.cast("f", a), self.cast("f", b)
        if isinstance(op, ast.Pow):
            self.module.declare("double @llvm.pow.f64(double, double)")
            return self.emit("f", f"call double @llvm.pow.f64(double {a.text}, double {b.text})")
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

    def _builtin(self, node: ast.Call) -> Value | None:
        """A function of Python or NumPy."""
        match node:
            case ast.Call(func=ast.Name(id="len"), args=[argument]):
                return Value("i", self._known(argument).sizes[0])
            case ast.Call(func=ast.Name(id=("min" | "max") as name), args=[first, second]):
                a, b = self._same(self.value(first), self.value(second))
                chosen = self._compare(b, ast.Lt() if name == "min" else ast.Gt(), a)
                kind = TYPES[a.kind]
                return self.emit(a.kind, f"select i1 {chosen.text}, {kind} {b.text}, {kind} {a.text}")
            case ast.Call(func=ast.Name(id="abs"), args=[argument]):
                return self._of_one("llvm.fabs.f64", self.value(argument))
            case ast.Call(func=ast.Name(id="int"), args=[argument]):
                value = self.value(argument)
                floating = value.kind == "f"
                return self.emit("i", f"fptosi double {value.text} to i64") if floating else self.cast("i", value)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr="isfinite"), args=[argument]):
                size = self._of_one("llvm.fabs.f64", self.value(argument))
                return self._compare(size, ast.Lt(), constant(float("inf")))
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr=("int64" | "float64") as name), args=[one]):
                return self.cast("i" if name == "int64" else "f", self.value(one))
            case ast.Call(func=ast.Attribute(value=inner, attr="view")):
                value = self.value(inner)
                kind = "i" if value.kind == "f" else "f"
                return self.emit(kind, f"bitcast {TYPES[value.kind]} {value.text} to {TYPES[kind]}")
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr=name), args=[argument]):
                return self._of_one(_FUNCTIONS.get(name) or unknown(node), self.value(argument))
        return None

    def _of_one(self, function: str, value: Value) -> Value:
        self.module.declare(f"double @{function}(double)")
        return self.emit("f", f"call double @{function}(double {self.cast('f', value).text})")

    def call(self, node: ast.Call) -> tuple[Callee, Value]:
        """Call a function of the text, or one in machine code by its address."""
        if ast.unparse(node.func) == "call":
            address = self.emit("", f"inttoptr i64 {self.value(node.args[0]).text} to ptr")
            self.lines.append(f"call void {address.text}(ptr {self._known(node.args[1]).start})")
            return self.own, Value("", "")
        arrays = [self.array(given) for given in node.args]
        function = self.module.callee(ast.unparse(node.func), arrays) or unknown(node)
        kinds, arguments = iter(function.scalars.values()), []
        for given, array in zip(node.args, arrays, strict=True):
            if array is None:
                value = self.cast(next(kinds), self.value(given))
                arguments.append(f"{TYPES[value.kind]} {value.text}")
            else:
                arguments += [text for one in each(array) for text in one.passed()]
        code = f"call {function.result} @{function.name}({', '.join(arguments)})"
        if function.returned:
            return function, self.emit(function.returned[0] if len(function.returned) == 1 else "", code)
        self.lines.append(code)
        return function, Value("", "")


def each(array: Array | Bundle) -> Sequence[Array]:
    """The array, or the arrays of a bundle."""
    return [array] if isinstance(array, Array) else list(array.values())


def _sliced(parts: Sequence[ast.expr]) -> bool:
    return any(isinstance(part, ast.Slice) for part in parts)


def constant(number: float) -> Value:
    """A number of the text."""
    return Value("i", str(number)) if isinstance(number, int) else Value("f", digits(number))


def digits(number: float) -> str:
    """LLVM's text of a floating point number."""
    return f"0x{struct.pack('>d', number).hex().upper()}"


def unknown(node: ast.AST) -> NoReturn:
    """Refuse what is outside the language."""
    message = f"not solver code: {ast.unparse(node)}"
    raise TypeError(message)
