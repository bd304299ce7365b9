"""Which simulated trial stands for all of them when single patients are shown."""

from __future__ import annotations

import polars as pl

from carwright.report.run import STUDY_ARM, Run, Unavailable


def typical_trial(run: Run) -> tuple[int, str]:
    """The trial nearest to the median in what a reader compares, and why it was taken, in words.

    Distance is the sum over patients enrolled, infused, dose-limiting toxicities and duration of the absolute
    difference from the median over trials, each divided by its spread over trials (5 % to 95 %); ties go to the
    lowest number.
    """
    measures = ["enrolled", "infused", "dlts", "duration_days"]
    trials = run.table("trials", ["trial", "arm", "adjudication", *measures]).filter(
        (pl.col("arm") == STUDY_ARM) & (pl.col("adjudication") == run.adjudication)
    )
    if trials.is_empty():
        message = "the run holds no simulated trial of the study arm"
        raise Unavailable(message)
    distance = pl.sum_horizontal(
        (pl.col(measure) - pl.col(measure).median()).abs()
        / (pl.col(measure).quantile(0.95) - pl.col(measure).quantile(0.05) + 1e-9)
        for measure in measures
    )
    nearest = trials.with_columns(distance=distance.round(9)).sort("distance", "trial").row(0, named=True)
    return int(nearest["trial"]), (
        f"Shown: simulated trial {nearest['trial']}, the one nearest to the median in patients enrolled, patients "
        "infused, dose-limiting toxicities and duration."
    )
