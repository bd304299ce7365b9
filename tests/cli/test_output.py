"""Numbers as humans read them."""

from __future__ import annotations

import json

import pytest

from carwright.cli.output import columns, estimate, number, percent, show_problems
from carwright.errors import Problem


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.3846, "38 %"),
        (1.0, "100 %"),
        (0.0, "0 %"),
        (-0.1, "-10 %"),
        (0.004, "0.4 %"),
        (-0.004, "-0.4 %"),
        (1e-6, "<0.1 %"),
        (-1e-6, ">-0.1 %"),
        (-4e-17, "0 %"),
    ],
)
def test_percent(fraction: float, text: str) -> None:
    assert percent(fraction) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.0, "1,230"), (0.04123, "0.0412"), (4.5e9, "4.5e+09"), (0.0, "0"), (2e-154, "0"), (-5.0, "-5")],
)
def test_number(value: float, text: str) -> None:
    assert number(value) == text


def test_an_estimate_always_shows_its_interval() -> None:
    entry = {"estimate": 0.31, "lo": 0.28, "hi": 0.34}
    assert estimate(entry, "fraction of infused") == "31 % (28 % to 34 %)"
    assert estimate(entry, "days") == "0.31 (0.28 to 0.34)"
    assert estimate({"estimate": None, "lo": None, "hi": None}, "days") == "-"


def test_columns_line_up() -> None:
    lines = columns([["a", "1"], ["bbb", "2"]], ["x", "y"]).splitlines()
    assert lines == ["x    y", "---  -", "a    1", "bbb  2"]


def test_a_long_list_of_problems_is_cut_short_for_people_only(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [Problem("TEST001", f"mistake {number}") for number in range(25)]
    show_problems(problems, as_json=True)
    printed = capsys.readouterr()
    assert len(json.loads(printed.out)["errors"]) == 25
    assert printed.err.count("error[TEST001]") == 20
    assert printed.err.endswith("and 5 more problems; --json lists all of them\n")
