"""Published figures of the real trial beside what was simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from carwright.report.run import Run
from carwright.report.wording import amount, percent


@dataclass(frozen=True)
class Comparison:
    """One published figure with its simulated counterpart, in the quantity's own unit."""

    name: str
    label: str
    unit: str
    estimate: float
    interval: Mapping[str, float]
    predictive: Mapping[str, float] | None
    published: float
    published_text: str
    covered: bool | None
    source: str
    certainty: str

    @property
    def verdict(self) -> str:
        """Whether the published figure lies inside the predictive interval, in words."""
        if self.covered is None:
            return "not compared"
        return "inside" if self.covered else "outside"


def comparisons(run: Run) -> list[Comparison]:
    """Every quantity of the study arm for which something was published, in the summary's order."""
    return [
        _comparison(name, quantity)
        for name, quantity in run.quantities.items()
        if quantity.get("published") and quantity.get("estimate") is not None
    ]


def _comparison(name: str, quantity: Mapping[str, Any]) -> Comparison:
    published = quantity["published"]
    unit = str(quantity.get("unit", ""))
    if "count" in published:
        value = published["count"] / published["of"]
        text = f"{published['count']} of {published['of']} ({percent(value)})"
    else:
        value = float(published["value"])
        text = amount(value, unit)
    return Comparison(
        name=name,
        label=str(quantity.get("label", name)),
        unit=unit,
        estimate=float(quantity["estimate"]),
        interval={"lo": quantity["lo"], "hi": quantity["hi"]},
        predictive=quantity.get("predictive"),
        published=float(value),
        published_text=text,
        covered=quantity.get("covered"),
        source=str(published["source"]),
        certainty=str(published["certainty"]),
    )
