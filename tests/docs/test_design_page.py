"""The page about designs shows what the commands print."""

from __future__ import annotations

import re
import shlex

import pytest

from carwright.cli import main

from .pages import DOCS

PAGE = DOCS / "reference" / "designs.md"
BLOCKS = re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
SHOWN = [part for block in BLOCKS for part in re.split(r"^(?=\$ )", block, flags=re.MULTILINE) if part]


@pytest.mark.parametrize("shown", SHOWN, ids=lambda part: part.split("\n")[0][:60])
def test_the_output_is_what_the_command_prints(shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    command, _, output = shown.removeprefix("$ ").partition("\n")
    with pytest.raises(SystemExit) as end:
        main(shlex.split(command)[1:])
    assert not end.value.code
    assert capsys.readouterr().out.rstrip() == output.rstrip()


def test_every_design_and_rule_is_on_the_page() -> None:
    from carwright.trial.registry import DESIGNS, RULES

    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in DESIGNS if f"--design {name}" not in text and name != "boin"] == []
    assert [name for name in RULES if f"`{name}" not in text] == []
