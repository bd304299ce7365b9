"""Files are small, described, free of this or that machine, and never run what they read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .tree import PACKAGE, ROOT, sources, written_files

MOST_LINES = 600

GENERATED_CODE = PACKAGE / "engine" / "device.py"
"""The one file that may run a text: what the engine itself has printed for numba-cuda."""

MACHINE_PATH = re.compile(
    r"(?<![\w./:<>~$*)\]}-])/(?!(?:bin|dev|etc|proc|sys|tmp|usr|var)/)[A-Za-z]\w*/\w|\b[A-Z]:\\\\"
)
"""An absolute path that is not the same on every machine."""
UNSAFE_MODULES = {"dill", "cloudpickle", "marshal", "pickle", "shelve"}
UNSAFE_NAMES = {"compile", "eval", "exec", "__import__"}
UNSAFE_METHODS = {"exec_module", "read_pickle", "unsafe_load", "full_load", "sympify", "to_pickle"}


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def place(path: Path, line: int, what: str) -> str:
    return f"{path.relative_to(ROOT)}:{line} {what}"


def test_no_source_file_is_long() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sources()
        if (lines := path.read_text(encoding="utf-8").count("\n")) > MOST_LINES
    }
    assert long == {}


def unsafe(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Ways in which reading data could run code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [name.name for name in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from ((node.lineno, name) for name in modules if name.split(".")[0] in UNSAFE_MODULES)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in UNSAFE_NAMES:
            yield node.lineno, node.func.id
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in UNSAFE_METHODS:
                yield node.lineno, node.func.attr
            elif ast.unparse(node.func) == "yaml.load":
                yield node.lineno, "yaml.load"


def test_opening_a_file_never_runs_it() -> None:
    found = [
        place(path, line, what) for path in sources() if path != GENERATED_CODE for line, what in unsafe(parse(path))
    ]
    assert found == []


def test_the_engine_runs_nothing_but_its_own_text() -> None:
    assert {what for _, what in unsafe(parse(GENERATED_CODE))} == {"exec"}


@pytest.mark.parametrize(
    "code", ["import pickle", "from marshal import loads", "eval('1')", "yaml.load(text)", "s.sympify(text)"]
)
def test_unsafe_code_is_recognised(code: str) -> None:
    assert list(unsafe(ast.parse(code)))


def test_no_path_of_one_machine() -> None:
    here = Path(__file__).resolve()
    found = [
        place(path, number, line.strip())
        for path in written_files()
        if path != here
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("line", ["open('/home/me/x')", "cd /data/main", r"C:\\Users\\me"])
def test_paths_of_one_machine_are_recognised(line: str) -> None:
    assert MACHINE_PATH.search(line)


def undescribed(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Public names of a module, and of its public classes, without a docstring."""
    if ast.get_docstring(tree) is None:
        yield 1, "the module"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if ast.get_docstring(node) is None:
                yield node.lineno, node.name
            for inner in node.body if isinstance(node, ast.ClassDef) else ():
                public = isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_")
                if public and ast.get_docstring(inner) is None:
                    yield inner.lineno, f"{node.name}.{inner.name}"


def test_everything_public_is_described() -> None:
    assert [place(path, line, what) for path in sources() for line, what in undescribed(parse(path))] == []


def test_nothing_is_left_to_do() -> None:
    """An idea for later belongs in an issue, not in the code."""
    mark = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")
    found = [
        place(path, number, line.strip())
        for path in sources()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if mark.search(line)
    ]
    assert found == []
