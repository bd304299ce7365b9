"""The repository's own files as the tests of this folder see them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "carwright"

LINE = ("targets", "construct", "models", "engine", "population", "clinic", "trial", "calibrate")
"""Rooms from left to right; a room imports only from rooms to its left."""

SHARED = ("errors", "lazy", "yamlfile")
"""Files that every room may import."""

TEXT = {".py", ".md", ".yaml", ".yml", ".toml", ".ant", ".cff", ".css", ".js", ".html", ".svg", ""}
"""Endings of the text files that people write here."""


def sources() -> list[Path]:
    """Python files of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def written_files() -> Iterator[Path]:
    """Text files that people write: sources, tests, documentation and what lies beside them."""
    for folder in ("src", "tests", "docs", "benchmarks", ".ci"):
        for path in sorted((ROOT / folder).rglob("*")):
            built = {"__pycache__", "_build", "generated"} & set(path.relative_to(ROOT).parts)
            if path.is_file() and path.suffix in TEXT and not built:
                yield path
    for path in sorted(ROOT.iterdir()):
        if path.is_file() and path.suffix in TEXT and path.name != ".git":  # a file in a worktree
            yield path


def parts_imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and room (or top-level file) of each import from the package, wherever in the file it stands."""
    for node in ast.walk(tree):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "carwright":
            modules = [f"carwright.{name.name}" for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module]
        for module in modules:
            steps = module.split(".")
            if steps[0] == "carwright" and len(steps) > 1:
                yield node.lineno, steps[1]
