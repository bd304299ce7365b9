"""Figures of the report, one file each.

To add one: write a file with a `FIGURE` entry and name it in `SECTIONS`.
"""

from __future__ import annotations

from dataclasses import dataclass

from carwright.report.figure import Entry
from carwright.report.figures import (
    comparators,
    cytokines,
    design_burden,
    design_definitions,
    design_selection,
    dose_toxicity,
    duration,
    expansion,
    funnel,
    grades,
    harms,
    infiltration,
    inhibition,
    neutrophils,
    paths,
    progression,
    published,
    recommendation,
    spider,
    swimmer,
    tree,
    tumour,
    waterfall,
)


@dataclass(frozen=True)
class Section:
    """Figures that answer one question."""

    name: str
    title: str
    figures: tuple[Entry, ...]


SECTIONS: tuple[Section, ...] = (
    Section("answer", "Against the published trial", (published.FIGURE,)),
    Section("comparison", "With and without", (comparators.FIGURE,)),
    Section("response", "PSA response", (waterfall.FIGURE, spider.FIGURE, swimmer.FIGURE, progression.FIGURE)),
    Section("cells", "CAR-T cells", (expansion.FIGURE, infiltration.FIGURE)),
    Section("toxicity", "Toxicity and care", (grades.FIGURE, cytokines.FIGURE, harms.FIGURE, neutrophils.FIGURE)),
    Section("tumour", "Why it fails", (inhibition.FIGURE, tumour.FIGURE)),
    Section(
        "designs",
        "Choosing a design",
        (dose_toxicity.FIGURE, design_selection.FIGURE, design_burden.FIGURE, design_definitions.FIGURE),
    ),
    Section("trial", "The trial", (recommendation.FIGURE, paths.FIGURE, tree.FIGURE, duration.FIGURE, funnel.FIGURE)),
)
"""Sections of the report in reading order."""
