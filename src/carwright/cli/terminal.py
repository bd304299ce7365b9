"""Progress on standard error: a moving bar on a terminal, a line per stage elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from carwright.store import Progress, Quiet

if TYPE_CHECKING:
    from rich.progress import TaskID


@contextmanager
def watch(*, quiet: bool) -> Iterator[Progress]:
    """Choose how progress is shown: a bar on a terminal, lines elsewhere, notices alone with --quiet."""
    if quiet or not sys.stderr.isatty():
        yield Lines(stages=not quiet)
    else:
        bar = Bar()
        with bar.shown():
            yield bar


class Lines(Quiet):
    """One line per stage and notice, for logs."""

    def __init__(self, *, stages: bool) -> None:
        self._stages = stages

    def stage(self, label: str, total: int) -> None:
        """Print the stage."""
        if self._stages:
            print(f"{label}: {total:,}", file=sys.stderr, flush=True)  # noqa: T201

    def notice(self, text: str) -> None:
        """Print the sentence."""
        print(f"notice: {text}", file=sys.stderr, flush=True)  # noqa: T201


class Bar(Lines):
    """A moving bar with the time that is left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        super().__init__(stages=False)
        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task: TaskID | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the bars in this block."""
        with self._bar:
            yield

    def stage(self, label: str, total: int) -> None:
        """Add a bar."""
        self._task = self._bar.add_task(label, total=total)

    def advance(self, items: int) -> None:
        """Move the bar of the stage."""
        if self._task is not None:
            self._bar.advance(self._task, items)

    def notice(self, text: str) -> None:
        """Print the sentence above the bars."""
        self._bar.console.print(f"notice: {text}", markup=False)
