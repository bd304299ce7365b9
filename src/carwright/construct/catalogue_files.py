"""Reading constructs and armours from their files."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from carwright.construct.describe import Armour, Construct
from carwright.errors import CarwrightError, Problem
from carwright.yamlfile import nearest, read_yaml

_ROOM = files("carwright.construct")
_CATALOGUE = _ROOM / "catalogue"


def list_constructs() -> tuple[str, ...]:
    """Names of the constructs in the catalogue."""
    return tuple(sorted(entry.name[:-5] for entry in _CATALOGUE.iterdir() if entry.name.endswith(".yaml")))


def load_construct(name: str) -> Construct:
    """Load a construct; raises CarwrightError for an unknown name."""
    _require(name, list_constructs(), "construct")
    entry = _CATALOGUE / f"{name}.yaml"
    return Construct.model_validate(read_yaml(entry, name=entry.name).data)


def list_armours() -> tuple[str, ...]:
    """Names of the known armours."""
    return tuple(_armours())


def load_armour(name: str) -> Armour:
    """Load an armour; raises CarwrightError for an unknown name."""
    _require(name, list_armours(), "armour")
    return _armours()[name]


@cache
def _armours() -> dict[str, Armour]:
    raw = read_yaml(_ROOM / "armours.yaml", name="armours.yaml").data["armours"]
    return {name: Armour.model_validate({"name": name, **row}) for name, row in raw.items()}


def _require(name: str, known: tuple[str, ...], what: str) -> None:
    if name not in known:
        raise CarwrightError(
            Problem(
                "CONSTRUCT001",
                f"unknown {what} {name!r}",
                where=what,
                found=name,
                allowed=", ".join(known),
                fix=nearest(name, known) or "see `carwright construct list`",
            )
        )
