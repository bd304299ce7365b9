"""Every command that a page shows can be given as it stands there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from carwright.cli import main
from carwright.construct import load_construct
from carwright.study import load_study
from carwright.yamlfile import write_yaml

from .pages import PAGES, commands, name

from _extensions.command_line import all_commands, program  # isort: skip  (found through .pages)

KNOWN = dict(all_commands())
PAGES_WITH_COMMANDS = [page for page in PAGES if list(commands(page))]


def command_named(arguments: list[str]) -> tuple[Any, list[str]]:
    """The command that arguments call, and what is left for it."""
    for words in (2, 1):
        if (called := " ".join(arguments[:words])) in KNOWN:
            return KNOWN[called], arguments[words:]
    message = f"no such command: carwright {' '.join(arguments)}"
    raise AssertionError(message)


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=name)
def test_commands_are_understood(page: Path) -> None:
    for arguments in commands(page):
        if not arguments or arguments[0].startswith("--") or arguments in ([group] for group in program().commands):
            continue  # the program or a group alone; see the test of helps
        command, rest = command_named(arguments)
        if "--help" not in rest:
            command.make_context(arguments[0], [argument for argument in rest if argument != "--json"] or rest)


def test_a_misspelt_option_is_noticed() -> None:
    command, rest = command_named(["run", "psma-dntgfbr2", "--pateints", "3"])
    with pytest.raises(Exception, match="pateints"):
        command.make_context("run", rest)


def test_overrides_fit_the_study_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each ``--set`` that a page shows is tried on the study that it is shown with, constructs of files too."""
    monkeypatch.chdir(tmp_path)
    construct = write_yaml({**load_construct("cd33").model_dump(mode="json"), "name": "mine"})
    tried = 0
    for page in PAGES:
        for arguments in commands(page):
            changes = [arguments[i + 1] for i, argument in enumerate(arguments) if argument == "--set"]
            if changes and arguments[0] not in ("simulate", "design"):  # there a --set names something else
                study = next(part for part in arguments[1:] if part != "show" and not part.startswith("-"))
                for change in changes:
                    if change.startswith("construct=") and change.endswith(".yaml"):
                        Path(change.partition("=")[2]).write_text(construct, encoding="utf-8")
                load_study(study, changes)
                tried += 1
    assert tried >= 5


@pytest.mark.parametrize("words", [[], *(called.split() for called in KNOWN)], ids=" ".join)
def test_every_command_has_a_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([*words, "--help"])
    assert not end.value.code
    assert "Usage" in capsys.readouterr().out


def test_the_tour_shows_the_main_commands() -> None:
    shown = {arguments[0] for page in PAGES for arguments in commands(page) if arguments}
    assert {"run", "compare", "explain", "model", "construct", "study"} <= shown
