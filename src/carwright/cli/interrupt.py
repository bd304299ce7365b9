"""Ctrl-C and SIGTERM in long work: the current shard is dropped, finished ones stay, and the way back is shown."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from carwright.errors import Problem


class Interrupted(BaseException):
    """A signal asked the program to end; derives from BaseException so that nothing on the way swallows it."""

    def __init__(self, number: int) -> None:
        self.signal = number
        super().__init__(signal.Signals(number).name)

    @property
    def problem(self) -> Problem:
        """What the user is told."""
        name = signal.Signals(self.signal).name
        return Problem("CLI002", f"interrupted by {name}", fix=f"to resume: {command_line()}")


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise `Interrupted` in this block at the first SIGINT or SIGTERM; a second one ends the program at once."""
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in former.items():
            signal.signal(number, handler)

    def end(number: int, frame: FrameType | None) -> None:
        restore()
        raise Interrupted(number)

    for number in former:
        signal.signal(number, end)
    try:
        yield
    finally:
        restore()


def command_line() -> str:
    """Return this process's command as the user can give it again."""
    return shlex.join(["carwright", *sys.argv[1:]])
