"""The folder of a target search: ``analysis.json`` with everything, and each table as CSV."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from carwright.errors import CarwrightError, Problem
from carwright.store.files import write_atomically
from carwright.targets.evaluate.analysis import Analysis

FORMAT = 1


def save_analysis(folder: Path, found: Analysis) -> None:
    """Write an analysis into a folder.

    Raises
    ------
    CarwrightError
        If the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CarwrightError(
            Problem("TARGETS050", "the folder cannot be made", str(folder), error.strerror or "")
        ) from None
    data = {"format": FORMAT, "parameters": found.parameters, "tables": found.tables}
    write_atomically(folder / "analysis.json", json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False).encode())
    for name, rows in found.tables.items():
        if rows:
            plain = [{k: "; ".join(map(str, v)) if isinstance(v, list) else v for k, v in row.items()} for row in rows]
            write_atomically(folder / f"{name}.csv", pl.DataFrame(plain, infer_schema_length=None).write_csv().encode())


def load_analysis(folder: Path) -> Analysis:
    """Read an analysis from a folder.

    Raises
    ------
    CarwrightError
        If it is no folder of a target search, or of a later format.
    """
    path = folder / "analysis.json"
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        version, analysis = data["format"], Analysis(data["tables"], data["parameters"])
    except (OSError, ValueError, KeyError, TypeError):
        raise CarwrightError(
            Problem("TARGETS051", "this is no folder of a target search", str(folder), fix="give one that --out wrote")
        ) from None
    if version != FORMAT:
        raise CarwrightError(Problem("TARGETS052", "this format is not known", str(path), str(version), str(FORMAT)))
    return analysis
