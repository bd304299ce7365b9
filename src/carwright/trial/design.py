"""What every dose-finding design can answer, and the checks that all of them obey.

A design is a small core (one file each in ``designs``) that rules (``rules``) wrap: ``design | rule``. The
state of a trial is a pure function of its history, so the same design serves exact enumeration, simulation
and a real trial under way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from carwright.trial.outcomes import History, parse_outcomes
from carwright.trial.space import DoseSpace


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do next.

    Parameters
    ----------
    node
        Node at which to treat the next cohort; None when the trial is over.
    cohort_size
        Evaluable patients to treat there; 0 when the trial is over.
    reason
        Why, in words.
    recommended
        Node recommended at the end; None while the trial goes on, or when no node is admissible.
    admissible
        Nodes that the outcomes so far allow to recommend, in the order of the dose space.
    """

    node: str | None
    cohort_size: int
    reason: str
    recommended: str | None
    admissible: tuple[str, ...]

    @property
    def goes_on(self) -> bool:
        """Whether another cohort is to be treated."""
        return self.node is not None


class Design(ABC):
    """A dose-finding rule on a dose space."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Name in the registry."""

    @property
    @abstractmethod
    def space(self) -> DoseSpace:
        """The nodes that the design moves on."""

    @abstractmethod
    def decide(self, history: History, closed: frozenset[str] = frozenset()) -> Decision:
        """Say what to do after ``history``.

        Parameters
        ----------
        history
            Cohorts so far; successive cohorts at one node add up, so an incomplete cohort is simply a small
            one.
        closed
            Nodes that a rule around this design has closed: neither they nor nodes above them may be given or
            recommended, whatever was seen there.
        """

    def closes(self, history: History) -> frozenset[str]:
        """Nodes where nobody may be infused any more, even in a cohort under way; none unless a rule says so.

        ``history`` may end with a cohort of which only some patients have been observed.
        """
        del history
        return frozenset()

    def fit(self, outcomes: str | History) -> State:
        """State of a trial after these outcomes, given as an outcome string or as cohorts.

        Raises
        ------
        CarwrightError
            If the string cannot be read or names an unknown node.
        """
        history = parse_outcomes(outcomes, self.space.labels) if isinstance(outcomes, str) else outcomes
        return State(self, history)

    def __or__(self, rule: Callable[[Design], Design]) -> Design:
        """Wrap this design in a rule."""
        return rule(self)


@dataclass(frozen=True)
class State:
    """A design fitted to outcomes."""

    design: Design
    history: History

    @cached_property
    def decision(self) -> Decision:
        """What to do next."""
        return self.design.decide(self.history)

    @cached_property
    def patients(self) -> Counter[str]:
        """Evaluable patients by node."""
        counts: Counter[str] = Counter()
        for cohort in self.history:
            counts[cohort.node] += cohort.patients
        return counts

    @cached_property
    def dlts(self) -> Counter[str]:
        """Evaluable patients with a dose-limiting toxicity by node."""
        counts: Counter[str] = Counter()
        for cohort in self.history:
            counts[cohort.node] += cohort.dlts
        return counts


def assert_consistent(state: State) -> None:
    """Check what must hold after any history of any design; for the tests of designs and of plug-ins.

    Raises
    ------
    AssertionError
        Naming every rule that is broken.
    """
    decision, space = state.decision, state.design.space
    closed = state.design.closes(state.history)
    shut = {label for label in space.labels if label in closed or space.below(label) & closed}
    rules = {
        "a reason is given": bool(decision.reason),
        "the next node exists": decision.node is None or decision.node in space.columns,
        "a cohort has patients exactly if the trial goes on": (decision.cohort_size > 0) == decision.goes_on,
        "a node is recommended only at the end": decision.recommended is None or not decision.goes_on,
        "the recommended node is admissible": decision.recommended in (None, *decision.admissible),
        "admissible nodes exist, in the order of the space": decision.admissible
        == tuple(label for label in space.labels if label in decision.admissible),
        "admissible nodes were given": all(state.patients[label] > 0 for label in decision.admissible),
        "no closed node, and none above one, is given or recommended": not shut
        & {decision.node, decision.recommended, *decision.admissible},
        "counts are possible": all(0 <= state.dlts[label] <= count for label, count in state.patients.items()),
        "the order of patients within a cohort does not matter": decision
        == state.design.decide(tuple(cohort.canonical() for cohort in state.history)),
    }
    broken = [rule for rule, holds in rules.items() if not holds]
    if broken:
        message = f"{state.design.name} after {state.history}: {decision} breaks: {'; '.join(broken)}"
        raise AssertionError(message)
