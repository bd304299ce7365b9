"""3+3 along an escalation path, with fallback nodes.

Cohorts of three; one dose-limiting toxicity in three expands the node to six; two at a node stop the path
there. The rule of Storer 1989 (Biometrics 45:925, doi 10.2307/2531693, design A); de-escalation as in Korn et
al. 1994 (Stat Med 13:1799, doi 10.1002/sim.4780131802). The fallback describes NCT03089203, which went to a
reduced dose after lymphodepletion (cohort -3) when cohort 3 had stopped (registry record; Cancer Discov
2022;12:1406).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from carwright.errors import Problems
from carwright.trial import option
from carwright.trial.design import Decision, HistoryDesign
from carwright.trial.on_path import check_path, unknown_node
from carwright.trial.outcomes import History
from carwright.trial.space import DoseSpace

COHORT = 3
"""Patients of a first cohort (published: Storer 1989)."""

EXPANDED = 6
"""Patients of an expanded or confirmed node (published: Storer 1989, Korn 1994)."""

STOPPING_DLTS = 2
"""Dose-limiting toxicities at one node that stop the path (published: Storer 1989)."""


class _Verdict(Enum):
    UNTOLERATED = "untolerated"
    TOLERATED = "tolerated"
    OPEN = "open"


@dataclass(frozen=True)
class ThreePlusThree(HistoryDesign):
    """3+3 on a dose space.

    Parameters
    ----------
    dose_space
        The nodes.

    Raises
    ------
    CarwrightError
        Naming every option that is not allowed and every label that is unknown or out of order.
    """

    name: ClassVar[str] = "3+3"
    ends_by_itself: ClassVar[bool] = True

    dose_space: DoseSpace
    path: tuple[str, ...] = option.labels(
        "Nodes to climb, from the lowest to the highest; all nodes where the dose space is a ladder.",
        source="the study's dose space",
    )
    fallback: Mapping[str, str] = option.label_map(
        "For a node of the path, the lower node outside the path to treat when the path stops there. It is given "
        "to six patients and, if tolerated, recommended; otherwise the path below decides.",
        source="NCT03089203 went to cohort -3 when cohort 3 had stopped",
    )
    deescalate: bool = option.flag(
        False,
        "Whether the node below the stopping one is confirmed in six patients before it is recommended.",
        source="Korn 1994, doi 10.1002/sim.4780131802; without: Storer 1989, doi 10.2307/2531693",
    )

    def __post_init__(self) -> None:
        option.check_options(self, "design 3+3", "design")
        if not self.path and self.space.chain:
            object.__setattr__(self, "path", self.space.chain)
        _check(self)

    @property
    def space(self) -> DoseSpace:
        """The nodes that the design moves on."""
        return self.dose_space

    def decide(self, history: History, closed: frozenset[str] = frozenset()) -> Decision:
        """Say what to do next; see `Design.decide`."""
        return _Table(self, history, closed).decide()

    def select(self, history: History, closed: frozenset[str] = frozenset()) -> str | None:
        """Highest node of the path up to which every node was tolerated."""
        return _Table(self, history, closed).select()


class _Table:
    """Counts by node and what they mean; the decision depends on nothing else."""

    def __init__(self, design: ThreePlusThree, history: History, closed: frozenset[str]) -> None:
        self.design = design
        self.closed = closed
        space = design.space
        self.patients = dict.fromkeys(space.labels, 0)
        self.dlts = dict.fromkeys(space.labels, 0)
        for cohort in history:
            self.patients[cohort.node] += cohort.patients
            self.dlts[cohort.node] += cohort.dlts
        refuted = closed | {label for label, dlts in self.dlts.items() if dlts >= STOPPING_DLTS}
        self.untolerated = refuted.union(*(space.above(label) for label in refuted))

    def decide(self) -> Decision:
        path = self.design.path
        for place, node in enumerate(path):
            verdict = self.verdict(node)
            if verdict is _Verdict.OPEN:
                return self.treat(node)
            if verdict is _Verdict.UNTOLERATED:
                return self.stop_at(place)
        return self.end(path[-1], "the whole path was tolerated")

    def select(self) -> str | None:
        chosen = None
        for node in self.design.path:
            if self.verdict(node) is not _Verdict.TOLERATED:
                break
            chosen = node
        return chosen

    def stop_at(self, place: int) -> Decision:
        path = self.design.path
        why = self.why(path[place])
        fallback = self.design.fallback.get(path[place])
        if fallback is not None:
            verdict = self.verdict(fallback, confirm=True)
            if verdict is _Verdict.OPEN:
                return self.treat(fallback, confirm=True)
            if verdict is _Verdict.TOLERATED:
                return self.end(fallback, f"{why}; fallback {fallback} was tolerated by {EXPANDED} patients")
            why += f"; {self.why(fallback)}"
        if place == 0:
            return self.end(None, f"{why}; no tolerated node below")
        lower = path[place - 1]
        if self.design.deescalate and self.verdict(lower, confirm=True) is _Verdict.OPEN:
            return self.treat(lower, confirm=True)
        return self.end(lower, why)

    def verdict(self, node: str, *, confirm: bool = False) -> _Verdict:
        patients, dlts = self.patients[node], self.dlts[node]
        if node in self.untolerated:
            return _Verdict.UNTOLERATED
        if patients >= EXPANDED or (patients >= COHORT and dlts == 0 and not confirm):
            return _Verdict.TOLERATED
        return _Verdict.OPEN

    def treat(self, node: str, *, confirm: bool = False) -> Decision:
        patients, dlts = self.patients[node], self.dlts[node]
        goal = COHORT if patients < COHORT else EXPANDED
        if patients == 0:
            reason = f"treat the first cohort at node {node}"
        elif patients < COHORT:
            reason = f"complete the cohort at node {node}"
        elif confirm:
            reason = f"confirm node {node} in {goal} patients"
        else:
            reason = f"{dlts} of {patients} with dose-limiting toxicity at node {node}: expand to {goal}"
        return Decision(node, goal - patients, reason, None, self.admissible())

    def end(self, recommended: str | None, reason: str) -> Decision:
        return Decision(None, 0, reason, recommended, self.admissible())

    def admissible(self) -> tuple[str, ...]:
        labels = self.design.space.labels
        return tuple(label for label in labels if self.verdict(label) is _Verdict.TOLERATED)

    def why(self, node: str) -> str:
        if self.dlts[node] >= STOPPING_DLTS:
            return f"two or more dose-limiting toxicities at node {node}"
        if node in self.closed:
            return f"node {node} was closed"
        return f"node {node} lies above one that was not tolerated"


def _check(design: ThreePlusThree) -> None:
    problems, space = Problems(), design.space
    check_path(space, design.path, problems)
    unknown = [label for pair in design.fallback.items() for label in pair if label not in space.columns]
    for label in unknown:
        unknown_node(space, label, "fallback", problems)
    if unknown or not set(design.path) <= space.columns.keys():
        problems.raise_if_any()
    for node, lower in design.fallback.items():
        if node not in design.path or lower in design.path or lower not in space.below(node):
            problems.add(
                "TRIAL023",
                "this is not a fallback",
                where="design, fallback",
                found=f"{node}: {lower}",
                allowed="a node of the path, and a node below it that is not on the path",
                fix="correct the labels or the order of the dose space",
            )
    problems.raise_if_any()
