"""Everything that is known of one gate: patients, classes, doublets, and what expression cannot show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from carwright.targets.evaluate.layout import Layout
from carwright.targets.positivity.ambient import shown_by
from carwright.targets.positivity.detection import gate_detection
from carwright.targets.positivity.doublets import explained, faked_fraction
from carwright.targets.positivity.intervals import lower_bound, upper_bound
from carwright.targets.references.antigens import warnings_of
from carwright.targets.safety.verdict import LEVEL, NOT_REPRESENTED, Verdict, judge, overall, worst
from carwright.targets.search.gate import Gate
from carwright.targets.search.objective import floor_of

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PatientCoverage:
    """Share of a patient's malignant cells that a gate kills, with a 90 % interval, and without what doublets fake."""

    patient: str
    killed: int
    cells: int
    coverage: float
    lower: float
    upper: float
    faked: float
    explained_by_doublets: bool

    @property
    def without_doublets(self) -> float:
        """Coverage less the share that doublets would fake."""
        return max(0.0, self.coverage - self.faked)


@dataclass(frozen=True)
class GateReport:
    """A gate on an atlas.

    Parameters
    ----------
    gate
        The gate.
    patients
        By patient.
    floor, median
        Low quantile and median of coverage over patients.
    floor_without_doublets
        Low quantile of coverage less what doublets fake.
    explained_by_doublets
        Whether doublets alone could show as many kills in at least half of the patients.
    verdicts
        By class, most critical first; required classes that are absent among them.
    worst
        The represented class that weighs most, if any.
    overall
        One word.
    patterns
        Share of cells by compartment and pattern of the gate's genes, for the truth table.
    warnings
        What expression alone does not show.
    """

    gate: Gate
    patients: tuple[PatientCoverage, ...]
    floor: float
    median: float
    floor_without_doublets: float
    explained_by_doublets: bool
    verdicts: tuple[Verdict, ...]
    worst: Verdict | None
    overall: str
    patterns: Mapping[str, Floats] = field(repr=False)
    warnings: tuple[str, ...] = ()


def pattern_counts(layout: Layout, gate: Gate) -> Integers:
    """(groups, 2^inputs) cells of each group by pattern of the gate's genes."""
    rows = [layout.table.row(layout.place(gene)) for gene in gate.genes]
    inputs = len(rows)
    superset = np.zeros((1 << inputs, len(layout.table.sizes)), np.int64)
    for subset in range(1 << inputs):
        bits = np.full(layout.table.words, ~np.uint64(0))
        for i in range(inputs):
            if subset >> i & 1:
                bits = bits & rows[i]
        superset[subset] = layout.table.group_counts(bits) if subset else layout.table.sizes
    for i in range(inputs):  # from "at least these genes" to "exactly these"
        for subset in range(1 << inputs):
            if not subset >> i & 1:
                superset[subset] -= superset[subset | 1 << i]
    return superset.T


def killed_by(gate: Gate, counts: Integers) -> Integers:
    """Cells killed, from cells by pattern in the last axis."""
    kills = (gate.table >> np.arange(counts.shape[-1]) & 1).astype(bool)
    return np.asarray(counts[..., kills].sum(axis=-1))


def report_gate(
    layout: Layout,
    gate: Gate,
    *,
    quantile: float = 0.10,
    doublet_rate: float = 0.04,
    level: float = LEVEL,
    limits: Mapping[str, float] | None = None,
) -> GateReport:
    """Evaluate a gate on an atlas.

    Parameters
    ----------
    layout
        The atlas as bits.
    gate
        Its genes are names of the layout.
    quantile
        Low quantile over patients.
    doublet_rate
        Share of droplets with two cells; 4 % stands for some 5,000 cells of a 10x lane (assumed where not known).
    level
        Level of the verdicts.
    limits
        By class, in place of the tier's.
    """
    counts = pattern_counts(layout, gate)
    killed, sizes, first = killed_by(gate, counts), layout.table.sizes, len(layout.patients)
    patients = _patients(layout, gate, counts, killed, doublet_rate)
    half = 1.0 - (1.0 - level) / 2.0
    places = [layout.place(gene) for gene in gate.genes]
    verdicts = []
    for row, entry in enumerate(layout.classes):
        groups = first + np.flatnonzero(layout.class_of == row)
        chances = np.array([layout.levels.detection(row, gene, half) for gene in places])
        limit = (limits or {}).get(entry.name, entry.tier.limit)
        verdicts.append(
            judge(
                entry.name,
                entry.tier.name,
                limit,
                killed[groups],
                sizes[groups],
                gate_detection(gate.table, chances),
                faked=_faked_in_class(layout, gate, counts, groups, doublet_rate),
                ambient=_ambient_in_class(layout, gate, counts, groups),
                level=level,
            )
        )
    weights = {entry.name: entry.tier.weight for entry in layout.classes}
    verdicts += [
        Verdict(
            entry.name, entry.tier.name, entry.tier.limit, NOT_REPRESENTED, "the reference holds no cell of this class"
        )
        for entry in layout.missing
    ]
    shares = np.sort([patient.coverage for patient in patients])
    honest = np.sort([patient.without_doublets for patient in patients])
    floor = floor_of(len(shares), quantile)
    explained_in = [patient.explained_by_doublets for patient in patients]
    return GateReport(
        gate,
        patients,
        float(shares[floor]) if len(shares) else float("nan"),
        float(np.median(shares)) if len(shares) else float("nan"),
        float(honest[floor]) if len(shares) else float("nan"),
        bool(patients) and sum(explained_in) * 2 >= len(patients),
        tuple(verdicts),
        worst(verdicts, weights),
        overall(verdicts),
        _patterns(layout, counts),
        warnings_of(gate.genes),
    )


def _patients(
    layout: Layout, gate: Gate, counts: Integers, killed: Integers, rate: float
) -> tuple[PatientCoverage, ...]:
    found = []
    sizes = layout.table.sizes
    for place, name in enumerate(layout.patients):
        n = int(sizes[place])
        same = [place, *(len(layout.patients) + i for i, donor in enumerate(layout.donors) if donor == name)]
        capture = counts[same].sum(axis=0)
        faked = faked_fraction(gate.table, counts[place] / n, capture / capture.sum(), rate)
        k = int(killed[place])
        found.append(
            PatientCoverage(
                name,
                k,
                n,
                k / n,
                float(lower_bound(k, n, 0.95)),
                float(upper_bound(k, n, 0.95)),
                faked,
                faked > 0.0 and explained(k, n, faked),
            )
        )
    return tuple(found)


def _faked_in_class(layout: Layout, gate: Gate, counts: Integers, groups: Integers, rate: float) -> float:
    """Share of a class's cells that a gate would kill only as doublets with cells of the same donor."""
    first, faked = len(layout.patients), 0.0
    for group in groups:
        name = layout.donors[group - first]
        same = [first + i for i, donor in enumerate(layout.donors) if donor == name]
        same += [place for place, patient in enumerate(layout.patients) if patient == name]
        capture, own = counts[same].sum(axis=0), counts[group]
        faked += own.sum() * faked_fraction(gate.table, own / own.sum(), capture / capture.sum(), rate)
    return float(faked / counts[groups].sum())


def _ambient_in_class(layout: Layout, gate: Gate, counts: Integers, groups: Integers) -> float:
    """Share of a class's cells that a gate would kill only for the ambient RNA in them."""
    places, faked = [layout.place(gene) for gene in gate.genes], 0.0
    for group in groups:
        own = counts[group]
        soup = layout.ambient[group - len(layout.patients), places]
        faked += own.sum() * shown_by(gate.table, own / own.sum(), soup)
    return float(faked / counts[groups].sum())


def _patterns(layout: Layout, counts: Integers) -> dict[str, Floats]:
    first = len(layout.patients)
    shares = counts[:first] / layout.table.sizes[:first, None]  # patients count equally, whatever their cells
    result = {"tumour": np.asarray(shares.mean(axis=0))} if first else {}
    for row, entry in enumerate(layout.classes):
        groups = first + np.flatnonzero(layout.class_of == row)
        result[entry.name] = counts[groups].sum(axis=0) / layout.table.sizes[groups].sum()
    return result
