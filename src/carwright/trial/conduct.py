"""Conduct of one trial: enrol, lose, replace, infuse, observe, decide.

Patients never infused are replaced; those who receive less than the assigned dose are treated but not
evaluable for dose-limiting toxicity, and replaced for the decision (registry record of NCT03089203). Both they and
manufacturing failures count as undelivered at the node meant for them. When a
rule closes a node, enrolled patients of that cohort who are not yet infused wait for the next cohort,
wherever that is.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

from carwright.trial.attrition import MANUFACTURING_FAILURE
from carwright.trial.calendar import Calendar, CohortDiary
from carwright.trial.design import Decision, Design
from carwright.trial.outcomes import Cohort, History, letter, toxicity_only
from carwright.trial.potential import PotentialOutcomes

NO_PATIENTS_LEFT = "no patients left"
"""Stop reason of a trial that has met every patient of its population draw."""

TRIAL_ENDED = "trial ended"
"""Why a patient who was waiting when the trial ended was not infused."""

_NAN = float("nan")


class Entry(NamedTuple):
    """One enrolled patient; ``node`` is a column of the dose space, days count from the trial's opening."""

    sequence: int
    patient: int
    node: int
    status: str
    enrolled_day: float
    infusion_day: float
    not_infused_reason: str | None


@dataclass(slots=True)
class TrialRecord:
    """What happened in one trial; ``toxicities`` is its history without responses, which is what designs see."""

    history: History = ()
    toxicities: History = ()
    entries: list[Entry] = field(default_factory=list)
    recommended: str | None = None
    stop_reason: str = ""
    duration_days: float = 0.0
    failed_solves: int = 0

    @property
    def infused(self) -> int:
        """Patients infused, on the assigned dose or below it."""
        return sum(entry.status != "not_infused" for entry in self.entries)

    @property
    def evaluable(self) -> int:
        """Patients evaluable for dose-limiting toxicity."""
        return sum(cohort.patients for cohort in self.history)

    @property
    def dlts(self) -> int:
        """Evaluable patients with a dose-limiting toxicity."""
        return sum(cohort.dlts for cohort in self.history)


class Patients(NamedTuple):
    """Potential outcomes as lists, by patient and then node: reading single values from arrays is slow."""

    dlt: list[list[bool]]
    death: list[list[bool]]
    death_day: list[list[float]]
    response: list[list[bool]]
    on_dose: list[list[bool]]
    failed: list[list[bool]]
    infused: list[bool]
    not_infused_reason: list[str | None]
    vein_to_vein_days: list[float]
    dropout_days: list[float]

    @classmethod
    def of(cls, potential: PotentialOutcomes) -> Self:
        """Unpack the arrays."""
        return cls(*(getattr(potential, name).tolist() for name in cls._fields))


class _Waiting(NamedTuple):
    """An enrolled patient on the way to infusion."""

    sequence: int
    patient: int
    enrolled: float
    ready: float


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
        self._decisions: dict[History, Decision] = {}

    def decide(self, history: History) -> Decision:
        """Decision of the design, remembered: trials repeat each other's toxicities."""
        decision = self._decisions.get(history)
        if decision is None:
            decision = self._decisions[history] = self.design.decide(history)
        return decision

    def run(self, order: list[int], gaps: list[float]) -> TrialRecord:
        """Run one trial on patients in this order; ``gaps`` are the days from a free place to enrolment."""
        return _Trial(self, order, gaps).run()


class _Trial:
    def __init__(self, conduct: Conduct, order: list[int], gaps: list[float]) -> None:
        self.conduct = conduct
        self.order = iter(order)
        self.gaps = gaps
        self.record = TrialRecord()
        self.waiting: deque[_Waiting] = deque()
        self.enrolments = 0
        self.last_enrolment = 0.0
        self.exhausted = False

    def run(self) -> TrialRecord:
        record, day = self.record, 0.0
        while not self.exhausted:
            decision = self.conduct.decide(record.toxicities)
            if decision.node is None:
                record.recommended, record.stop_reason = decision.recommended, decision.reason
                break
            day = self.treat(decision.node, decision.cohort_size, day)
        else:
            record.stop_reason = NO_PATIENTS_LEFT
        for left in self.waiting:
            # The node that they were last meant for is the last one that was open.
            node = self.conduct.design.space.columns[record.history[-1].node]
            self.note(left, node, "not_infused", _NAN, TRIAL_ENDED)
        record.entries.sort()
        record.duration_days = day
        return record

    def treat(self, node: str, size: int, opened: float) -> float:
        """Treat one cohort; returns the day on which the next can open."""
        patients, column = self.conduct.patients, self.conduct.design.space.columns[node]
        diary = CohortDiary(self.conduct.calendar, opened, size)
        postponed: list[_Waiting] = []
        cohort = Cohort(node)
        while diary.has_place:
            candidate = self.next_patient(column, diary)
            if candidate is None:
                break
            patient = candidate.patient
            if not patients.infused[patient]:
                self.note(candidate, column, "not_infused", _NAN, patients.not_infused_reason[patient])
                diary.free_place(candidate.enrolled + patients.dropout_days[patient])
                if patients.not_infused_reason[patient] == MANUFACTURING_FAILURE:
                    cohort = replace(cohort, undelivered=cohort.undelivered + 1)
                continue
            infusion = diary.infusion_day(candidate.ready)
            if infusion >= diary.halted:
                postponed.append(candidate)
                continue
            on_dose = patients.on_dose[patient][column]
            diary.infuse(infusion, assigned_dose=on_dose)
            self.note(candidate, column, "treated" if on_dose else "off_dose", infusion, None)
            if not on_dose:
                diary.free_place(infusion)
            cohort = self.observe(cohort, patient, column, on_dose=on_dose)
            if self.died(patient, column) and node in self.conduct.design.closes((*self.record.history, cohort)):
                diary.halted = min(diary.halted, infusion + patients.death_day[patient][column])
        self.waiting.extendleft(reversed(postponed))
        self.record.history = (*self.record.history, cohort)
        seen = cohort if self.conduct.design.uses_delivery else replace(cohort, undelivered=0)
        self.record.toxicities += toxicity_only((seen,))
        return diary.close()

    def next_patient(self, column: int, diary: CohortDiary) -> _Waiting | None:
        """Fill a place by who waits, or else by the next patient; None if nobody can take it."""
        patients, place = self.conduct.patients, diary.take_place()
        while self.waiting:
            candidate = self.waiting.popleft()
            if not patients.failed[candidate.patient][column]:
                return candidate
            self.record.failed_solves += 1
        if self.enrolments == len(self.gaps):
            self.exhausted = True
            return None
        enrolled = max(place, self.last_enrolment) + self.gaps[self.enrolments]
        if enrolled >= diary.halted:
            return None
        for patient in self.order:
            if patients.infused[patient] and patients.failed[patient][column]:
                self.record.failed_solves += 1
                continue
            self.enrolments += 1
            self.last_enrolment = enrolled
            ready = enrolled + patients.vein_to_vein_days[patient]
            return _Waiting(self.enrolments, patient, enrolled, ready)
        self.exhausted = True
        return None

    def observe(self, cohort: Cohort, patient: int, column: int, *, on_dose: bool) -> Cohort:
        """Return the cohort with what is seen of one more patient."""
        patients = self.conduct.patients
        seen = letter(dlt=patients.dlt[patient][column], response=patients.response[patient][column])
        deaths = cohort.deaths + self.died(patient, column)
        return replace(
            cohort,
            letters=cohort.letters + seen if on_dose else cohort.letters,
            deaths=deaths,
            undelivered=cohort.undelivered + (not on_dose),
        )

    def died(self, patient: int, column: int) -> bool:
        """Whether a dose-limiting toxicity was a death, seen within the window."""
        patients = self.conduct.patients
        return (
            patients.dlt[patient][column]
            and patients.death[patient][column]
            and patients.death_day[patient][column] <= self.conduct.calendar.dlt_window_days
        )

    def note(self, who: _Waiting, node: int, status: str, infusion: float, reason: str | None) -> None:
        """Enter a patient's fate into the record."""
        entry = Entry(who.sequence, who.patient, node, status, who.enrolled, infusion, reason)
        self.record.entries.append(entry)
