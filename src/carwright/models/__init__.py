"""The biology as data: Antimony modules and one parameter table per disease.

`load_model` composes them into one model; `Model.sbml` is what the engine, libroadrunner and COPASI read.
"""

from carwright.models.check import check_model
from carwright.models.compose import Model, list_models, load_model
from carwright.models.table import Correlation, Kind, Parameter, ParameterTable, State

__all__ = [
    "Correlation",
    "Kind",
    "Model",
    "Parameter",
    "ParameterTable",
    "State",
    "check_model",
    "list_models",
    "load_model",
]
