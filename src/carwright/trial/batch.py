"""Many trials at once: what was seen in each (`Batch`) and what each does next (`Decisions`).

Every design decides on batches, so that exact enumeration, simulation and a single trial under way (a batch of
one) all run the same rule. A decision may depend on the counts by node, on the last cohort, on nodes closed by
rules around the design and on pending follow-up; never on the order of patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from carwright.trial.outcomes import Cohort, History
from carwright.trial.space import DoseSpace

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

NOBODY = -1
"""Column that stands for no node."""


@dataclass(frozen=True, eq=False)
class Batch:
    """What was seen in ``t`` trials at ``m`` nodes, the columns in the order of the dose space.

    Parameters
    ----------
    patients, dlts, responses, both
        Evaluable patients; those with dose-limiting toxicity, with a response, with both; shape (t, m).
        Patients whose window is not yet complete count, as without what has not been seen.
    last
        Column of the last cohort that was not backfilled, -1 before the first; shape (t,).
    last_patients, last_dlts
        Counts of that cohort; shape (t,).
    closed
        Nodes that rules have closed: neither they nor nodes above them may be given or recommended; (t, m).
    deaths
        Treatment-related deaths; shape (t, m).
    pending_node, pending_weight
        Column and observed fraction of the window of every patient still followed without toxicity, -1 where
        there is none; shape (t, k). None when all windows are complete.
    backfilled
        Evaluable patients of each trial who were backfilled; shape (t,). None for nobody.
    undelivered
        Patients meant for each node whose product did not reach its dose; shape (t, m). None for nobody.
    """

    patients: Ints
    dlts: Ints
    responses: Ints
    both: Ints
    last: Ints
    last_patients: Ints
    last_dlts: Ints
    closed: Flags
    deaths: Ints
    pending_node: Ints | None = None
    pending_weight: Floats | None = None
    backfilled: Ints | None = None
    undelivered: Ints | None = None

    @classmethod
    def empty(cls, trials: int, nodes: int) -> Self:
        """Trials that have not begun."""
        patients, dlts, responses, both, deaths = np.zeros((5, trials, nodes), dtype=np.int64)
        last = np.full(trials, NOBODY, dtype=np.int64)
        last_patients, last_dlts = np.zeros((2, trials), dtype=np.int64)
        closed = np.zeros((trials, nodes), dtype=np.bool_)
        return cls(patients, dlts, responses, both, last, last_patients, last_dlts, closed, deaths)

    @classmethod
    def of(cls, space: DoseSpace, histories: Sequence[History], closed: frozenset[str] = frozenset()) -> Self:
        """Trials with these histories; ``closed`` holds for all of them."""
        batch = cls.empty(len(histories), len(space.labels))
        if closed:
            batch.closed[:, [space.columns[label] for label in closed]] = True
        backfilled = np.zeros(len(histories), dtype=np.int64)
        pending: list[list[tuple[int, float]]] = []
        for row, history in enumerate(histories):
            pending.append([])
            if any(cohort.backfill for cohort in history):
                backfilled[row] = sum(cohort.patients for cohort in history if cohort.backfill)
            for cohort in history:
                _count(batch, row, space.columns[cohort.node], cohort)
                waiting = zip(cohort.letters, cohort.follow_up, strict=False)
                pending[-1] += [
                    (space.columns[cohort.node], part) for seen, part in waiting if seen in "NE" and part < 1.0
                ]
        batch = replace(batch, backfilled=backfilled if backfilled.any() else None)
        if any(cohort.undelivered for history in histories for cohort in history):
            undelivered = np.zeros(batch.patients.shape, dtype=np.int64)
            for row, history in enumerate(histories):
                for cohort in history:
                    undelivered[row, space.columns[cohort.node]] += cohort.undelivered
            batch = replace(batch, undelivered=undelivered)
        most = max(map(len, pending), default=0)
        if not most:
            return batch
        node = np.full((len(histories), most), NOBODY, dtype=np.int64)
        weight = np.ones((len(histories), most))
        for row, waiting_patients in enumerate(pending):
            for place, (column, part) in enumerate(waiting_patients):
                node[row, place], weight[row, place] = column, part
        return replace(batch, pending_node=node, pending_weight=weight)

    @property
    def trials(self) -> int:
        """Number of trials."""
        return int(self.last.size)

    @cached_property
    def total(self) -> Ints:
        """Evaluable patients of each trial; shape (t,)."""
        found: Ints = self.patients.sum(axis=1)
        return found

    @cached_property
    def pending(self) -> Ints:
        """Patients still followed by node; shape (t, m)."""
        return self._pending_sum(None).astype(np.int64)

    @cached_property
    def pending_follow_up(self) -> Floats:
        """Sum of the observed fractions of the windows of `pending` by node; shape (t, m)."""
        return self._pending_sum(self.pending_weight)

    def _pending_sum(self, weight: Floats | None) -> Floats:
        total: Floats = np.zeros(self.patients.shape)
        if self.pending_node is None:
            return total
        for column in range(total.shape[1]):
            here = self.pending_node == column
            total[:, column] = here.sum(axis=1) if weight is None else np.where(here, weight, 0.0).sum(axis=1)
        return total

    @cached_property
    def not_delivered(self) -> Ints:
        """`undelivered`, with zeros for None; shape (t, m)."""
        return np.zeros(self.patients.shape, dtype=np.int64) if self.undelivered is None else self.undelivered

    def rows(self, which: Flags | Ints) -> Batch:
        """Return the trials that a mask or an index chooses."""
        chosen: tuple[Any, ...] = tuple(None if values is None else values[which] for values in self._arrays())
        return Batch(*chosen)

    def columns(self, which: Sequence[int]) -> Batch:
        """Return the same trials as seen on some nodes only.

        Where the last cohort was given elsewhere, the highest node given among these counts as the last.
        """
        place = np.full(self.closed.shape[-1] + 1, NOBODY, dtype=np.int64)
        place[list(which)] = np.arange(len(which))
        index = np.asarray(which, dtype=np.intp)
        last = place[self.last]
        elsewhere = (last == NOBODY) & (self.last != NOBODY)
        if elsewhere.any():
            given = self.patients[:, index] > 0
            highest = np.where(given.any(axis=1), given.shape[1] - 1 - given[:, ::-1].argmax(axis=1), NOBODY)
            last = np.where(elsewhere, highest, last)
        return Batch(
            self.patients[:, index],
            self.dlts[:, index],
            self.responses[:, index],
            self.both[:, index],
            last,
            np.where(elsewhere, 0, self.last_patients),
            np.where(elsewhere, 0, self.last_dlts),
            self.closed[:, index],
            self.deaths[:, index],
            None if self.pending_node is None else place[self.pending_node],
            self.pending_weight,
            self.backfilled,
            None if self.undelivered is None else self.undelivered[:, index],
        )

    def history(self, row: int, space: DoseSpace) -> History:
        """One history that gives this row: one cohort per node in order, the last cohort at the end."""
        cohorts: list[Cohort] = []
        final: tuple[Cohort, ...] = ()
        for column, label in enumerate(space.labels):
            n, y, e, both = (int(values[row, column]) for values in self._counts())
            rest = [n - y - e + both, e - both, y - both, both]  # in the order of the letters N, E, T, B
            deaths, parts = int(self.deaths[row, column]), self._weights(row, column)
            missing = int(self.not_delivered[row, column])
            if column == self.last[row]:
                toxic = int(self.last_dlts[row])
                well = int(self.last_patients[row]) - toxic
                latest = [
                    well - min(rest[1], well),
                    min(rest[1], well),
                    toxic - min(rest[3], toxic),
                    min(rest[3], toxic),
                ]
                rest = [all_ - some for all_, some in zip(rest, latest, strict=True)]
                final = (_cohort(label, latest, deaths, parts),)
                deaths = 0
            if sum(rest) or deaths or missing:
                cohorts.append(replace(_cohort(label, rest, deaths, parts), undelivered=missing))
        return (*cohorts, *final)

    def key(self) -> NDArray[np.void]:
        """One item per trial without pending patients; trials with equal items decide alike; shape (t,)."""
        parts = [self.patients, self.dlts, self.responses, self.both, self.closed, self.deaths, self.not_delivered]
        ends = [self.last[:, None], self.last_patients[:, None], self.last_dlts[:, None]]
        rows = np.ascontiguousarray(np.concatenate([*parts, *ends], axis=1).astype(np.int16))
        return rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).reshape(-1)

    def _counts(self) -> tuple[Ints, Ints, Ints, Ints]:
        return self.patients, self.dlts, self.responses, self.both

    def _weights(self, row: int, column: int) -> list[float]:
        if self.pending_node is None or self.pending_weight is None:
            return []
        return sorted(self.pending_weight[row, self.pending_node[row] == column].tolist(), reverse=True)

    def _arrays(self) -> tuple[Any, ...]:
        return (
            self.patients, self.dlts, self.responses, self.both, self.last, self.last_patients, self.last_dlts,
            self.closed, self.deaths, self.pending_node, self.pending_weight, self.backfilled, self.undelivered,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Decisions:
    """What each of ``t`` trials does next.

    Parameters
    ----------
    node
        Column at which to treat the next cohort, -1 when the trial is over or waits; shape (t,).
    size
        Patients to treat there, 0 when the trial is over or waits; shape (t,).
    waits
        Whether the trial waits for follow-up before anybody else is treated; shape (t,).
    recommended
        Column recommended at the end; -1 while the trial goes on, or for no node; shape (t,).
    admissible
        Nodes that the outcomes so far allow to recommend; shape (t, m).
    reason
        Index into ``reasons``; shape (t,).
    reasons
        Why, in words. ``{next}``, ``{last}``, ``{n}`` and ``{y}`` stand for the labels of the next and of the
        last node, and for patients and dose-limiting toxicities at the last node.
    backfill
        Whether the patients are added below the dose under escalation; shape (t,). None for nowhere.
    """

    node: Ints
    size: Ints
    waits: Flags
    recommended: Ints
    admissible: Flags
    reason: Ints
    reasons: tuple[str, ...]
    backfill: Flags | None = None

    @property
    def over(self) -> Flags:
        """Trials that have ended; shape (t,)."""
        ended: Flags = (self.node == NOBODY) & ~self.waits
        return ended

    def stopped(self, rows: Flags, recommended: Ints, reason: str) -> Decisions:
        """Return the same decisions with some trials ended for a further reason.

        Parameters
        ----------
        rows
            Trials to end; shape (t,).
        recommended
            What these trials recommend; shape (number of them,).
        reason
            Why.
        """
        chosen = self.recommended.copy()
        chosen[rows] = recommended
        return replace(
            self,
            node=np.where(rows, NOBODY, self.node),
            size=np.where(rows, 0, self.size),
            waits=self.waits & ~rows,
            recommended=chosen,
            reason=np.where(rows, len(self.reasons), self.reason),
            reasons=(*self.reasons, reason),
        )

    def moved(self, rows: Flags, node: Ints, size: Ints, reason: str) -> Decisions:
        """Return the same decisions with some trials treating ``size`` patients at ``node`` (both (t,))."""
        return replace(
            self,
            node=np.where(rows, node, self.node),
            size=np.where(rows, size, self.size),
            waits=self.waits & ~rows,
            recommended=np.where(rows, NOBODY, self.recommended),
            reason=np.where(rows, len(self.reasons), self.reason),
            reasons=(*self.reasons, reason),
        )


def _count(batch: Batch, row: int, column: int, cohort: Cohort) -> None:
    letters = cohort.letters
    both = letters.count("B")
    batch.patients[row, column] += len(letters)
    batch.dlts[row, column] += cohort.dlts
    batch.responses[row, column] += letters.count("E") + both
    batch.both[row, column] += both
    batch.deaths[row, column] += cohort.deaths
    if not cohort.backfill:
        batch.last[row] = column
        batch.last_patients[row] = len(letters)
        batch.last_dlts[row] = cohort.dlts


def _cohort(label: str, counts: Sequence[int], deaths: int, parts: list[float]) -> Cohort:
    """Cohort of these counts of N, E, T, B; takes the windows of its patients without toxicity from ``parts``."""
    letters = "".join(letter * count for letter, count in zip("NETB", counts, strict=True))
    follow_up = tuple(parts.pop() if seen in "NE" and parts else 1.0 for seen in letters)
    return Cohort(label, letters, deaths, follow_up if min(follow_up, default=1.0) < 1.0 else ())
