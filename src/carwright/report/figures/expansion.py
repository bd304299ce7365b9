"""CAR-T cells in blood over time, by node."""

from __future__ import annotations

from carwright.clinic.kinetics import KineticsAssay
from carwright.report.figure import Entry, Figure
from carwright.report.kinetics import by_node
from carwright.report.run import Run
from carwright.report.traces import level_line

CAPTION = (
    "CAR transgene copies in blood by quantitative PCR, logarithmic. Line: median over virtual patients; dark "
    "band: middle half; pale band: 5 % to 95 %. Dashed grey: median of the comparator on the same patients. "
    "Dashed horizontal: lower limit of quantification of the assay (assumed); below it a real assay would report "
    "nothing."
)


def build(run: Run) -> Figure:
    """Quantile bands of transgene copies, one panel a node."""
    limit = KineticsAssay().quantification_limit
    return by_node(
        run,
        "car_copies_per_ug",
        unit="copies/µg DNA",
        floor=1.0,
        shapes=[level_line(limit, f"LLOQ {limit:g}")],
    )


FIGURE = Entry("expansion", "CAR-T kinetics in blood", CAPTION, build)
