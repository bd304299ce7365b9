"""The command line, printed from the program's own commands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from _extensions.printing import anchored, code, lines, paragraph, section, table, words
from carwright.cli import commands


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
        rows = [
            (
                [anchored(f"{name}-{parameter.name}".replace(" ", "-").replace("_", "-"), code(_spelled(parameter)))],
                lines(words(_help(parameter))),
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


def _spelled(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return _shown(parameter)
    names = "/".join([*parameter.opts, *parameter.secondary_opts])
    if parameter.is_flag:
        return names
    return f"{names} {parameter.metavar or parameter.type.name.upper()}"


def _help(parameter: Any) -> str:
    text = parameter.help or ""
    choices = getattr(parameter.type, "choices", None)
    if choices:
        text += f" One of {', '.join(f'`{getattr(choice, "value", choice)}`' for choice in choices)}."
    default = parameter.default
    plain = not parameter.is_flag if parameter.param_type_name == "option" else False
    if plain and default is not None and not callable(default) and default != []:
        text += f" Default: `{getattr(default, 'value', default)}`."
    return text


DIRECTIVES = {"command-line": CommandLine}
