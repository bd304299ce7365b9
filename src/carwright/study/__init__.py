"""The front door: study files, their schema and overrides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carwright.lazy import exports

if TYPE_CHECKING:
    from carwright.study.conduct import TrialSettings, trial_settings
    from carwright.study.load import list_studies, load_study, read_study
    from carwright.study.quantities import QUANTITIES, Quantity
    from carwright.study.schema import STUDY_ARM, PublishedFact, Study

__all__ = [
    "QUANTITIES",
    "STUDY_ARM",
    "PublishedFact",
    "Quantity",
    "Study",
    "TrialSettings",
    "list_studies",
    "load_study",
    "read_study",
    "trial_settings",
]

_HOME = {
    "TrialSettings": "conduct",
    "trial_settings": "conduct",
    "list_studies": "load",
    "load_study": "load",
    "read_study": "load",
    "QUANTITIES": "quantities",
    "Quantity": "quantities",
    "STUDY_ARM": "schema",
    "PublishedFact": "schema",
    "Study": "schema",
}
__getattr__ = exports(__name__, _HOME)
