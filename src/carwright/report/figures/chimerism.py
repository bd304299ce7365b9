"""Stem cells and the share of the graft among them."""

from __future__ import annotations

from carwright.report.figure import Entry, Figure
from carwright.report.groups import grouped_courses, groups_of
from carwright.report.over_time import Reading, over_time
from carwright.report.run import Run
from carwright.report.traces import log_axis

CAPTION = (
    "Haematopoietic stem cells of the patient and of a graft together, over those of a healthy marrow, and the share "
    "of the graft among them (100 % is full donor chimerism); medians by day of patients who are alive. Where nobody "
    "was transplanted the share is zero. Graft-versus-host disease and rejection are not simulated."
)


def build(run: Run) -> Figure:
    """Two panels; one where nobody was given a graft."""
    courses = grouped_courses(run, ["stem_cell_fraction", "graft_chimerism"])
    readings: list[Reading] = [("stem_cell_fraction", "Stem cells over healthy", {"yaxis": log_axis(1e-4, 2.0)}, 1e-4)]
    if (courses["graft_chimerism"] > 0).any():
        share = {"yaxis": {"tickformat": ".0%", "range": [-0.03, 1.03]}}
        readings.append(("graft_chimerism", "Share of the graft", share, 0.0))
    return over_time(courses, groups_of(run), readings, 0.0, float(run.resolved["horizon_days"]))


FIGURE = Entry("chimerism", "Stem cells and graft", CAPTION, build)
