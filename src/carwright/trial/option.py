"""Options of designs and rules: one declaration per option, read alike by studies, command line and docs.

A design is a dataclass; each of its options is a field made by one of the functions here. The declaration
holds the default, what the option means, what is allowed and where the default comes from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from carwright.errors import CarwrightError, Problem, Problems
from carwright.yamlfile import nearest


@dataclass(frozen=True, slots=True)
class Option:
    """What one option means and takes.

    Parameters
    ----------
    description
        What it is, for readers.
    allowed
        Values it takes, in words.
    read
        Turns a value from YAML or Python into the option's own type; ValueError if it cannot.
    source
        Where the default comes from.
    """

    description: str
    allowed: str
    read: Callable[[object], object]
    source: str


def number(
    default: float | None,
    description: str,
    *,
    above: float = -math.inf,
    below: float = math.inf,
    low: float = -math.inf,
    high: float = math.inf,
    source: str,
) -> Any:
    """Option that is a number: strictly ``above`` and ``below``, ``low`` and ``high`` included.

    A default of None allows None, which the description explains.
    """

    def read(value: object) -> float | None:
        if value is None and default is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        if not (above < value < below and low <= value <= high):  # also refuses NaN
            raise ValueError
        return float(value)

    bounds = [f"more than {above:g}"] if above > -math.inf else []
    bounds += [f"{low:g} or more"] if low > -math.inf else []
    bounds += [f"less than {below:g}"] if below < math.inf else []
    bounds += [f"{high:g} or less"] if high < math.inf else []
    allowed = "a number" + (f", {' and '.join(bounds)}" if bounds else "")
    return _option(default, Option(description, allowed + _or_null(default), read, source))


def whole(default: int | None, description: str, *, low: int, high: int = 10_000, source: str) -> Any:
    """Option that is a whole number from ``low`` to ``high``; a default of None allows None."""

    def read(value: object) -> int | None:
        if value is None and default is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError
        return value

    allowed = f"a whole number, {low} to {high}" + _or_null(default)
    return _option(default, Option(description, allowed, read, source))


def flag(default: bool, description: str, *, source: str) -> Any:
    """Option that is true or false."""

    def read(value: object) -> bool:
        if isinstance(value, bool):
            return value
        raise ValueError

    return _option(default, Option(description, "true or false", read, source))


def choice(default: str, description: str, allowed: tuple[str, ...], *, source: str) -> Any:
    """Option that is one of some words."""

    def read(value: object) -> str:
        if value not in allowed:
            raise ValueError
        return str(value)

    return _option(default, Option(description, " or ".join(allowed), read, source))


def label(default: str | None, description: str, *, source: str) -> Any:
    """Option that is the label of a dose node; a default of None allows None."""

    def read(value: object) -> str | None:
        if value is None and default is None:
            return None
        return _label(value)

    return _option(default, Option(description, "a node's label" + _or_null(default), read, source))


def labels(description: str, *, source: str) -> Any:
    """Option that is a list of node labels; empty by default, but never given empty."""

    def read(value: object) -> tuple[str, ...]:
        if value == ():  # the default, which says that nothing was given
            return ()
        if not isinstance(value, list | tuple) or not value:
            raise ValueError
        return tuple(_label(item) for item in value)

    return _option((), Option(description, "a list of node labels, such as [1, 2, 3]", read, source))


def label_map(description: str, *, source: str) -> Any:
    """Option that gives a node label for node labels; empty by default."""

    def read(value: object) -> dict[str, str]:
        if not isinstance(value, Mapping):
            raise ValueError
        return {_label(node): _label(lower) for node, lower in value.items()}

    option = Option(description, "node labels by node label, such as {3: -3}", read, source)
    return field(default_factory=dict, metadata={"option": option})


def numbers(
    default: tuple[float, ...] | None,
    description: str,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    length: int | None = None,
    source: str,
) -> Any:
    """Option that is a list of numbers from ``low`` to ``high``; a default of None allows None."""

    def read(value: object) -> tuple[float, ...] | None:
        if value is None and default is None:
            return None
        if not isinstance(value, list | tuple) or (length is not None and len(value) != length) or not value:
            raise ValueError
        for item in value:
            if isinstance(item, bool) or not isinstance(item, int | float) or not low <= item <= high:
                raise ValueError
        return tuple(float(item) for item in value)

    bounds = "" if low == -math.inf and high == math.inf else f" from {low:g} to {high:g}"
    allowed = f"a list of {'' if length is None else f'{length} '}numbers{bounds}"
    return _option(default, Option(description, allowed + _or_null(default), read, source))


def custom(default: object, description: str, *, allowed: str, read: Callable[[object], Any], source: str) -> Any:
    """Option of another kind: ``read`` raises ValueError for what is not ``allowed``; MISSING makes it required."""
    return _option(default, Option(description, allowed, read, source))


def options_of(owner: type) -> dict[str, tuple[Option, Field[Any]]]:
    """Options that a design or rule declares, by name."""
    return {entry.name: (entry.metadata["option"], entry) for entry in fields(owner) if "option" in entry.metadata}


def default_of(entry: Field[Any]) -> Any:
    """Return the default of an option's field; MISSING if it must be given."""
    return entry.default_factory() if entry.default_factory is not MISSING else entry.default


def read_options(owner: type, title: str, given: Mapping[str, object], where: str) -> dict[str, Any]:
    """Read the options of a design or rule, and name every mistake at once.

    Parameters
    ----------
    owner
        Dataclass that declares the options.
    title
        What it is called, such as ``"design boin"``.
    given
        Values by name, as read from YAML.
    where
        Place for messages, such as ``"design"``.

    Raises
    ------
    CarwrightError
        Naming every value that is not allowed, every option that is missing and every unknown name, with the
        nearest known one.
    """
    problems, known = Problems(), options_of(owner)
    values: dict[str, Any] = {}
    for name, (option, entry) in known.items():
        if name in given:
            try:
                values[name] = option.read(given[name])
            except ValueError:
                problems.extend(CarwrightError(_wrong(title, name, given[name], option, where)))
        elif default_of(entry) is MISSING:
            problems.add(
                "TRIAL033",
                f"the option {name} of the {title} is missing",
                where=f"{where}, {name}",
                allowed=option.allowed,
                fix="give it",
            )
    for name in given.keys() - known.keys():
        problems.add(
            "TRIAL032",
            f"the {title} has no such option",
            where=where,
            found=str(name),
            allowed=", ".join(known),
            fix=nearest(str(name), tuple(known)) or "remove the option",
        )
    problems.raise_if_any()
    return values


def check_options(owner: Any, title: str, where: str) -> None:
    """Read every option of a frozen dataclass that was built in Python, in place.

    Raises
    ------
    CarwrightError
        Naming every value that is not allowed.
    """
    given = {name: getattr(owner, name) for name in options_of(type(owner))}
    for name, value in read_options(type(owner), title, given, where).items():
        object.__setattr__(owner, name, value)


def plain_options(owner: Any) -> dict[str, Any]:
    """Values of all options as plain data that JSON and YAML can hold, and that reads back to the same."""
    return {name: _plain(getattr(owner, name)) for name in options_of(type(owner))}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _option(default: object, option: Option) -> Any:
    return field(default=default, metadata={"option": option})


def _or_null(default: object) -> str:
    return ", or null" if default is None else ""


def _wrong(title: str, name: str, value: object, option: Option, where: str) -> Problem:
    return Problem(
        "TRIAL031",
        f"the option {name} of the {title} cannot be used",
        f"{where}, {name}",
        _shown(value),
        option.allowed,
        "correct the option",
    )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _label(item: object) -> str:
    # YAML reads the label 1 as a number; true and false are numbers to Python, but no labels.
    if isinstance(item, bool) or not isinstance(item, str | int):
        raise ValueError
    return str(item)
