"""Strict reading of YAML files: studies, parameter tables and constructs all come in through this door.

Only the core schema of YAML 1.2 is understood (https://yaml.org/spec/1.2.2/#103-core-schema), so that ``no``
stays a word and ``1e7`` is a number. Tags, duplicate keys, several documents in one file, deep nesting and
files that grow when their aliases are expanded are refused: nothing in a file can run code or exhaust memory.
Line numbers are kept so that any later message can say where the mistake is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NoReturn

import yaml

from carwright.errors import CarwrightError, Problem

SIZE_LIMIT = 1 << 20
"""Largest file that is read, bytes."""

DEPTH_LIMIT = 32
"""Deepest nesting of mappings and lists."""

NODE_LIMIT = 100_000
"""Most values in a file, counted after its aliases are expanded."""

KeyPath = tuple[str | int, ...]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # C is ten times faster
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True)
class Document:
    """A YAML file as plain data (``dict``, ``list``, ``str``, ``int``, ``float``, ``bool``, ``None``).

    Parameters
    ----------
    name
        The file as the user knows it.
    text
        The file's text.
    data
        The mapping at the top of the file; every key is text.
    lines
        Line number (from 1) of each key or list item, by its path from the top.
    """

    name: str
    text: str
    data: dict[str, Any]
    lines: dict[KeyPath, int] = field(repr=False)

    def line(self, path: KeyPath) -> int:
        """Line of a key, or of the nearest key above it that is in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def where(self, path: KeyPath) -> str:
        """Place of a key for a message: file, line and key."""
        return f"{self.name}, line {self.line(path)}" + (f", key {key_text(path)}" if path else "")


def key_text(path: KeyPath) -> str:
    """Write the path of a key as users type it, e.g. ``dose_space.nodes[1].cells_per_m2``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def read_yaml(path: Path | Traversable, name: str | None = None) -> Document:
    """Read a YAML file that must hold one mapping.

    Parameters
    ----------
    path
        The file.
    name
        How messages call it; the path itself by default.

    Raises
    ------
    CarwrightError
        If the file cannot be read, is too large, is not UTF-8 text or is refused by `parse_yaml`.
    """
    name = name or os.fspath(path) if isinstance(path, Path) else name or path.name
    try:
        if isinstance(path, Path) and path.exists() and not path.is_file():
            kind = "a folder" if path.is_dir() else "not a regular file"
            _refuse("YAML001", "this is not a file", name, kind, "a YAML text file", "give the file itself")
        with path.open("rb") as stream:
            content = stream.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        _refuse("YAML001", "there is no such file", name, fix="check the path")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        _refuse("YAML001", "the file cannot be read", name, reason, fix="check its permissions")
    if len(content) > SIZE_LIMIT:
        _refuse("YAML002", "the file is too large", name, "more than 1 MiB", "1 MiB", "is it the right file?")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"byte 0x{content[error.start]:02x} at offset {error.start}"
        _refuse("YAML003", "the file is not UTF-8 text", name, found, fix="save it as UTF-8")
    return parse_yaml(text, name)


def parse_yaml(text: str, name: str) -> Document:
    """Turn YAML text that must hold one mapping into plain data with line numbers.

    Parameters
    ----------
    text
        The text.
    name
        How messages call it.

    Raises
    ------
    CarwrightError
        If the text is empty, binary, not valid YAML, holds duplicate keys or tags, or grows past the limits.
    """
    reader = _Reader(name)
    try:
        data = reader.read(text)
    except yaml.reader.ReaderError as error:
        _refuse("YAML003", "this is not text", name, error.reason, "printable characters")
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        what = error.problem or error.context or "the text cannot be understood"
        _refuse(
            "YAML004",
            "this is not valid YAML",
            f"{name}, line {line}",
            what,
            fix="check indentation, brackets and quotes around that line",
        )
    except yaml.YAMLError as error:
        _refuse("YAML003", "this is not text", name, str(error).splitlines()[0])
    if data is None:
        _refuse("YAML005", "the file is empty", name, fix="give at least one 'key: value' line")
    if not isinstance(data, dict):
        _refuse("YAML005", "the file must hold keys", name, f"a {_kind(data)}", "a mapping: 'key: value' lines")
    return Document(name, text, data, reader.lines)


def parse_scalar(text: str, name: str) -> Any:
    """Read one YAML value such as ``0.3``, ``none``, ``[1e7, 3e7]`` or ``{a: 1}``; messages call it `name`.

    Raises
    ------
    CarwrightError
        As `parse_yaml`.
    """
    return parse_yaml("value: " + text if text else "value:", name).data["value"]


def write_yaml(data: dict[str, Any]) -> str:
    """Write plain data as YAML that `parse_yaml` reads back to the same data."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """Quotes text that the core schema of YAML 1.2 would take for a number; PyYAML writes for YAML 1.1."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if isinstance(_plain(text), str) else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def _plain(text: str) -> object:
    """Resolve an unquoted scalar by the core schema; infinities and NaN stay text, no field accepts them."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text) and len(text) <= 30:  # longer ones are no quantity, and slow to convert
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text


def _kind(value: object) -> str:
    return "list" if isinstance(value, list) else "single value"


def _refuse(code: str, what: str, where: str, found: str = "", allowed: str = "", fix: str = "") -> NoReturn:
    raise CarwrightError(Problem(code, what, where, found, allowed, fix)) from None


class _Reader:
    """Builds data from parser events, so that every limit is checked before anything is expanded."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[KeyPath, int] = {}
        self._anchors: dict[str, tuple[object, int]] = {}  # value and its number of nodes
        self._nodes = 0

    def read(self, text: str) -> object:
        events = yaml.parse(text, Loader=_LOADER)
        top: object = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse("YAML006", "the file holds several documents", event, "'---'", "one")
                top = self._value(next(events), events, ())
        return top

    def _value(self, event: Any, events: Iterator[Any], path: KeyPath) -> object:
        value: object
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:  # also an anchor that holds itself
                self._refuse("YAML006", "an alias has no finished anchor", event, f"*{event.anchor}")
            value, size = self._anchors[event.anchor]
            self._count(size, event)
            return value
        if event.tag is not None and event.tag != "!":
            fix = "remove the tag; plain values are enough"
            self._refuse("YAML006", "tags are not allowed", event, event.tag, fix=fix)
        if len(path) > DEPTH_LIMIT:
            allowed = f"{DEPTH_LIMIT} levels"
            self._refuse("YAML006", "the file is nested too deeply", event, "", allowed)
        before = self._nodes
        self._count(1, event)
        if isinstance(event, yaml.ScalarEvent):
            value = _plain(event.value) if event.implicit[0] and not event.style else event.value
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(events, path)
        else:
            value = self._mapping(events, path)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._nodes - before)
        return value

    def _sequence(self, events: Iterator[Any], path: KeyPath) -> list[object]:
        items: list[object] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            here = (*path, len(items))
            self.lines[here] = _line(event)
            items.append(self._value(event, events, here))
        return items

    def _mapping(self, events: Iterator[Any], path: KeyPath) -> dict[str, object]:
        mapping: dict[str, object] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._refuse("YAML006", "a key must be a single word", event, _event_kind(event))
            key = event.value
            here = (*path, key)
            if key in mapping:
                found = f"first on line {self.lines[here]}"
                fix = "keep one of the two"
                self._refuse("YAML007", f"the key {key!r} is given twice", event, found, fix=fix)
            self.lines[here] = _line(event)
            mapping[key] = self._value(next(events), events, here)
        return mapping

    def _count(self, size: int, event: Any) -> None:
        self._nodes += size
        if self._nodes > NODE_LIMIT:
            found = f"more than {NODE_LIMIT} values, aliases included"
            self._refuse("YAML002", "the file is too large once expanded", event, found)

    def _refuse(self, code: str, what: str, event: Any, found: str = "", allowed: str = "", fix: str = "") -> NoReturn:
        where = f"{self.name}, line {_line(event)}"
        _refuse(code, what, where, found, allowed, fix)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _event_kind(event: Any) -> str:
    return {"SequenceStartEvent": "a list", "MappingStartEvent": "a mapping"}.get(type(event).__name__, "an alias")


def nearest(word: str, known: Sequence[str]) -> str:
    """Suggest the known name most like the given one: ``did you mean 'x'?``, or empty when none is near."""
    import difflib

    lowered = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.55)
    return f"did you mean {lowered[close[0]]!r}?" if close else ""
