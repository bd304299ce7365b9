"""What a user asks for in words: times, functionals and doses."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from carwright.engine import Functional
from carwright.engine.requests import KINDS, NEEDS_THRESHOLD
from carwright.errors import Problems
from carwright.yamlfile import nearest

MOST_TIMES: Final = 1_000_000
"""Most times in one request; more are a slip of the step size."""

_SHORT: Final = {"max": "maximum", "min": "minimum", "time_of_max": "time_of_maximum", "time_of_min": "time_of_minimum"}
_NAME: Final = r"[A-Za-z_][\w.]*"
_NUMBER: Final = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_FUNCTIONAL: Final = re.compile(
    rf"(?P<kind>\w+):(?P<of>{_NAME})(?:(?P<sign>[<>])(?P<level>{_NUMBER}|{_NAME}))?"
    rf"(?:@(?P<first>{_NUMBER})(?:\.\.(?P<last>{_NUMBER}))?)?"
)
_DOSE: Final = re.compile(rf"(?P<target>{_NAME})=(?P<amount>{_NUMBER}|{_NAME})@(?P<days>.+)")


@dataclass(frozen=True)
class Dose:
    """The same amount into one state at given times.

    Parameters
    ----------
    target
        Name of the state.
    amount
        A number, or the name of a column of the population.
    days
        Times.
    """

    target: str
    amount: float | str
    days: tuple[float, ...]


def read_times(given: str | Iterable[float], where: str, problems: Problems) -> tuple[float, ...]:
    """Times from ``0,1,7``, ``0:180:1`` (first, last, step) or numbers: ascending, without repeats."""
    times: set[float] = set()
    parts = given.split(",") if isinstance(given, str) else [str(float(value)) for value in given]
    for part in parts:
        times.update(_times(part.strip(), where, problems))
    if any(not math.isfinite(time) for time in times):
        problems.add("SIMULATE009", "a time must be a finite number", where=where, found=str(given))
    return tuple(sorted(time for time in times if math.isfinite(time)))


def _times(part: str, where: str, problems: Problems) -> Sequence[float]:
    try:
        numbers = [float(number) for number in part.split(":")]
    except ValueError:
        numbers = []
    if len(numbers) == 1:
        return numbers
    if len(numbers) == 3 and all(map(math.isfinite, numbers)) and numbers[1] >= numbers[0] and numbers[2] > 0:
        first, last, step = numbers
        # The last time belongs to it, whatever rounding does to the number of steps.
        count = math.floor((last - first) / step * (1 + 1e-12) + 1e-9) + 1
        if count <= MOST_TIMES:
            return [min(first + i * step, last) for i in range(count)]
        problems.add("SIMULATE009", "too many times", where=where, found=f"{count:,}", allowed=f"{MOST_TIMES:,}")
        return []
    allowed = "numbers such as 0,1,7, or first:last:step such as 0:180:1"
    problems.add("SIMULATE009", "these are no times", where=where, found=part or "nothing", allowed=allowed)
    return []


def read_functional(text: str, problems: Problems) -> Functional | None:
    """One functional from words such as ``max:psa``, ``days_below:anc<500`` or ``value_at:psa@28``; None if wrong."""
    where = f"--functional {text}"
    match = _FUNCTIONAL.fullmatch(text.replace(" ", ""))
    if match is None:
        allowed = "KIND:NAME, KIND:NAME<LEVEL, KIND:NAME>LEVEL; each with @DAY or @FIRST..LAST at its end"
        problems.add("SIMULATE010", "this is no functional", where=where, found=text, allowed=allowed)
        return None
    kind = _SHORT.get(match["kind"], match["kind"])
    if kind not in KINDS:
        fix = nearest(kind, KINDS)
        problems.add("SIMULATE010", "no such kind of functional", where=where, found=kind, allowed=", ".join(KINDS),
                     fix=fix)  # fmt: skip
        return None
    sign = {"above": ">", "below": "<"}.get(kind.rpartition("_")[2])
    if match["sign"] != sign:
        form = f"{kind}:{match['of']}{sign}LEVEL" if kind in NEEDS_THRESHOLD else f"{kind}:{match['of']}"
        problems.add("SIMULATE010", "this kind is written otherwise", where=where, found=text, allowed=form)
        return None
    start, end = _window(kind, match["first"], match["last"], where, problems)
    level = match["level"]
    threshold = None if level is None else float(level) if re.fullmatch(_NUMBER, level) else level
    return Functional(kind, match["of"], start, end, threshold)


def _window(kind: str, first: str | None, last: str | None, where: str, problems: Problems) -> tuple[float, float]:
    start, end = -math.inf, math.inf
    if kind == "value_at":
        if last is not None:
            problems.add("SIMULATE010", "value_at takes one time", where=where, found=f"{first}..{last}")
        return start, end if first is None else float(first)
    if first is not None:
        start = float(first)
        if last is None or not start < float(last):
            problems.add("SIMULATE010", "a window needs a first and a later last time", where=where,
                         found=f"@{first}" + (f"..{last}" if last else ""), allowed="@FIRST..LAST")  # fmt: skip
            return -math.inf, math.inf
        end = float(last)
    return start, end


def read_dose(given: str | Dose, problems: Problems) -> Dose | None:
    """A dose from words such as ``drug=100@0,7,14`` or ``cells=dose_column@0``; None if wrong."""
    if isinstance(given, Dose):
        return given
    where = f"--dose {given}"
    match = _DOSE.fullmatch(given.replace(" ", ""))
    if match is None:
        allowed = "TARGET=AMOUNT@DAY[,DAY...], or @FIRST:LAST:STEP"
        problems.add("SIMULATE008", "this is no dose", where=where, found=given, allowed=allowed)
        return None
    amount: float | str = match["amount"]
    if re.fullmatch(_NUMBER, match["amount"]):
        amount = float(amount)
        if amount < 0 or not math.isfinite(amount):
            problems.add(
                "SIMULATE008", "an amount must be a finite number of 0 or more", where=where, found=str(amount)
            )
    return Dose(match["target"], amount, read_times(match["days"], where, problems))
