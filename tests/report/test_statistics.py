"""Summaries of the report against hand-worked and published examples."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carwright.report.statistics import quantile_courses, shown_days, survival

FREIREICH = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
"""Weeks of remission under 6-mercaptopurine (Freireich 1963, Blood 21:699); the first nine relapsed."""
FREIREICH_CENSORED = [False] * 9 + [True] * 12


def test_survival_reproduces_the_textbook_table() -> None:
    """Kaplan-Meier estimate and Greenwood error as printed in Collett, Modelling Survival Data, and many others."""
    curve = survival(FREIREICH, FREIREICH_CENSORED, [0, 6, 7, 10, 13, 16, 22, 23])
    assert curve["share"].to_list() == pytest.approx([1, 0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], abs=5e-4)
    assert curve["at_risk"].to_list() == [21, 21, 17, 15, 12, 11, 7, 6]
    # log-log interval at week 6 by hand: S = 6/7, var(log S) = 3/(21*18), z = 1.645
    spread = np.exp(1.6448536 * np.sqrt(3 / (21 * 18)) / -np.log(6 / 7))
    assert curve["lo"][1] == pytest.approx((6 / 7) ** spread, rel=1e-6)
    assert curve["hi"][1] == pytest.approx((6 / 7) ** (1 / spread), rel=1e-6)


@given(st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=1, max_size=40))
def test_survival_falls_and_lies_in_its_interval(patients: list[tuple[int, bool]]) -> None:
    curve = survival([day for day, _ in patients], [censored for _, censored in patients], list(range(0, 61, 3)))
    assert curve["share"].is_sorted(descending=True)
    assert ((curve["lo"] <= curve["share"] + 1e-12) & (curve["share"] <= curve["hi"] + 1e-12)).all()


def test_shown_days_are_dense_after_infusion_and_keep_the_ends() -> None:
    days = shown_days([float(day) for day in range(-7, 366)], -7, 365, 70)
    assert len(days) <= 70
    assert days[:8] == [-7, -6, -5, -4, -3, -2, -1, 0]
    assert days[-1] == 365
    steps = np.diff([day for day in days if day >= 0])
    assert steps[:5].max() <= 2 < steps[-1]


def test_quantile_courses_by_hand() -> None:
    courses = pl.DataFrame(
        {
            "node": ["b"] * 10 + ["a"] * 4,
            "day": [0.0] * 5 + [1.0] * 5 + [0.0] * 2 + [1.0] * 2,
            "value": [1.0, 2, 3, 4, 5, 10, 20, 30, 40, 50, 7, 9, None, 8],
        }
    )
    found = quantile_courses(courses, "value", ["node"], 0, 1)
    assert found["node"].to_list() == ["b", "b", "a", "a"]
    assert found["patients"].to_list() == [5, 5, 2, 1]
    assert found["median"].to_list() == [3, 30, 8, 8]
    assert found["quarter"].to_list() == [2, 20, 7.5, 8]
