"""The most likely escalation paths."""

from __future__ import annotations

import polars as pl

from carwright.report.figure import Entry, Figure, Panel
from carwright.report.palette import INK, STUDY
from carwright.report.run import Run, Unavailable
from carwright.report.wording import percent

SHOWN = 12

CAPTION = (
    "A path lists cohorts in order: node, then one letter a patient (N no dose-limiting toxicity, T toxicity). "
    "After the arrow: the recommended node. Bars: share of simulated trials that took exactly this path, with its "
    "interval. Long paths split into many variants, so each is rare; the tree below gathers them."
)


def build(run: Run) -> Figure:
    """Bars of the likeliest paths, the path written above its bar."""
    paths = run.summary.get("paths") or []
    if not paths:
        message = "summary.json lists no escalation paths"
        raise Unavailable(message)
    ordered = sorted(paths, key=lambda path: (-path["probability"], path["path"]))
    rows = ordered[:SHOWN][::-1]
    places = list(range(len(rows)))
    share = [row["probability"] for row in rows]
    rest = 1 - sum(share)
    return Figure(
        panels=[
            Panel(
                title="",
                alt=f"The likeliest path is {ordered[0]['path']}, in {percent(ordered[0]['probability'])} of trials",
                traces=[
                    {
                        "type": "bar",
                        "orientation": "h",
                        "x": share,
                        "y": places,
                        "width": 0.34,
                        "marker": {"color": STUDY},
                        "error_x": {
                            "type": "data",
                            "symmetric": False,
                            "array": [row["hi"] - row["probability"] for row in rows],
                            "arrayminus": [row["probability"] - row["lo"] for row in rows],
                            "color": INK,
                            "thickness": 1.2,
                            "width": 3,
                        },
                        "text": [f"{percent(row['lo'])} to {percent(row['hi'])}" for row in rows],
                        "textposition": "none",
                        "hovertemplate": "%{x:.1%} (%{text})<extra></extra>",
                    },
                    {
                        "type": "scatter",
                        "mode": "text",
                        "x": [0] * len(rows),
                        "y": [place + 0.36 for place in places],
                        "text": [
                            f"{percent(row['probability'])}  {row['path'].replace('-', '−')} → {_recommended(row)}"
                            for row in rows
                        ],
                        "textposition": "middle right",
                        "textfont": {"size": 11},
                        "hoverinfo": "skip",
                    },
                ],
                layout={
                    "xaxis": {"tickformat": ".0%", "rangemode": "tozero"},
                    "yaxis": {"visible": False, "range": [-0.5, len(rows) - 0.3]},
                },
                height=70 + 40 * len(rows),
            )
        ],
        table=pl.DataFrame(
            {
                "path": [row["path"] for row in ordered],
                "probability": [row["probability"] for row in ordered],
                "low": [row["lo"] for row in ordered],
                "high": [row["hi"] for row in ordered],
                "recommended_node": [str(row.get("recommended_node") or "none") for row in ordered],
            }
        ),
        note=f"All other paths together: {percent(rest)}." if len(rows) < len(ordered) or rest > 0.005 else "",
    )


def _recommended(row: dict[str, object]) -> str:
    name = row.get("recommended_node")
    return "none" if name in (None, "none") else str(name).replace("-", "−")


FIGURE = Entry("paths", "Escalation paths", CAPTION, build)
