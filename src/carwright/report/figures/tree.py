"""The tree of escalation: cohorts in order with their dose-limiting toxicities."""

from __future__ import annotations

import re
from collections import Counter

import polars as pl

from carwright.report.figure import Entry, Figure, Panel
from carwright.report.palette import node_colours, translucent
from carwright.report.run import STUDY_ARM, Run, Unavailable
from carwright.report.wording import percent

SMALLEST = 0.004
"""Branches below this share of trials are left out of the drawing and the table."""

_COHORT = re.compile(r"(?P<node>\S+?)(?P<outcomes>[NTEB]+)$")

CAPTION = (
    "Read from left to right: each box is a cohort, its height the share of simulated trials that came this way. "
    "In a box: node, then patients with a dose-limiting toxicity of patients evaluated. A box without a successor "
    "is where the trial stopped. Press a box to enlarge its branch; branches of less than 0.4 % of trials are "
    "left out."
)


def build(run: Run) -> Figure:
    """Icicle of cohorts."""
    trials = run.table("trials", ["arm", "adjudication", "path"]).filter(
        (pl.col("arm") == STUDY_ARM) & (pl.col("adjudication") == run.adjudication)
    )
    paths = trials["path"].drop_nulls()
    if paths.is_empty():
        message = "the simulated trials recorded no path"
        raise Unavailable(message)
    branches: Counter[tuple[str, ...]] = Counter()
    for path, count in paths.value_counts(sort=True).sort("path").iter_rows():
        cohorts = tuple(_cohort(text) for text in path.split())
        for depth in range(1, len(cohorts) + 1):
            branches[cohorts[:depth]] += count
    shown = sorted(branch for branch, count in branches.items() if count >= SMALLEST * len(paths))
    colours = node_colours(run.node_names)
    shares = [branches[branch] / len(paths) for branch in shown]
    fills = [translucent(colours.get(branch[-1].split(" ")[0], "#888888"), 0.3) for branch in shown]
    names = [" › ".join(branch) for branch in shown]
    return Figure(
        panels=[
            Panel(
                title="",
                alt="Tree of cohorts; first branches: "
                + ", ".join(
                    f"{name} in {percent(share)}"
                    for name, share, branch in zip(names, shares, shown, strict=True)
                    if len(branch) == 1
                ),
                traces=[
                    {
                        "type": "icicle",
                        "ids": ["all", *names],
                        "labels": ["start", *(branch[-1].replace("-", "−") for branch in shown)],
                        "parents": ["", *(" › ".join(branch[:-1]) or "all" for branch in shown)],
                        "values": [len(paths), *(branches[branch] for branch in shown)],
                        "branchvalues": "total",
                        "sort": False,
                        "leaf": {"opacity": 1},
                        "tiling": {"orientation": "h", "pad": 2},
                        "marker": {"colors": ["#eef2f5", *fills], "line": {"width": 0}},
                        "texttemplate": "%{label}<br>%{percentRoot:.0%}",
                        "textfont": {"size": 12, "color": "#1d2733"},
                        "hovertemplate": "%{id}<br>%{percentRoot:.1%} of trials<extra></extra>",
                        "pathbar": {"visible": False},
                    }
                ],
                layout={"margin": {"l": 0, "r": 0, "t": 0, "b": 0}, "uniformtext": {"mode": "hide", "minsize": 9}},
                height=430,
            )
        ],
        table=pl.DataFrame(
            {
                "cohorts": names,
                "cohort": [len(branch) for branch in shown],
                "trials": [branches[branch] for branch in shown],
                "share_of_trials": shares,
            }
        ),
        headings={"cohorts": "cohorts (node toxicities/patients)", "share_of_trials": "share of trials"},
    )


def _cohort(text: str) -> str:
    """``2NNT`` as ``2 1/3``: node, toxicities of patients."""
    match = _COHORT.match(text)
    if match is None:
        message = f"the path of a trial holds a cohort that cannot be read: “{text}”"
        raise Unavailable(message)
    outcomes = match["outcomes"]
    return f"{match['node']} {sum(letter in 'TB' for letter in outcomes)}/{len(outcomes)}"


FIGURE = Entry("tree", "Tree of cohorts", CAPTION, build)
