"""What a user is told when something is wrong.

Every message has four parts: what is wrong, where, what was found against what is allowed, and what to do. All problems
that can be found at once are reported at once; none of them ends in a traceback.
"""

from __future__ import annotations

from dataclasses import dataclass

EXIT_USER_ERROR = 2
"""Exit status of the command line after a mistake in the input."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with what the user gave us.

    Parameters
    ----------
    code
        Stable identifier such as ``STUDY004``, for the documentation and for scripts.
    what
        The mistake, in one sentence without a full stop.
    where
        File, line, row, key or parameter.
    found, allowed
        The offending value and the permitted ones; either may be empty.
    fix
        What to do next.
    """

    code: str
    what: str
    where: str = ""
    found: str = ""
    allowed: str = ""
    fix: str = ""

    def __str__(self) -> str:
        """Render as an indented block; the first line alone already says what and where."""
        lines = [f"error[{self.code}]: {self.what}" + (f" ({self.where})" if self.where else "")]
        if self.found:
            lines.append(f"  found:   {self.found}")
        if self.allowed:
            lines.append(f"  allowed: {self.allowed}")
        if self.fix:
            lines.append(f"  hint:    {self.fix}")
        return "\n".join(lines)


class CarwrightError(Exception):
    """One or more problems in the user's input; the command line prints them and exits with status 2."""

    def __init__(self, *problems: Problem) -> None:
        if not problems:
            message = "CarwrightError needs at least one problem"
            raise ValueError(message)
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class Problems:
    """Collects problems so that a reader sees all of them, not only the first."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, code: str, what: str, *, where: str = "", found: str = "", allowed: str = "", fix: str = "") -> None:
        """Record one problem; parameters as in `Problem`."""
        self._found.append(Problem(code, what, where, found, allowed, fix))

    def extend(self, error: CarwrightError) -> None:
        """Take over the problems of an error that was caught."""
        self._found.extend(error.problems)

    def __bool__(self) -> bool:
        return bool(self._found)

    def raise_if_any(self) -> None:
        """Raise one `CarwrightError` holding everything that was recorded."""
        if self._found:
            raise CarwrightError(*self._found)
