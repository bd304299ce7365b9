"""What every dose-finding design can answer, and the checks that all of them obey.

A design is a small core (one file each in ``designs``) that rules (``rules``) wrap: ``design | rule``. The
state of a trial is a pure function of its history, so the same design serves exact enumeration, simulation
and a real trial under way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from carwright.trial.batch import NOBODY, Batch, Decisions, Floats, Ints
from carwright.trial.outcomes import Cohort, History, parse_outcomes
from carwright.trial.posterior_table import posterior_above
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
    waits
        Whether nobody may be treated before more follow-up has been seen.
    backfill
        Whether the patients are added below the dose under escalation.
    """

    node: str | None
    cohort_size: int
    reason: str
    recommended: str | None
    admissible: tuple[str, ...]
    waits: bool = False
    backfill: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether another cohort is to be treated, now or after more follow-up."""
        return self.node is not None or self.waits


class Design(ABC):
    """A dose-finding rule on a dose space.

    A design answers for many trials at once (`decide_batch`); `decide` asks it about one. Options are fields of
    the design's dataclass, declared by `carwright.trial.option`.
    """

    uses_responses: ClassVar[bool] = False
    """Whether responses change what the design does; only then are they told apart in enumeration."""

    uses_follow_up: ClassVar[bool] = False
    """Whether the design decides while windows are incomplete."""

    uses_delivery: ClassVar[bool] = False
    """Whether products that fell short of their dose change what the design does."""

    ends_by_itself: ClassVar[bool] = False
    """Whether the trial always ends without a rule such as ``stop_at``."""

    recommends_untried: ClassVar[bool] = False
    """Whether a node that nobody was given can be recommended."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Name in the registry."""

    @property
    @abstractmethod
    def space(self) -> DoseSpace:
        """The nodes that the design moves on."""

    @abstractmethod
    def decide_batch(self, batch: Batch) -> Decisions:
        """Say what each of many trials does next."""

    @abstractmethod
    def select_batch(self, batch: Batch) -> Ints:
        """Column that each trial would recommend if it stopped now, -1 for none; shape (t,).

        Never a closed node, nor one above it; nor one that nobody was given, unless `recommends_untried`.
        """

    def toxicity_above(self, batch: Batch, limit: float) -> Floats:
        """Probability that the toxicity of each node exceeds ``limit``; shape (t, m).

        Node by node under a uniform prior, unless the design has a model of its own. Pending patients count with
        the observed part of their window.
        """
        above = posterior_above(batch.patients, batch.dlts, limit)
        if batch.pending_node is not None:
            from scipy.special import betaincc

            some = batch.pending > 0
            n = (batch.patients - batch.pending + batch.pending_follow_up)[some]
            above[some] = betaincc(batch.dlts[some] + 1.0, n - batch.dlts[some] + 1.0, limit)
        return above

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
        batch = Batch.of(self.space, (history,), closed)
        return decision_of(self.decide_batch(batch), 0, batch, self.space)

    def selected(self, history: History) -> str | None:
        """Label that would be recommended if the trial stopped after ``history``; None for no node."""
        decision = self.decide(history)
        if not decision.goes_on:
            return decision.recommended
        column = int(self.select_batch(Batch.of(self.space, (history,)))[0])
        return None if column == NOBODY else self.space.labels[column]

    def interval_probabilities(self, history: History, limits: Sequence[float]) -> dict[str, list[float]]:
        """Probability that toxicity lies between 0, the ``limits`` and 1, by label, as `toxicity_above` sees it."""
        batch = Batch.of(self.space, (history,))
        above = [np.ones(len(self.space.labels)), *(self.toxicity_above(batch, limit)[0] for limit in limits)]
        shares = -np.diff(np.stack([*above, np.zeros(len(self.space.labels))]), axis=0)
        return dict(zip(self.space.labels, shares.T.tolist(), strict=True))

    def estimates(self, history: History) -> dict[str, dict[str, float | None]]:
        """What the design estimates after ``history``: by name of the quantity and label; nothing by default."""
        del history
        return {}

    def parameters(self, history: History) -> dict[str, float]:
        """Estimates of the parameters of the design's model after ``history``, by name; none by default."""
        del history
        return {}

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


class HistoryDesign(Design):
    """A design written for one trial at a time; many trials are grouped, and each kind is decided once."""

    @abstractmethod
    def decide(self, history: History, closed: frozenset[str] = frozenset()) -> Decision:
        """Say what to do after ``history``; see `Design.decide`."""

    @abstractmethod
    def select(self, history: History, closed: frozenset[str] = frozenset()) -> str | None:
        """Node to recommend if the trial stopped now; see `Design.select_batch`."""

    def decide_batch(self, batch: Batch) -> Decisions:
        """Say what each of many trials does next."""
        first, inverse = _kinds(batch)
        columns, labels = self.space.columns, self.space.labels
        reasons: dict[str, int] = {}
        node, size, waits, recommended, reason = ([] for _ in range(5))
        admissible = np.zeros((len(first), len(labels)), dtype=np.bool_)
        for kind, row in enumerate(first):
            decision = self.decide(batch.history(row, self.space), _closed(batch, row, labels))
            node.append(NOBODY if decision.node is None else columns[decision.node])
            size.append(decision.cohort_size)
            waits.append(decision.waits)
            recommended.append(NOBODY if decision.recommended is None else columns[decision.recommended])
            admissible[kind, [columns[label] for label in decision.admissible]] = True
            reason.append(reasons.setdefault(decision.reason.replace("{", "{{").replace("}", "}}"), len(reasons)))
        whole = (np.array(values, dtype=np.int64)[inverse] for values in (node, size, recommended, reason))
        nodes, sizes, chosen, why = whole
        waiting = np.array(waits, dtype=np.bool_)[inverse]
        return Decisions(nodes, sizes, waiting, chosen, admissible[inverse], why, tuple(reasons))

    def select_batch(self, batch: Batch) -> Ints:
        """Column that each trial would recommend if it stopped now."""
        first, inverse = _kinds(batch)
        labels = self.space.labels
        chosen = [self.select(batch.history(row, self.space), _closed(batch, row, labels)) for row in first]
        found = [NOBODY if label is None else self.space.columns[label] for label in chosen]
        return np.array(found, dtype=np.int64)[inverse]


def decision_of(decisions: Decisions, row: int, batch: Batch, space: DoseSpace) -> Decision:
    """Read one trial's decision from those of a batch."""
    node, last, recommended = (int(values[row]) for values in (decisions.node, batch.last, decisions.recommended))
    names = (*space.labels, "none")
    text = decisions.reasons[int(decisions.reason[row])].format(
        next=names[node], last=names[last], n=batch.patients[row, last], y=batch.dlts[row, last]
    )
    return Decision(
        None if node == NOBODY else names[node],
        int(decisions.size[row]),
        text,
        None if recommended == NOBODY else names[recommended],
        tuple(label for label, may in zip(space.labels, decisions.admissible[row], strict=True) if may),
        bool(decisions.waits[row]),
        decisions.backfill is not None and bool(decisions.backfill[row]),
    )


def _kinds(batch: Batch) -> tuple[list[int], Ints]:
    """Rows that stand for their kind, and the kind of each row."""
    if batch.pending_node is not None:
        return list(range(batch.trials)), np.arange(batch.trials)
    _, first, inverse = np.unique(batch.key(), return_index=True, return_inverse=True)
    return first.tolist(), inverse.reshape(-1)


def _closed(batch: Batch, row: int, labels: tuple[str, ...]) -> frozenset[str]:
    return frozenset(label for label, shut in zip(labels, batch.closed[row], strict=True) if shut)


@dataclass(frozen=True)
class State:
    """A design fitted to outcomes."""

    design: Design
    history: History

    @cached_property
    def decision(self) -> Decision:
        """What to do next.

        A design that does not use follow-up decides while windows are open only what no pending patient can change.
        """
        pending = any(part < 1.0 for cohort in self.history for part in cohort.follow_up)
        if self.design.uses_follow_up or not pending:
            return self.design.decide(self.history)
        best, worst = (
            self.design.decide(tuple(_closed_window(cohort, toxic=toxic) for cohort in self.history))
            for toxic in (False, True)
        )
        moves = [(one.node, one.cohort_size, one.recommended) for one in (best, worst)]
        if moves[0] == moves[1] and not self.design.uses_responses:
            return replace(best, admissible=tuple(one for one in best.admissible if one in worst.admissible))
        return Decision(None, 0, "wait: patients are still followed, and this design does not use that", None, (), True)

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


def _closed_window(cohort: Cohort, *, toxic: bool) -> Cohort:
    """The cohort as if every pending patient ended with a toxicity, or none did."""
    if not cohort.follow_up:
        return cohort
    worse = {"N": "T", "E": "B"}
    letters = "".join(
        worse[seen] if toxic and part < 1.0 else seen
        for seen, part in zip(cohort.letters, cohort.follow_up, strict=True)
    )
    return replace(cohort, letters=letters, follow_up=()).canonical()


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
        "a cohort has patients exactly if the trial goes on": (decision.cohort_size > 0)
        == (decision.node is not None)
        == (decision.goes_on and not decision.waits),
        "a node is recommended only at the end": decision.recommended is None or not decision.goes_on,
        "the recommended node is admissible": decision.recommended in (None, *decision.admissible),
        "admissible nodes exist, in the order of the space": decision.admissible
        == tuple(label for label in space.labels if label in decision.admissible),
        "admissible nodes were given": state.design.recommends_untried
        or all(state.patients[label] > 0 for label in decision.admissible),
        "no closed node, and none above one, is given or recommended": not shut
        & {decision.node, decision.recommended, *decision.admissible},
        "counts are possible": all(0 <= state.dlts[label] <= count for label, count in state.patients.items()),
        "the order of patients within a cohort does not matter": decision
        == State(state.design, tuple(cohort.canonical() for cohort in state.history)).decision,
    }
    broken = [rule for rule, holds in rules.items() if not holds]
    if broken:
        message = f"{state.design.name} after {state.history}: {decision} breaks: {'; '.join(broken)}"
        raise AssertionError(message)
