"""Simulated trials on a calendar: patients arrive one by one, toxicities take time, windows may be pending.

Time is in windows of observation. All trials step together, each at its own time. Designs that use follow-up are asked
whenever a patient arrives and the cohort under way is full; for the others the trial waits until every window is
complete. A patient who arrives while the trial waits is the first to be treated afterwards; others who would have
arrived meanwhile are not kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carwright.errors import CarwrightError
from carwright.population.streams import uniforms
from carwright.trial.batch import NOBODY, Batch, Decisions, Flags, Floats, Ints
from carwright.trial.design import Design
from carwright.trial.patients import Panel, Patients
from carwright.trial.settings import check_ranges
from carwright.trial.simulate import Ends, Simulated, check_nodes, endless

MOST_STEPS = 5_000
"""Decisions and waits after which a trial is taken to be endless."""

_ROOM = 32
"""Patients of a trial for whom room is made at once; changes no result."""


@dataclass(frozen=True)
class Timeline:
    """How patients arrive.

    Parameters
    ----------
    accrual
        Patients who arrive per window of observation, on average; gaps are exponential (a Poisson process).
    """

    accrual: float = 3.0

    def __post_init__(self) -> None:
        check_ranges("timeline", self, {"accrual": (1e-3, 1e3)})


def simulate_timeline(design: Design, patients: Patients, trials: int, seed: int, timeline: Timeline) -> Simulated:
    """Simulate trials on a calendar.

    Toxicities come at a time uniform over the window (assumed), responses are seen at its end.

    Parameters
    ----------
    design
        The design.
    patients
        Who takes part; as many nodes as the design's space has.
    trials
        Number of trials.
    seed
        Root seed; the patients of `carwright.trial.simulate.simulate` with the same seed.
    timeline
        How patients arrive.

    Raises
    ------
    CarwrightError
        If the patients have other nodes, or a trial does not end.
    """
    check_nodes(design, patients)
    labels = design.space.labels
    end, duration = Ends(labels, trials), np.zeros(trials)
    running = _Running(patients.panel(seed, trials), seed, trials, len(labels), timeline)
    for _ in range(MOST_STEPS):
        if not design.uses_follow_up:
            running.wait_for_all()
        batch = running.batch()
        decisions = design.decide_batch(batch)
        over = decisions.over
        # What is still pending when a design would end is followed first; then the trial ends.
        done = over & ~running.any_pending() | running.closing
        if done.any():
            last = batch.rows(done)
            again = ~over[done]
            chosen = np.where(again, design.select_batch(last) if again.any() else NOBODY, decisions.recommended[done])
            end.note(running.trial[done], last, chosen, decisions.reason[done], decisions.reasons)
            duration[running.trial[done]] = running.clock[done]
            if done.all():
                break
            running.keep(~done)
            decisions = _rows(decisions, ~done)
        running.step(decisions)
    else:
        raise CarwrightError(endless(design))
    found = end.simulated()
    return Simulated(
        labels, found.recommended, found.patients, found.dlts, found.responses, found.reason, found.reasons, duration
    )


class _Running:
    """Trials that have not ended: their patients, (a, k), and clocks, (a,)."""

    def __init__(self, panel: Panel, seed: int, trials: int, nodes: int, timeline: Timeline) -> None:
        self.panel, self.seed, self.trials, self.nodes = panel, seed, trials, nodes
        self.timeline = timeline
        self.trial = np.arange(trials)
        self.clock = np.zeros(trials)
        self.seats = np.zeros(trials, dtype=np.int64)
        self.cohort = np.zeros(trials, dtype=np.int64)
        self.last = np.full(trials, NOBODY, dtype=np.int64)
        self.closing = np.zeros(trials, dtype=np.bool_)
        self.room(0)

    def room(self, seats: int) -> None:
        """Make room for more patients, and draw what happens to them when."""
        shape = (self.trial.size, _ROOM)
        block = seats // _ROOM
        drawn = uniforms(self.seed, f"trial-calendar:{block}", 0, self.trials, 2 * _ROOM)[self.trial]
        new = {
            "node": np.full(shape, NOBODY, dtype=np.int64),
            "of_cohort": np.full(shape, NOBODY, dtype=np.int64),
            "start": np.zeros(shape),
            "ends": np.full(shape, -np.inf),
            "dlt": np.zeros(shape, dtype=np.bool_),
            "response": np.zeros(shape, dtype=np.bool_),
            "backfill": np.zeros(shape, dtype=np.bool_),
            "gap": -np.log(drawn[:, :_ROOM]) / self.timeline.accrual,
            "time": drawn[:, _ROOM:],
        }
        for name, values in new.items():
            setattr(self, name, np.concatenate([getattr(self, name), values], axis=1) if seats else values)

    node: Ints
    of_cohort: Ints
    start: Floats
    ends: Floats
    dlt: Flags
    response: Flags
    backfill: Flags
    gap: Floats
    time: Floats

    def any_pending(self) -> Flags:
        """Trials with a patient still followed; shape (a,)."""
        waiting: Flags = self.ends.max(axis=1) > self.clock
        return waiting

    def wait_for_all(self) -> None:
        """Let the clocks run until every window is complete."""
        self.clock = np.maximum(self.clock, self.ends.max(axis=1))

    def batch(self) -> Batch:
        """What is known now."""
        pending = self.ends > self.clock[:, None]
        known = ~pending
        toxic, active = self.dlt & known, self.response & known
        counts = np.empty((4, self.trial.size, self.nodes), dtype=np.int64)
        for column in range(self.nodes):
            here = self.node == column
            for place, what in enumerate((here, here & toxic, here & active, here & toxic & active)):
                counts[place, :, column] = np.count_nonzero(what, axis=1)
        latest = self.of_cohort == self.cohort[:, None]
        some = bool(pending.any())
        fraction = np.clip(self.clock[:, None] - self.start, 0.0, 1.0) if some else None
        return Batch(
            counts[0],
            counts[1],
            counts[2],
            counts[3],
            self.last,
            np.count_nonzero(latest, axis=1),
            np.count_nonzero(latest & toxic, axis=1),
            np.zeros((self.trial.size, self.nodes), dtype=np.bool_),
            np.zeros((self.trial.size, self.nodes), dtype=np.int64),
            np.where(pending, self.node, NOBODY) if some else None,
            fraction,
            np.count_nonzero(self.backfill, axis=1) if self.backfill.any() else None,
        )

    def keep(self, rows: Flags) -> None:
        """Forget the other trials."""
        for name in ("trial", "clock", "seats", "cohort", "last", "closing", "node", "of_cohort", "start", "ends"):
            setattr(self, name, getattr(self, name)[rows])
        for name in ("dlt", "response", "backfill", "gap", "time"):
            setattr(self, name, getattr(self, name)[rows])

    def step(self, decisions: Decisions) -> None:
        """Treat, wait for the next event, or follow everybody to the end."""
        self.closing = self.closing | decisions.over
        later = np.where(self.ends > self.clock[:, None], self.ends, np.inf)
        event, final = later.min(axis=1), np.maximum(self.clock, self.ends.max(axis=1))
        self.clock = np.where(decisions.waits & np.isfinite(event), event, self.clock)
        self.clock = np.where(self.closing, final, self.clock)
        treated = decisions.node != NOBODY
        fills = treated & (decisions.backfill if decisions.backfill is not None else False)
        new = treated & ~fills
        self.cohort = self.cohort + new
        self.last = np.where(new, decisions.node, self.last)
        for place in range(int(decisions.size.max(initial=0))):
            self.treat(np.flatnonzero(decisions.size > place), decisions.node, fills)

    def treat(self, rows: Ints, node: Ints, fills: Flags) -> None:
        """Treat one patient in each of some trials, and let the next one arrive."""
        seat = self.seats[rows]
        if seat.max() >= self.node.shape[1]:
            self.room(self.node.shape[1])
        at = (rows, seat)
        where = node[rows]
        toxic, active = self.panel.outcomes(self.trial[rows], seat, where)
        now = self.clock[rows]
        self.node[at], self.start[at] = where, now
        self.of_cohort[at] = np.where(fills[rows], NOBODY - 1, self.cohort[rows])
        self.dlt[at], self.response[at], self.backfill[at] = toxic, active, fills[rows]
        self.ends[at] = now + np.where(toxic, self.time[at], 1.0)
        self.clock[rows] = now + self.gap[at]
        self.seats[rows] += 1


def _rows(decisions: Decisions, which: Flags) -> Decisions:
    return Decisions(
        decisions.node[which],
        decisions.size[which],
        decisions.waits[which],
        decisions.recommended[which],
        decisions.admissible[which],
        decisions.reason[which],
        decisions.reasons,
        None if decisions.backfill is None else decisions.backfill[which],
    )
