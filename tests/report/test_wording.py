"""Numbers, names and the embedded JSON."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carwright.report import wording
from carwright.report.embed import figure_json
from carwright.report.figure import Figure, Panel


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1234, "12\u00a0%"),
        (0.0123, "1.2\u00a0%"),
        (0.0996, "10\u00a0%"),
        (1.0, "100\u00a0%"),
        (-0.45, "−45\u00a0%"),
        (-0.0001, "0\u00a0%"),
        (0.0002, "<0.1\u00a0%"),
        (1e-17, "0\u00a0%"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_percent(value: float | None, text: str) -> None:
    assert wording.percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.14159, "3.14"),
        (1234.5, "1\u202f234"),
        (2.5e8, "2.5×10⁸"),
        (9.99e6, "1×10⁷"),
        (-0.00002, "−2×10⁻⁵"),
        (0.0, "0"),
    ],
)
def test_number(value: float, text: str) -> None:
    assert wording.number(value) == text


def test_interval_of_a_time_that_was_not_reached() -> None:
    reached = {"estimate": None, "lo": 120.0, "hi": None}
    assert wording.with_interval(reached, "days") == "not reached (120 to not reached)"
    assert wording.with_interval({"estimate": None, "lo": None, "hi": None}, "days") == "–"


def test_band_of_cells() -> None:
    assert wording.band_of_cells(1e7, 3e7) == "1–3×10⁷"
    assert wording.band_of_cells(5e6, 5e6) == "5×10⁶"
    assert wording.band_of_cells(5e7, 5e8) == "5–50×10⁷"


column = st.lists(st.one_of(st.floats(-1e9, 1e9), st.none()), min_size=6, max_size=12)


@given(column, st.integers(0, 2), st.integers(4, 6))
def test_numbers_of_the_table_travel_once_and_come_back(values: list[float | None], start: int, length: int) -> None:
    part = values[start : start + length]
    table = pl.DataFrame({"a": values}, schema={"a": pl.Float64})
    figure = Figure(panels=[Panel("", "one line", [{"x": part, "y": [0, 1, 2, 3]}])], table=table)
    data = json.loads(figure_json(figure))
    reference = data["panels"][0]["traces"][0]["x"]
    index, first, last = reference["$"]
    rounded = [None if value is None else float(f"{value:.4g}") for value in part]
    assert data["values"][index][first:last] == rounded
    assert data["panels"][0]["traces"][0]["y"] == [0, 1, 2, 3]


def test_markup_in_a_table_cannot_end_the_script_element() -> None:
    table = pl.DataFrame({"a": ["</script><b>&"]})
    text = figure_json(Figure(panels=[], table=table))
    assert "<" not in text
    assert json.loads(text)["values"] == [["</script><b>&"]]


def test_yes_is_not_one() -> None:
    table = pl.DataFrame({"flag": [True, True, False, True]})
    figure = Figure(panels=[Panel("", "bars", [{"x": [1, 1, 0, 1]}])], table=table)
    assert json.loads(figure_json(figure))["panels"][0]["traces"][0]["x"] == [1, 1, 0, 1]
