"""The program ``carwright``: parses, calls a command, and turns every ending into an exit status.

Exit status: 0 done; 1 a bug in Carwright; 2 a mistake in the input; 130 and 143 interrupted by SIGINT or SIGTERM.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import typer

import carwright
from carwright.cli import commands
from carwright.cli.interrupt import Interrupted
from carwright.cli.output import show_problems
from carwright.errors import EXIT_USER_ERROR, CarwrightError, Problem

# click's own class for a wrong command line, wherever this version of typer keeps it
_USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]

EXIT_BUG = 1


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Parameters
    ----------
    arguments
        What follows the program's name; those of this process by default.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    sys.exit(_call(given, debug=debug))


def _call(given: list[str], *, debug: bool) -> int:
    as_json = "--json" in given
    try:
        status = _app()(given, prog_name="carwright", standalone_mode=False)
        sys.stdout.flush()
    except CarwrightError as error:
        problems, status = error.problems, EXIT_USER_ERROR
        cause: BaseException = error
    except _USAGE_ERROR as error:
        problems, status = (_usage(error),), EXIT_USER_ERROR
        cause = error
    except Interrupted as error:
        problems, status = (error.problem,), 128 + error.signal
        cause = error
    except (KeyboardInterrupt, typer.Abort) as error:
        problems, status = (Problem("CLI002", "interrupted"),), 130
        cause = error
    except BrokenPipeError:  # the reader of our output has gone, as in `carwright ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001  # whatever it is, the user gets a message and not a traceback
        problems, status = (_bug(error),), EXIT_BUG
        cause = error
    else:
        return status if isinstance(status, int) else 0
    if not any(problem.what for problem in problems):  # a group without a command has printed its help
        return status
    if debug:
        traceback.print_exception(cause)
    show_problems(problems, as_json=as_json)
    return status


def _app() -> typer.Typer:
    app = typer.Typer(
        name="carwright",
        help="Design, dose and de-risk a CAR-T cell therapy in silico. Research software: never for treatment "
        "decisions.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @app.callback()
    def carwright_(
        version: bool = typer.Option(False, "--version", help="Print the version.", callback=_version),
        debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
    ) -> None:
        """Options of every command."""

    commands.register(app)
    return app


def _version(*, value: bool) -> None:
    if value:
        typer.echo(f"carwright {carwright.__version__}")
        raise typer.Exit


def _usage(error: Exception) -> Problem:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "carwright"
    message: str = error.format_message()  # type: ignore[attr-defined]  # see _USAGE_ERROR
    return Problem("CLI001", message.rstrip("."), path, fix=f"see '{path} --help'")


def _bug(error: Exception) -> Problem:
    return Problem(
        "BUG",
        f"this is a bug in Carwright: {type(error).__name__}",
        "; ".join(getattr(error, "__notes__", [])),
        str(error).splitlines()[0] if str(error) else "",
        fix="give the command again with --debug and report what it prints",
    )
