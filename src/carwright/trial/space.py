"""Dose space: labelled nodes over cell dose and lymphodepletion, on a partial order.

A CAR-T trial rarely climbs one ladder. In NCT03089203 cohorts 1, 2, 3 and -3 form a partial order, 1 < 2 < 3
and 1 < -3 < 3, in which 2 (more cells, no lymphodepletion) and -3 (fewer cells after lymphodepletion) cannot
be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from carwright.errors import Problems
from carwright.trial.outcomes import is_label


class Band(NamedTuple):
    """Lowest and highest number of CAR-positive cells, and per what of a patient they are: a key of `MEASURES`."""

    low: float
    high: float
    per: str


MEASURES = {"m2": "cells_per_m2", "kg": "cells_per_kg", "patient": "cells"}
"""What cells are counted per -> the key of a dose node: body surface, body weight, or the patient whatever the size."""


@dataclass(frozen=True, slots=True)
class DoseNode:
    """One dose: a label, and for CAR-T cells their band after a lymphodepletion regimen.

    Parameters
    ----------
    id
        Label, such as ``"1"`` or ``"-3"``.
    cells_per_m2, cells_per_kg, cells
        Lowest and highest number of CAR-positive cells, per m2 of body surface, per kg of body weight or per patient.
        One of them at most; none where only the rank of a dose matters, as when a design is studied without virtual
        patients.
    lymphodepletion
        Name of a regimen of the clinic room, such as ``"none"`` or ``"flu-cy-300-30x3"``.
    """

    id: str
    cells_per_m2: tuple[float, float] | None = None
    lymphodepletion: str = "none"
    cells_per_kg: tuple[float, float] | None = None
    cells: tuple[float, float] | None = None

    @property
    def bands(self) -> tuple[Band, ...]:
        """Every band that is given; more than one is an error that `DoseSpace` reports."""
        given = ((getattr(self, key), per) for per, key in MEASURES.items())
        return tuple(Band(ends[0], ends[1], per) for ends, per in given if ends is not None)

    @property
    def band(self) -> Band | None:
        """The band of cells."""
        return next(iter(self.bands), None)


@dataclass(frozen=True)
class DoseSpace:
    """Dose nodes and the order in which toxicity is taken to rise.

    Parameters
    ----------
    nodes
        The nodes; columns of every table of potential outcomes follow their order.
    order
        Chains such as ``"1 < 2 < 3"``. What no chain joins, directly or through others, cannot be compared.

    Raises
    ------
    CarwrightError
        Naming every invalid or repeated label, invalid band, unreadable chain, unknown label and cycle.
    """

    nodes: tuple[DoseNode, ...]
    order: tuple[str, ...]
    _above: dict[str, frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        problems = Problems()
        _check_nodes(self.nodes, problems)
        steps = _read_chains(self.order, set(self.labels), problems)
        above = _closure(self.labels, steps)
        around = [label for label in dict.fromkeys(self.labels) if label in above[label]]
        if around and len(set(self.labels)) == len(self.labels):
            problems.add(
                "TRIAL013",
                f"the order runs in a circle: each of {', '.join(around)} lies above itself",
                where="dose space, order",
                found="; ".join(self.order),
                allowed="a partial order, without cycles",
                fix="remove or turn one of the comparisons in which these nodes take part",
            )
        problems.raise_if_any()
        object.__setattr__(self, "_above", above)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of `nodes`."""
        return tuple(node.id for node in self.nodes)

    @cached_property
    def columns(self) -> dict[str, int]:
        """Column of each label in tables of potential outcomes."""
        return {label: column for column, label in enumerate(self.labels)}

    def node(self, label: str) -> DoseNode:
        """Return the node with this label; KeyError if there is none."""
        return self.nodes[self.columns[label]]

    def above(self, label: str) -> frozenset[str]:
        """Labels strictly above ``label``."""
        return self._above[label]

    def below(self, label: str) -> frozenset[str]:
        """Labels strictly below ``label``."""
        return frozenset(other for other in self.labels if label in self.above(other))

    def next_above(self, label: str) -> tuple[str, ...]:
        """Labels above ``label`` with none in between, in the order of `nodes`."""
        higher = self.above(label)
        return tuple(other for other in self.labels if other in higher and not higher & self.below(other))

    @cached_property
    def chain(self) -> tuple[str, ...]:
        """All labels from the lowest to the highest; empty unless every two of them can be compared."""
        ranked = tuple(sorted(self.labels, key=lambda label: len(self.below(label))))
        return ranked if all(high in self.above(low) for low, high in pairwise(ranked)) else ()


def ladder(doses: int | Sequence[str]) -> DoseSpace:
    """Doses on one ladder: labelled 1 to ``doses``, or as given from the lowest to the highest.

    Examples
    --------
    >>> ladder(3).labels
    ('1', '2', '3')
    """
    labels = tuple(str(rank) for rank in range(1, doses + 1)) if isinstance(doses, int) else tuple(doses)
    return DoseSpace(tuple(DoseNode(label) for label in labels), (" < ".join(labels),) if len(labels) > 1 else ())


def grid(rows: int, columns: int) -> DoseSpace:
    """Pairs of the doses of two agents, labelled ``row.column``; each agent's dose alone raises toxicity.

    Examples
    --------
    >>> grid(2, 2).labels
    ('1.1', '1.2', '2.1', '2.2')
    """
    names = [[f"{row}.{column}" for column in range(1, columns + 1)] for row in range(1, rows + 1)]
    lines = [*names, *(list(line) for line in zip(*names, strict=True))]
    chains = tuple(" < ".join(line) for line in lines if len(line) > 1)
    return DoseSpace(tuple(DoseNode(label) for line in names for label in line), chains)


def _check_nodes(nodes: Sequence[DoseNode], problems: Problems) -> None:
    if not nodes:
        problems.add("TRIAL010", "the dose space has no nodes", where="dose space", fix="give at least one node")
    seen: set[str] = set()
    for position, node in enumerate(nodes, start=1):
        where = f"dose space, node {position}"
        if not is_label(node.id):
            problems.add(
                "TRIAL011",
                "this cannot label a dose node",
                where=where,
                found=repr(node.id),
                allowed="letters, digits and + - _ . without a capital N, T, E or B at the end",
                fix="choose a label that outcome strings such as 1NNN 2NTT can show",
            )
        if node.id in seen:
            problems.add(
                "TRIAL011",
                "two nodes have the same label",
                where=where,
                found=node.id,
                fix="rename one of them",
            )
        seen.add(node.id)
        for low, high, per in node.bands:
            if not 0.0 < low <= high < float("inf"):
                problems.add(
                    "TRIAL012",
                    f"the cell band of node {node.id} is not valid",
                    where=where,
                    found=f"{low:g} to {high:g} cells per {per}",
                    allowed="0 < lowest <= highest",
                    fix=f"give the lowest and the highest number of cells per {per}",
                )
    measures = dict.fromkeys(MEASURES[band.per] for node in nodes for band in node.bands)
    if len(measures) > 1:
        problems.add(
            "TRIAL012",
            "the doses are not counted in one measure",
            where="dose space",
            found=", ".join(measures),
            allowed=f"one of {', '.join(MEASURES.values())} for all nodes, once in each",
            fix="give every node its cells in the same measure",
        )


def _read_chains(chains: Sequence[str], known: set[str], problems: Problems) -> set[tuple[str, str]]:
    steps: set[tuple[str, str]] = set()
    for chain in chains:
        labels = [label.strip() for label in chain.split("<")]
        unknown = [label for label in labels if label not in known]
        if len(labels) < 2 or "" in labels:
            problems.add(
                "TRIAL014",
                "this is not a chain of nodes",
                where="dose space, order",
                found=repr(chain),
                allowed='labels joined by <, such as "1 < 2 < 3"',
                fix="write each chain from the lowest to the highest node",
            )
        elif unknown:
            problems.add(
                "TRIAL015",
                "the order names nodes that do not exist",
                where=f'dose space, order "{chain}"',
                found=", ".join(unknown),
                allowed=", ".join(sorted(known)),
                fix="use the labels of the nodes; a second chain such as 1 < 3 is an entry (--order) of its own",
            )
        else:
            steps.update(pairwise(labels))
    return steps


def _closure(labels: Sequence[str], steps: set[tuple[str, str]]) -> dict[str, frozenset[str]]:
    above: dict[str, set[str]] = {label: set() for label in labels}
    for low, high in steps:
        above[low].add(high)
    # Warshall's transitive closure: after the round for a node, every way through that node is known.
    for middle in labels:
        for label in labels:
            if middle in above[label]:
                above[label] |= above[middle]
    return {label: frozenset(higher) for label, higher in above.items()}
