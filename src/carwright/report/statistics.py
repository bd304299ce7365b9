"""What figures need beyond ``summary.json``: quantile courses, shares with intervals, survival curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.special import ndtri

from carwright.trial.intervals import wilson
from carwright.trial.intervals.survival import KaplanMeier

QUANTILES = {"low": 0.05, "quarter": 0.25, "median": 0.5, "three_quarters": 0.75, "high": 0.95}
QUANTILE_HEADINGS = {
    "low": "5 %",
    "quarter": "25 %",
    "median": "median",
    "three_quarters": "75 %",
    "high": "95 %",
}
LEVEL = 0.9
"""Probability content of the intervals made here, as of those in ``summary.json``."""


def shown_days(days: Sequence[float], start: float, end: float, count: int = 70) -> list[float]:
    """At most `count` of the sampled days between `start` and `end`, densest after infusion (day 0).

    CAR-T cells expand within two weeks and decline over months, so the wanted days grow as a square.
    """
    inside = sorted({day for day in days if start <= day <= end})
    if len(inside) <= count:
        return inside
    before = [day for day in inside if day < 0]
    after = np.array([day for day in inside if day >= 0])
    steps = max(count - len(before), 2)
    wanted = end * (np.arange(steps) / (steps - 1)) ** 2
    nearest = np.unique(np.abs(after[None, :] - wanted[:, None]).argmin(axis=1))
    return [*before, *(float(day) for day in after[nearest])]


def quantile_courses(
    courses: pl.DataFrame, observable: str, groups: Sequence[str], start: float, end: float
) -> pl.DataFrame:
    """Quantiles over patients of one observable on the shown days.

    Returns
    -------
    polars.DataFrame
        `groups`, ``day``, ``patients`` and the columns of `QUANTILES`; groups in order of appearance.
    """
    days = shown_days(courses["day"].unique().to_list(), start, end)
    return (
        courses.filter(pl.col("day").is_in(days) & pl.col(observable).is_not_nan())
        .group_by(*groups, "day", maintain_order=True)
        .agg(
            pl.len().alias("patients"),
            *(
                pl.col(observable).cast(pl.Float64).quantile(share, "linear").alias(name)
                for name, share in QUANTILES.items()
            ),
        )
        .pipe(_days_ascending, groups)
    )


def _days_ascending(frame: pl.DataFrame, groups: Sequence[str]) -> pl.DataFrame:
    if not groups:
        return frame.sort("day")
    parts = frame.partition_by(*groups, maintain_order=True)
    return pl.concat([part.sort("day") for part in parts]) if parts else frame


def share_interval(successes: int, total: int) -> tuple[float, float]:
    """Wilson interval of a simulated share at the report's level: chance of simulation only."""
    interval = wilson(successes, total, LEVEL)
    return interval.lo, interval.hi


def survival(days: Sequence[float], censored: Sequence[bool], grid: Sequence[float]) -> pl.DataFrame:
    """Kaplan-Meier estimate on a grid of days, with log-log 90 % intervals (Greenwood's variance).

    Parameters
    ----------
    days
        Day of the event or of censoring, one per patient.
    censored
        Whether observation ended without the event.
    grid
        Ascending days at which the estimate is wanted.

    Returns
    -------
    polars.DataFrame
        ``day``, ``at_risk``, ``share`` without the event, ``lo`` and ``hi``.

    References
    ----------
    Kaplan & Meier 1958, doi:10.1080/01621459.1958.10501452; Kalbfleisch & Prentice 2002, section 1.4.
    """
    times, lost = np.asarray(days, dtype=np.float64), np.asarray(censored, dtype=np.bool_)
    curve = KaplanMeier.fit(times, np.ones_like(times), lost)
    share = 1 - curve.probability
    with np.errstate(divide="ignore", invalid="ignore"):  # when the last patient fails the variance has no value
        variance = np.cumsum(np.where(curve.event, 1 / (curve.at_risk * (curve.at_risk - 1)), 0.0))
        spread = ndtri((1 + LEVEL) / 2) * np.sqrt(variance) / np.abs(np.log(share))
        bounds = share ** np.exp(spread), share ** np.exp(-spread)
    low, high = (np.where((share > 0) & (share < 1), bound, share) for bound in bounds)
    place = np.searchsorted(curve.value, np.asarray(grid, dtype=np.float64), side="right")
    on_grid = {
        name: np.concatenate([[1.0], values])[place] for name, values in (("share", share), ("lo", low), ("hi", high))
    }
    return pl.DataFrame({"day": list(grid), "at_risk": [int((times >= day).sum()) for day in grid], **on_grid})
