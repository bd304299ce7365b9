"""``carwright model``: the disease models, their parameters, checks and export."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from carwright.cli.output import JSON, columns, show, show_json
from carwright.errors import CarwrightError

app = typer.Typer(name="model", help="List, show, check and export models.", no_args_is_help=True)

ModelArgument = Annotated[str, typer.Argument(help="Name of a built-in model.")]


class Format(StrEnum):
    """File formats of an exported model."""

    SBML = "sbml"
    ANTIMONY = "antimony"


@app.command("list")
def list_(as_json: Annotated[bool, JSON] = False) -> None:
    """List the built-in models."""
    from carwright.models import list_models, load_model

    titles = {name: load_model(name).table.title for name in list_models()}
    if as_json:
        show_json({"models": [{"model": name, "title": title} for name, title in titles.items()]})
    else:
        show(columns([[name, title] for name, title in titles.items()], ["model", "title"]))


@app.command("show")
def show_model(name: ModelArgument, as_json: Annotated[bool, JSON] = False) -> None:
    """Print a model's states, read-outs and parameters with unit, spread, kind and source."""
    from carwright.models import load_model

    table = load_model(name).table
    if as_json:
        show_json(table.model_dump(mode="json"))
        return
    show(f"{table.model}: {table.title}")
    states = [[row.name, row.unit, row.meaning] for row in table.states]
    states += [[row.name, row.unit, row.meaning] for row in table.read_outs]
    show(columns(states, ["state or read-out", "unit", "meaning"]))
    show()
    rows = [
        [row.name, f"{row.value:g}", row.unit, row.spread, row.kind, row.source, row.meaning]
        for row in (*table.parameters, *table.covariates)
    ]
    show(columns(rows, ["parameter", "median", "unit", "spread", "kind", "source", "meaning"]))
    show(", ".join(f"{count} {kind}" for kind, count in table.kinds().items()))
    if found := table.uncertainty:
        show(f"Deviations between populations are multiplied by {found.factor:g} ({found.kind}; {found.source}).")


@app.command("check")
def check(name: ModelArgument, as_json: Annotated[bool, JSON] = False) -> None:
    """Check a model: libSBML's consistency and unit checks, names and sources."""
    from carwright.models import check_model

    problems = check_model(name)
    if problems:
        raise CarwrightError(*problems)
    if as_json:
        show_json({"model": name, "errors": []})
    else:
        show(f"{name}: no problem found")


@app.command("export")
def export(
    name: ModelArgument,
    file_format: Annotated[Format, typer.Option("--format", help="File format.")] = Format.SBML,
    out: Annotated[Path | None, typer.Option(help="File to write; standard output by default.")] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Export a model as SBML or Antimony for other software."""
    from carwright.models import load_model
    from carwright.store import write_atomically

    model = load_model(name)
    text = model.sbml if file_format is Format.SBML else model.antimony
    if out is not None:
        write_atomically(out, text.encode())
    if as_json:
        place = {"text": text} if out is None else {"file": str(out)}
        show_json({"model": name, "format": str(file_format), **place})
    else:
        show(text.rstrip() if out is None else str(out))
