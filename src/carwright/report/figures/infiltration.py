"""CAR-T cells at the tumour site over time, by node."""

from __future__ import annotations

from carwright.report.figure import Entry, Figure
from carwright.report.kinetics import by_node
from carwright.report.run import Run

CAPTION = (
    "CAR-T cells in tumour (effector and exhausted), logarithmic; bands and dashed comparator as in the figure "
    "above. The number in tumour is not measured in routine care: this curve shows what the model assumes about "
    "trafficking, growth and exhaustion, and has no published counterpart."
)


def build(run: Run) -> Figure:
    """Quantile bands of cells in tumour, one panel a node."""
    return by_node(run, "tumour_site_cells", unit="cells in tumour", floor=1e3, shapes=[])


FIGURE = Entry("infiltration", "CAR-T cells in tumour", CAPTION, build)
