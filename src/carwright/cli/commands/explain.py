"""``carwright explain RUN``: what happened to one patient, in one trial or at one dose node, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from carwright.cli.output import JSON, show, show_json
from carwright.errors import CarwrightError, Problem


def explain(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    patient: Annotated[int | None, typer.Option(help="Number of a patient, from 0.")] = None,
    trial: Annotated[int | None, typer.Option(help="Number of a simulated trial, from 0.")] = None,
    node: Annotated[str | None, typer.Option(help="Dose node; alone, or to narrow --patient.")] = None,
    arm: Annotated[str, typer.Option(help="Arm: the study itself or one of its comparators.")] = "study",
    design: Annotated[
        str | None, typer.Option(help="With --trial: the same trial under a compared or any other design.")
    ] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Tell what happened to one patient, in one simulated trial or at one dose node; or what can be asked."""
    from carwright.cli import story
    from carwright.store import Run

    if patient is not None and trial is not None:
        problem = Problem("EXPLAIN001", "explain takes a patient or a trial, not both", "--patient, --trial")
        raise CarwrightError(problem)
    if trial is not None and node is not None:
        what, fix = "explain takes a trial or a node, not both", "a trial's story goes through all its nodes"
        raise CarwrightError(Problem("EXPLAIN001", what, "--trial, --node", fix=fix))
    if design is not None and trial is None:
        what = "a design has no story without a trial"
        raise CarwrightError(Problem("EXPLAIN001", what, "--design", fix="give --trial"))
    opened = Run.read(run)
    told: dict[str, Any]
    if "simulation" in opened.summary:
        if trial is not None or node is not None or arm != "study":
            what = "a simulate run has patients only: no trials, nodes or arms"
            raise CarwrightError(Problem("EXPLAIN001", what, str(run), fix="give --patient"))
        told = story.simulated_overview(opened) if patient is None else story.simulated_patient(opened, patient)
        text = story.simulated_overview_text(told) if patient is None else story.simulated_patient_text(told)
    elif patient is not None:
        told = story.of_patient(opened, patient, arm, node)
        text = story.patient_text(told)
    elif trial is not None:
        told = story.of_trial(opened, trial, arm, design)
        text = story.trial_text(told)
    elif node is not None:
        told = story.of_node(opened, node, arm)
        text = story.node_text(told)
    else:
        told = story.overview(opened, arm)
        text = story.overview_text(told)
    if as_json:
        show_json(told)
    else:
        show(text)
