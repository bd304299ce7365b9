"""What a figure of a blood disease sets side by side: the arms of a study that has comparators, else its nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from carwright.report.figure import Key
from carwright.report.palette import node_colours, node_symbols
from carwright.report.run import Run

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


@dataclass(frozen=True)
class Group:
    """One arm or one node, and how it is drawn."""

    name: str
    label: str
    colour: str
    symbol: str
    dash: str

    @property
    def key(self) -> Key:
        """Its entry in a legend."""
        return Key(self.name, self.label, self.colour, "line" if self.dash == "solid" else "dashed")


def groups_of(run: Run) -> list[Group]:
    """Arms where there are comparators, else nodes; a seventh takes the first colour again, with another dash."""
    names = run.arms if run.comparators else run.node_names
    labels = (
        {arm: run.arm_label(arm) for arm in names} if run.comparators else {node.name: node.label for node in run.nodes}
    )
    colours, symbols = node_colours(names), node_symbols(names)
    return [
        Group(name, labels[name], colours[name], symbols[name], DASHES[index // len(set(colours.values()))])
        for index, name in enumerate(names)
    ]


def grouped_patients(run: Run, columns: Sequence[str]) -> pl.DataFrame:
    """Infused patients with a column ``group``; every patient at every node where arms are compared."""
    if not run.comparators:
        return run.infused(columns).rename({"node": "group"})
    return pl.concat(
        run.infused(columns, arm).select(pl.lit(arm).alias("group"), "patient", *columns) for arm in run.arms
    )


def grouped_courses(run: Run, observables: Sequence[str]) -> pl.DataFrame:
    """Sampled courses with a column ``group``."""
    if not run.comparators:
        return run.courses(observables).rename({"node": "group"})
    return pl.concat(
        run.courses(observables, arm).select(pl.lit(arm).alias("group"), "patient", "node", "day", *observables)
        for arm in run.arms
    )
