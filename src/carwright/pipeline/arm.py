"""One arm of a study, ready to be solved: kernel, dosing, settings of the clinic and of the trial."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from carwright.clinic.care import care_rules, sign_watches
from carwright.clinic.grade import Settings
from carwright.clinic.interventions import intervention_triggers
from carwright.construct import parse_gate
from carwright.disease import find_disease
from carwright.engine import Trigger, compile_kernel
from carwright.models import load_model
from carwright.simulation.source import built_in_system, extinctions
from carwright.study import trial_settings
from carwright.study.constructs import construct_of, medians_of
from carwright.study.interventions import effects

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carwright.clinic.interventions import Effects
    from carwright.construct import Construct
    from carwright.disease import Disease
    from carwright.engine import Kernel
    from carwright.models import Model
    from carwright.study import Study, TrialSettings
    from carwright.trial.space import DoseSpace

    Floats = NDArray[np.float64]

START_DAY = -7.0
"""First simulated day: before the lymphodepletion of every regimen."""

DAILY_UNTIL = 90.0
"""Last day on which courses are read every day: CRS that late was simulated in few patients."""


@dataclass(frozen=True)
class Arm:
    """An arm of a study.

    Parameters
    ----------
    name, label
        Its name in tables, and for readers.
    study
        The study as it holds for this arm.
    """

    name: str
    label: str
    study: Study

    @cached_property
    def model(self) -> Model:
        """The disease model."""
        return load_model(self.study.model)

    @property
    def disease(self) -> Disease:
        """What is read, summarised and shown."""
        return find_disease(self.study.model)

    @cached_property
    def medians(self) -> dict[str, float]:
        """Population medians that the construct, interventions and the study set; the study has the last word."""
        own = medians_of(self.study, self.model)
        return {**own, **self.effects.parameters, **self.study.parameters}

    @cached_property
    def construct(self) -> Construct:
        """The CAR, with the gate that the study gives it."""
        return construct_of(self.study)

    @property
    def edited_antigens(self) -> tuple[str, ...]:
        """Antigens that edited cells of a graft lack or hide: all of the gate's unless the study names them."""
        named = self.effects.edited_antigens
        return parse_gate(self.construct.gate).antigens if named is None else named

    @cached_property
    def effects(self) -> Effects:
        """What the study's interventions do to a patient."""
        return effects(self.study.interventions)

    @cached_property
    def trial(self) -> TrialSettings:
        """What a simulated trial of this arm is conducted with."""
        return trial_settings(self.study)

    @property
    def space(self) -> DoseSpace:
        """The dose nodes and their order."""
        return self.trial.space

    @cached_property
    def settings(self) -> Settings:
        """How patients are graded."""
        rules = self.study.adjudication
        return Settings(
            panel=self.disease.panel,
            window_days=rules.window_days,
            ctcae_version=rules.ctcae,
            adjudication=rules.rule,
        )

    @cached_property
    def rules(self) -> tuple[str, ...]:
        """Adjudication rules under which trials are replayed, the study's own first."""
        chosen = self.study.adjudication
        return tuple(dict.fromkeys((chosen.rule, *chosen.compare)))

    @cached_property
    def times(self) -> Floats:
        """Days at which courses are read: half-days while CRS is likely, days while it is possible, then weeks."""
        horizon = self.study.horizon_days
        grid = (
            np.arange(START_DAY, 0.0, 1.0),
            np.arange(0.0, min(42.0, horizon) + 1e-9, 0.5),
            np.arange(42.0, min(DAILY_UNTIL, horizon) + 1e-9, 1.0),
            np.arange(DAILY_UNTIL, horizon + 1e-9, 3.5),
            self.disease.panel.days(horizon),
            np.array([horizon]),
        )
        return np.unique(np.concatenate([part[part <= horizon] for part in grid]))

    @cached_property
    def observables(self) -> tuple[str, ...]:
        """Read-outs and states whose courses are computed."""
        return self.disease.observables

    @cached_property
    def kernel(self) -> Kernel:
        """The compiled model with the care that reacts in the solve."""
        system = built_in_system(self.model)
        return compile_kernel(
            system,
            observables=self.observables,
            functionals=(),
            triggers=tuple(trigger for group in self.triggers.values() for trigger in group),
        )

    @cached_property
    def triggers(self) -> dict[str, tuple[Trigger, ...]]:
        """What may happen during a solve: signs are noted before care answers them, and clones die out."""
        return {
            "signs": sign_watches(),
            "care": care_rules(self.study.care),
            "interventions": intervention_triggers(self.effects),
            "extinctions": extinctions(self.model.table),
        }

    def of_triggers(self, group: str, values: Floats) -> Floats:
        """Columns of one group of triggers from an array of patients by triggers."""
        first = 0
        for name, triggers in self.triggers.items():
            if name == group:
                return values[:, first : first + len(triggers)]
            first += len(triggers)
        raise KeyError(group)


def arms_of(study: Study) -> tuple[Arm, ...]:
    """Arms of a study, its own first."""
    return tuple(Arm(name, label, resolved) for name, label, resolved in study.arms())
