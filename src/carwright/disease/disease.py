"""What makes a run of one disease differ from a run of another, all in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carwright.clinic.panel import Panel


@dataclass(frozen=True)
class Section:
    """Figures of a report that answer one question.

    Parameters
    ----------
    name
        Identifier in links.
    title
        Heading.
    figures
        Names of the files in `carwright.report.figures`.
    """

    name: str
    title: str
    figures: tuple[str, ...]


@dataclass(frozen=True)
class Disease:
    """A disease as the clinic, the summary and the report see it.

    Parameters
    ----------
    model
        Name of the disease model.
    panel
        What is read from patients beside toxicity.
    observables
        States and read-outs whose courses are computed and, for some patients, kept: those that grading and the
        panel read, and those that the report draws.
    quantities
        Names of the summarised quantities, in the order of the summary.
    response
        Column that says whether a patient responded; trials with a rule about response read it.
    response_label
        What a response is called in a sentence.
    headlines
        Quantities whose difference between arms is printed after a run. The report's verdict is about the first.
    sections
        Sections of the report in reading order.
    """

    model: str
    panel: Panel
    observables: tuple[str, ...]
    quantities: tuple[str, ...]
    response: str
    response_label: str
    headlines: tuple[str, ...]
    sections: tuple[Section, ...]
