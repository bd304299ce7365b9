"""``carwright construct``: the CARs in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carwright.cli.output import JSON, columns, show, show_json

if TYPE_CHECKING:
    from carwright.construct import Antigen

app = typer.Typer(name="construct", help="List and show constructs.", no_args_is_help=True)


@app.command("list")
def list_(as_json: Annotated[bool, JSON] = False) -> None:
    """List the constructs of the catalogue."""
    from carwright.construct import list_constructs, load_construct

    constructs = [load_construct(name) for name in list_constructs()]
    if as_json:
        keys = {"name", "title", "gate", "armour"}
        show_json({"constructs": [construct.model_dump(mode="json", include=keys) for construct in constructs]})
    else:
        rows = [[entry.name, entry.gate, entry.armour, entry.title] for entry in constructs]
        show(columns(rows, ["construct", "gate", "armour", "title"]))


@app.command("show")
def show_construct(
    name: Annotated[str, typer.Argument(help="Construct from the catalogue, or a construct's file.")],
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Print a construct: domains, armour and their effects, each with its kind and source."""
    from carwright.construct import load_armour
    from carwright.study.construct_files import find_construct

    construct = find_construct(name)
    armour = load_armour(construct.armour)
    data: dict[str, Any] = construct.model_dump(mode="json")
    data["armour"] = armour.model_dump(mode="json")
    if as_json:
        show_json(data)
        return
    show(f"{construct.name}: {construct.title}")
    show(f"gate {construct.gate}, generation {construct.generation}")
    domains = [
        [key, value["name"], value["kind"], value["source"]]
        for key, value in data.items()
        if isinstance(value, dict) and {"name", "source"} <= value.keys()
    ]
    show(f"recognises a cell from about {construct.threshold.molecules:g} molecules on")
    show(columns(domains, ["domain", "name", "kind", "source"]))
    limit = construct.threshold
    show(f"half of the cells are seen at {limit.molecules:,.0f} molecules per cell ({limit.kind}: {limit.source})")
    named = {**armour.effects, **construct.effects}
    effects = [[effect, f"{entry.value:g}", entry.kind, entry.source] for effect, entry in named.items()]
    show(f"armour: {armour.title}")
    if effects:
        show(columns(effects, ["effect", "value", "kind", "source"]))
    if construct.antigens:
        show(_table_of(construct.antigens))


@app.command("antigens")
def antigens(as_json: Annotated[bool, JSON] = False) -> None:
    """Print the antigens that gates can name: share of the cells of each population that carry them."""
    from carwright.construct.antigens import antigen_panel

    panel = antigen_panel()
    if as_json:
        show_json(panel.model_dump(mode="json"))
        return
    show(_table_of(panel.antigens))
    show("share of cells above the reference density; an empty field: not carried; sources: --json")


def _table_of(antigens: Mapping[str, Antigen]) -> str:
    """Shares of positive cells of some antigens by population."""
    populations = list(dict.fromkeys(name for entry in antigens.values() for name in entry.expression))
    rows = [
        [name, *(f"{e.positive:.3g}" if (e := entry.expression.get(place)) else "" for place in populations)]
        for name, entry in antigens.items()
    ]
    return columns(rows, ["antigen", *(place.replace("_", " ") for place in populations)])
