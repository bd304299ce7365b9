"""Numbers of the clinic that carry their unit, kind and source.

Every threshold, rate and dose that a grading scale or a care rule uses is a field of a small frozen
dataclass, declared with `number`. So a study can replace one, and a report can list all of them with where
they come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["published", "fitted", "assumed"]


@dataclass(frozen=True)
class Number:
    """One number as a report prints it; ``name`` is the path of the field, such as ``crs.fever``."""

    name: str
    value: float
    unit: str
    kind: Kind
    source: str


def number(value: float, unit: str, kind: Kind, source: str) -> Any:
    """Declare a dataclass field whose default is ``value``, with its unit, kind and source as metadata."""
    return field(default=value, metadata={"unit": unit, "kind": kind, "source": source})


def listed(settings: object, prefix: str = "") -> Iterator[Number]:
    """List the numbers of a dataclass and of the dataclasses inside it, with the values that they have now.

    A number that differs from the default is the user's: its kind becomes ``assumed`` and its source says so.
    """
    if not is_dataclass(settings):
        return
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        name = f"{prefix}{entry.name}"
        if is_dataclass(value):
            yield from listed(value, f"{name}.")
        elif "kind" in entry.metadata:
            own = value == entry.default
            kind: Kind = entry.metadata["kind"] if own else "assumed"
            source = entry.metadata["source"] if own else "set by the study"
            yield Number(name, float(value), entry.metadata["unit"], kind, source)
