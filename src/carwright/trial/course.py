"""Course of one trial: enrol, lose, replace, infuse, observe; whenever a cohort is to be treated, ask the design.

Patients never infused are replaced; those who receive less than the assigned dose are treated but not evaluable for
dose-limiting toxicity, and replaced for the decision (registry record of NCT03089203). Both these and manufacturing
failures count as undelivered at the node meant for them, for designs that ask. When a rule closes a node, enrolled
patients of that cohort who are not yet infused wait for the next cohort, wherever that is.

Designs that use follow-up are asked when the next patient arrives after a cohort was infused, with the windows as far
as they have been observed; all others when every window has closed. The committee meets before every cohort of the
latter, and before the former go to another node (assumed).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from carwright.trial.attrition import MANUFACTURING_FAILURE
from carwright.trial.calendar import CohortDiary
from carwright.trial.outcomes import Cohort, History

if TYPE_CHECKING:
    from carwright.trial.conduct import Conduct
    from carwright.trial.design import Decision

NO_PATIENTS_LEFT = "no patients left"
"""Stop reason of a trial that has met every patient of its population draw."""

TRIAL_ENDED = "trial ended"
"""Why a patient who was waiting when the trial ended was not infused."""

_NAN, _NEVER = float("nan"), float("inf")
_WITHOUT_RESPONSE = str.maketrans("EB", "NT")


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
    """What happened in one trial; ``history`` holds responses, whether or not the design sees them."""

    history: History = ()
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


class Question(NamedTuple):
    """What a course asks its design: what to do after this history, or what to recommend if it had to end."""

    history: History
    end: bool = False


class Answer(NamedTuple):
    """What the design says; ``backfill`` patients come on top of those of the escalation."""

    decision: Decision
    backfill: bool = False


Fate = tuple[bool, str, float, float]
"""What would happen to a patient at a node: whether the dose is the assigned one, the letter of the outcome, and the
days from infusion to a dose-limiting toxicity and to a death by it (never: infinite)."""


class _Waiting(NamedTuple):
    """An enrolled patient on the way to infusion."""

    sequence: int
    patient: int
    enrolled: float
    ready: float


class _Infused(NamedTuple):
    """An infused patient, with the days on which things are seen (never: infinite)."""

    infusion: float
    letter: str
    on_dose: bool
    dlt_day: float
    death_day: float


@dataclass(slots=True)
class _Treated:
    """A cohort as it was treated; ``full`` once nobody joins it, ``known`` once everything has been seen.

    ``short`` holds the days on which products fell short of the dose, or failed.
    """

    node: str
    members: list[_Infused]
    backfill: bool = False
    full: bool = False
    known: Cohort | None = None
    short: list[float] = field(default_factory=list)


Questions = Generator[Question, Answer, None]


class Course:
    """One trial under way; `run` asks the design and leaves the `record`.

    Parameters
    ----------
    conduct
        Design, patients and calendar.
    order
        Patients in the order in which they can be enrolled.
    gaps
        Days from a free place to the enrolment that fills it, one per enrolment.
    """

    def __init__(self, conduct: Conduct, order: list[int], gaps: list[float]) -> None:
        self.conduct = conduct
        self.design, self.patients, self.calendar = conduct.design, conduct.patients, conduct.calendar
        self.follows = conduct.design.uses_follow_up
        self.responses = conduct.design.uses_responses
        self.delivery = conduct.design.uses_delivery
        self.order = iter(order)
        self.gaps = gaps
        self.record = TrialRecord()
        self.treated: list[_Treated] = []
        self.waiting: deque[_Waiting] = deque()
        self.sentinels: dict[str, float] = {}
        self.enrolments = 0
        self.last_enrolment = 0.0
        self.arrived: float | None = None
        self.exhausted = False
        self.review = False

    def run(self) -> Questions:
        """Ask about every cohort until the design ends the trial or no patient is left."""
        record, day = self.record, 0.0
        last: str | None = None
        while not self.exhausted:
            decision, backfill = yield Question(self.seen(day))
            if decision.waits:
                day = self.next_event(day)
            elif backfill and decision.node is not None:
                day = self.backfill(decision.node, day)
            elif decision.node is not None:
                if self.review and (not self.follows or decision.node != last):
                    day += self.calendar.review_days
                day, last = self.treat(decision.node, decision.cohort_size, day), decision.node
            else:
                if (final := self.last_window()) > day:
                    day = final
                    decision, _ = yield Question(self.seen(day), end=True)
                record.recommended, record.stop_reason = decision.recommended, decision.reason
                break
        else:
            record.stop_reason = NO_PATIENTS_LEFT
        if self.follows and self.treated:
            day = self.last_window()  # whoever arrived after it takes no part
        for left in self.waiting:
            # The node that they were last meant for is the last one that was open.
            self.note(left, self.design.space.columns[self.treated[-1].node], "not_infused", _NAN, TRIAL_ENDED)
        record.entries.sort()
        record.history = self.happened()
        record.duration_days = day + self.calendar.review_days if self.review else day

    def treat(self, node: str, size: int, opened: float) -> float:
        """Treat one cohort; returns the day on which the design is asked again."""
        patients, column = self.patients, self.design.space.columns[node]
        diary = CohortDiary(self.calendar, opened, size, self.sentinels.get(node) if self.follows else None)
        diary.halted = self.closed_from(node) if self.follows else _NEVER
        postponed: list[_Waiting] = []
        members: list[_Infused] = []
        cohort = _Treated(node, members)
        self.treated.append(cohort)
        while diary.has_place:
            candidate = self.next_patient(column, diary)
            if candidate is None:
                break
            patient = candidate.patient
            if not patients.infused[patient]:
                self.note(candidate, column, "not_infused", _NAN, patients.not_infused_reason[patient])
                lost = candidate.enrolled + patients.dropout_days[patient]
                diary.free_place(lost)
                if patients.not_infused_reason[patient] == MANUFACTURING_FAILURE:
                    cohort.short.append(lost)
                    self.halt_if_infeasible(diary, node, lost)
                continue
            infusion = diary.infusion_day(candidate.ready)
            if infusion >= diary.halted:
                postponed.append(candidate)
                continue
            on_dose = patients.fate[patient][column][0]
            diary.infuse(infusion, assigned_dose=on_dose)
            if not on_dose:
                diary.free_place(infusion)
                cohort.short.append(infusion)
            members.append(self.infuse(candidate, column, infusion))
            if not on_dose:
                self.halt_if_infeasible(diary, node, infusion)
            if members[-1].death_day < _NEVER and node in self.design.closes(self.seen(_NEVER)):
                diary.halted = min(diary.halted, members[-1].death_day)
        cohort.full = True
        self.waiting.extendleft(reversed(postponed))
        if not members:
            self.review = False
            # A death that is still to come kept everybody out: the design is asked again when it has been seen.
            return max(opened, diary.halted) if diary.halted < _NEVER else opened
        self.review = True
        if self.follows:
            self.sentinels.setdefault(node, diary.sentinel)
            return self.next_arrival(diary.last_infusion)
        return diary.last_infusion + self.calendar.dlt_window_days

    def halt_if_infeasible(self, diary: CohortDiary, node: str, day: float) -> None:
        """Enrol nobody more at a node from the day on which its dose turns out to be delivered too seldom."""
        if self.delivery and node in self.design.closes(self.seen(_NEVER)):
            diary.halted = min(diary.halted, day)

    def next_arrival(self, day: float) -> float:
        """Day from ``day`` on which a patient is there to be treated; all windows have closed if nobody is left."""
        if self.waiting:
            return day
        if self.enrolments == len(self.gaps):
            return max(day, self.last_window())
        self.arrived = max(day, self.last_enrolment) + self.gaps[self.enrolments]
        return self.arrived

    def backfill(self, node: str, day: float) -> float:
        """Enrol who has arrived at a node below, while others are followed; whoever is lost is not replaced.

        Returns the day on which the design is asked again.
        """
        column = self.design.space.columns[node]
        diary = CohortDiary(self.calendar, day, 1)
        diary.halted = self.closed_from(node)
        candidate = self.next_patient(column, diary)
        if candidate is None:
            return self.next_event(day)
        if not self.patients.infused[candidate.patient]:
            reason = self.patients.not_infused_reason[candidate.patient]
            self.note(candidate, column, "not_infused", _NAN, reason)
        else:
            infused = self.infuse(candidate, column, max(day, candidate.ready))
            self.treated.append(_Treated(node, [infused], backfill=True, full=True))
        return self.next_arrival(day)

    def next_patient(self, column: int, diary: CohortDiary) -> _Waiting | None:
        """Fill a place by who waits, or else by the next patient; None if nobody can take it."""
        patients, place = self.patients, diary.take_place()
        while self.waiting:
            candidate = self.waiting.popleft()
            if not patients.failed[candidate.patient][column]:
                return candidate
            self.record.failed_solves += 1
        if self.enrolments == len(self.gaps):
            self.exhausted = True
            return None
        if self.arrived is not None:
            enrolled = max(place, self.arrived)
        else:
            enrolled = max(place, self.last_enrolment) + self.gaps[self.enrolments]
        if enrolled >= diary.halted:
            return None
        for patient in self.order:
            if patients.infused[patient] and patients.failed[patient][column]:
                self.record.failed_solves += 1
                continue
            self.enrolments += 1
            self.arrived, self.last_enrolment = None, enrolled
            ready = enrolled + patients.vein_to_vein_days[patient]
            return _Waiting(self.enrolments, patient, enrolled, ready)
        self.exhausted = True
        return None

    def infuse(self, who: _Waiting, column: int, day: float) -> _Infused:
        """Enter an infusion, and find out when what will be seen."""
        on_dose, found, dlt_after, death_after = self.patients.fate[who.patient][column]
        self.note(who, column, "treated" if on_dose else "off_dose", day, None)
        # A death counts if it is seen within the window.
        death_day = day + death_after if death_after <= self.calendar.dlt_window_days else _NEVER
        return _Infused(day, found, on_dose, day + dlt_after, death_day)

    def seen(self, day: float) -> History:
        """What the design knows on a day; patients on the way to a backfilled infusion count as not observed yet."""
        return tuple([cohort.known or self.cohort_seen(cohort, day) for cohort in self.treated])

    def cohort_seen(self, cohort: _Treated, day: float) -> Cohort:
        """What the design knows of one cohort on a day: kept when every window has closed."""
        window = self.calendar.dlt_window_days
        letters, parts, deaths, complete = "", [], 0, True
        for infusion, found, on_dose, dlt_day, death_day in cohort.members:
            deaths += death_day < _NEVER and death_day <= day
            observed = day >= infusion + window
            complete = complete and observed
            if on_dose:
                toxic = dlt_day <= day
                letters += found if observed else "T" if toxic else "N"
                parts.append(1.0 if observed or toxic else max(0.0, (day - infusion) / window))
        follow_up = () if complete or min(parts, default=1.0) == 1.0 else tuple(parts)
        known = as_seen(cohort.node, letters, deaths, follow_up, backfill=cohort.backfill, responses=self.responses)
        if self.delivery and cohort.short:
            known = replace(known, undelivered=sum(one <= day for one in cohort.short))
        if complete and cohort.full and day < _NEVER:
            cohort.known = known
        return known

    def happened(self) -> History:
        """Everything that has happened, responses included."""
        return tuple(
            Cohort(
                cohort.node,
                "".join(one.letter for one in cohort.members if one.on_dose),
                sum(one.death_day < _NEVER for one in cohort.members),
                backfill=cohort.backfill,
            )
            for cohort in self.treated
        )

    def next_event(self, day: float) -> float:
        """Day of the next toxicity or end of a window after ``day``; the day itself if everything has been seen."""
        window = self.calendar.dlt_window_days
        ends = (
            min(one.dlt_day, one.infusion + window) for cohort in self.treated for one in cohort.members if one.on_dose
        )
        return min((end for end in ends if end > day), default=day)

    def last_window(self) -> float:
        """Day on which the last window closes; 0 if nobody was infused."""
        infusions = (one.infusion for cohort in self.treated for one in cohort.members)
        return max(infusions, default=-self.calendar.dlt_window_days) + self.calendar.dlt_window_days

    def closed_from(self, node: str) -> float:
        """Day from which a death that is still to come closes a node; never if none does."""
        lower = {node, *self.design.space.below(node)}
        days = [one.death_day for cohort in self.treated if cohort.node in lower for one in cohort.members]
        first = min(days, default=_NEVER)
        return first if first < _NEVER and lower & self.design.closes(self.seen(_NEVER)) else _NEVER

    def note(self, who: _Waiting, node: int, status: str, infusion: float, reason: str | None) -> None:
        """Enter a patient's fate into the record."""
        entry = Entry(who.sequence, who.patient, node, status, who.enrolled, infusion, reason)
        self.record.entries.append(entry)


def as_seen(
    node: str, letters: str, deaths: int, follow_up: tuple[float, ...], *, backfill: bool, responses: bool
) -> Cohort:
    """A cohort in canonical order, as a design sees it that knows responses or does not.

    Trials repeat each other's toxicities, so that most questions have been answered before.
    """
    if not responses:
        if not follow_up:
            toxic = letters.count("T") + letters.count("B")
            return Cohort(node, "N" * (len(letters) - toxic) + "T" * toxic, deaths, (), backfill)
        letters = letters.translate(_WITHOUT_RESPONSE)
    return Cohort(node, letters, deaths, follow_up, backfill).canonical()
