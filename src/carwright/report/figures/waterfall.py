"""Best PSA change of treated patients, ordered."""

from __future__ import annotations

import numpy as np

from carwright.report.figure import Entry, Figure, Key, Panel, Trace
from carwright.report.palette import node_colours
from carwright.report.run import Run
from carwright.report.traces import PSA_AXIS, level_line
from carwright.report.wording import grouped, percent

BARS = 100

CAPTION = (
    "Each bar is one virtual patient as treated in the simulated trials: the largest fall (or the smallest rise) "
    "of PSA from baseline. Bars are taken at evenly spaced ranks of all treated patients, so the share of bars "
    "below a line is the share of patients. Lines: PSA30 and PSA50. Rises are cut at +100 %. PSA is a marker and "
    "does not show survival."
)


def build(run: Run) -> Figure:
    """Bars at evenly spaced ranks of all treated patients, coloured by the node each was treated at."""
    treated = run.treated(["psa_best_change"]).drop_nulls("psa_best_change")
    ordered = treated.sort("psa_best_change", "trial", "sequence", descending=[True, False, False])
    count = min(BARS, ordered.height)
    ranks = np.floor((np.arange(count) + 0.5) * ordered.height / count).astype(int)
    chosen = ordered[ranks.tolist()].with_row_index("rank", offset=1)
    colours = node_colours(run.node_names)
    traces: list[Trace] = []
    for node in run.nodes:
        bars = chosen.filter(chosen["node"] == node.name)
        if bars.is_empty():
            continue
        traces.append(
            {
                "type": "bar",
                "legendgroup": node.name,
                "name": node.label,
                "x": bars["rank"].to_list(),
                "y": [min(change, 1.0) for change in bars["psa_best_change"]],
                "customdata": bars["psa_best_change"].to_list(),
                "width": 0.85,
                "marker": {"color": colours[node.name]},
                "hovertemplate": f"{node.label}<br>best change %{{customdata:+.0%}}<extra></extra>",
            }
        )
    below = {line: float((treated["psa_best_change"] <= line).to_numpy().mean()) for line in (-0.3, -0.5)}
    return Figure(
        panels=[
            Panel(
                title="",
                alt=f"Waterfall of {count} patients: {percent(below[-0.3])} fall by 30 % or more, "
                f"{percent(below[-0.5])} by 50 % or more",
                traces=traces,
                layout={
                    "barmode": "overlay",
                    "xaxis": {
                        "title": {"text": "patients, ordered"},
                        "showticklabels": False,
                        "showgrid": False,
                        "ticks": "",
                    },
                    "yaxis": {"title": {"text": "best PSA change"}, **PSA_AXIS},
                    "shapes": [level_line(-0.3), level_line(-0.5)],
                },
                height=360,
            )
        ],
        table=chosen.select("rank", "trial", "patient", "node", "psa_best_change"),
        headings={"psa_best_change": "best PSA change, per 1"},
        legend=[Key(node.name, node.label, colours[node.name]) for node in run.nodes],
        note=f"{count} bars stand for {grouped(ordered.height)} treated patients.",
    )


FIGURE = Entry("waterfall", "Best PSA change (waterfall)", CAPTION, build)
