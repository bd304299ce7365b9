"""Paired differences between the study and a comparator arm on the same virtual patients."""

from __future__ import annotations

from dataclasses import dataclass

from carwright.report.run import Run
from carwright.report.wording import is_share, number, points, with_interval


@dataclass(frozen=True)
class Difference:
    """One quantity in both arms; ``low`` and ``high`` bound the paired difference comparator minus study."""

    name: str
    label: str
    unit: str
    study: dict[str, float]
    comparator: dict[str, float]
    estimate: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval of the difference stays off zero."""
        return self.low > 0 or self.high < 0

    @property
    def texts(self) -> tuple[str, str, str]:
        """The study's estimate, the comparator's and the difference, each with its interval."""
        show = points if is_share(self.unit) else number
        bounds = f"{show(self.estimate)} ({show(self.low)} to {show(self.high)})"
        return with_interval(self.study, self.unit), with_interval(self.comparator, self.unit), bounds


def differences(run: Run, arm: str) -> list[Difference]:
    """Every quantity of which the summary holds a paired difference, in the summary's order."""
    comparator = run.summary["comparators"][arm]
    found = []
    for name, difference in comparator.get("differences", {}).items():
        study, other = run.quantities.get(name), comparator.get("quantities", {}).get(name)
        ends = [difference.get(key) for key in ("estimate", "lo", "hi")]
        if not study or not other or None in ends:  # a median that was not reached has no difference
            continue
        found.append(
            Difference(
                name=name,
                label=str(study.get("label", name)),
                unit=str(study.get("unit", "")),
                study=study,
                comparator=other,
                estimate=difference["estimate"],
                low=difference["lo"],
                high=difference["hi"],
            )
        )
    return found
