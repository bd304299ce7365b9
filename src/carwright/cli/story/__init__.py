"""What a run's tables say about one patient, one trial, one node or the whole run: as data and as text."""

from carwright.cli.story.node import node_text, of_node
from carwright.cli.story.overview import overview, overview_text
from carwright.cli.story.patient import of_patient, patient_text
from carwright.cli.story.simulation import (
    simulated_overview,
    simulated_overview_text,
    simulated_patient,
    simulated_patient_text,
)
from carwright.cli.story.trial import of_trial, trial_text

__all__ = [
    "node_text",
    "of_node",
    "of_patient",
    "of_trial",
    "overview",
    "overview_text",
    "patient_text",
    "simulated_overview",
    "simulated_overview_text",
    "simulated_patient",
    "simulated_patient_text",
    "trial_text",
]
