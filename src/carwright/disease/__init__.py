"""The diseases: for each model, what is read from patients, what is summarised, and what the report shows."""

from carwright.disease.disease import Disease, Section
from carwright.disease.registry import DISEASES, find_disease

__all__ = ["DISEASES", "Disease", "Section", "find_disease"]
