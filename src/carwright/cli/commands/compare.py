"""``carwright compare RUN RUN``: paired differences between two runs on the same patients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from carwright.cli.output import JSON, columns, estimate, percent, show, show_json

KEYS = ("first", "second", "difference")


def compare(
    first: Annotated[Path, typer.Argument(help="Run folder.")],
    second: Annotated[Path, typer.Argument(help="Run folder; differences are second minus first.")],
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Compare two runs on the same patients: paired differences with intervals, second minus first."""
    from carwright import api

    result = api.compare(first, second)
    if as_json:
        show_json(result)
        return
    for change in result["changed"]:
        show(f"changed: {change}")
    rows = [
        [entry["label"], *(estimate(entry[key], entry["unit"]) for key in KEYS), entry["unit"]]
        for entry in result["quantities"].values()
    ]
    show(columns(rows, ["", "first", "second", f"difference ({percent(result['level'])} interval)", "unit"]))
