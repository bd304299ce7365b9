"""The command line, printed from the program's own commands."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_type_hints

import typer
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from _extensions.printing import anchored, code, lines, paragraph, section, table, words
from carwright.cli import commands

_FORMS = {int: "NUMBER", Path: "PATH"}


def program() -> Any:
    """The commands of ``carwright`` as the parser sees them."""
    app = typer.Typer()
    commands.register(app)
    return typer.main.get_command(app)


def all_commands() -> Iterator[tuple[str, Any]]:
    """Every command with its full name, such as ``model export``, in the order of the help."""
    for name, command in program().commands.items():
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
        else:
            yield from ((f"{name} {part}", of_group) for part, of_group in inner.items())


class CommandLine(SphinxDirective):
    """``carwright-command-line::`` prints one section per command."""

    def run(self) -> list[nodes.Node]:
        """Print every command with its arguments and options."""
        return [self._section(name, command) for name, command in all_commands()]

    def _section(self, name: str, command: Any) -> nodes.section:
        arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
        usage = " ".join(["carwright", name, *(_shown(argument) for argument in arguments), "[OPTIONS]"])
        forms = _forms(command)
        rows = [
            (
                [
                    anchored(
                        f"{name}-{parameter.name}".replace(" ", "-").replace("_", "-"),
                        code(_spelled(parameter, forms.get(parameter.name))),
                    )
                ],
                lines(words(_help(parameter, forms.get(parameter.name)))),
            )
            for parameter in command.params
            if parameter.name != "help"
        ]
        return section(
            f"carwright {name}",
            f"carwright-{name.replace(' ', '-')}",
            paragraph(" ".join(command.help.split())),
            nodes.literal_block(usage, usage, language="text"),
            table(("Argument or option", "Meaning"), rows),
        )


def _shown(argument: Any) -> str:
    return argument.name.upper() if argument.required else f"[{argument.name.upper()}]"


def _spelled(parameter: Any, form: Any) -> str:
    if parameter.param_type_name == "argument":
        return _shown(parameter)
    names = "/".join([*parameter.opts, *parameter.secondary_opts])
    if parameter.is_flag:
        return names
    return f"{names} {parameter.metavar or _FORMS.get(form, 'TEXT')}"


def _help(parameter: Any, form: Any) -> str:
    text = parameter.help or ""
    if isinstance(form, type) and issubclass(form, Enum):
        text += f" One of {', '.join(f'`{choice.value}`' for choice in form)}."
    option = parameter.param_type_name == "option" and not parameter.is_flag
    if option and parameter.default is not None and not callable(parameter.default):
        text += f" Default: `{getattr(parameter.default, 'value', parameter.default)}`."
    return text


def _forms(command: Any) -> dict[str, Any]:
    """Type of each parameter, without the ``None`` that stands for "not given"."""
    hints = get_type_hints(command.callback)
    return {name: next(iter(get_args(hint)), hint) for name, hint in hints.items()}


DIRECTIVES = {"command-line": CommandLine}
