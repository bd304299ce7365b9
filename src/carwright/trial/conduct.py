"""Conduct of many trials of one design: all of them run side by side, and the design answers them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Self

import numpy as np

from carwright.trial.batch import NOBODY, Batch
from carwright.trial.calendar import Calendar
from carwright.trial.course import Answer, Course, Fate, Question, TrialRecord
from carwright.trial.design import Design, decision_of
from carwright.trial.outcomes import LETTERS
from carwright.trial.potential import PotentialOutcomes


class Patients(NamedTuple):
    """Potential outcomes as lists, by patient and then node: reading single values from arrays is slow."""

    fate: list[list[Fate]]
    failed: list[list[bool]]
    infused: list[bool]
    not_infused_reason: list[str | None]
    vein_to_vein_days: list[float]
    dropout_days: list[float]

    @classmethod
    def of(cls, potential: PotentialOutcomes) -> Self:
        """Unpack the arrays."""
        # A death counts if it is a dose-limiting toxicity.
        days = (
            np.where(potential.dlt, potential.dlt_day, np.inf),
            np.where(potential.dlt & potential.death, potential.death_day, np.inf),
        )
        letters = np.array(list(LETTERS))[potential.response + 2 * potential.dlt]
        columns = [array.tolist() for array in (potential.on_dose, letters, *days)]
        fate = [list(zip(*nodes, strict=True)) for nodes in zip(*columns, strict=True)]
        return cls(fate, *(getattr(potential, name).tolist() for name in cls._fields[1:]))


class Conduct:
    """Runs trials of one design on one table of patients.

    Parameters
    ----------
    design, patients, calendar
        As in `carwright.trial.replay.replay`.
    """

    def __init__(self, design: Design, patients: Patients, calendar: Calendar) -> None:
        self.design = design
        self.patients = patients
        self.calendar = calendar
        self._answers: dict[Question, Answer] = {}

    def run(self, orders: Sequence[list[int]], gaps: Sequence[list[float]]) -> list[TrialRecord]:
        """Run trials, each on patients in its order; ``gaps`` are the days from a free place to enrolment."""
        courses = [Course(self, order, gap) for order, gap in zip(orders, gaps, strict=True)]
        under_way = [course.run() for course in courses]
        asking = [(steps, next(steps)) for steps in under_way]
        while asking:
            self._answer([question for _, question in asking])
            following = []
            for steps, question in asking:
                try:
                    following.append((steps, steps.send(self._answers[question])))
                except StopIteration:  # this trial has ended
                    continue
            asking = following
        return [course.record for course in courses]

    def _answer(self, questions: Sequence[Question]) -> None:
        """Answer all questions that have not come up before, at one go."""
        new = [question for question in dict.fromkeys(questions) if question not in self._answers]
        if not new:
            return
        space = self.design.space
        batch = Batch.of(space, [question.history for question in new])
        found = self.design.decide_batch(batch)
        for row, question in enumerate(new):
            decision = decision_of(found, row, batch, space)
            fills = found.backfill is not None and bool(found.backfill[row])
            if question.end and decision.goes_on:
                # Toxicities seen after the end would have it go on; it has ended all the same.
                chosen = int(self.design.select_batch(batch.rows(np.array([row])))[0])
                label = None if chosen == NOBODY else space.labels[chosen]
                decision = replace(decision, node=None, cohort_size=0, waits=False, recommended=label)
            self._answers[question] = Answer(decision, fills)
