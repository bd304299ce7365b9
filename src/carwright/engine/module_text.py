"""Modules that are put together from the text of files."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Final

MARKER: Final = "# --- copied into every kernel from here ---\n"
"""Line after which a file's text is copied."""


def text_of(name: str, room: str = "carwright.engine") -> str:
    """Text of a file of a room, such as ``lanes/driver.py``."""
    return files(room).joinpath(name).read_text(encoding="utf-8")


def copied(*names: str, room: str = "carwright.engine") -> str:
    """What is copied into kernels of some files, one after the other."""
    return "\n".join(text_of(name, room).split(MARKER)[1] for name in names)


def decorated(source: str, decorator: Callable[[str], str]) -> str:
    """Put a decorator before every function of a source text, for numba-cuda."""
    lines = []
    for line in source.splitlines():
        if line.startswith("def "):
            lines.append(decorator(line[4 : line.index("(")]))
        lines.append(line)
    return "\n".join(lines) + "\n"
