"""Data walks from left to right: no room knows the rooms to its right, or those that serve the line."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import pytest

from .tree import LINE, PACKAGE, ROOT, SHARED, parts_imported, sources

HEAVY = ("antimony", "libsbml", "numba", "numpy", "plotly", "polars", "roadrunner", "scipy")


def allowed_in(room: str) -> set[str]:
    return {*LINE[: LINE.index(room) + 1], *SHARED}


@pytest.mark.parametrize("room", [room for room in LINE if (PACKAGE / room).is_dir()])
def test_a_room_imports_only_from_rooms_to_its_left(room: str) -> None:
    allowed = allowed_in(room)
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports carwright.{part}"
        for path in sorted((PACKAGE / room).rglob("*.py"))
        for line, part in parts_imported(ast.parse(path.read_text(encoding="utf-8")))
        if part not in allowed
    ]
    assert wrong == []


def test_every_folder_of_the_package_is_a_known_room() -> None:
    serving = {"cli", "disease", "pipeline", "report", "simulation", "store", "studies", "study"}
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= {*LINE, *serving}


def test_the_reader_of_imports_sees_every_way_of_importing() -> None:
    code = """
import carwright.trial.design
from carwright import report
from carwright.store import Run
def later():
    from carwright.cli.main import main
"""
    assert {part for _, part in parts_imported(ast.parse(code))} == {"trial", "report", "store", "cli"}


def loaded_by(code: str) -> set[str]:
    """Top-level modules in memory after the code ran in a fresh interpreter."""
    report = f"{code}\nimport json, sys; print(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_loads_no_heavy_module() -> None:
    code = """
from carwright.cli import main
try:
    main(["--help"])
except SystemExit as end:
    assert not end.code, end.code
"""
    assert loaded_by(code) & set(HEAVY) == set()


def test_the_python_api_is_imported_on_first_use() -> None:
    assert loaded_by("import carwright") & set(HEAVY) == set()


def test_heavy_modules_are_found_when_they_are_loaded() -> None:
    assert "numpy" in loaded_by("import numpy")


def test_commands_import_the_rooms_of_the_line_only_when_they_are_called() -> None:
    wrong = []
    for path in [*(PACKAGE / "cli").glob("*.py"), *(PACKAGE / "cli" / "commands").glob("*.py")]:
        top_level = ast.parse(path.read_text(encoding="utf-8")).body
        module = ast.Module([node for node in top_level if isinstance(node, ast.Import | ast.ImportFrom)], [])
        wrong += [f"{path.name}:{line} {part}" for line, part in parts_imported(module) if part in LINE]
    assert wrong == []


def test_sources_are_found() -> None:
    assert len(sources()) > 100
