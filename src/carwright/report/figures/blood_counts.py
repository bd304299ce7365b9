"""Neutrophils, platelets and blasts over time."""

from __future__ import annotations

from typing import Any

from carwright.clinic.aml_response import AmlResponse
from carwright.clinic.cytopenia import Cytopenia
from carwright.report.figure import Entry, Figure
from carwright.report.groups import grouped_courses, groups_of
from carwright.report.over_time import over_time
from carwright.report.run import Run
from carwright.report.traces import level_line, log_axis

LAST_DAY = 120.0

CAPTION = (
    "Medians by day of patients who are alive, with the middle half as a band where few groups are drawn; "
    "logarithmic. Cells are given on day 0. Dashed: the counts below which neutropenia and thrombocytopenia are "
    "severe, those that a complete remission asks for, and the 5 % of blasts that it allows. Transfusions are not "
    "simulated: platelets are what the marrow makes."
)


def build(run: Run) -> Figure:
    """Three panels; without blasts two."""
    rules, response = Cytopenia(), AmlResponse()
    readings: list[tuple[str, str, dict[str, Any], float]] = [
        (
            "neutrophils_per_ul",
            "Neutrophils, per µL",
            {
                "yaxis": log_axis(10.0, 2e4),
                "shapes": [
                    level_line(rules.severe_neutrophils, "500"),
                    level_line(response.neutrophils, "1,000 for CR"),
                ],
            },
            10.0,
        ),
        (
            "platelets_per_ul",
            "Platelets, per µL",
            {
                "yaxis": log_axis(1e3, 6e5),
                "shapes": [
                    level_line(rules.severe_platelets, "50,000"),
                    level_line(response.platelets, "100,000 for CR"),
                ],
            },
            1e3,
        ),
    ]
    if "blast_fraction" in run.disease.observables:
        readings.append(
            (
                "blast_fraction",
                "Blasts among marrow cells",
                {"yaxis": log_axis(1e-6, 1.0), "shapes": [level_line(response.blasts, "5 %")]},
                1e-6,
            )
        )
    courses = grouped_courses(run, [name for name, *_ in readings])
    return over_time(courses, groups_of(run), readings, -7.0, min(LAST_DAY, float(run.resolved["horizon_days"])))


FIGURE = Entry("blood_counts", "Neutrophils, platelets and blasts", CAPTION, build)
