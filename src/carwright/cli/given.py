"""Options as they were given on the command line."""

from __future__ import annotations

from collections.abc import Collection

import typer

from carwright.errors import CarwrightError, Problem

EVERYWHERE = ("--json", "--quiet")


def refuse_others(context: typer.Context, allowed: Collection[str], asked: str, fix: str = "") -> None:
    """Refuse options that would have no effect on what is asked for.

    Parameters
    ----------
    context
        Of the command.
    allowed
        Options that have an effect, such as ``--again``.
    asked
        What is asked for, in a few words.
    fix
        See `Problem`.

    Raises
    ------
    CarwrightError
        Naming every other option that was given.
    """
    options = {entry.opts[0]: entry.name for entry in context.command.params if entry.param_type_name == "option"}
    sources = {option: context.get_parameter_source(name) for option, name in options.items() if name is not None}
    given = [option for option, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    if idle := [option for option in given if option not in (*allowed, *EVERYWHERE)]:
        what = f"{asked} makes no use of {', '.join(idle)}"
        raise CarwrightError(Problem("CLI003", what, allowed=", ".join(allowed), fix=fix))
