"""``carwright study``: the shipped studies, and what a study file says."""

from __future__ import annotations

from typing import Annotated

import typer

from carwright.cli.output import JSON, columns, show, show_json

app = typer.Typer(name="study", help="List, show and check studies.", no_args_is_help=True)

StudyArgument = Annotated[str, typer.Argument(help="A study file, or the name of a shipped study.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace one key, e.g. construct.armour=none."),
]


@app.command("list")
def list_(as_json: Annotated[bool, JSON] = False) -> None:
    """List the shipped studies."""
    from carwright.study import list_studies, load_study

    titles = {name: load_study(name).title for name in list_studies()}
    if as_json:
        show_json({"studies": [{"study": name, "title": title} for name, title in titles.items()]})
    else:
        show(columns([[name, title] for name, title in titles.items()], ["study", "title"]))


@app.command("show")
def show_study(study: StudyArgument, overrides: Overrides = None, as_json: Annotated[bool, JSON] = False) -> None:
    """Print a study as understood: every default filled in, every number in its documented unit."""
    from carwright.study import load_study

    loaded = load_study(study, overrides or [])
    if as_json:
        show_json(loaded.model_dump(mode="json"))
    else:
        show(loaded.to_yaml().rstrip())


@app.command("check")
def check(study: StudyArgument, overrides: Overrides = None, as_json: Annotated[bool, JSON] = False) -> None:
    """Check a study without running it."""
    from carwright.study import load_study

    loaded = load_study(study, overrides or [])
    if as_json:
        show_json({"study": loaded.study, "digest": loaded.digest, "errors": []})
    else:
        show(f"{loaded.study}: no problem found")
