"""A finished run as the report reads it: its summary, its resolved study and, column by column, its tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from carwright.disease import Disease, find_disease
from carwright.errors import CarwrightError, Problem
from carwright.report.wording import band_of_cells
from carwright.trial.space import MEASURES, Band
from carwright.yamlfile import read_yaml

STUDY_ARM = "study"
"""Name of the arm that is the study itself; every other arm is a comparator."""


class Unavailable(Exception):
    """A figure cannot be drawn from this run; the message is the sentence that stands in its place."""


_PER = {"m2": "/m²", "kg": "/kg", "patient": ""}
"""What follows a number of cells, by their measure."""


@dataclass(frozen=True)
class Node:
    """One node of the dose space as the report names it."""

    name: str
    band: Band
    lymphodepletion: str

    @property
    def label(self) -> str:
        """The node's name with a true minus sign, kept on one line: ``node −3``."""
        return "node\u00a0" + self.name.replace("-", "−")

    @property
    def cells(self) -> str:
        """Assigned cells, such as ``1–3×10⁷/m²``."""
        return band_of_cells(self.band.low, self.band.high) + _PER[self.band.per]

    @property
    def description(self) -> str:
        """Cells and whether lymphodepletion (LD) is given, in a few words."""
        return f"{self.cells}, {'no LD' if self.lymphodepletion == 'none' else 'LD'}"

    @property
    def title(self) -> str:
        """Label and description, as the heading of a panel."""
        return f"{self.label}: {self.description}"


@dataclass(frozen=True)
class Run:
    """The run folder's files that a report needs.

    Parameters
    ----------
    folder
        The run folder.
    summary
        Contents of ``summary.json``.
    resolved
        Contents of ``resolved.yaml``: the study as understood.
    """

    folder: Path
    summary: dict[str, Any]
    resolved: dict[str, Any]

    @property
    def disease(self) -> Disease:
        """What is shown of a run of this model."""
        return find_disease(self.summary["provenance"]["model"])

    @property
    def quantities(self) -> dict[str, Any]:
        """Simulated quantities of the study arm, by name."""
        return dict(self.summary.get("quantities", {}))

    @property
    def comparators(self) -> list[str]:
        """Names of the comparator arms, in the order of the summary."""
        return list(self.summary.get("comparators", {}))

    @property
    def arms(self) -> list[str]:
        """The study arm, then the comparators."""
        return [STUDY_ARM, *self.comparators]

    def arm_label(self, arm: str) -> str:
        """Name an arm for readers, as the study does."""
        return str(next(found["label"] for found in self.summary["arms"] if found["name"] == arm))

    @property
    def adjudication(self) -> str:
        """The dose-limiting-toxicity rule that drives the design; the others are shown beside it."""
        return str(self.summary["adjudication"]["rule"])

    @cached_property
    def nodes(self) -> list[Node]:
        """Nodes of the dose space, in the study's order."""
        return [
            Node(
                name=str(node["id"]),
                band=next(Band(node[key][0], node[key][1], per) for per, key in MEASURES.items() if key in node),
                lymphodepletion=str(node["lymphodepletion"]),
            )
            for node in self.summary["nodes"]
        ]

    @property
    def node_names(self) -> list[str]:
        """Names of the nodes, in the study's order."""
        return [node.name for node in self.nodes]

    def table(self, name: str, columns: Sequence[str]) -> pl.DataFrame:
        """Read the named columns of one table.

        Parameters
        ----------
        name
            Table without folder and suffix, such as ``patients``.
        columns
            The columns to read; no others are loaded.

        Raises
        ------
        Unavailable
            The table is missing or empty, or a column is missing; the message says which.
        """
        path = self.folder / "tables" / f"{name}.parquet"
        if not path.is_file():
            message = f"the run has no table “{name}”"
            raise Unavailable(message)
        absent = [column for column in columns if column not in pl.read_parquet_schema(path)]
        if absent:
            message = f"table “{name}” has no column {', '.join(f'“{column}”' for column in absent)}"
            raise Unavailable(message)
        frame = pl.read_parquet(path, columns=list(columns))
        if frame.is_empty():
            message = f"table “{name}” is empty"
            raise Unavailable(message)
        return frame

    def infused(self, columns: Sequence[str], arm: str = STUDY_ARM) -> pl.DataFrame:
        """Patients of an arm who were infused and solved without failure, at every node.

        The columns ``patient`` and ``node`` are added; rows are ordered by node, then patient.
        """
        needed = dict.fromkeys(["patient", "node", "arm", "infused", "outcome", *columns])
        frame = self.table("patients", list(needed)).filter(
            (pl.col("arm") == arm) & pl.col("infused") & (pl.col("outcome") == 0)
        )
        if frame.is_empty():
            message = f"no patient of arm “{arm}” was infused and solved"
            raise Unavailable(message)
        return _in_node_order(frame, self.node_names).select("patient", "node", *columns)

    def treated(self, columns: Sequence[str]) -> pl.DataFrame:
        """Patients as the simulated trials of the study treated them: one row per trial and infused patient.

        Columns: ``trial``, ``sequence``, ``patient``, ``node`` and those asked for.
        """
        members = self.table(
            "trial_patients", ["trial", "sequence", "patient", "node", "arm", "adjudication", "status"]
        ).filter(
            (pl.col("arm") == STUDY_ARM)
            & (pl.col("adjudication") == self.adjudication)
            & (pl.col("status") != "not_infused")
        )
        joined = members.join(self.infused(columns), on=["patient", "node"], how="inner")
        if joined.is_empty():
            message = "no simulated trial treated a patient of the patient table"
            raise Unavailable(message)
        return joined.select("trial", "sequence", "patient", "node", *columns).sort("trial", "sequence")

    def courses(self, observables: Sequence[str], arm: str = STUDY_ARM) -> pl.DataFrame:
        """Sampled courses of infused patients until their death: ``patient``, ``node``, ``day``, the observables."""
        frame = self.table("courses", ["patient", "arm", "node", "day", *observables]).filter(pl.col("arm") == arm)
        kept = frame.join(self.infused(["death_day"], arm), on=["patient", "node"], how="inner").filter(
            pl.col("death_day").is_null() | (pl.col("day") <= pl.col("death_day"))
        )
        if kept.is_empty():
            message = f"table “courses” holds no infused patient of arm “{arm}”"
            raise Unavailable(message)
        return _in_node_order(kept, self.node_names).select("patient", "node", "day", *observables)


def read_run(folder: Path) -> Run:
    """Open a finished run.

    Raises
    ------
    CarwrightError
        ``summary.json`` or ``resolved.yaml`` is missing or unreadable.
    """
    path = folder / "summary.json"
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CarwrightError(
            Problem(
                "REPORT001",
                "the run's summary cannot be read",
                where=str(path),
                found=str(error),
                allowed="the summary.json that `carwright run` writes",
                fix="finish the run: the same command resumes it",
            )
        ) from error
    return Run(folder=folder, summary=summary, resolved=read_yaml(folder / "resolved.yaml").data)


def _in_node_order(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    order = {name: index for index, name in enumerate(names)}
    return (
        frame.with_columns(
            pl.col("node").replace_strict(order, default=len(order), return_dtype=pl.Int32).alias("_order")
        )
        .sort("_order", "node", "patient", maintain_order=True)
        .drop("_order")
    )
