"""The study file, field by field, printed from its schema; and the quantities that a study may compare with."""

from __future__ import annotations

from typing import Any, get_args, get_origin

from docutils import nodes
from pydantic_core import PydanticUndefined
from sphinx.util.docutils import SphinxDirective

from _extensions.printing import anchored, code, lines, number, paragraph, section, table, words
from carwright.construct import Construct
from carwright.study import QUANTITIES, Study
from carwright.study import fields as field_types
from carwright.study import names as registered
from carwright.study import schema as study_schema

_KINDS = {
    "model": field_types.ModelName,
    "armour": field_types.ArmourName,
    "supportive-care rule": field_types.CareName,
    "lymphodepletion": field_types.LymphodepletionName,
    "adjudication rule": field_types.AdjudicationName,
    "CTCAE version": field_types.CtcaeVersion,
    "design": field_types.DesignName,
    "quantity": field_types.QuantityName,
}

_WORDS = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false", "null": "null"}


class StudyFields(SphinxDirective):
    """``carwright-study-fields::`` prints one table per mapping of a study file."""

    def run(self) -> list[nodes.Node]:
        """Print the top of the file, then its mappings in the order in which they stand there."""
        schema = Study.model_json_schema()
        parts: dict[str, str] = {}
        _collect(schema, schema["$defs"], parts)
        found: list[nodes.Node] = [self._table("", schema, Study)]
        for part, place in parts.items():
            description = schema["$defs"][part]["description"]
            found.append(
                section(
                    f"`{place}`",
                    f"study-{place.rstrip('[]').replace('_', '-').replace('.', '-')}",
                    paragraph(description),
                    self._table(place, schema["$defs"][part], getattr(study_schema, part)),
                )
            )
        return found

    def _table(self, place: str, schema: dict[str, Any], part: Any) -> nodes.table:
        rows = []
        for name, entry in schema["properties"].items():
            field = part.model_fields[name]
            form = _named(field) or _permitted(entry)
            key = f"study-{place.rstrip('[]')}-{name}".replace("_", "-").replace(".", "-").replace("--", "-")
            rows.append(
                (
                    [anchored(f"key-{key}", code(name))],
                    lines(words(field.description), words(form)),
                    _default(field, required=name in schema.get("required", ())),
                )
            )
        return table(("Key", "Meaning and form", "When left out"), rows)


class Quantities(SphinxDirective):
    """``carwright-quantities::`` prints the summarised quantities."""

    def run(self) -> list[nodes.Node]:
        """Print names, labels and units."""
        rows = [
            ([anchored(f"quantity-{q.name.replace('_', '-')}", code(q.name))], q.label, q.unit, q.kind)
            for q in QUANTITIES.values()
        ]
        return [table(("Name", "Meaning", "Unit", "Estimate"), rows)]


class Names(SphinxDirective):
    """``carwright-names::`` with one kind of name a line: what a study may say there."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Print the registered names of each kind."""
        rows = []
        for kind in self.content:
            known: list[nodes.Node] = []
            for index, name in enumerate(registered.known(kind)):
                known += [nodes.Text(", ")] * (index > 0) + [code(name)]
            rows.append((kind, known))
        return [table(("Kind", "Known names"), rows)]


def _named(field: Any) -> str:
    """Form of a value that must be a registered name; empty for other values."""
    annotations = [field.annotation, *get_args(field.annotation)]
    validators = [*field.metadata, *(marker for annotation in annotations for marker in get_args(annotation)[1:])]
    for kind, known in _KINDS.items():
        if any(marker is validator for marker in get_args(known)[1:] for validator in validators):
            form = "list of names" if get_origin(field.annotation) is tuple else "name"
            return f"{form} ({kind}), see the known names below"
    return ""


def _collect(schema: dict[str, Any], definitions: dict[str, Any], parts: dict[str, str], place: str = "") -> None:
    """Find the mappings inside a mapping and the key under which each stands."""
    for name, entry in schema.get("properties", {}).items():
        listed = entry.get("type") == "array"
        target = (entry["items"] if listed and "items" in entry else entry).get("$ref", "")
        if not target:
            continue
        part = target.rsplit("/", 1)[1]
        if not hasattr(study_schema, part) or part == Construct.__name__:
            continue  # a construct is described on a page of its own
        here = f"{place}{name}{'[]' if listed else ''}"
        parts[part] = here
        _collect(definitions[part], definitions, parts, f"{here}.")


def _permitted(entry: dict[str, Any]) -> str:
    """Form, unit and limits of a value, in words."""
    if "anyOf" in entry:
        return " or ".join(filter(None, (_permitted(option) for option in entry["anyOf"])))
    if "$ref" in entry:
        return "mapping, see below"
    if "enum" in entry:
        return "one of " + ", ".join(f"`{value}`" for value in entry["enum"])
    if "prefixItems" in entry:
        return f"list of {len(entry['prefixItems'])}: " + _permitted(entry["prefixItems"][0])
    if entry.get("type") == "array":
        return "list: " + _permitted(entry.get("items", {}))
    if entry.get("type") == "object":
        values = entry.get("additionalProperties")
        return "mapping" + (f" of names to {_permitted(values)}" if isinstance(values, dict) and values else "")
    text = _WORDS.get(entry.get("type", ""), "")
    unit = entry.get("unit")
    return ", ".join(filter(None, (f"{text} in {unit}" if unit else text, _limits(entry))))


def _limits(entry: dict[str, Any]) -> str:
    low, high = entry.get("minimum", entry.get("ge")), entry.get("maximum", entry.get("le"))
    above, below = entry.get("exclusiveMinimum", entry.get("gt")), entry.get("exclusiveMaximum", entry.get("lt"))
    found = []
    if above is not None:
        found.append(f"above {number(above)}")
    elif low is not None:
        found.append(f"at least {number(low)}")
    if below is not None:
        found.append(f"below {number(below)}")
    elif high is not None:
        found.append(f"at most {number(high)}")
    return " and ".join(found)


def _default(field: Any, *, required: bool) -> list[nodes.Node]:
    if required:
        return [nodes.emphasis(text="required")]
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined or hasattr(value, "model_fields") or hasattr(type(value), "model_fields"):
        return [nodes.Text("all defaults")]
    if value is None:
        return [nodes.Text("null")]
    if isinstance(value, tuple | dict) and not value:
        return [nodes.Text("empty")]
    if isinstance(value, tuple):
        return [code(f"[{', '.join(f'{item:g}' for item in value)}]")]
    if isinstance(value, str):
        return [code(value) if value else nodes.Text("empty")]
    return [code(str(value).lower() if isinstance(value, bool) else f"{value:g}")]


DIRECTIVES = {"study-fields": StudyFields, "quantities": Quantities, "names": Names}
