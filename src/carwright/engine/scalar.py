"""The solvers' Python to LLVM: scalars, arrays, branches, loops and calls.

What `carwright.engine.vector` does for straight lines of vectors, this does for the code around them, and for the
interpreter: a restricted Python is written as LLVM's text, which takes milliseconds where a general compiler of Python
takes seconds, and needs no such compiler to be loaded again. The text stays Python, which type checkers read, the tests
run, and numba-cuda compiles.

What may be written: functions whose scalar arguments and results are annotated ``int``, ``float`` or ``bool``; arrays,
rows of arrays and named tuples of arrays as arguments; ``if``, ``while``, ``for`` over ``range``, ``break``,
``continue``, ``return``; assignments to names and elements; arithmetic, comparisons, ``in`` a tuple, ``and or not``,
conditional expressions; ``len min max abs int``, NumPy's functions of one number, and bits by ``view``; calls of each
other; ``call(address, W)`` of a function in machine code. Constants stand outside the functions: numbers, tuples and
``np.array`` of numbers.

Whole numbers have 64 bits, floating point has double precision between a load and a store, whatever the array holds. A
name has one kind in a function: the widest that is assigned to it; or it stands for one array. Indices count from 0,
are not checked, and never count from the end.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from carwright.engine.scalar_values import TYPES, Array, Bundle, Callee, Value, Values, digits, each, unknown

_ANNOTATED: Final = {"float": "f", "int": "i", "bool": "b"}


def translate(source: str, entry: str, arrays: Mapping[str, tuple[str, int]]) -> str:
    """Text of an LLVM module.

    Parameters
    ----------
    source
        Functions, named tuples, and constants by name.
    entry
        The function that is called from outside.
    arrays
        Its arguments: LLVM's name of the elements, and the number of dimensions. Each becomes a pointer and its sizes;
        no two overlap.
    """
    module = _Module(ast.parse(source), entry)
    given = [Array(element, "", ("",) * dimensions).named(name) for name, (element, dimensions) in arrays.items()]
    node = module.functions.get(entry)
    # By name, since arrays of one form that change places would not be noticed.
    if node is None or [argument.arg for argument in node.args.args] != list(arrays):
        message = f"not solver code: {entry} has to be a function of {', '.join(arrays)}"
        raise TypeError(message)
    module.callee(entry, given)
    return module.text()


class _Module:
    """Functions are written when they are first called, once for each form of their arguments."""

    def __init__(self, tree: ast.Module, entry: str) -> None:
        self.entry = entry
        self.functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        self.bundles = {
            node.name: [ast.unparse(line.target) for line in node.body if isinstance(line, ast.AnnAssign)]
            for node in tree.body
            if isinstance(node, ast.ClassDef)
        }
        self.constants: dict[str, float] = {}
        self.tables: dict[str, Array] = {}
        self._outside: dict[str, None] = {}
        self._written: dict[tuple[Any, ...], Callee] = {}
        self._texts: list[str] = []
        for node in tree.body:
            if isinstance(node, ast.Assign):
                self._constant(ast.unparse(node.targets[0]), node.value)

    def _constant(self, name: str, node: ast.expr) -> None:
        match node:
            case ast.Attribute(attr=("inf" | "nan") as special):
                self.constants[name] = float(special)
            case ast.Call(args=[rows]) | (ast.Tuple() as rows):
                values = np.array(ast.literal_eval(rows), dtype=np.float64)
                numbers = ", ".join(f"double {digits(value)}" for value in values.ravel().tolist())
                self._outside[f"@{name} = private constant [{values.size} x double] [{numbers}]"] = None
                self.tables[name] = Array("double", f"@{name}", tuple(map(str, values.shape)))
            case _:
                self.constants[name] = ast.literal_eval(node)

    def declare(self, signature: str) -> None:
        """Note a function from outside."""
        self._outside[f"declare {signature}"] = None

    def text(self) -> str:
        """All that has been written."""
        return "\n".join([*self._outside, *self._texts])

    def callee(self, name: str, arrays: Sequence[Array | Bundle | None]) -> Callee | None:
        """A function for arguments of one form (None for a scalar); None where the text has no such function."""
        node = self.functions.get(name)
        if node is None or len(arrays) != len(node.args.args):
            return None
        form = [[(one.element, len(one.sizes)) for one in each(array)] if array is not None else [] for array in arrays]
        key = (name, str(form))
        if key not in self._written:
            given = dict(zip((a.arg for a in node.args.args), arrays, strict=True))
            number = sum(other == name for other, _ in self._written)
            scalars = {a.arg: _kind(a.annotation) for a in node.args.args if given[a.arg] is None}
            callee = Callee(f"{name}.{number}" if number else name, scalars, _returned(node))
            self._written[key] = callee
            self._texts.append(self._function(node, callee, given))
        return self._written[key]

    def _function(self, node: ast.FunctionDef, own: Callee, given: Mapping[str, Array | Bundle | None]) -> str:
        linkage, apart = ("", "ptr noalias") if node.name == self.entry else ("internal ", "ptr")
        arrays: dict[str, Array | Bundle] = {}
        parameters: list[str] = []
        for name, array in given.items():
            if array is None:
                parameters.append(f"{TYPES[own.scalars[name]]} %{name}")
                continue
            if isinstance(array, Array):
                arrays[name] = array.named(name)
            else:
                arrays[name] = {field: one.named(f"{name}.{field}") for field, one in array.items()}
            parameters += [text.replace("ptr", apart, 1) for one in each(arrays[name]) for text in one.passed()]
        kinds: dict[str, str] = dict(own.scalars)
        while True:  # until no assignment widens a name any more
            body = _Body(self, own, arrays, kinds)
            body.statements(node.body)
            if body.kinds == kinds:
                break
            kinds = body.kinds
        slots = [f"%{name}.at = alloca {TYPES[kind]}" for name, kind in kinds.items()]
        starts = [f"store {TYPES[kind]} %{name}, ptr %{name}.at" for name, kind in own.scalars.items()]
        end = [] if body.ended else ["unreachable" if own.returned else "ret void"]
        head = f"define {linkage}{own.result} @{own.name}({', '.join(parameters)}) nounwind {{"
        return "\n".join([head, *slots, *starts, *body.lines, *end, "}"])


def _kind(annotation: ast.expr | None) -> str:
    name = ast.unparse(annotation) if annotation is not None else ""
    return _ANNOTATED.get(name) or unknown(annotation or ast.Constant(None))


def _returned(node: ast.FunctionDef) -> tuple[str, ...]:
    match node.returns:
        case ast.Subscript(slice=ast.Tuple(elts=parts)):
            return tuple(_kind(part) for part in parts)
        case ast.Name() as name:
            return (_kind(name),)
    return ()


class _Body(Values):
    """Statements of one function."""

    def __init__(
        self, module: _Module, own: Callee, arrays: Mapping[str, Array | Bundle], kinds: Mapping[str, str]
    ) -> None:
        super().__init__(module, own, arrays, kinds)
        self._around: list[tuple[str, str]] = []
        """Labels at which ``continue`` and ``break`` of the loops around go on."""

    def statements(self, nodes: Sequence[ast.stmt]) -> None:
        """Write statements."""
        for node in nodes:
            if not self.ended:  # nothing follows a return, break or continue
                self._statement(node)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                self._assign(targets, values)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Call() as call):
                function, made = self.call(call)
                for i, (target, kind) in enumerate(zip(targets, function.returned, strict=True)):
                    self._put(target, self.emit(kind, f"extractvalue {function.result} {made.text}, {i}"))
            case ast.Assign(targets=[target], value=value):
                self._assign([target], [value])
            case ast.AnnAssign(target=target, value=value) if value is not None:
                self._assign([target], [value])
            case ast.AugAssign(target=target, op=op, value=value):
                self._put(target, self.arithmetic(self.value(target), op, self.value(value), node))
            case ast.Expr(value=ast.Call() as call):
                self.call(call)
            case ast.Expr(value=ast.Constant()):
                pass  # a docstring
            case ast.Return(value=None):
                self.finish("ret void")
            case ast.Return(value=value) if value is not None:
                self._return(value)
            case ast.If(test=test, body=body, orelse=other):
                self._branch(test, body, other)
            case ast.While(test=test, body=body, orelse=[]):
                self._while(test, body)
            case ast.For(
                target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="range"), args=bounds), body=body, orelse=[]
            ):
                self._for(name, bounds, body)
            case ast.Break():
                self.finish(f"br label %{self._around[-1][1]}")
            case ast.Continue():
                self.finish(f"br label %{self._around[-1][0]}")
            case _:
                unknown(node)

    def _assign(self, targets: Sequence[ast.expr], nodes: Sequence[ast.expr]) -> None:
        """Everything on the right is computed before anything on the left changes."""
        arrays = [self.array(node) for node in nodes]
        values = [self.value(node) if array is None else None for node, array in zip(nodes, arrays, strict=True)]
        for target, array, value in zip(targets, arrays, values, strict=True):
            if value is not None:
                self._put(target, value)
            elif array is not None and isinstance(target, ast.Name) and target.id not in {*self.kinds, *self.arrays}:
                self.arrays[target.id] = array
            else:
                unknown(target)

    def _put(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name):
            self.put(target.id, value)
        elif isinstance(target, ast.Subscript):
            self.put_element(target, value)
        else:
            unknown(target)

    def _return(self, node: ast.expr) -> None:
        own, parts = self.own, node.elts if isinstance(node, ast.Tuple) else [node]
        values = [self.cast(kind, self.value(part)) for kind, part in zip(own.returned, parts, strict=True)]
        made = values[0].text
        if len(values) > 1:
            made = "poison"
            for i, value in enumerate(values):
                made = self.emit("", f"insertvalue {own.result} {made}, {TYPES[value.kind]} {value.text}, {i}").text
        self.finish(f"ret {own.result} {made}")

    def _branch(self, test: ast.expr, body: Sequence[ast.stmt], other: Sequence[ast.stmt]) -> None:
        then, otherwise, after = self.label(), self.label(), self.label()
        self.fork(self.truth(self.value(test)), then, otherwise)
        alive = False
        for label, statements in ((then, body), (otherwise, other)):
            self.begin(label)
            self.statements(statements)
            alive = alive or not self.ended
            self.go(after)
        if alive:
            self.begin(after)

    def _while(self, test: ast.expr, body: Sequence[ast.stmt]) -> None:
        head, inside, after = self.label(), self.label(), self.label()
        self.go(head)
        self.begin(head)
        endless = isinstance(test, ast.Constant) and test.value is True
        self.fork(Value("b", "true") if endless else self.truth(self.value(test)), inside, after)
        self.begin(inside)
        self._repeat(body, head, after)
        self.go(head)
        self.begin(after)

    def _for(self, name: str, bounds: Sequence[ast.expr], body: Sequence[ast.stmt]) -> None:
        step = ast.literal_eval(bounds[2]) if len(bounds) == 3 else 1
        values = [self.cast("i", self.value(bound)) for bound in bounds[:2]]
        first, last = values if len(values) == 2 else (Value("i", "0"), *values)
        head, inside, following, after = (self.label() for _ in range(4))
        counter = f"count.{head}"
        self.put(counter, first)
        self.go(head)
        self.begin(head)
        now = self.get(counter)
        self.fork(self.emit("b", f"icmp {'slt' if step > 0 else 'sgt'} i64 {now.text}, {last.text}"), inside, after)
        self.begin(inside)
        self.put(name, now)
        self._repeat(body, following, after)
        self.go(following)
        self.begin(following)
        self.put(counter, self.emit("i", f"add i64 {now.text}, {step}"))
        self.go(head)
        self.begin(after)

    def _repeat(self, body: Sequence[ast.stmt], again: str, after: str) -> None:
        self._around.append((again, after))
        self.statements(body)
        self._around.pop()
