"""The front door: study files, their schema and overrides."""

from carwright.study.load import list_studies, load_study, read_study
from carwright.study.quantities import QUANTITIES, Quantity
from carwright.study.schema import STUDY_ARM, PublishedFact, Study
from carwright.study.trial_settings import TrialSettings, trial_settings

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
