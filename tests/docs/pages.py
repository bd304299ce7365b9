"""What people read: the pages of the documentation and the texts at the root."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS))  # the directives are a package beside the pages

PAGES = sorted(
    [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    + [page for page in DOCS.rglob("*.md") if "_build" not in page.parts]
)

_PROGRAM = re.compile(r"^(?:\$ )?(?P<line>carwright(?: .*)?)$")


def name(page: Path) -> str:
    """A page's path for messages."""
    return page.relative_to(ROOT).as_posix()


def commands(page: Path) -> Iterator[list[str]]:
    """Arguments of each ``carwright`` command that a page shows, in a block or in the running text."""
    text = page.read_text(encoding="utf-8")
    shown = [line.strip() for line in text.splitlines()] + re.findall(r"`(carwright [^`]+)`", text)
    for line in shown:
        if match := _PROGRAM.match(line):
            yield list(_before_redirection(shlex.split(match["line"], comments=True)[1:]))


def _before_redirection(arguments: list[str]) -> Iterator[str]:
    for argument in arguments:
        if argument in (">", "|"):
            return
        yield argument
