"""The codes of problems, found in the source where they are raised."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import carwright
from _extensions.printing import anchored, code, lines, section, table, words

PACKAGE = Path(carwright.__file__).parent

_CODE = re.compile(r"([A-Z]+)\d{3}\Z|BUG\Z")

ROOMS = {
    "CLI": "Command line",
    "YAML": "Reading YAML files",
    "STUDY": "Study files",
    "TARGETS": "Targets",
    "CONSTRUCT": "Constructs",
    "MODEL": "Models",
    "ENGINE": "Engine",
    "POPULATION": "Population",
    "CLINIC": "Clinic",
    "TRIAL": "Trial",
    "DISEASE": "Diseases",
    "RUN": "Run folders",
    "STORE": "Reading and writing",
    "COMPARE": "Comparing runs",
    "SIMULATE": "Simulating any model",
    "EXPLAIN": "Explaining a run",
    "REPORT": "Report",
    "BUG": "Bugs",
}


@dataclass(frozen=True)
class Raised:
    """One place in the source that names a code."""

    code: str
    what: str
    file: str

    @property
    def family(self) -> str:
        """Letters of the code."""
        return self.code.rstrip("0123456789")


def raised() -> Iterator[Raised]:
    """Every call in the package that passes a code, with the sentence that follows it where there is one."""
    for path in sorted(PACKAGE.rglob("*.py")):
        file = str(path.relative_to(PACKAGE))
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            for index, argument in enumerate(node.args):
                if isinstance(argument, ast.Constant) and _CODE.match(str(argument.value)):
                    following = [_assigned(tree, given) for given in node.args[index + 1 : index + 2]]
                    yield Raised(str(argument.value), _sentence(following[0]) if following else "", file)


def mentioned() -> set[str]:
    """Every code that stands in the source as a text of its own, wherever it is used."""
    return {
        node.value
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _CODE.match(node.value)
    }


def _assigned(tree: ast.Module, given: ast.expr) -> ast.expr:
    """What a name was last set to above the place where it is given; anything else as it is."""
    if not isinstance(given, ast.Name):
        return given
    above = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and node.lineno < given.lineno and ast.unparse(node.targets[0]) == given.id
    ]
    return max(above, key=lambda node: node.lineno).value if above else given


def _sentence(node: ast.expr) -> str:
    """A text of the source as documentation: the filled-in parts of an f-string become an ellipsis."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""


class ErrorCodes(SphinxDirective):
    """``carwright-error-codes::`` prints every code with what it says and where it is raised."""

    def run(self) -> list[nodes.Node]:
        """Print one table per family of codes."""
        sentences: dict[str, dict[str, None]] = defaultdict(dict)
        files: dict[str, dict[str, None]] = defaultdict(dict)
        for place in raised():
            files[place.code][place.file] = None
            if place.what:
                sentences[place.code][place.what] = None
        for found in mentioned():
            sentences[found], files[found]
        found: list[nodes.Node] = []
        for family, title in ROOMS.items():
            codes = sorted(entry for entry in sentences if entry.rstrip("0123456789") == family)
            rows = [
                (
                    [anchored(f"error-{entry.lower()}", code(entry))],
                    lines(*(words(text) for text in sentences[entry])) or "(the text names the mistake)",
                    ", ".join(f"`{file}`" for file in files[entry]),
                )
                for entry in codes
            ]
            if rows:
                header = ("Code", "Says", "Raised in")
                found.append(section(title, f"errors-{family.lower()}", table(header, rows)))
        return found


DIRECTIVES = {"error-codes": ErrorCodes}
