"""The commands, one file each. They import the rooms that they call only when they are called."""

from __future__ import annotations

import typer

from carwright.cli.commands import compare, construct, design, explain, model, run, simulate, study, targets


def register(app: typer.Typer) -> None:
    """Add every command to the program."""
    app.command()(run.run)
    app.command()(simulate.simulate)
    app.command()(compare.compare)
    app.command()(explain.explain)
    for group in (model, construct, study, design, targets):
        app.add_typer(group.app)
