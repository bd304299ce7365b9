"""What long work tells about itself while it runs."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the progress of long work; it never changes a result."""

    def stage(self, label: str, total: int) -> None:
        """Begin a stage of `total` items, e.g. ``stage("patients", 8000)``; the one before it is over."""

    def advance(self, items: int) -> None:
        """Report that so many further items of the stage are done."""

    def notice(self, text: str) -> None:
        """Tell the user one sentence."""


class Quiet:
    """Progress that nobody watches."""

    def stage(self, label: str, total: int) -> None:
        """Ignore the stage."""

    def advance(self, items: int) -> None:
        """Ignore the items."""

    def notice(self, text: str) -> None:
        """Ignore the sentence."""
