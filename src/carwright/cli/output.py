"""What commands print: one JSON object or text on standard output, notices and problems on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import typer

from carwright.errors import Problem

NEGLIGIBLE = 1e-9
"""Smaller than anything that a run can resolve: rounding errors are printed as 0."""

SHOWN_PROBLEMS = 20
"""Problems that are printed; the first ones are usually the cause of the others."""

JSON = typer.Option("--json", help="Print one JSON object on standard output and nothing else there.")


def show_json(data: Mapping[str, Any]) -> None:
    """Print one JSON object; a NaN in it would be a bug, for a missing number is null."""
    print(json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False))  # noqa: T201


def show(text: str = "") -> None:
    """Print text for a human."""
    print(text)  # noqa: T201


def show_problems(problems: Sequence[Problem], *, as_json: bool) -> None:
    """Print problems: text on standard error, and with --json also one object with ``errors`` on standard output."""
    if as_json:
        show_json({"errors": [asdict(problem) for problem in problems]})
    shown = [str(problem) for problem in problems[:SHOWN_PROBLEMS]]
    if (more := len(problems) - len(shown)) > 0:
        shown.append(f"and {more:,} more {'problem' if more == 1 else 'problems'}; --json lists all of them")
    print("\n".join(shown), file=sys.stderr)  # noqa: T201


def columns(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Lay out rows of text in columns, two spaces apart.

    Parameters
    ----------
    rows
        Rows of the same length.
    header
        Names of the columns.
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, rule, *rows)
    )


def percent(fraction: float) -> str:
    """Write a fraction as a percentage: 0.3846 as ``38 %``, 0.004 as ``0.4 %``, 1e-6 as ``<0.1 %``."""
    value = 100 * fraction
    if abs(value) >= 1 or abs(value) < NEGLIGIBLE:
        return f"{value:.0f} %".replace("-0 %", "0 %")
    return f"{value:.1f} %" if abs(value) >= 0.1 else f"{'<' if value > 0 else '>-'}0.1 %"


def number(value: float) -> str:
    """Write a number with three figures: ``1,230``, ``0.0412``, ``4.5e+09``."""
    if abs(value) < NEGLIGIBLE:
        return "0"
    if abs(value) >= 1000:
        return f"{value:.3g}" if abs(value) >= 1e7 else f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}"


def estimate(entry: Mapping[str, Any], unit: str) -> str:
    """Write an estimate with its interval: ``38 % (31 % to 46 %)``; a missing one as ``-``."""
    if entry.get("estimate") is None:
        return "-"
    write = percent if unit.startswith(("fraction", "probability")) else number
    text = write(entry["estimate"])
    if entry.get("lo") is None or entry.get("hi") is None:
        return text
    return f"{text} ({write(entry['lo'])} to {write(entry['hi'])})"
