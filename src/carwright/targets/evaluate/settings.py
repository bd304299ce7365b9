"""What a target search is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from carwright.targets.evaluate.layout import FEWEST_PATIENT_CELLS, Layout
from carwright.targets.evaluate.thresholds import Thresholds
from carwright.targets.search.objective import Rule


@dataclass(frozen=True)
class Settings:
    """What an analysis was asked for; every field is reported.

    Parameters
    ----------
    orders
        Numbers of genes of the gates searched.
    shapes
        Expressions over A to D, ``("all",)``, or None for the usual ones.
    keep
        Gates kept of each order.
    top
        Gates judged in full and reported.
    quantile, penalty, minimum_coverage
        See `search.objective.Rule`.
    thresholds
        Positivity.
    limits
        By tier or class, the largest fraction that may be killed, in place of the table's.
    veto
        Whether gates that are shown to pass the limit of stem cells or vital tissue are left out of the ranking.
    doublet_rate
        Share of droplets with two cells.
    fewest_cells
        Malignant cells below which a patient is left out.
    bright
        Molecules from which a gene is bright in ``A IF-BETTER B``, which is searched only where this is given.
    draws
        Random gates against which the best are held; 0 for none.
    seed
        Of the random gates.
    """

    orders: tuple[int, ...] = (1, 2)
    shapes: tuple[str, ...] | None = None
    keep: int = 100
    top: int = 20
    quantile: float = 0.10
    penalty: float = 1.0
    minimum_coverage: float = 0.0
    thresholds: Thresholds = field(default_factory=Thresholds)
    limits: Mapping[str, float] = field(default_factory=dict)
    veto: bool = True
    doublet_rate: float = 0.04
    fewest_cells: int = FEWEST_PATIENT_CELLS
    bright: int | None = None
    draws: int = 200
    seed: int = 0


def limits_of(layout: Layout, settings: Settings) -> dict[str, float]:
    """Limit of each class, from the class's name, its tier's, or the table."""
    return {
        entry.name: settings.limits.get(entry.name, settings.limits.get(entry.tier.name, entry.tier.limit))
        for entry in layout.classes
    }


def rule_of(layout: Layout, settings: Settings) -> Rule:
    """How gates are scored under some settings."""
    limits = limits_of(layout, settings)
    vetoed = {
        entry.name: limits[entry.name]
        for entry in layout.classes
        if entry.tier.name in ("stem", "vital") or entry.name in settings.limits or entry.tier.name in settings.limits
    }
    return Rule(
        settings.quantile, settings.penalty, minimum_coverage=settings.minimum_coverage,
        limits=vetoed if settings.veto else {},
    )  # fmt: skip
