"""Amendment: nodes that are added while the trial is under way.

NCT03089203 opened with cohorts 1, 2 and 3; cohort -3, fewer cells after the same lymphodepletion, was added when cohort
3 had met a dose-limiting toxicity (registry record; Cancer Discov 2022;12:1406).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from carwright.errors import CarwrightError, Problems
from carwright.trial import option
from carwright.trial.batch import NOBODY, Batch, Decisions, Flags, Floats, Ints
from carwright.trial.design import Design
from carwright.trial.rules.rule import Rule
from carwright.trial.space import DoseSpace


def _mapping(value: object) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ValueError
    return {str(key): each for key, each in value.items()}


@dataclass(frozen=True, kw_only=True)
class Amendment(Rule):
    """A design on part of its nodes until an amendment adds the others.

    Before the amendment the same design decides on the space without the added nodes, with the options ``before``
    where they differ. What was seen before counts afterwards.
    """

    title: ClassVar[str] = "amendment"

    adds: tuple[str, ...] = option.labels("Nodes that the amendment adds.", source="NCT03089203 added cohort -3")
    when: str = option.choice(
        "ended",
        "When: as soon as the trial would end without them, at the first dose-limiting toxicity, or after n patients.",
        ("ended", "toxicity", "patients"),
        source="NCT03089203: after the toxicity of cohort 3",
    )
    n: int = option.whole(9, "Patients after which, where that is asked.", low=1, source="assumed")
    before: Mapping[str, Any] | None = option.custom(
        None, "Options of the design that differ before the amendment, such as {path: [1, 2, 3]}; null for none.",
        allowed="options by name, or null", read=_mapping, source="the protocol",
    )  # fmt: skip

    def check(self, problems: Problems) -> None:
        """Record nodes that cannot be added, and options that the design does not take."""
        known = self.space.labels
        unknown = [label for label in self.adds if label not in known]
        if isinstance(self.inner, Rule) or unknown or not self.adds or len(set(self.adds)) >= len(known):
            problems.add(
                "TRIAL039",
                "the amendment does not fit the design",
                where=f"rules, {self.title}",
                found=", ".join(self.adds) or "no nodes",
                allowed=f"some but not all of {', '.join(known)}, and the first of the rules",
                fix="name the nodes that are added, and put the amendment first",
            )
            return
        try:
            _ = self.original
        except CarwrightError as error:
            problems.extend(error)

    @cached_property
    def original(self) -> Design:
        """The design before the amendment."""
        core: Any = self.inner
        kept = [node for node in self.space.nodes if node.id not in self.adds]
        labels = [node.id for node in kept]
        order = tuple(f"{low} < {high}" for low in labels for high in labels if high in self.space.above(low))
        needed = {
            name: getattr(core, name)
            for name, (_, entry) in option.options_of(type(core)).items()
            if option.default_of(entry) is MISSING
        }
        before = {**needed, **(self.before or {})}
        values = option.read_options(type(core), f"design {core.name}", before, f"rules, {self.title}, before")
        given = {entry.name for entry in fields(core)}
        if "path" in given and "path" not in values:
            values["path"] = tuple(label for label in core.path if label in labels)
        # The record of the design itself, with the smaller space and what differs before.
        found: Design = replace(core, dose_space=DoseSpace(tuple(kept), order), **values)
        return found

    def amended(self, batch: Batch, before: Decisions) -> Flags:
        """Trials in which the nodes have been added; shape (t,)."""
        added = [self.space.columns[label] for label in self.adds]
        used: Flags = np.any(batch.patients[:, added] + batch.not_delivered[:, added] > 0, axis=1)
        triggers: dict[str, Flags] = {
            "ended": before.over,
            "toxicity": batch.dlts.sum(axis=1) > 0,
            "patients": batch.total >= self.n,
        }
        return used | triggers[self.when]

    def decide_batch(self, batch: Batch) -> Decisions:
        """Decide on the original nodes, or after the amendment on all."""
        before = self._before(batch)
        after = self.inner.decide_batch(batch)
        late = self.amended(batch, before)
        pick = {
            name: np.where(late, getattr(after, name), getattr(before, name))
            for name in ("node", "size", "waits", "recommended")
        }
        fills = [np.zeros(late.shape, np.bool_) if each.backfill is None else each.backfill for each in (before, after)]
        backfill = None if before.backfill is None and after.backfill is None else np.where(late, fills[1], fills[0])
        return Decisions(
            **pick,
            admissible=np.where(late[:, None], after.admissible, before.admissible),
            reason=np.where(late, len(before.reasons) + after.reason, before.reason),
            reasons=(*before.reasons, *after.reasons),
            backfill=backfill,
        )

    def select_batch(self, batch: Batch) -> Ints:
        """Recommend as the design that decides."""
        before = self._before(batch)
        place = np.array([*self._columns, NOBODY], dtype=np.int64)
        early = place[self.original.select_batch(batch.columns(self._columns))]
        chosen: Ints = np.where(self.amended(batch, before), self.inner.select_batch(batch), early)
        return chosen

    def toxicity_above(self, batch: Batch, limit: float) -> Floats:
        """Probability of more toxicity, as the design on all nodes sees it."""
        return self.inner.toxicity_above(batch, limit)

    @cached_property
    def _columns(self) -> tuple[int, ...]:
        return tuple(self.space.columns[label] for label in self.original.space.labels)

    def _before(self, batch: Batch) -> Decisions:
        """Decisions of the original design, on the columns of the whole space."""
        found = self.original.decide_batch(batch.columns(self._columns))
        place = np.array([*self._columns, NOBODY], dtype=np.int64)
        admissible = np.zeros(batch.patients.shape, dtype=np.bool_)
        admissible[:, self._columns] = found.admissible
        return replace(found, node=place[found.node], recommended=place[found.recommended], admissible=admissible)
