"""The driver's Python to LLVM: scalars, arrays, branches, loops and calls.

What `carwright.engine.vector` does for straight lines of vectors, this does for the scalar code between them: a
restricted Python is written as LLVM's text, which takes milliseconds where a general compiler of Python takes seconds,
and needs no such compiler to be loaded again. The text stays Python, which type checkers read and numba-cuda compiles.

What may be written: functions whose arguments are annotated ``int``, ``float`` or ``bool`` or are arrays with names
known to the translator; ``if``, ``while``, ``for`` over ``range``, ``break``, ``continue``, ``return``; assignments to
names and elements; arithmetic, comparisons, ``in`` a tuple, ``and or not``, conditional expressions; ``min max abs
int np.isfinite``; calls of each other; ``call(address, W)`` of a function in machine code. Whole numbers have 64 bits,
floating point has double precision between a load and a store, whatever the array holds. A name has one kind in a
function: the widest that is assigned to it. Indices count from 0, are not checked, and never from the end.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from carwright.engine.scalar_values import NARROWED, TYPES, Array, Signatures, Value, Values, unknown


def translate(source: str, arrays: Mapping[str, Array], entry: str) -> str:
    """Text of an LLVM module.

    Parameters
    ----------
    source
        Functions, and constants by name.
    arrays
        Names that are arrays wherever they are arguments. Each becomes a pointer and its sizes; no two overlap.
    entry
        The function that is called from outside.
    """
    return _Module(ast.parse(source), arrays, entry).text()


class _Module(Signatures):
    def __init__(self, tree: ast.Module, arrays: Mapping[str, Array], entry: str) -> None:
        super().__init__(tree, arrays)
        self.entry = entry

    def text(self) -> str:
        """All functions."""
        kept = [self._function(node) for node in self.functions.values()]
        return "\n".join(["declare double @llvm.fabs.f64(double)", *kept])

    def _function(self, node: ast.FunctionDef) -> str:
        kinds: dict[str, str] = {}
        while True:  # until no assignment widens a name any more
            body = _Body(self, node, kinds)
            body.statements(node.body)
            if body.kinds == kinds:
                break
            kinds = body.kinds
        slots = [f"%{name}.at = alloca {TYPES[kind]}" for name, kind in kinds.items()]
        starts = [f"store {TYPES[v.kind]} {v.text}, ptr %{name}.at" for name, v in body.scalars().items()]
        end = [] if body.ended else ["ret void" if self.result(node) == "void" else "unreachable"]
        linkage = "" if node.name == self.entry else "internal "
        head = f"define {linkage}{self.result(node)} @{node.name}({', '.join(self.parameters(node))}) nounwind {{"
        return "\n".join([head, *slots, *starts, *body.lines, *end, "}"])


class _Body(Values):
    """Statements of one function."""

    def __init__(self, module: Signatures, node: ast.FunctionDef, kinds: Mapping[str, str]) -> None:
        super().__init__(module, node, kinds)
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
                for target, value in zip(targets, [self.value(v) for v in values], strict=True):
                    self._assign(target, value)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Call() as call):
                function, made = self.called(call), self.call(call)
                for i, (target, kind) in enumerate(zip(targets, self.module.returned(function), strict=True)):
                    part = f"extractvalue {self.module.result(function)} {made.text}, {i}"
                    self._assign(target, self.emit(kind, part))
            case ast.Assign(targets=[target], value=value):
                self._assign(target, self.value(value))
            case ast.AugAssign(target=target, op=op, value=value):
                self._assign(target, self.arithmetic(self.value(target), op, self.value(value), node))
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
            case ast.While(test=test, body=body):
                self._while(test, body)
            case ast.For(target=ast.Name(id=name), iter=ast.Call(args=bounds), body=body):
                self._for(name, bounds, body)
            case ast.Break():
                self.finish(f"br label %{self._around[-1][1]}")
            case ast.Continue():
                self.finish(f"br label %{self._around[-1][0]}")
            case _:
                unknown(node)

    def _assign(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name):
            self.put(target.id, value)
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            array = self.module.arrays[target.value.id]
            place, made = self.place(target), self.cast(array.kind, value)
            if array.element in NARROWED:
                made = self.emit("", NARROWED[array.element].format(made.text))
            self.lines.append(f"store {array.element} {made.text}, ptr {place}")
        else:
            unknown(target)

    def _return(self, node: ast.expr) -> None:
        kinds, kind = self.module.returned(self.node), self.module.result(self.node)
        parts = node.elts if isinstance(node, ast.Tuple) else [node]
        values = [self.cast(k, self.value(part)) for k, part in zip(kinds, parts, strict=True)]
        made = values[0].text
        if len(values) > 1:
            made = "poison"
            for i, value in enumerate(values):
                made = self.emit("", f"insertvalue {kind} {made}, {TYPES[value.kind]} {value.text}, {i}").text
        self.finish(f"ret {kind} {made}")

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
        values = [self.cast("i", self.value(bound)) for bound in bounds]
        first, last = values if len(values) == 2 else (Value("i", "0"), *values)
        head, inside, following, after = (self.label() for _ in range(4))
        counter = f"count.{head}"
        self.put(counter, first)
        self.go(head)
        self.begin(head)
        now = self.get(counter)
        self.fork(self.emit("b", f"icmp slt i64 {now.text}, {last.text}"), inside, after)
        self.begin(inside)
        self.put(name, now)
        self._repeat(body, following, after)
        self.go(following)
        self.begin(following)
        self.put(counter, self.emit("i", f"add i64 {now.text}, 1"))
        self.go(head)
        self.begin(after)

    def _repeat(self, body: Sequence[ast.stmt], again: str, after: str) -> None:
        self._around.append((again, after))
        self.statements(body)
        self._around.pop()
