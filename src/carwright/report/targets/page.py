"""Writes ``report.html`` of a target search."""

from __future__ import annotations

from pathlib import Path

from carwright.report.targets.folder import load_analysis
from carwright.store.files import write_atomically


def write_targets_report(folder: Path) -> Path:
    """Write the page from a folder's ``analysis.json``."""
    found = load_analysis(folder)
    path = folder / "report.html"
    write_atomically(path, f"<!doctype html><title>Targets</title><p>{len(found.tables['gates'])} gates</p>".encode())
    return path
