"""Modules that are put together from the text of files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

MARKER: Final = "# --- copied into every kernel from here ---\n"


def decorated(source: str, decorator: Callable[[str], str]) -> str:
    """Put a decorator before every function of a source text, for numba-cuda."""
    lines = []
    for line in source.splitlines():
        if line.startswith("def "):
            lines.append(decorator(line[4 : line.index("(")]))
        lines.append(line)
    return "\n".join(lines) + "\n"
